import asyncio
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Button, Input, Select, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.recipe import TrainSection, parse_recipe
from tui_finetune.ui.app import Dashboard
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.tune import TunePane
from tui_finetune.ui.panes.tune_fields import FIELDS
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)


class SilentEngine(EngineClient):
    """An engine that never answers, and starts no process."""

    async def request(self, method, params, on_progress=None):
        await asyncio.Event().wait()


class Tuning(App[None]):
    """The pane between lines above and a footer, as in the dashboard."""

    CSS = "#above { height: 3; }"

    def __init__(self, draft, engine=None, home=Path("/nonexistent")):
        super().__init__()
        self.draft = draft
        self.pane = TunePane(draft, engine or SilentEngine(home), home, id="tune")
        self.started = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()

    def on_start_wanted(self):
        self.started.append(self.draft.recipe())


async def write(pilot, key, text):
    """Type into a field, instead of what stands there."""
    field = pilot.app.query_one(f"#field-{key.replace('.', '-')}", Input)
    field.focus()
    await pilot.pause()
    field.value = ""
    await pilot.press(*text)
    await pilot.pause()
    return field


async def name_file(pilot, key, path):
    """Open the window that asks for a file, and answer."""
    await pilot.press(key)
    await pilot.pause()
    pilot.app.screen.query_one(Input).value = str(path)
    await pilot.press("enter")


def said(app):
    """Return the notifications, whose words are broken into lines on the screen."""
    return " ".join(note.message for note in app._notifications)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_every_field_has_its_label_its_own_name_and_a_meaning(size, draft, screen_text):
    app = Tuning(draft)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        for field in FIELDS:
            line = next(line for line in text.splitlines() if line.startswith(f" {field.label}"))
            assert field.own_name in line
            assert (field.more if size == WIDE else field.meaning) in line
        assert "Start training" in text


async def test_the_form_shows_the_recipe_and_what_follows_from_it(draft, model, screen_text, until):
    draft.model = Finding(result=model())
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "0 warmup" in screen_text(app))
        text = screen_text(app)
        for part in (
            "films.csv · 1000 rows · 2 labels · text → label",
            "starter · BertModel · 22.7 M parameters · at most 512 tokens",
            "800 train · 100 validation · 100 test", "50 an epoch · 150 in all · 0 warmup",
        ):  # fmt: skip
            assert part in text
        assert app.query_one("#field-train-learning_rate", Input).value == "5e-5"


async def test_the_start_has_the_focus_and_enter_starts(draft):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert [recipe.data.source for recipe in app.started] == ["/data/films.csv"]


async def test_what_is_typed_goes_into_the_recipe_that_starts(draft, screen_text):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await write(pilot, "train.num_train_epochs", "2")
        rate = await write(pilot, "train.learning_rate", "1e-4")
        assert rate.value == "1e-4"
        assert draft.value("train.learning_rate") == 0.0001
        await write(pilot, "name", "my run")
        app.query_one("#field-train-lr_scheduler_type", Select).value = "cosine"
        await pilot.pause()
        assert "100 in all" in screen_text(app)
        await pilot.press("ctrl+s")
        await pilot.pause()
        (recipe,) = app.started
        assert recipe.train == TrainSection(
            num_train_epochs=2, learning_rate=1e-4, lr_scheduler_type="cosine", warmup_steps=0
        )
        assert recipe.name == "my run"


async def test_a_wrong_value_is_marked_on_its_field_and_stops_the_start(draft, screen_text):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await write(pilot, "train.learning_rate", "abc")
        text = screen_text(app)
        line = next(line for line in text.splitlines() if "learning_rate   " in line)
        assert line.rstrip().endswith("✗ write a number")
        assert "Learning rate: write a number, such as 1e-4 or 3" in text
        assert app.query_one("#start", Button).disabled
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.started == []
        await write(pilot, "train.per_device_train_batch_size", "1.5")
        assert "✗ write a whole number" in screen_text(app)
        await write(pilot, "train.per_device_train_batch_size", "0")
        assert "✗ must be 1 or more" in screen_text(app)
        await write(pilot, "train.per_device_train_batch_size", "8")
        await write(pilot, "train.learning_rate", "3e-5")
        assert "✗" not in screen_text(app).split("rows ")[0]
        assert not app.query_one("#start", Button).disabled


async def test_an_empty_patience_means_never(draft):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await write(pilot, "early_stopping.patience", "")
        assert draft.recipe().early_stopping.patience is None


async def test_without_data_the_start_is_off_and_says_why(screen_text):
    app = Tuning(Draft())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert app.query_one("#start", Button).disabled
        assert "no data yet: choose a file in Data (F1)" in screen_text(app)
        assert "— train · — validation · — test" in screen_text(app)


async def test_while_it_starts_a_second_start_is_not_taken(draft, screen_text):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        app.pane.starting(True)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.started == []
        assert "starting" in screen_text(app)


async def test_the_start_stays_in_sight_on_a_low_screen(draft, screen_text, until):
    app = Tuning(draft)
    async with app.run_test(size=(80, 16)) as pilot:
        await until(pilot, lambda: "▶ Start training" in screen_text(app))
        assert "Run name" not in screen_text(app)
        app.query_one("#field-name").focus()
        await until(pilot, lambda: "Run name" in screen_text(app))
        assert "▶ Start training" in screen_text(app)


async def test_another_recipe_fills_the_form(draft):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        content = {
            "data": {"source": "b.csv"},
            "train": {"learning_rate": 2e-5, "lr_scheduler_type": "reduce_lr_on_plateau"},
        }
        draft.replace(parse_recipe(content, "test"))
        await pilot.pause()
        assert app.query_one("#field-train-learning_rate", Input).value == "2e-5"
        scheduler = app.query_one("#field-train-lr_scheduler_type", Select)
        assert scheduler.value == "reduce_lr_on_plateau"
        assert draft.recipe().train.lr_scheduler_type == "reduce_lr_on_plateau"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_recipes_are_shown_harmless(size, profile, screen_text, hostile):
    content = {
        "data": {"source": f"/d/{hostile}"},
        "model": {"source": hostile},
        "name": hostile[:50],
        "train": {"lr_scheduler_type": hostile},
    }
    draft = Draft(parse_recipe(content, "test"))
    draft.data = Finding(result=profile(text=hostile, label=hostile))
    app = Tuning(draft)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert not any(sign in screen_text(app) for sign in ("\x1b", "\x07", "\u202e"))


async def test_up_and_down_pass_the_drop_downs_and_enter_opens_them(draft):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        app.query_one("#field-train-warmup_steps").focus()
        await pilot.pause()
        for key, expected in (
            ("down", "field-train-lr_scheduler_type"),
            ("down", "field-train-seed"),
            ("up", "field-train-lr_scheduler_type"),
            ("up", "field-train-warmup_steps"),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert app.focused.id == expected
            assert not app.query_one("#field-train-lr_scheduler_type", Select).expanded
        await pilot.press("down", "enter", "down", "enter")
        await pilot.pause()
        assert draft.value("train.lr_scheduler_type") == "cosine"


async def test_what_differs_from_the_default_has_a_mark(draft, screen_text):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        marked = [line.split()[0] for line in screen_text(app).splitlines() if "●" in line]
        assert marked == ["Learning", "Warmup"]
        await write(pilot, "train.learning_rate", "1e-4")
        await write(pilot, "train.seed", "7")
        marked = [line.split()[0] for line in screen_text(app).splitlines() if "●" in line]
        assert marked == ["Warmup", "Seed"]


async def test_what_a_step_takes_in_is_in_sight(draft, screen_text):
    draft.note_tokens({"tokens": draft.content["tokens"]}, 20.25)
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await write(pilot, "train.gradient_accumulation_steps", "2")
        assert "32 rows a step (effective batch) · 648 tokens" in screen_text(app)
        assert "25 an epoch · 75 in all" in screen_text(app)


async def test_tokens_are_counted_once_data_and_model_are_known(
    draft, model, answering_engine, screen_text, until
):
    answering_engine.answers = {"token_lengths": lambda params: {"mean": 20.25}}
    app = Tuning(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "— tokens" in screen_text(app))
        draft.model = Finding(result=model())
        draft.changed()
        await until(pilot, lambda: "(effective batch) · 324 tokens" in screen_text(app), 5)
        draft.changed()
        (asked,) = answering_engine.of("token_lengths")
        assert asked["tokens"] == draft.content["tokens"]


async def test_a_preset_shows_what_it_changes_before_enter_sets_it(
    draft, model, tmp_path, screen_text
):
    draft.model = Finding(result=model())
    app = Tuning(draft, home=tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+l")
        await pilot.pause()
        text = screen_text(app)
        assert "for a model of 23 M parameters and 800 rows" in text
        assert "5e-5 → 1e-4" in text
        assert "weight_decay" not in text.split("Memory-lean")[1].split("rows ")[0]
        await pilot.press("down", "down", "down")
        await pilot.pause()
        text = screen_text(app)
        for change in ("16 → 8", "1 → 2", "gradient_checkpointing", "not set → true"):
            assert change in text
        assert draft.value("train.per_device_train_batch_size") == 16
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(app)
        assert draft.value("train.per_device_train_batch_size") == 8
        assert "others gradient_checkpointing true" in text
        assert "16 rows a step" in text
        assert app.query_one("#field-train-gradient_accumulation_steps", Input).value == "2"


async def test_present_settings_are_saved_as_a_preset_and_chosen_again(
    draft, tmp_path, screen_text
):
    app = Tuning(draft, home=tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+l", "s", *"For [b]", "enter")
        await pilot.pause()
        assert "For [b] (saved)" in screen_text(app)
        await pilot.press("escape")
        draft.set("train.learning_rate", "1")
        await pilot.press("ctrl+l", "up")  # from the first to the last
        await pilot.pause()
        assert "1 → 5e-5" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert draft.value("train.learning_rate") == 5e-5


async def test_a_recipe_is_saved_with_the_comments_of_the_file_that_was_opened(
    draft, tmp_path, screen_text, until
):
    path = tmp_path / "films.yaml"
    path.write_text("# mine\ndata: {source: /d/x.csv}\ntrain: {seed: 7}  # lucky\n")
    app = Tuning(draft, home=tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await name_file(pilot, "ctrl+o", path)
        await until(pilot, lambda: app.query_one("#field-train-seed", Input).value == "7")
        assert draft.value("data.source") == "/d/x.csv"
        await write(pilot, "train.seed", "8")
        await pilot.press("ctrl+r")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "seed: 8" in path.read_text())
        assert path.read_text() == ("# mine\ndata: {source: /d/x.csv}\ntrain: {seed: 8}  # lucky\n")
        draft.undo()
        draft.undo()
        await pilot.pause()
        assert draft.value("data.source") == "/data/films.csv"


async def test_another_file_is_written_only_after_a_question(draft, tmp_path, until, screen_text):
    path = tmp_path / "other.yaml"
    path.write_text("data: {source: /d/x.csv}\n")
    draft.file = tmp_path / "films.yaml"
    app = Tuning(draft, home=tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        for answer, source in (("n", "/d/x.csv"), ("y", "/data/films.csv")):
            await name_file(pilot, "ctrl+r", path)
            await until(pilot, lambda: "other.yaml is there already" in screen_text(app))
            await pilot.press(answer)
            await until(pilot, lambda: len(app.screen_stack) == 1)
            await pilot.pause(0.2)
            assert source in path.read_text()


async def test_what_cannot_be_opened_or_saved_says_why(draft, tmp_path, screen_text, until):
    app = Tuning(Draft(), home=tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "no data yet" in screen_text(app))
        await name_file(pilot, "ctrl+o", tmp_path / "gone.yaml")
        await until(pilot, lambda: "cannot read this recipe" in said(app))


async def test_undo_fills_even_the_field_that_has_the_focus(draft):
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        field = await write(pilot, "train.weight_decay", "0.25x")
        assert draft.problems
        for value in ("0.25", "0.01"):
            draft.undo()
            await pilot.pause()
            assert field.value == value
        assert draft.redo()
        await pilot.pause()
        assert field.value == "0.25"


async def test_undo_works_beside_the_tune_pane_and_looks_at_the_data_again(
    silent_engine, tmp_path, until, screen_text
):
    app = Dashboard(tmp_path, parse_recipe({"data": {"source": "/d/a.csv"}}, "test"))
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "num_train_epochs" in screen_text(app))
        inside = app._workspace.draft
        inside.replace(parse_recipe({"data": {"source": "/d/b.csv"}}, "test"))
        await pilot.press("f1")
        await until(pilot, lambda: app._workspace.current == "data")
        await pilot.press("ctrl+z")
        await until(pilot, lambda: inside.value("data.source") == "/d/a.csv")
        assert inside.data == Finding(busy=True)
        await pilot.press("f3")
        await until(pilot, lambda: app._workspace.current == "tune")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: inside.value("data.source") == "/d/b.csv")


@pytest.mark.parametrize("ready", [True, False])
async def test_a_model_that_is_here_is_looked_at_even_if_nobody_chose_it(ready, draft):
    draft.catalogue = Finding(result=[{"source": "starter", "ready": ready}])
    app = Tuning(draft)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert draft.model.busy == ready  # what is not here would be downloaded
