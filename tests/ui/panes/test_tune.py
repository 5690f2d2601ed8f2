import pytest
from textual.app import App, ComposeResult
from textual.widgets import Button, Input, Select, Static

from tui_finetune.recipe import TrainSection, parse_recipe
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.tune import TunePane
from tui_finetune.ui.panes.tune_fields import FIELDS
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)


class Tuning(App[None]):
    """The pane between lines above and a footer, as in the dashboard."""

    CSS = "#above { height: 3; }"

    def __init__(self, draft):
        super().__init__()
        self.pane = TunePane(draft, id="tune")
        self.started = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()

    def on_tune_pane_start_wanted(self, message):
        self.started.append(message.recipe)


async def write(pilot, key, text):
    """Type into a field, instead of what stands there."""
    field = pilot.app.query_one(f"#field-{key.replace('.', '-')}", Input)
    field.focus()
    await pilot.pause()
    field.value = ""
    await pilot.press(*text)
    await pilot.pause()
    return field


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
