import json
import time

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.runs import index as index_module
from tui_finetune.runs.about import About, read_about
from tui_finetune.runs.directory import run_ids
from tui_finetune.runs.index import list_runs
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, read_status, write_status
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.runs import MOST_COMPARED, RunsPane
from tui_finetune.ui.panes.runs_columns import columns_for, trend
from tui_finetune.ui.panes.runs_dialogs import AskLine
from tui_finetune.ui.panes.runs_table import RunsTable
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

    def on_runs_pane_recipe_wanted(self, message):
        self.messages.append(("recipe", message.run))

    def on_runs_pane_compare_wanted(self, message):
        self.messages.append(("compare", message.runs))

    def on_runs_pane_import_wanted(self, message):
        self.messages.append(("import", None))


def line_of(text: str, word: str) -> str:
    return next((line for line in text.splitlines() if word in line), "")


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
        assert isinstance(app.focused, RunsTable)


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
    assert "✓ finished" in good
    assert "2 h ago" in good
    assert "0.812" in good
    assert "0.790" in good
    assert "1m40" in good
    assert "■ stopped" in half
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
        assert names_shown(screen_text(app)) == expected
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

    def read(folder):
        if failing:
            raise PermissionError(13, "Permission denied")
        return run_ids(folder)

    monkeypatch.setattr(index_module, "run_ids", read)
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


HOSTILE = "[/] \x1b]52;c;AAAA\x07\u202egnol\x9b" + "x" * 100_000


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_text_is_shown_as_text_and_the_lines_keep_their_places(
    tmp_path, put_run, screen_text, until, size
):
    run = put_run(HOSTILE, "failed", data=HOSTILE, model=HOSTILE, reason=HOSTILE)
    about = {"name": HOSTILE, "tags": [HOSTILE], "note": HOSTILE}
    run.about.write_text(json.dumps(about))
    put_run("harmless", metrics={"validation": {HOSTILE: 1.0}, "test": {HOSTILE: 0.5}})
    app = Listing(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: all(w in screen_text(app) for w in ("[/]", "harmless")))
        for keys, shown in (("d", "Delete the run [/]"), ("n", "Name of [/]"),
                            ("t", "Tags of [/]"), ("o", "Note of [/]")):  # fmt: skip
            if "[/]" not in app.query_one(RunsPane).selected.name:
                await pilot.press("down")
            await pilot.press(keys)
            await until(pilot, lambda shown=shown: shown in screen_text(app))
            check_harmless(screen_text(app), size)
            await pilot.press("escape")
        await pilot.press("slash", *"name:x>1")
        await until(pilot, lambda: "at character" in screen_text(app))
        app.query_one(Input).value = HOSTILE
        await pilot.pause(0.2)
        check_harmless(screen_text(app), size)


def check_harmless(text, size):
    assert not set("\x1b\x07\u202e\x9b") & set(text)
    assert len(text.splitlines()) == size[1]
    assert max(map(cell_len, text.splitlines())) <= size[0]


def names_shown(text):
    """The second words of the lines with a state: the names."""
    marks = {"✓", "■", "✗", "●", "◌"}
    words = [line.replace("▸", " ").split() for line in text.splitlines()]
    return [line[2] for line in words if len(line) > 4 and line[0] in marks]


# --- the order ---


def put_three(put_run):
    now = time.time()
    for name, accuracy, started in (("b-run", 0.7, 300), ("c-run", 0.9, 200), ("a-run", None, 100)):
        put_run(
            name, started=now - started, ended=now - started / 2,
            metrics={"validation": {"accuracy": accuracy}} if accuracy else {},
        )  # fmt: skip


async def test_the_order_goes_by_any_column_and_unknown_figures_come_last_either_way(
    tmp_path, put_run, screen_text, until
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        assert "started▼" in screen_text(app)
        assert names_shown(screen_text(app)) == ["a-run", "c-run", "b-run"]
        for keys, title, names in (
            ("S", "started▲", ["b-run", "c-run", "a-run"]),
            ("ss", "name▲", ["a-run", "b-run", "c-run"]),
            ("s", "best val▼", ["c-run", "b-run", "a-run"]),
            ("S", "best val▲", ["b-run", "c-run", "a-run"]),
            ("sss", "took▼", ["b-run", "c-run", "a-run"]),
        ):
            await pilot.press(*keys)
            await until(pilot, lambda title=title: title in screen_text(app))
            assert names_shown(screen_text(app)) == names


async def test_a_click_on_a_title_sorts_by_it_and_another_turns_the_order(
    tmp_path, put_run, screen_text, until
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        x = screen_text(app).splitlines()[1].index("name")
        await pilot.click(RunsTable, offset=(x, 0))
        await until(pilot, lambda: "name▲" in screen_text(app))
        assert names_shown(screen_text(app)) == ["a-run", "b-run", "c-run"]
        await pilot.click(RunsTable, offset=(x, 0))
        await until(pilot, lambda: "name▼" in screen_text(app))
        assert names_shown(screen_text(app)) == ["c-run", "b-run", "a-run"]
        assert app.messages == []


# --- the filter ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_filter_works_while_it_is_typed_and_escape_takes_it_away(
    tmp_path, put_run, screen_text, until, size
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        await pilot.press("slash")
        await until(pilot, lambda: "such as  state:failed" in screen_text(app))
        await pilot.press(*"accuracy>0.8")
        await until(pilot, lambda: names_shown(screen_text(app)) == ["c-run"])
        assert "1 of 3 runs" in screen_text(app)
        assert "3 runs   1 match" in screen_text(app)
        await pilot.press(*" or nam:x")
        await until(pilot, lambda: "there is no key nam; did you mean name?" in screen_text(app))
        assert names_shown(screen_text(app)) == ["c-run"]  # what it meant last
        await pilot.press("enter")
        assert isinstance(app.focused, RunsTable)
        await pilot.press("escape")
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        assert "such as" not in screen_text(app)
        assert app.query_one(RunsPane).selected.name == "c-run"


async def test_a_run_that_comes_to_match_comes_into_the_list(tmp_path, put_run, screen_text, until):
    run = put_run("one", "running", steps=4)
    put_run("two")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 2)
        await pilot.press("slash", *"state:failed")
        await until(pilot, lambda: "0 of 2 runs" in screen_text(app))
        assert names_shown(screen_text(app)) == []
        write_status(run.status, Status(name="one", state="failed"))
        await until(pilot, lambda: names_shown(screen_text(app)) == ["one"])


# --- ten thousand ---


@pytest.fixture(scope="module")
def large_home(tmp_path_factory):
    """A home of 10,000 runs, the newest with the largest number; every tenth one failed."""
    home = tmp_path_factory.mktemp("large")
    for number in range(10_000):
        folder = home / "runs" / f"20260101-000000-run-{number:05}-0000"
        folder.mkdir(parents=True)
        status = {
            "name": f"run-{number:05}", "state": "failed" if number % 10 == 0 else "finished",
            "started": 1.7e9 + number, "ended": 1.7e9 + 2 * number, "epochs": 3, "epoch": 3,
            "metrics": {"validation": {"accuracy": number / 10_000}},
        }  # fmt: skip
        (folder / "status.json").write_text(json.dumps(status))
    return home


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_ten_thousand_runs_are_read_paged_filtered_and_sorted(
    large_home, screen_text, until, size
):
    app = Listing(large_home)
    lines = size[1] - 5  # all but title, header, two lines about the run, keys
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "▸ ✓ finished     run-09999" in screen_text(app))
        await until(pilot, lambda: screen_text(app).startswith(" 10,000 runs"), 60)
        assert f"rows 1 to {lines}" in screen_text(app)
        assert len(names_shown(screen_text(app))) == lines
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: f"rows {lines + 2} to {2 * lines + 1}" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: f"to {10_000:,}" in screen_text(app))
        assert "▸ ✗ failed       run-00000" in screen_text(app)
        await pilot.press("slash")
        app.query_one(Input).value = "state:failed accuracy>=0.9"
        await until(pilot, lambda: "100 of 10,000 runs" in screen_text(app))
        assert names_shown(screen_text(app))[:2] == ["run-09990", "run-09980"]
        await pilot.press("enter", "S")
        await until(pilot, lambda: names_shown(screen_text(app))[:1] == ["run-09000"])


# --- what a person writes ---


async def test_a_name_tags_and_a_note_are_written_beside_the_run(
    tmp_path, put_run, screen_text, until
):
    run = put_run("plain")
    before = run.status.read_bytes()
    app = Listing(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "plain" in screen_text(app))
        for key, typed in (("n", "splendid"), ("t", "base, night"), ("o", "keep this one")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, AskLine))
            app.screen.query_one(Input).value = typed
            await pilot.press("enter")
            await until(pilot, lambda: not isinstance(app.screen, AskLine))
        assert read_about(run) == About("splendid", ("base", "night"), "keep this one")
        assert run.status.read_bytes() == before
        await until(pilot, lambda: "base night   keep this one" in screen_text(app))
        assert "base night" in line_of(screen_text(app), "splendid")
        await pilot.press("n")
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: names_shown(screen_text(app)) == ["plain"])


async def test_a_name_that_is_refused_can_be_mended_and_escape_changes_nothing(
    tmp_path, put_run, screen_text, until
):
    run = put_run("plain")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "plain" in screen_text(app))
        await pilot.press("n")
        app.screen.query_one(Input).value = "x" * 61
        await pilot.press("enter")
        await until(pilot, lambda: "at most 60 characters, not 61" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, AskLine))
        assert read_about(run) == About()


# --- comparing, copying, importing ---


async def test_marks_stay_through_sorting_and_filtering_and_are_compared_in_their_order(
    tmp_path, put_run, screen_text, until
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        assert "Compare" not in screen_text(app)
        await pilot.press("down", "space")  # c-run; the cursor goes on
        await until(pilot, lambda: "◆ c-run" in screen_text(app))
        await pilot.press("v")
        await pilot.press("s", "s", "slash", *"a-run", "enter", "space")
        await until(pilot, lambda: "◆ a-run" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "◆ 2 marked" in screen_text(app) and "v Compare"
                    in screen_text(app))  # fmt: skip
        await pilot.press("v")
        await until(pilot, lambda: len(app.messages) == 1)
        by_name = {run.name: run.run for run in list_runs(tmp_path)}
        assert app.messages == [("compare", [by_name["c-run"], by_name["a-run"]])]
        await pilot.press("escape")
        await until(pilot, lambda: "marked" not in screen_text(app))


async def test_no_more_runs_are_marked_than_can_be_compared(tmp_path, put_run, screen_text, until):
    for number in range(MOST_COMPARED + 1):
        put_run(f"run-{number}")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await until(pilot, lambda: "11 runs" in screen_text(app))
        await pilot.press(*["space"] * (MOST_COMPARED + 1))
        await until(pilot, lambda: "At most 10 runs are compared" in screen_text(app))
        assert "◆ 10 marked" in screen_text(app)


@pytest.mark.parametrize("origin", ["", "script", "import"])
async def test_only_the_recipe_of_a_run_of_our_own_is_copied_or_resumed(
    tmp_path, put_run, screen_text, until, origin
):
    run = put_run("one", "stopped", origin=origin)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "n Name" in screen_text(app))
        assert ("c Copy recipe" in screen_text(app)) == (origin == "")
        await pilot.press("c", "r", "i")
        await until(pilot, lambda: ("import", None) in app.messages)
        ours = [("recipe", run), ("resume", run)] if origin == "" else []
        assert app.messages == [*ours, ("import", None)]


# --- the losses ---


async def test_the_course_of_the_loss_is_drawn_and_grows_with_the_journal(
    tmp_path, put_run, screen_text, until
):
    run = put_run("live", "running", steps=4)  # the loss falls
    app = Listing(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "▇▅▃▁" in screen_text(app).replace("▆", "▅").replace("▂", "▃"))
        journal = JournalWriter(run.journal)
        journal.write("log", step=5, epoch=1.25, loss=5.0)
        journal.close()
        await until(pilot, lambda: line_of(screen_text(app), "live").rstrip().endswith("▁▁▁▁▇"))


async def test_a_run_without_figures_has_none(tmp_path, put_run, screen_text, until):
    put_run("bare", "failed", steps=0, epoch=0, epochs=0, data="", model="")
    app = Listing(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        # data, model, both figures, epochs, duration, start
        await until(pilot, lambda: line_of(screen_text(app), "bare").count("—") == 7)
        line = line_of(screen_text(app), "bare")
    assert not set("▁▂▃▄▅▆▇0") & set(line)


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 5, ""),
        ([1.0], 5, "▄"),
        ([3.0, 3.0], 5, "▄▄"),
        ([0.0, 1.0, 2.0], 5, "▁▄▇"),
        ([0.0, 0.0, 1.0, 1.0], 2, "▁▇"),
        ([float("nan")] * 3, 3, ""),
        ([1.0, float("nan"), 0.0], 3, "▇ ▁"),
        ([float("inf"), 1.0, 0.0, 2.0], 2, "▄▄"),
    ],
)
def test_a_trend_goes_from_its_lowest_to_its_highest_mean(values, width, drawn):
    assert trend(values, width) == drawn


@pytest.mark.parametrize("width", [78, 98, 118, 158, 298])
def test_the_columns_fill_the_room_and_more_come_with_it(width):
    columns = columns_for(width)
    assert sum(column_width + 2 for _, column_width in columns) - 2 <= width
    keys = {column.key for column, _ in columns}
    assert {"state", "name", "validation", "test", "epochs", "took", "started"} <= keys
    assert ("loss" in keys) == (width >= 98)
    assert ("tags" in keys) == (width >= 118)
    assert ({"data", "model"} <= keys) == (width >= 158)
