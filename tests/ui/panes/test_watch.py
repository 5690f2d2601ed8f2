import json
import subprocess
import sys
import time

import psutil
import pytest

from tui_finetune.runs.about import About, write_about
from tui_finetune.runs.control import pending_stop
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, read_status, write_status
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.stop import StopMenu
from tui_finetune.ui.panes.watch import WatchPane
from tui_finetune.ui.panes.watch_feed import RunFeed
from tui_finetune.ui.panes.watch_text import headline, outcome

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 400

GPU = {
    "index": 0, "name": "NVIDIA H200", "used_by_run": 2.1e9, "used_by_others": 10.3e9,
    "total": 141e9, "utilisation": 64, "temperature": 41, "power": 212.0,
}  # fmt: skip
HOST = {"rows_per_second": 412.0, "process_rss": 1.4e9, "host_used": 9.2e9, "host_total": 33.5e9,
        "cpu_percent": 87.0}  # fmt: skip


async def test_without_a_run_it_says_what_to_do(screen_text, watching):
    app = watching(None)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "No run to watch yet" in screen_text(app)
        assert "F3 Tune starts one" in screen_text(app)
        assert app.focused is not None


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_finished_run_shows_epochs_best_and_test(
    put_run, put_checkpoint, screen_text, until, size, watching
):
    run = put_run(started=1000.0, ended=1150.0)
    (run.model).mkdir()
    (run.model / "config.json").touch()
    with run.journal.open("a") as journal:
        test = {"event": "test", "time": 1.0, "metrics": {"accuracy": 0.875, "f1": 0.87}, "rows": 8}
        journal.write(json.dumps(test) + "\n")
    app = watching(run)
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


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_live_run_grows_on_the_screen(put_run, screen_text, until, size, watching):
    run = put_run(state="running", steps=5, heartbeat=time.time(), started=time.time() - 5)
    app = watching(run)

    def shows(*words):
        return lambda: all(word in screen_text(app) for word in words)

    async with app.run_test(size=size) as pilot:
        await until(pilot, shows("0.750", "s stop…", "step 1 of 4"))
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
        await until(pilot, shows("★ 2", "0.200", "0.300", "a new line of the log"))
        status = read_status(run.status)
        status.state, status.reason, status.ended = "failed", "CUDA out of memory", time.time()
        write_status(run.status, status)
        await until(pilot, shows("✗ failed", "failed: CUDA out of memory"))


async def test_a_resumed_run_shows_the_repeated_epoch_once(put_run, screen_text, until, watching):
    run = put_run(state="running", heartbeat=time.time())
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "★ 3" in screen_text(app))
        journal = JournalWriter(run.journal)
        journal.write("start", total_steps=12, steps_per_epoch=4, epochs=3, resumed_from=4,
                      selection_metric="eval_loss")  # fmt: skip
        journal.close()
        await until(pilot, lambda: "★ 1" in screen_text(app))
        assert "0.400" not in screen_text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_text_is_shown_as_text(put_run, screen_text, until, size, watching):
    run = put_run(name=HOSTILE, state="failed", steps=5, reason=HOSTILE)
    run.log.write_text(HOSTILE + "\n[red]not markup[/red]\n")
    journal = JournalWriter(run.journal)
    journal.write("note", text=HOSTILE)
    journal.write("sample", step=5, gpus=[], gpu_note=HOSTILE, **HOST)
    journal.write("sample", step=5, gpus=[{**GPU, "name": HOSTILE}], gpu_note="", **HOST)
    journal.close()
    app = watching(run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[red]not markup[/red]" in screen_text(app))
        text = screen_text(app)
        assert text.count("[/]") >= 3
        assert not set("\x1b\x07\u202e") & set(text)
        await pilot.press("l")
        await pilot.pause()
        assert not set("\x1b\x07\u202e") & set(screen_text(app))


async def test_an_interrupted_run_with_a_checkpoint_offers_to_resume_and_predict(
    put_run, put_checkpoint, screen_text, until, watching
):
    run = put_run(state="running", pid=None, steps=6)
    put_checkpoint(run)
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "r resume" in screen_text(app))
        await pilot.pause()
        assert "◌ interrupted" in screen_text(app)
        assert "its process is gone" in screen_text(app)
        await pilot.press("r", "p", "s")
        await pilot.pause()
        assert app.messages == [("resume", run), ("predict", run)]
        assert not isinstance(app.screen, StopMenu)


async def test_a_failed_run_without_a_checkpoint_can_only_begin_again(
    put_run, screen_text, until, watching
):
    run = put_run(state="failed", steps=2, reason="out of memory")
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "no checkpoint was saved" in screen_text(app))
        assert "resume from the beginning" in screen_text(app)
        await pilot.press("r", "p")
        await until(pilot, lambda: app.messages)
        assert app.messages == [("resume", run)]


async def test_what_cannot_be_read_is_said_and_tried_again(
    put_run, screen_text, until, monkeypatch, watching
):
    read, failing = RunFeed.read, [True]

    def read_or_fail(feed):
        if failing:
            raise OSError(116, "Stale file handle")
        return read(feed)

    monkeypatch.setattr(RunFeed, "read", read_or_fail)
    app = watching(put_run())
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "cannot read the run (Stale file handle)" in screen_text(app))
        failing.clear()
        await until(pilot, lambda: "✓ finished" in screen_text(app))
        assert "cannot read" not in screen_text(app)


async def test_small_losses_keep_their_digits(put_run, screen_text, until, watching):
    app = watching(put_run(losses=(0.6, 0.002, 0.00033)))
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "val loss 0.00033" in screen_text(app))
        assert "0.002 " in screen_text(app)


async def test_l_enlarges_the_log_and_brings_the_charts_back(put_run, screen_text, until, watching):
    run = put_run()
    run.log.write_text("".join(f"line {number}\n" for number in range(300)))
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "line 299" in screen_text(app))
        assert "line 290" not in screen_text(app)
        await pilot.press("l")
        await until(pilot, lambda: "line 290" in screen_text(app))
        assert "train loss" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "train loss" in screen_text(app))


async def test_showing_another_run_leaves_nothing_of_the_one_before(
    put_run, screen_text, until, watching
):
    first, second = put_run("first"), put_run("second", "stopped", steps=1, reason="asked to")
    app = watching(first)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "★ 3" in screen_text(app))
        app.query_one(WatchPane).show_run(second)
        await until(pilot, lambda: "■ stopped" in screen_text(app))
        assert "first" not in screen_text(app).replace("the first evaluation", "")
        assert "★" not in screen_text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_run_of_rewards_alone_has_its_charts_and_no_empty_table(
    put_run, screen_text, until, size, watching
):
    run = put_run(steps=0, origin="import")
    journal = JournalWriter(run.journal)
    for step in (1, 2, 3):
        rewards = {"rewards/chosen": step, "rewards/rejected": -step, "rewards/margins": 2 * step}
        journal.write("log", step=step, epoch=step / 4, loss=1 / step, kl=0.1, **rewards)
    journal.close()
    app = watching(run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "epochs: no evaluation was logged" in screen_text(app))
        await until(pilot, lambda: "─ rewards ─" in screen_text(app))
        assert "observation" not in screen_text(app)
        assert "6.00" in screen_text(app)
        assert ("─ KL ─" in screen_text(app)) == (size == WIDE)


@pytest.mark.parametrize(
    ("state", "origin", "stops", "resumes"),
    [
        ("running", "", True, False),
        ("running", "script", True, False),
        ("running", "import", False, False),
        ("stopped", "", False, True),
        ("stopped", "script", False, False),
        ("stopped", "import", False, False),
    ],
)
def test_only_what_listens_is_stopped_and_only_our_own_is_resumed(
    put_run, state, origin, stops, resumes
):
    run = RunFeed(put_run(state=state, origin=origin, heartbeat=time.time())).read()
    assert (run.stoppable, run.resumable) == (stops, resumes)
    last = outcome(run, 80).plain.splitlines()[-1]
    assert ("s stop" in last, "r resume" in last) == (stops, resumes)
    assert "predict" not in last


async def test_a_name_that_a_person_gave_goes_before_the_run_s_own(
    put_run, screen_text, until, watching
):
    run = put_run("of the run")
    write_about(run, About(name="of the person"))
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "of the person  ✓ finished" in screen_text(app))


# --- the stop menu ---


@pytest.mark.parametrize(
    ("key", "request_left"),
    [("enter", "stop-after-epoch"), ("e", "stop-after-epoch"), ("n", "stop-now")],
)
async def test_the_stop_menu_asks_the_run(put_run, screen_text, until, key, request_left, watching):
    run = put_run(state="running", steps=5, heartbeat=time.time())
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "s stop…" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "After this epoch" in screen_text(app))
        assert "what came after checkpoint 4 is lost" in screen_text(app)
        await pilot.press(key)
        await until(pilot, lambda: pending_stop(run.control) == request_left)
        await until(pilot, lambda: "to stop" in screen_text(app))


async def test_escape_leaves_the_run_alone(put_run, screen_text, until, watching):
    run = put_run(state="running", steps=5, heartbeat=time.time())
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "s stop…" in screen_text(app))
        await pilot.press("s", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, StopMenu)
        assert pending_stop(run.control) is None


async def test_kill_asks_once_more_and_then_kills(put_run, screen_text, until, watching):
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
        app = watching(run)
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


def test_a_missing_run_directory_reads_as_interrupted_and_empty(tmp_path):
    snapshot = RunFeed(RunDirectory(tmp_path / "gone")).read()
    assert snapshot.status == Status(reason="its status file is missing or damaged")
    assert (snapshot.epochs, snapshot.log, snapshot.model) == ([], [], None)
