import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import psutil
import pyte
import pytest
from textual.widgets import Button

from tui_finetune.recipe import load_recipe, parse_recipe
from tui_finetune.runs.directory import create_run
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, this_process, write_status
from tui_finetune.ui.app import PANES, Dashboard
from tui_finetune.ui.panes.leave import LeaveScreen
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.widgets.tab_line import TabLine

NARROW, WIDE = (80, 24), (160, 48)
ROOT = Path(__file__).parents[2]


def put_run(home, state, **values):
    """Write a run as it is after 93 of 150 steps; this process stands for the run's."""
    run = create_run(home, parse_recipe({"data": {"source": "/d/films.csv"}}, "test"))
    journal = JournalWriter(run.journal)
    journal.write("stage", stage="load", rows=1000, columns=2, source="/d/films.csv")
    journal.write("stage", stage="tokenize", rows=900, longest=61)
    journal.write("stage", stage="split", train=800, validation=100, test=100)
    journal.write("start", total_steps=150, steps_per_epoch=50, epochs=3)
    journal.close()
    shape = {"name": "films", "step": 93, "total_steps": 150, "epochs": 3.0, "model": "starter"}
    write_status(run.status, Status(**{**shape, **this_process(), "state": state, **values}))
    return run


def in_front(app):
    return app._workspace.current if app._workspace is not None else None


async def opened(pilot, until):
    """Wait until all panes are there."""
    app = pilot.app
    await until(pilot, lambda: app._workspace and len(app._workspace.children) == 9, 20)
    await pilot.pause()


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_without_anything_it_opens_on_the_data_with_the_sample_in_sight(
    size, silent_engine, screen_text, until, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    app = Dashboard(tmp_path)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, until)
        text = screen_text(app)
        first = text.splitlines()
        assert "tui-finetune" in first[0]
        assert "engine: loading" in first[0]
        gap = "  " if size == WIDE else " "
        assert gap.join(f"{n} {name}" for n, name in enumerate(PANES.values(), 1)) in first[1]
        assert first[2].startswith(" load ▸ tokenize")
        assert "Load sample_data/reviews.yaml" in text
        assert in_front(app) == "data"


async def test_enter_twice_loads_the_sample_and_wants_to_start(
    silent_engine, screen_text, until, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: in_front(app) == "tune")
        await until(pilot, lambda: app.focused is app.query_one("#start"))
        await pilot.press("enter")
        await until(pilot, lambda: "starting" in screen_text(app), 5)


async def test_with_a_recipe_the_start_has_the_focus(silent_engine, until, tmp_path):
    app = Dashboard(tmp_path, load_recipe(ROOT / "sample_data" / "reviews.yaml"))
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: in_front(app) == "tune")
        await until(pilot, lambda: app.focused is app.query_one("#start", Button), 5)
        await opened(pilot, until)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_keys_and_the_mouse_lead_to_every_pane(size, silent_engine, until, tmp_path):
    app = Dashboard(tmp_path)
    panes = ["data", "model", "tune", "watch", "runs", "predict", "evaluate", "trace"]
    async with app.run_test(size=size) as pilot:
        await opened(pilot, until)
        for number, pane in enumerate(panes, 1):
            await pilot.press(f"f{number}")
            await until(pilot, lambda pane=pane: in_front(app) == pane, 5)
            await until(pilot, lambda pane=pane: _focus_is_in(app, pane), 5)
            assert app.query_one(TabLine).present == pane
        await pilot.press("f5")
        await until(pilot, lambda: _focus_is_in(app, "runs"), 5)
        await pilot.press("3")
        await until(pilot, lambda: in_front(app) == "tune", 5)
        await pilot.click(TabLine, offset=(13, 0))
        await until(pilot, lambda: in_front(app) == "model", 5)


def _focus_is_in(app, pane):
    return app.focused is not None and app._workspace.get_child_by_id(pane) in (
        app.focused.ancestors_with_self
    )


async def test_digits_are_digits_in_an_input(silent_engine, until, tmp_path):
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await pilot.press("3")
        assert in_front(app) == "data"
        assert app.query_one("#path").value == "3"


@pytest.mark.parametrize("seconds", [0.25, 0.3, 0.35])
async def test_leaving_while_panes_are_being_made_raises_nothing(seconds, silent_engine, tmp_path):
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW):
        await asyncio.sleep(seconds)


async def test_a_key_that_comes_before_the_pane_is_painted_keeps_its_focus(
    silent_engine, until, tmp_path
):
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await app.action_pane("model")
        app.query_one("ModelPane").action_type()
        await pilot.pause(0.3)
        assert app.focused.id == "source"


async def test_a_key_for_a_pane_that_is_just_being_made_waits_for_its_parts(
    silent_engine, until, tmp_path, monkeypatch
):
    monkeypatch.setattr("tui_finetune.ui.workspace._PAUSE_BEFORE_OTHER_PANES", 1000)
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.query("#data #path"))
        assert not app.query("#model")
        await asyncio.gather(app._workspace._mounted("model"), app.action_pane("model"))
        assert in_front(app) == "model"
        assert app.query_one("#model").has_focus_within


async def test_a_run_that_goes_on_is_said_and_shown_at_once(
    silent_engine, screen_text, until, tmp_path
):
    put_run(tmp_path, "running")
    app = Dashboard(tmp_path)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: "films is going on" in screen_text(app), 20)
        await opened(pilot, until)
        assert in_front(app) == "watch"
        text = screen_text(app)
        assert "films ● running 62%" in text
        assert "● fine-tune 93/150 steps" in text
        await pilot.press("f1")
        await until(pilot, lambda: "● fine-tune" not in screen_text(app), 5)


async def test_with_a_recipe_a_run_that_goes_on_is_offered(
    silent_engine, screen_text, until, tmp_path
):
    put_run(tmp_path, "running")
    app = Dashboard(tmp_path, load_recipe(ROOT / "sample_data" / "reviews.yaml"))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: "films is going on: F4 shows it" in screen_text(app), 20)
        await opened(pilot, until)
        assert in_front(app) == "tune"


async def test_a_past_run_can_be_opened_with(silent_engine, screen_text, until, tmp_path):
    run = put_run(tmp_path, "stopped")
    app = Dashboard(tmp_path, run=run)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, until)
        assert in_front(app) == "watch"
        assert "fine-tune 93/150 steps" in screen_text(app)
        assert "●" not in screen_text(app).splitlines()[2]


async def test_the_header_keeps_the_run_that_goes_on_while_another_is_watched(
    silent_engine, screen_text, until, tmp_path
):
    ended = put_run(tmp_path, "stopped", name="old", step=7)
    going = put_run(tmp_path, "running")
    app = Dashboard(tmp_path, run=ended)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, until)
        await until(pilot, lambda: "films ● running 62%" in screen_text(app).splitlines()[0], 5)
        assert "fine-tune 7/150" in screen_text(app).splitlines()[2]
        write_status(going.status, Status(state="finished", name="films"))
        await until(pilot, lambda: "films" not in screen_text(app).splitlines()[0], 5)


async def test_a_start_beside_another_run_is_asked_about_first(
    silent_engine, screen_text, until, tmp_path, monkeypatch
):
    asked = []

    async def request(method, params, on_progress=None):
        asked.append(method)
        if method != "preflight":
            await asyncio.Event().wait()
        return []

    put_run(tmp_path, "running")
    app = Dashboard(tmp_path, load_recipe(ROOT / "sample_data" / "reviews.yaml"))
    monkeypatch.setattr(silent_engine, "request", request)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, Question), 5)
        assert "films is training." in screen_text(app)
        assert "Start another beside it?" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Question), 5)
        assert "train" not in asked
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, Question), 5)
        await pilot.press("y")
        await until(pilot, lambda: "train" in asked, 5)


async def test_quit_and_help_have_keys_that_work_in_a_text_box(
    silent_engine, screen_text, until, tmp_path
):
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        for pane in range(1, 7):
            await pilot.press(f"f{pane}")
            await pilot.pause()
            assert "^q Quit  F10 Help" in screen_text(app).splitlines()[-1]
        await until(pilot, lambda: _focus_is_in(app, "predict"), 5)
        await pilot.press("q", "question_mark", "f10")
        await until(pilot, lambda: "Keys that work here" in screen_text(app), 5)
        await pilot.press("f10")
        await until(pilot, lambda: "Keys that work here" not in screen_text(app), 5)
        assert app.focused.value == "q?"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_quitting_while_a_run_goes_on_says_so_first(
    size, silent_engine, screen_text, until, tmp_path
):
    put_run(tmp_path, "running")
    app = Dashboard(tmp_path)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, until)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen), 5)
        assert "goes on without the dashboard" in " ".join(screen_text(app).split())
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LeaveScreen), 5)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen), 5)
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running, 5)


async def test_without_a_run_quitting_quits(silent_engine, until, tmp_path):
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running, 5)


async def test_help_lists_the_keys_of_the_pane_and_goes_away(
    silent_engine, screen_text, until, tmp_path
):
    app = Dashboard(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await pilot.press("f3")
        await until(pilot, lambda: _focus_is_in(app, "tune"), 5)
        app.query_one("#field-train-lr_scheduler_type").focus()
        await pilot.pause()
        await pilot.press("question_mark")
        await until(pilot, lambda: "Keys that work here" in screen_text(app), 5)
        assert re.search(r"\^s +Start\b", screen_text(app))
        assert re.search(r"f4, 4 +Watch", screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Keys that work here" not in screen_text(app), 5)


async def test_a_hostile_name_of_a_run_is_shown_harmless(
    silent_engine, screen_text, until, tmp_path, hostile
):
    put_run(tmp_path, "running", name=hostile)
    app = Dashboard(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, until)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen), 5)
        assert not any(sign in screen_text(app) for sign in ("\x1b", "\x07", "\u202e"))


@pytest.mark.slow
async def test_from_the_recipe_to_a_prediction(make_recipe, tmp_path, screen_text, until):
    app = Dashboard(tmp_path, make_recipe())
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, until)
        await until(pilot, lambda: "12 an epoch · 36 in all" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "! Few test rows" in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: in_front(app) == "watch", 120)
        await until(pilot, lambda: getattr(app._workspace.status, "state", 0) == "finished", 120)
        await until(pilot, lambda: re.search(r"acc \d\.\d\d", screen_text(app)), 10)
        await pilot.press("p")
        await until(pilot, lambda: _focus_is_in(app, "predict"), 10)
        await pilot.press(*"a good film", "enter")
        await until(pilot, lambda: re.search(r"positive +\d+\.\d%", screen_text(app)), 120)


@pytest.mark.slow
async def test_what_the_engine_refuses_is_said_before_the_start_with_what_mends_it(
    make_recipe, tmp_path, screen_text, until
):
    recipe = make_recipe(dataloader_drop_last=True)
    app = Dashboard(tmp_path, recipe)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await opened(pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: "✗ No batch is full" in screen_text(app))
        assert "Enter sets train.dataloader_drop_last to false" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "checked: 1 error" in screen_text(app), 5)
        assert app.focused is app.query_one("#start")
        assert in_front(app) == "tune"
        assert not list((tmp_path / "runs").glob("*"))


def test_the_dashboard_imports_nothing_heavy():
    code = (
        "import sys, tui_finetune.ui.workspace, tui_finetune.ui.app;"
        "heavy = {'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_at_once_and_leaves_the_terminal_clean(number, tmp_path):
    child = open_in_a_terminal(tmp_path)
    child.expect("File", timeout=30)
    engines = psutil.Process(child.pid).children()
    os.kill(child.pid, number)
    child.expect(pexpect.EOF, timeout=5)
    written = child.before
    child.close()
    assert child.exitstatus == 128 + number
    assert "\x1b[?1049l" in written  # back from the alternate screen
    assert "\x1b[?25h" in written  # with a cursor
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(written.rpartition("\x1b[?1049l")[2])
    assert not "".join(screen.display).strip()
    _, left = psutil.wait_procs(engines, timeout=30)
    assert not left


def test_a_hangup_ends_it_although_nobody_reads_the_terminal(tmp_path):
    child = open_in_a_terminal(tmp_path)
    child.expect("File", timeout=30)
    process = psutil.Process(child.pid)
    os.close(child.child_fd)
    deadline = time.monotonic() + 5
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def open_in_a_terminal(home):
    code = (
        "import sys; from pathlib import Path; from tui_finetune.ui.app import Dashboard;"
        f"app = Dashboard(Path({str(home)!r})); app.run(); sys.exit(app.return_code)"
    )
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    return pexpect.spawn(
        sys.executable,
        ["-c", code],
        dimensions=(24, 80),
        encoding="utf-8",
        env=environment,
        cwd=str(home),
    )
