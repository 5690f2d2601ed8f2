import time

import pytest
from textual.app import App, ComposeResult
from textual.widgets import DataTable

from tui_finetune.runs.directory import all_runs
from tui_finetune.runs.listing import list_runs
from tui_finetune.runs.status import read_status, write_status
from tui_finetune.ui.panes import runs
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.runs import RunsPane, column_widths
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)


class Listing(App[None]):
    def __init__(self, home):
        super().__init__()
        self._home = home
        self.messages = []

    def compose(self) -> ComposeResult:
        yield RunsPane(self._home)
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(RunsPane).focus()

    def on_runs_pane_opened(self, message):
        self.messages.append(("open", message.run))

    def on_runs_pane_predict_wanted(self, message):
        self.messages.append(("predict", message.run))

    def on_runs_pane_resume_wanted(self, message):
        self.messages.append(("resume", message.run))


def line_of(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


async def test_without_runs_it_says_what_to_do_and_sees_the_first_one_come(
    tmp_path, put_run, screen_text, until
):
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "No runs yet." in screen_text(app))
        assert "F3 tune and start" in screen_text(app)
        put_run("first")
        await until(pilot, lambda: "✓ finished" in screen_text(app))
        assert "No runs yet." not in screen_text(app)
        assert isinstance(app.focused, DataTable)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_row_says_what_is_known_of_a_run(tmp_path, put_run, screen_text, until, size):
    now = time.time()
    metrics = {"validation": {"accuracy": 0.8123}, "test": {"accuracy": 0.79}}
    put_run("good-one", started=now - 7300, ended=now - 7200, metrics=metrics)
    put_run("half-one", "stopped", steps=6)
    app = Listing(tmp_path)
    async with app.run_test(size=size) as pilot:
        wanted = ("good-one", "half-one", "2 runs")
        await until(pilot, lambda: all(words in screen_text(app) for words in wanted))
        text = screen_text(app)
    good, half = line_of(text, "good-one"), line_of(text, "half-one")
    assert good.startswith(" ✓ finished")
    assert "2 h ago" in good
    assert "0.812" in good
    assert "0.790" in good
    assert "1m40" in good
    assert half.startswith(" ■ stopped")
    assert "1.5/3" in half
    assert half.count("—") == 4  # start, validation, test, duration: unknown is not zero
    assert ("starter" in good) == (size == WIDE)
    assert "2 runs" in text


async def test_the_newest_run_stands_first_and_enter_opens_it(
    tmp_path, put_run, put_checkpoint, screen_text, until
):
    for name in ("one", "two", "three"):
        put_checkpoint(put_run(name))
    expected = [run.name for run in list_runs(tmp_path)]
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "three" in screen_text(app))
        rows = [line for line in screen_text(app).splitlines() if "✓" in line]
        assert [row.split()[2] for row in rows] == expected
        await pilot.press("down", "enter", "p")
        await until(pilot, lambda: len(app.messages) == 2)
        second = list_runs(tmp_path)[1].run
        assert app.messages == [("open", second), ("predict", second)]


async def test_a_live_run_changes_in_place(tmp_path, put_run, screen_text, until):
    run = put_run("live", "running", steps=4)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "● running" in screen_text(app))
        assert "1 run, 1 going on" in screen_text(app)
        status = read_status(run.status)
        status.state, status.epoch, status.metrics = "finished", 3.0, {"test": {"accuracy": 0.5}}
        write_status(run.status, status)
        await until(pilot, lambda: "✓ finished" in screen_text(app))
        assert "0.500" in line_of(screen_text(app), "live")
        assert "going on" not in screen_text(app)


async def test_the_cursor_stays_on_its_run_when_another_comes(
    tmp_path, put_run, until, screen_text
):
    put_run("a")
    put_run("b")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        pane = app.query_one(RunsPane)
        await until(pilot, lambda: pane.selected is not None)
        await pilot.press("down")
        chosen = pane.selected.id
        put_run("c")
        await until(pilot, lambda: "3 runs" in screen_text(app))
        assert pane.selected.id == chosen


async def test_delete_asks_with_the_name_and_keeps_the_run_unless_told(
    tmp_path, put_run, screen_text, until
):
    put_run("precious")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "precious" in screen_text(app))
        for keys in (["d", "enter"], ["d", "escape"]):
            await pilot.press(keys[0])
            await until(pilot, lambda: isinstance(app.screen, Question))
            assert "Delete the run precious?" in screen_text(app)
            await pilot.press(keys[1])
            await until(pilot, lambda: not isinstance(app.screen, Question))
        assert len(list_runs(tmp_path)) == 1
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "No runs yet." in screen_text(app))
        assert list_runs(tmp_path) == []


async def test_only_a_run_with_a_model_can_predict(
    tmp_path, put_run, put_checkpoint, screen_text, until
):
    run = put_run("early", "failed", steps=4)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "r Resume" in screen_text(app))
        assert "p Predict" not in screen_text(app)
        await pilot.press("p")
        put_checkpoint(run)
        await until(pilot, lambda: "p Predict" in screen_text(app))
        assert app.messages == []


@pytest.mark.parametrize(
    ("epoch", "epochs", "words"), [(1.5, 3, "1.5/3"), (19.13, 300, "19/300"), (300, 300, "300")]
)
async def test_the_epochs_stand_whole(tmp_path, put_run, screen_text, until, epoch, epochs, words):
    put_run("long", "stopped", epoch=epoch, epochs=epochs)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: f" {words} " in screen_text(app))


async def test_what_cannot_be_read_is_said_and_tried_again(
    tmp_path, put_run, screen_text, until, monkeypatch
):
    put_run("there")
    failing = [True]

    def read(home):
        if failing:
            raise PermissionError(13, "Permission denied")
        return all_runs(home)

    monkeypatch.setattr(runs, "all_runs", read)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "cannot read the runs (Permission denied)" in screen_text(app))
        failing.clear()
        await until(pilot, lambda: "✓ finished" in screen_text(app))
        assert "cannot read" not in screen_text(app)


async def test_keys_that_make_no_sense_for_a_run_do_nothing(tmp_path, put_run, screen_text, until):
    put_run("live", "running", steps=4)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "● running" in screen_text(app))
        await pilot.press("d", "r")
        await pilot.pause(0.2)
        assert not isinstance(app.screen, Question)
        assert app.messages == []


@pytest.mark.parametrize("state", ["stopped", "interrupted", "failed"])
async def test_a_run_that_ended_before_its_time_can_be_resumed(
    tmp_path, put_run, screen_text, until, state
):
    run = put_run("early", state, steps=4, reason="of its own")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: f"{state}: of its own" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: app.messages == [("resume", run)])


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_text_is_shown_as_text(tmp_path, put_run, screen_text, until, size):
    hostile = "[/] \x1b]52;c;AAAA\x07\u202egnol" + "x" * 300
    put_run(hostile, "failed", data=hostile, model=hostile, reason=hostile)
    app = Listing(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[/]" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: "Delete the run [/]" in screen_text(app))
        assert not set("\x1b\x07\u202e") & set(screen_text(app))


async def test_more_runs_than_are_shown_are_counted(
    tmp_path, put_run, screen_text, until, monkeypatch
):
    monkeypatch.setattr(runs, "NEWEST_SHOWN", 2)
    for name in "abc":
        put_run(name)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "the newest 2 of 3 runs" in screen_text(app))
        assert app.query_one(DataTable).row_count == 2


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 300])
def test_the_columns_fit_and_data_and_model_come_with_the_room(width):
    widths = column_widths(width)
    if width >= 80:
        assert sum(column + 2 for column in widths if column) < width
    assert widths[1] >= 8
    assert bool(widths[3]) == bool(widths[4]) == (width >= 112)
