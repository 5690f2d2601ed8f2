import json
import time

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from tui_finetune.runs import index as index_module
from tui_finetune.runs.directory import run_ids
from tui_finetune.runs.index import list_runs
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, read_status, write_status
from tui_finetune.ui.panes.runs import RunsPane
from tui_finetune.ui.panes.runs_table import RunsTable

from .runs_pane import NARROW, WIDE, Listing, line_of, names_shown


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


async def test_a_look_that_comes_while_the_pane_is_taken_apart_changes_nothing(
    tmp_path, put_run, screen_text, until
):
    run = put_run("live", "running", steps=4)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "● running" in screen_text(app))
        pane = app.query_one(RunsPane)
        await pane.remove_children()
        write_status(run.status, Status(name="live", state="finished"))
        pane._wake.set()
        await until(pilot, lambda: pane._index.runs()[0].state == "finished")


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
