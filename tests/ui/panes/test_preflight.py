"""The preflight on the screen: what is found, mending it, and what stands before a start."""

import asyncio

import pytest
from textual.app import App, ComposeResult

from tui_finetune.errors import InputError
from tui_finetune.recipe import load_recipe
from tui_finetune.ui.app import Dashboard
from tui_finetune.ui.panes.preflight import PreflightScreen
from tui_finetune.ui.panes.tune import TunePane
from tui_finetune.ui.starting import start
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)
BATCH = "train.per_device_train_batch_size"


def finding(title, severity="info", message="so it is", **more):
    """Return a finding as the engine gives it."""
    whole = {"title": title, "message": message, "severity": severity, "count": 1}
    return {**whole, "field": None, "fix": None, "figures": None, **more}


ROWS = finding("Columns and rows", message="1 of 2 labels from label", field="data.columns")
LARGE = finding(
    "A batch is larger than the data", "warning", "16 rows a batch, and 12 to train on",
    count=12, field=BATCH, fix={BATCH: 8},
)  # fmt: skip
FULL = finding("Out of memory", "error", "16 rows do not fit", field=BATCH, fix={BATCH: 8})
TIME = finding(
    "Time and memory", field=BATCH,
    figures={
        "device": "cpu", "peak_bytes": 900_000_000, "seconds_per_step": 0.322,
        "steps_measured": 50, "seconds_per_evaluated_row": 0.01, "weight_bytes": 91_000_000,
        "optimizer_bytes": 182_000_000, "rows": 16, "tokens": 68, "steps": 150,
        "evaluations": 3, "total_seconds": 55.2, "memory_bytes": 8_000_000_000,
    },
)  # fmt: skip


def preflight(*quick, measured=(TIME,)):
    """Return an engine's answer: the quick findings, and those that only measuring gives."""
    return lambda params: [*quick, *(measured if params["measure"] else ())]


class Tuning(App[None]):
    """The Tune pane as in the dashboard, and its starts."""

    def __init__(self, draft, engine, home):
        super().__init__()
        self.draft, self.engine = draft, engine
        self.pane = TunePane(draft, engine, home, id="tune")

    def compose(self) -> ComposeResult:
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()

    async def on_start_wanted(self) -> None:
        self.run_worker(start(self, self.draft, self.engine, self.pane), exclusive=True)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_is_found_and_measured_is_listed_and_said_whole(
    size, draft, answering_engine, screen_text, until, tmp_path
):
    answering_engine.answers = {"preflight": preflight(LARGE, ROWS)}
    app = Tuning(draft, answering_engine, tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "not checked yet: ctrl+k" in screen_text(app))
        app.query_one("#field-train-learning_rate").focus()
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "measured: about 55s, 900 MB" in screen_text(app))
        text = screen_text(app)
        asked = [params["measure"] for params in answering_engine.of("preflight")]
        assert asked == [False, True]
        assert "! A batch is larger than the data        12" in text
        assert f"g goes to {BATCH} (now 16)" in text
        assert f"Enter sets {BATCH} to 8" in text
        await pilot.press("end")
        text = screen_text(app)
        for figure in ("0.322 s", "900 MB", "8.0 GB", "about 55s", "16 x 68", "91 MB", "182 MB"):
            assert figure in text
        await pilot.press("escape")
        await until(pilot, lambda: "checked: 1 warning · about 55s, 900 MB" in screen_text(app))


async def test_enter_mends_ctrl_z_takes_it_back_and_r_checks_again(
    draft, answering_engine, screen_text, until, tmp_path
):
    answering_engine.answers = {"preflight": preflight(LARGE, ROWS)}
    app = Tuning(draft, answering_engine, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "measured: about" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert draft.value(BATCH) == 8
        assert "✓ A batch is larger than the data" in screen_text(app)
        assert "the recipe was changed since: r checks it again" in screen_text(app)
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert draft.value(BATCH) == 16
        assert "! A batch is larger than the data" in screen_text(app)
        await pilot.press("f")
        answering_engine.answers = {"preflight": preflight(ROWS)}
        await pilot.press("r")
        await until(pilot, lambda: "nothing is wrong" in screen_text(app))
        assert answering_engine.of("preflight")[-1]["recipe"]["train"][BATCH[6:]] == 8


async def test_escape_takes_the_measuring_back_and_then_leaves(
    draft, answering_engine, screen_text, until, tmp_path
):
    class Measuring(type(answering_engine)):
        async def request(self, method, params, on_progress=None):
            if params.get("measure"):
                on_progress({"what": "measuring steps", "done": 12, "of": 50})
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    self.taken_back.append("measure")
                    raise
            return await super().request(method, params, on_progress)

    engine = Measuring()
    engine.answers = {"preflight": preflight(ROWS)}
    app = Tuning(draft, engine, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "measuring steps" in screen_text(app))
        assert "12 of 50" in screen_text(app)
        assert "Columns and rows" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "not measured: r trains some real steps" in screen_text(app))
        assert engine.taken_back == ["measure"]
        await pilot.press("escape")
        await until(pilot, lambda: "checked: nothing is wrong · not measured" in screen_text(app))


async def test_hostile_findings_are_shown_harmless(
    draft, answering_engine, screen_text, until, tmp_path, hostile
):
    fix = {"name": hostile[:50]}
    bad = finding(hostile, "error", hostile, field="name", fix=fix)
    answering_engine.answers = {"preflight": preflight(bad)}
    app = Tuning(draft, answering_engine, tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "Enter sets name to" in screen_text(app))
        assert not any(sign in screen_text(app) for sign in ("\x1b", "\x07", "\u202e"))


@pytest.fixture
def dashboard(answering_engine, monkeypatch, tmp_path):
    """The dashboard with the sample recipe, and an engine that refuses each start in the end."""
    monkeypatch.setattr("tui_finetune.ui.app.EngineClient", lambda home: answering_engine)
    answering_engine.answers["train"] = lambda params: InputError("the disk has failed")
    return Dashboard(tmp_path, load_recipe("sample_data/reviews.yaml"))


async def opened(pilot, until):
    app = pilot.app
    await until(pilot, lambda: app._workspace and len(app._workspace.children) == 9, 20)
    await until(pilot, lambda: app.focused is not None)


async def test_a_start_with_nothing_wrong_asks_nothing_and_can_be_given_up_before(
    dashboard, answering_engine, screen_text, until
):
    async with dashboard.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: "checked …   Esc gives up" in screen_text(dashboard))
        await pilot.press("escape")
        await until(pilot, lambda: "preflight" in answering_engine.taken_back)
        await until(pilot, lambda: "Enter or ctrl+s starts it" in screen_text(dashboard))
        answering_engine.answers["preflight"] = preflight(ROWS)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "✗ the disk has failed" in screen_text(dashboard))
        (started,) = answering_engine.of("train")
        assert started["recipe"] == dashboard._workspace.draft.content
        assert not any(params["measure"] for params in answering_engine.of("preflight"))


async def test_a_warning_is_shown_before_the_start_once(
    draft, answering_engine, screen_text, until, tmp_path
):
    answering_engine.answers["preflight"] = preflight(LARGE, ROWS)
    app = Tuning(draft, answering_engine, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "▶ Start anyway" in screen_text(app))
        assert answering_engine.of("train") == []
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(answering_engine.of("train")) == 1)
        assert "starting" in screen_text(app)
        app.pane.starting(False)  # as after a refusal
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(answering_engine.of("train")) == 2)
        app.pane.starting(False)
        draft.set("train.seed", 7)
        await until(pilot, lambda: "not checked yet" in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, PreflightScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: len(answering_engine.of("train")) == 3)


async def test_an_error_that_was_measured_is_in_the_way_until_it_is_mended(
    draft, answering_engine, screen_text, until, tmp_path
):
    answering_engine.answers["preflight"] = preflight(ROWS, measured=[FULL])
    app = Tuning(draft, answering_engine, tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "✗ Out of memory" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "checked: 1 error" in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Before it starts · 1 error" in screen_text(app))
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, PreflightScreen)
        await pilot.press("end", "enter", "ctrl+s")
        await until(pilot, lambda: answering_engine.of("train"))
        assert answering_engine.of("train")[0]["recipe"]["train"][BATCH[6:]] == 8


async def test_a_key_leads_to_the_field(dashboard, answering_engine, screen_text, until):
    fields = ("data.test", "model.source", "train.learning_rate", "train.save_total_limit")
    found = [finding(f"About {field}", field=field) for field in fields]
    answering_engine.answers["preflight"] = preflight(*found)
    async with dashboard.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        for number, there in enumerate(
            (
                lambda: dashboard._workspace.current == "data",
                lambda: dashboard._workspace.current == "model",
                lambda: dashboard.focused.id == "field-train-learning_rate",
                lambda: dashboard.screen.query_one("#find").value == "save_total_limit",
            )
        ):
            await pilot.press("f3", "ctrl+k")
            await until(pilot, lambda: "About model.source" in screen_text(dashboard))
            await pilot.press(*["down"] * number, "g")
            await until(pilot, lambda: not isinstance(dashboard.screen, PreflightScreen))
            await until(pilot, there)
