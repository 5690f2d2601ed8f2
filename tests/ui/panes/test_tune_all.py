"""All fields of `TrainingArguments`, found and set by keyboard."""

import asyncio
import re

import pytest
import yaml
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static

from tui_finetune.engine.answers import Answers
from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.presets import UNSET
from tui_finetune.recipe import load_recipe, parse_recipe, set_value
from tui_finetune.training.arguments import RESERVED, training_arguments
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune import TunePane
from tui_finetune.ui.panes.tune_all import FieldsScreen, matching
from tui_finetune.ui.panes.tune_fields import as_yaml

from ...field_values import FIELDS, WANTING, WITH, bad_value, other_value, plain

NARROW, WIDE = (80, 24), (160, 48)


class EngineHere(EngineClient):
    """Gives the engine's own answers, without a process."""

    async def request(self, method, params, on_progress=None):
        return Answers(self._home).of(method)(params, lambda progress: None)


class Tuning(App[None]):
    def __init__(self, draft, home):
        super().__init__()
        self.pane = TunePane(draft, EngineHere(home), home)

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.focus()


async def open_fields(pilot, until, screen_text):
    await pilot.press("ctrl+f")
    await until(pilot, lambda: f"All {len(FIELDS)} fields" in screen_text(pilot.app))
    await until(pilot, lambda: "being checked" not in screen_text(pilot.app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_fields_stand_with_their_value_and_their_default(
    size, draft, tmp_path, screen_text, until
):
    draft.set("train.optim", "sgd")
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=size) as pilot:
        await open_fields(pilot, until, screen_text)
        lines = screen_text(app).splitlines()
        row = {line.split()[1]: line.split() for line in lines if len(line.split()) > 3}
        assert row["learning_rate"][:4] == ["●", "learning_rate", "5e-5", "5e-5"]
        assert row["per_device_train_batch_size"][:4] == [
            "○", "per_device_train_batch_size", "16", "8",
        ]  # fmt: skip
        assert row["output_dir"][0] == "–"
        assert row["optim"][:4] == ["●", "optim", "sgd", "adamw_torch_fu…"]
        assert "The output directory where the model" in screen_text(app)
        assert "reserved: the run's own folder" in screen_text(app)
        assert "● set   ○ by this program" in screen_text(app)
        assert "3 set" in screen_text(app)


async def test_typing_finds_a_field_by_its_name_or_its_help(draft, tmp_path, screen_text, until):
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await open_fields(pilot, until, screen_text)
        await pilot.press(*"label smooth")
        await pilot.pause()
        text = screen_text(app)
        assert "label_smoothing_factor  float · default 0" in text
        assert "Zero means no smoothing" in text
        assert app.screen.query_one(OptionList).option_count == 1
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.query_one(OptionList).option_count == len(FIELDS)
        await pilot.press(*"zzz")
        await pilot.pause()
        assert "no field has this" in screen_text(app)
        await pilot.press("enter")  # nothing to set
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, FieldsScreen)


async def test_a_bad_value_is_named_with_its_reason_while_it_is_typed(
    draft, tmp_path, screen_text, until
):
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await open_fields(pilot, until, screen_text)
        await pilot.press(*"max_steps", "enter", *"x")
        await until(pilot, lambda: "✗ max_steps: 'x'" in screen_text(app))
        await pilot.press("enter")  # stays, as it cannot be
        assert app.focused.id == "value"
        await pilot.press("backspace", *"12")
        await until(pilot, lambda: "✓ taken" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert app.focused.id == "find"
        assert draft.value("train.max_steps") == 12
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert "others max_steps 12" in screen_text(app)
        assert "50 an epoch · 12 in all" in screen_text(app)


async def test_a_usual_field_says_at_once_what_it_takes(draft, tmp_path, screen_text, until):
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await open_fields(pilot, until, screen_text)
        await pilot.press(*"learning_rate", "enter", *"-1")
        await pilot.pause()
        assert "✗ learning_rate: must be above 0" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert draft.problems == {}
        assert draft.value("train.learning_rate") == 5e-5


async def test_escape_leaves_a_value_as_it_was_and_ctrl_d_takes_it_out(
    draft, tmp_path, screen_text, until
):
    draft.set("train.optim", "sgd")
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await open_fields(pilot, until, screen_text)
        await pilot.press(*"optim", "enter", *"adafactor", "escape")
        await pilot.pause()
        assert draft.value("train.optim") == "sgd"
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert "optim" not in draft.content["train"]
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert draft.value("train.optim") == "sgd"
        await pilot.press("enter", "ctrl+u", "enter")  # an empty value is the default too
        await pilot.pause()
        assert "optim" not in draft.content["train"]


async def test_only_what_differs_can_be_shown(draft, tmp_path, screen_text, until):
    draft.set("train.optim", "nonsense")
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await open_fields(pilot, until, screen_text)
        await pilot.press("ctrl+t")
        await pilot.pause()
        names = [line.split()[1] for line in screen_text(app).splitlines() if line[1:2] in "●✗"]
        assert names[:3] == ["learning_rate", "warmup_steps", "optim"]
        assert app.screen.query_one(OptionList).option_count == 3


async def test_what_the_recipe_file_brought_wrong_is_named_before_the_start(
    tmp_path, profile, screen_text, until
):
    content = {"data": {"source": "b.csv"}, "train": {"gradient_chekpointing": True}}
    draft = Draft(parse_recipe(content, "test"))
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "did you mean gradient_checkpointing?" in screen_text(app))
        assert "✗ gradient_chekpointing true" in screen_text(app)
        with pytest.raises(InputError, match="no such field"):
            draft.recipe()


def test_names_come_before_help():
    found = [field["name"] for field in matching(list(FIELDS.values()), "optim")]
    assert found[:3] == ["optim", "optim_args", "optim_target_modules"]
    assert "learning_rate" in found[3:]
    assert matching(list(FIELDS.values()), "") == list(FIELDS.values())


# What is written there is kept as an object of its own.
KEPT_AS_OBJECT = ("accelerator_config", "parallelism_config", "fsdp_config")


async def wait_for(condition):
    """Wait without the pauses of a pilot, of which there would be thousands."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def write(app, text, expected):
    """Paste into the value instead of what stands there; wait until that is said of it."""
    app.focused.select_all()
    app.focused.post_message(events.Paste(text))
    verdict = app.screen.query_one("#verdict", Static)
    await wait_for(lambda: re.match(expected, str(verdict.content)))
    assert app.focused.value == text


@pytest.mark.slow
async def test_every_field_is_set_by_keyboard_as_by_yaml_and_by_set(draft, tmp_path, until):
    """What is refused is named at once; what is taken is in the recipe and in the arguments."""
    app = Tuning(draft, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+f")
        await until(pilot, lambda: draft.checked == draft.content and draft.fields.result)
        screen, before = app.screen, draft.content
        find, verdict = screen.query_one("#find", Input), screen.query_one("#verdict", Static)
        with app.batch_update():  # nobody looks at the pictures, of which there would be thousands
            for name in FIELDS:
                find.post_message(events.Paste(name))
                await wait_for(lambda: find.value == screen._names[0] == name)  # noqa: B023
                if name in RESERVED:
                    assert str(verdict.content) == f"– reserved: {RESERVED[name]}"
                else:
                    await set_by_keyboard(app, draft, name, tmp_path)
                app.simulate_key("escape")
                await wait_for(lambda: not find.value)
                assert (app.focused, draft.content) == (find, before)


async def set_by_keyboard(app, draft, name, folder):
    value, beside = other_value(name), WITH.get(name, {})
    if name in WANTING:
        value, words = WANTING[name]
    for other, needed in beside.items():
        draft.set(f"train.{other}", needed)
    app.simulate_key("enter")
    await wait_for(lambda: app.focused.id == "value")
    await write(app, bad_value(name), f"✗ {name}: ")
    if name in WANTING:
        await write(app, value, f"✗ {name}: .*{words}")
    else:
        await write(app, as_yaml(value), "✓ taken")
        made, path = draft.recipe(), folder / "recipe.yaml"
        content = {"data": {"source": made.data.source}}
        train = {"learning_rate": 5e-5, "warmup_steps": 0, **beside, name: value}
        path.write_text(yaml.safe_dump({**content, "train": train}))
        for key, item in train.items():
            set_value(content, f"{key}={as_yaml(item)}")
        assert load_recipe(path) == made == parse_recipe(content, "--set")
        reached = plain(getattr(training_arguments(made, folder, 800), name))
        if name in KEPT_AS_OBJECT:
            reached = {key: getattr(reached, key, None) or reached[key] for key in value}
        assert reached in (value, [value])
    app.simulate_key("escape")
    await wait_for(lambda: app.focused.id == "find")
    for other in beside:
        draft.change({f"train.{other}": UNSET})
