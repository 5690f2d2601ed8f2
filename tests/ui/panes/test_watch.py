import json
import subprocess
import sys
import time

import psutil
import pytest
from textual.app import App, ComposeResult
from textual.widgets import ContentSwitcher, Static

from tui_finetune.runs.control import pending_stop
from tui_finetune.runs.history import History
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, read_status, write_status
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.stop import StopMenu
from tui_finetune.ui.panes.watch import WatchPane, accuracy_range
from tui_finetune.ui.panes.watch_feed import LogTail, RunFeed, seconds_left
from tui_finetune.ui.panes.watch_text import headline, machine_lines
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 400

GPU = {
    "index": 0, "name": "NVIDIA H200", "used_by_run": 2.1e9, "used_by_others": 10.3e9,
    "total": 141e9, "utilisation": 64, "temperature": 41, "power": 212.0,
}  # fmt: skip
HOST = {"rows_per_second": 412.0, "process_rss": 1.4e9, "host_used": 9.2e9, "host_total": 33.5e9,
        "cpu_percent": 87.0}  # fmt: skip


class Watching(App[None]):
    """The pane between two lines above and a footer, as in the dashboard."""

    CSS = "#above { height: 3; } ContentSwitcher { height: 1fr; }"

    def __init__(self, run):
        super().__init__()
        self._run = run
        self.messages = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        with ContentSwitcher(initial="watch"):
            pane = WatchPane(id="watch")
            pane.show_run(self._run)
            yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(WatchPane).focus()

    def on_watch_pane_predict_wanted(self, message):
        self.messages.append(("predict", message.run))

    def on_watch_pane_resume_wanted(self, message):
        self.messages.append(("resume", message.run))


async def test_without_a_run_it_says_what_to_do(screen_text):
    app = Watching(None)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "No run to watch yet" in screen_text(app)
        assert "F3 Tune starts one" in screen_text(app)
        assert app.focused is not None


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_finished_run_shows_epochs_best_and_test(
    put_run, put_checkpoint, screen_text, until, size
):
    run = put_run(started=1000.0, ended=1150.0)
    (run.model).mkdir()
    (run.model / "config.json").touch()
    with run.journal.open("a") as journal:
        test = {"event": "test", "time": 1.0, "metrics": {"accuracy": 0.875, "f1": 0.87}, "rows": 8}
        journal.write(json.dumps(test) + "\n")
    app = Watching(run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "p predict" in screen_text(app))
        await until(pilot, lambda: "the libraries are loaded" in screen_text(app))
        text = screen_text(app)
    assert "reviews  ✓ finished  3 epochs" in text
    assert "100%" in text
    assert "took 2m30" in text
    first, second, third = (
        line for line in text.splitlines() if line[:8].strip(" ★") in "123" and "0." in line
    )
    assert first.split() == ["1", "0.875", "0.600", "0.700", "0.600", "first", "epoch"]
    assert second.split()[:5] == ["2", "0.675", "0.500", "0.750", "0.650"]
    assert third.split()[:6] == ["★", "3", "0.475", "0.400", "0.800", "0.700"]
    assert "test accuracy 0.875  F1 0.870  on 8 rows" in text
    assert "★ best epoch 3, val loss 0.400" in text
    assert str(run.model)[-30:] in text
    assert "p predict" in text
    assert "s stop" not in text
    assert "the libraries are loaded" in text


async def test_a_live_run_grows_on_the_screen(put_run, screen_text, until):
    run = put_run(state="running", steps=5, heartbeat=time.time(), started=time.time() - 5)
    app = Watching(run)

    def shows(*words):
        return lambda: all(word in screen_text(app) for word in words)

    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, shows("train     0.750", "s stop…", "step 1 of 4"))
        text = screen_text(app)
        assert "epoch 2 of 3" in text
        assert "41%" in text
        assert "● running" in text
        assert "r resume" not in text
        journal = JournalWriter(run.journal)
        for step in (6, 7, 8):
            journal.write("log", step=step, epoch=step / 4, loss=0.2)
        journal.write("log", step=8, epoch=2.0, eval_loss=0.3, eval_accuracy=0.9, eval_f1=0.89)
        journal.close()
        with run.log.open("a") as log:
            log.write("a new line of the log\n")
        await until(
            pilot, shows("★ 2", "train     0.200", "validation 0.300", "a new line of the log")
        )
        status = read_status(run.status)
        status.state, status.reason, status.ended = "failed", "CUDA out of memory", time.time()
        write_status(run.status, status)
        await until(pilot, shows("✗ failed", "failed: CUDA out of memory"))


async def test_a_resumed_run_shows_the_repeated_epoch_once(put_run, screen_text, until):
    run = put_run(state="running", heartbeat=time.time())
    app = Watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "★ 3" in screen_text(app))
        journal = JournalWriter(run.journal)
        journal.write("start", total_steps=12, steps_per_epoch=4, epochs=3, resumed_from=4,
                      selection_metric="eval_loss")  # fmt: skip
        journal.close()
        await until(pilot, lambda: "★ 1" in screen_text(app))
        assert "0.400" not in screen_text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_text_is_shown_as_text(put_run, screen_text, until, size):
    run = put_run(name=HOSTILE, state="failed", steps=5, reason=HOSTILE)
    run.log.write_text(HOSTILE + "\n[red]not markup[/red]\n")
    journal = JournalWriter(run.journal)
    journal.write("note", text=HOSTILE)
    journal.write("sample", step=5, gpus=[], gpu_note=HOSTILE, **HOST)
    journal.write("sample", step=5, gpus=[{**GPU, "name": HOSTILE}], gpu_note="", **HOST)
    journal.close()
    app = Watching(run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[red]not markup[/red]" in screen_text(app))
        text = screen_text(app)
        assert text.count("[/]") >= 3
        assert not set("\x1b\x07\u202e") & set(text)
        await pilot.press("l")
        await pilot.pause()
        assert not set("\x1b\x07\u202e") & set(screen_text(app))


async def test_an_interrupted_run_with_a_checkpoint_offers_to_resume_and_predict(
    put_run, put_checkpoint, screen_text, until
):
    run = put_run(state="running", pid=None, steps=6)
    put_checkpoint(run)
    app = Watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "r resume" in screen_text(app))
        await pilot.pause()
        assert "◌ interrupted" in screen_text(app)
        assert "its process is gone" in screen_text(app)
        await pilot.press("r", "p", "s")
        await pilot.pause()
        assert app.messages == [("resume", run), ("predict", run)]
        assert not isinstance(app.screen, StopMenu)


async def test_a_failed_run_without_a_checkpoint_can_only_begin_again(put_run, screen_text, until):
    run = put_run(state="failed", steps=2, reason="out of memory")
    app = Watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "no checkpoint was saved" in screen_text(app))
        assert "resume from the beginning" in screen_text(app)
        await pilot.press("r", "p")
        await until(pilot, lambda: app.messages)
        assert app.messages == [("resume", run)]


async def test_what_cannot_be_read_is_said_and_tried_again(
    put_run, screen_text, until, monkeypatch
):
    read, failing = RunFeed.read, [True]

    def read_or_fail(feed):
        if failing:
            raise OSError(116, "Stale file handle")
        return read(feed)

    monkeypatch.setattr(RunFeed, "read", read_or_fail)
    app = Watching(put_run())
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "cannot read the run (Stale file handle)" in screen_text(app))
        failing.clear()
        await until(pilot, lambda: "✓ finished" in screen_text(app))
        assert "cannot read" not in screen_text(app)


async def test_small_losses_keep_their_digits(put_run, screen_text, until):
    app = Watching(put_run(losses=(0.6, 0.002, 0.00033)))
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "val loss 0.00033" in screen_text(app))
        assert "0.002 " in screen_text(app)


async def test_l_enlarges_the_log_and_brings_the_charts_back(put_run, screen_text, until):
    run = put_run()
    run.log.write_text("".join(f"line {number}\n" for number in range(300)))
    app = Watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "line 299" in screen_text(app))
        assert "line 290" not in screen_text(app)
        await pilot.press("l")
        await until(pilot, lambda: "line 290" in screen_text(app))
        assert "train loss" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "train loss" in screen_text(app))


async def test_showing_another_run_leaves_nothing_of_the_one_before(put_run, screen_text, until):
    first, second = put_run("first"), put_run("second", "stopped", steps=1, reason="asked to")
    app = Watching(first)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "★ 3" in screen_text(app))
        app.query_one(WatchPane).show_run(second)
        await until(pilot, lambda: "■ stopped" in screen_text(app))
        assert "first" not in screen_text(app).replace("the first evaluation", "")
        assert "★" not in screen_text(app)


# --- the stop menu ---


@pytest.mark.parametrize(
    ("key", "request_left"),
    [("enter", "stop-after-epoch"), ("e", "stop-after-epoch"), ("n", "stop-now")],
)
async def test_the_stop_menu_asks_the_run(put_run, screen_text, until, key, request_left):
    run = put_run(state="running", steps=5, heartbeat=time.time())
    app = Watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "s stop…" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "After this epoch" in screen_text(app))
        assert "what came after checkpoint 4 is lost" in screen_text(app)
        await pilot.press(key)
        await until(pilot, lambda: pending_stop(run.control) == request_left)
        await until(pilot, lambda: "to stop" in screen_text(app))


async def test_escape_leaves_the_run_alone(put_run, screen_text, until):
    run = put_run(state="running", steps=5, heartbeat=time.time())
    app = Watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "s stop…" in screen_text(app))
        await pilot.press("s", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, StopMenu)
        assert pending_stop(run.control) is None


async def test_kill_asks_once_more_and_then_kills(put_run, screen_text, until):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        started = psutil.Process(process.pid).create_time()
        run = put_run(
            state="running",
            steps=5,
            heartbeat=time.time(),
            pid=process.pid,
            process_started=started,
        )
        app = Watching(run)
        async with app.run_test(size=NARROW) as pilot:
            await until(pilot, lambda: "s stop…" in screen_text(app))
            await pilot.press("s", "k")
            await until(pilot, lambda: isinstance(app.screen, Question))
            assert "Kill reviews now?" in screen_text(app)
            await pilot.press("enter")  # the harmless answer has the focus
            await until(pilot, lambda: isinstance(app.screen, StopMenu))
            assert process.poll() is None
            await pilot.press("k")
            await until(pilot, lambda: isinstance(app.screen, Question))
            await pilot.press("y")
            await until(pilot, lambda: process.poll() is not None)
            await until(pilot, lambda: "◌ interrupted" in screen_text(app))
    finally:
        process.kill()
        process.wait()


# --- the lines ---


def test_an_old_heartbeat_is_said_instead_of_the_time_left(put_run):
    run = put_run(state="running", steps=5, heartbeat=time.time() - 25)
    assert "no sign of life for 25s" in headline(RunFeed(run).read(), 120).plain
    heard = {"heartbeat": time.time() - 5}
    write_status(run.status, read_status(run.status).model_copy(update=heard))
    assert "sign of life" not in headline(RunFeed(run).read(), 120).plain


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_headline_fits_its_line(put_run, width):
    run = put_run(name="n" * 60, state="running", steps=5, heartbeat=time.time(), started=1.0)
    line = headline(RunFeed(run).read(), width)
    assert line.cell_length <= width
    assert "epoch 2 of 3" in line.plain
    assert "left" in line.plain


@pytest.mark.parametrize("width", [80, 120])
def test_a_gpu_has_its_figures_on_one_line(put_run, width):
    run = put_run(state="running", steps=5)
    journal = JournalWriter(run.journal)
    journal.write("sample", step=5, gpus=[GPU, {"index": 1}], gpu_note="", **HOST)
    journal.close()
    first, second = machine_lines(RunFeed(run).read(), width).plain.splitlines()
    for figure in ("GPU 0", "2.1 GB", "10.3 GB", "141 GB", "64%", "41 °C", "212 W"):
        assert figure in first
    assert len(first) <= width
    assert second.count("—") == 6
    assert "0 GB" not in second


@pytest.mark.parametrize("width", [80, 120])
def test_without_a_gpu_the_host_and_the_reason_stand_there(put_run, width):
    run = put_run(state="running", steps=5)
    journal = JournalWriter(run.journal)
    journal.write("sample", step=5, gpus=[], gpu_note="no GPU here", **HOST)
    journal.close()
    line = machine_lines(RunFeed(run).read(), width).plain
    for figure in ("1.4 GB", "9.2 GB of 33.5 GB", "87%", "no GPU here"):
        assert figure in line
    assert len(line) <= width


# --- what is measured ---


def steps_at(*times: float, evaluations: tuple[int, ...] = ()) -> History:
    """A history of ten steps an epoch whose steps ended at these times."""
    history = History(steps_per_epoch=10)
    for step, moment in enumerate(times, 1):
        history.add({"event": "log", "time": moment, "step": step, "loss": 1.0})
        if step in evaluations:
            history.add({"event": "log", "time": moment, "step": step, "eval_loss": 1.0})
    return history


def test_the_time_left_leaves_out_the_slow_first_step():
    assert seconds_left(steps_at(60.0, 62.0, 64.0), 3, 10) == pytest.approx(14.0)


def test_the_time_left_is_unknown_before_two_steps():
    assert seconds_left(steps_at(60.0), 1, 10) is None


def test_evaluations_still_to_come_take_what_the_last_one_took():
    times = [*range(1, 11), *range(16, 21)]  # the evaluation after step 10 took five seconds
    history = steps_at(*map(float, times), evaluations=(10,))
    assert seconds_left(history, 15, 30) == pytest.approx(15 + 2 * 5)


def test_the_pause_of_a_resumed_run_is_no_step():
    assert seconds_left(steps_at(1.0, 2.0, 3.0, 9000.0, 9001.0), 5, 10) == pytest.approx(5.0)


def test_nothing_is_left_after_the_last_step():
    assert seconds_left(steps_at(1.0, 2.0), 2, 2) == 0.0


def test_the_log_tail_keeps_what_a_progress_bar_showed_last(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_bytes(b"start\n 10%\r 50%\r100%\nbad \xff byte\nhalf")
    tail = LogTail(log)
    tail.read(to_the_end=False)
    assert list(tail.lines) == ["start", "100%", "bad \ufffd byte"]
    with log.open("ab") as file:
        file.write(b" line\n")
    tail.read(to_the_end=False)
    assert list(tail.lines)[3:] == ["half line"]
    assert tail.count == 4


def test_the_log_tail_of_an_ended_run_has_its_last_line_without_an_end(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("one\nTraceback")
    tail = LogTail(log)
    tail.read(to_the_end=True)
    tail.read(to_the_end=True)
    assert list(tail.lines) == ["one", "Traceback"]


def test_a_huge_log_is_read_from_near_its_end(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    tail = LogTail(log)
    tail.read(to_the_end=True)
    assert tail.lines[-1] == "line 99999"
    assert tail.lines[0] == "line 99000"


def test_a_log_that_begins_anew_is_read_anew(tmp_path):
    log = tmp_path / "trainer.log"
    log.write_text("a long line of the first try\n")
    tail = LogTail(log)
    tail.read(to_the_end=False)
    log.write_text("second\n")
    tail.read(to_the_end=False)
    assert tail.lines[-1] == "second"


def test_a_missing_run_directory_reads_as_interrupted_and_empty(tmp_path):
    from tui_finetune.runs.directory import RunDirectory

    snapshot = RunFeed(RunDirectory(tmp_path / "gone")).read()
    assert snapshot.status == Status(reason="its status file is missing or damaged")
    assert (snapshot.epochs, snapshot.log, snapshot.model) == ([], [], None)


@pytest.mark.parametrize(
    ("shares", "axis"),
    [([], (0.0, 1.0)), ([0.92, 0.93], (0.8, 1.0)), ([0.5, 0.84], (0.4, 1.0)), ([0.0], (0.0, 1.0))],
)
def test_the_accuracy_axis_ends_at_one_and_begins_below_the_lowest(shares, axis):
    assert accuracy_range(shares) == pytest.approx(axis)
