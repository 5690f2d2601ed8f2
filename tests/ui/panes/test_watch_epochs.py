import asyncio
import time

import pytest
from textual.widgets import DataTable

from tui_finetune.runs.journal import JournalWriter
from tui_finetune.ui.panes.watch_epochs import MOST_ROWS, EpochTable, columns_of, without_epochs
from tui_finetune.ui.panes.watch_feed import RunFeed

NARROW, WIDE = (80, 24), (160, 48)


def log(run, *entries):
    journal = JournalWriter(run.journal)
    for entry in entries:
        journal.write("log", **entry)
    journal.close()


def read(run):
    return RunFeed(run).read()


def titles(run, width):
    return [column.title for column in columns_of(read(run), width)]


def test_the_columns_are_what_was_logged_as_far_as_there_is_room(put_run):
    run = put_run(steps=0)
    scores = {"eval_mcc": 0.5, "eval_f1": 0.6, "eval_wer": 0.1, "eval_runtime": 2.0}
    log(run, {"step": 4, "epoch": 1.0, "loss": 0.5}, {"step": 4, "eval_loss": 0.6, **scores})
    whole = ["epoch", "train loss ↓", "val loss ↓", "F1 ↑", "mcc ↑", "wer ↓", "observation"]
    assert titles(run, 160) == whole
    assert titles(run, 80) == [*whole[:5], "observation"]
    assert sum(column.width + 2 for column in columns_of(read(run), 80)) <= 80


def test_a_run_of_rewards_alone_says_why_there_is_no_table(put_run):
    run = put_run(steps=0)
    log(run, {"step": 1, "epoch": 0.1, "loss": 0.5, "rewards/chosen": 1.0})
    assert without_epochs(read(run)) == (
        " epochs: no evaluation was logged, only figures of the training; "
        "the rewards tell how it went"
    )


def test_a_run_in_its_first_epoch_has_a_row_already_and_later_must_have_been_evaluated(put_run):
    assert not without_epochs(read(put_run(state="running", steps=3)))
    later = put_run(state="running", steps=9, losses=())
    assert "no evaluation was logged" in without_epochs(read(later))
    assert "has not begun" in without_epochs(read(put_run(state="starting", steps=0)))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_row_under_the_cursor_explains_itself(
    watching, put_run, screen_text, until, size
):
    app = watching(put_run(losses=(0.3, 0.4, 0.5)))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "overfitting since epoch 2" in screen_text(app))
        explained = "Since epoch 1 val loss rose 0.300 → 0.500"
        await until(pilot, lambda: (explained in screen_text(app)) == (size == WIDE))
        app.query_one(DataTable).focus()
        await until(pilot, lambda: explained in screen_text(app))
        assert "early_stopping.patience: 2" in screen_text(app)
        await pilot.press("up")
        await until(pilot, lambda: "val loss rose 0.300 → 0.400" in screen_text(app))
        await pilot.press("up")
        await until(pilot, lambda: "There is nothing before it" in screen_text(app))
        await pilot.press("shift+tab")
        await until(pilot, lambda: "nothing before it" not in screen_text(app))


async def test_sixty_epochs_scroll_and_the_newest_is_in_sight(
    watching, put_run, screen_text, until
):
    run = put_run(state="running", steps=0, epochs=60.0, heartbeat=time.time())
    figures = [
        {"step": 4 * n, "epoch": float(n), "eval_loss": 1 / n, "eval_accuracy": 0.5}
        for n in range(1, 62)
    ]
    log(run, *figures[:60])
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "★ 60" in screen_text(app))
        assert "★ 59" not in screen_text(app)
        log(run, figures[60])
        await until(pilot, lambda: "★ 61" in screen_text(app))
        app.query_one(DataTable).focus()
        await pilot.press("home", *["pageup"] * 20)
        await until(pilot, lambda: "first epoch" in screen_text(app))


async def test_the_newest_epoch_is_in_sight_however_late_the_table_knows_its_size(
    watching, put_run, screen_text, until, monkeypatch
):
    run = put_run(state="running", steps=0, epochs=60.0, heartbeat=time.time())
    figures = [{"step": n, "epoch": float(n), "eval_loss": 1 / n} for n in range(1, 42)]
    log(run, *figures[:40])
    app = watching(run)
    when_idle, idle = DataTable._on_idle, asyncio.Event()

    async def later(table, event):
        if idle.is_set():
            await when_idle(table, event)

    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "★ 40" in screen_text(app))
        monkeypatch.setattr(DataTable, "_on_idle", later)
        log(run, figures[40])
        await until(pilot, lambda: "best epoch 41" in screen_text(app))
        await pilot.pause(0.2)
        idle.set()
        app.query_one(DataTable).refresh()
        await until(pilot, lambda: "★ 41" in screen_text(app))


async def test_of_very_many_evaluations_the_newest_are_in_the_table(
    watching, put_run, until, screen_text
):
    run = put_run(steps=0)
    log(run, *({"step": n, "epoch": n / 4, "eval_loss": 1.0} for n in range(1, MOST_ROWS + 101)))
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        table = app.query_one(EpochTable).table
        await until(pilot, lambda: table.row_count == MOST_ROWS)
        await until(pilot, lambda: "150" in screen_text(app))


async def test_the_columns_of_another_run_replace_those_of_the_one_before(
    watching, put_run, screen_text, until
):
    first, second = put_run("first"), put_run("second", steps=0)
    log(second, {"step": 1, "epoch": 1.0, "loss": 0.5}, {"step": 1, "eval_wer": 0.25})
    app = watching(first)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "accuracy ↑" in screen_text(app))
        app.query_one("WatchPane").show_run(second)
        await until(pilot, lambda: "wer ↓" in screen_text(app))
        assert "accuracy ↑" not in screen_text(app)
        assert "val loss ↓" not in screen_text(app)
