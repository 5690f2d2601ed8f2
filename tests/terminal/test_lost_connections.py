"""The run goes on whatever becomes of the terminal, and can be seen whole afterwards."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.recipe import Recipe, dump_recipe
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

from .conftest import Open, Terminal

pytestmark = pytest.mark.slow

EPOCHS = 8


@pytest.fixture
def recipe_file(make_recipe: Callable[..., Recipe], tmp_path: Path) -> Path:
    recipe = make_recipe(num_train_epochs=EPOCHS)
    recipe.early_stopping.patience = None
    path = tmp_path / "films.yaml"
    path.write_text(dump_recipe(recipe))
    return path


def start_training(terminal: Terminal, home: Path) -> RunDirectory:
    """Start it in spite of its few rows, and wait until the first epoch is over."""
    terminal.wait_for("Start training", "96 train")
    terminal.press("enter")
    terminal.wait_for("Start anyway")
    terminal.press("ctrl+s")
    terminal.wait_for("fine-tune", "epoch", seconds=90)
    end = time.monotonic() + 60
    while not (runs := all_runs(home)) or not read_history(runs[0]).evaluations:
        assert time.monotonic() < end
        time.sleep(0.02)
    return runs[0]


def wait_until_ended(run: RunDirectory) -> None:
    end = time.monotonic() + 120
    while read_status(run.status).state in ("starting", "running", "stopping"):
        assert time.monotonic() < end
        time.sleep(0.1)


def assert_seen_whole(terminal: Terminal, run: RunDirectory) -> None:
    """The dashboard, opened anew, shows each epoch of the run with its own figures."""
    terminal.wait_for("engine: ready")
    terminal.press("F5")
    terminal.wait_for("finished", "films")
    terminal.press("enter")
    epochs = read_history(run).epochs()
    assert [epoch.number for epoch in epochs] == list(range(1, EPOCHS + 1))
    terminal.wait_for(*(f"{epoch.validation_loss:.3f}" for epoch in epochs), "finished")


def test_a_hangup_leaves_the_run_going(
    open_dashboard: Open, recipe_file: Path, tmp_path: Path
) -> None:
    terminal = open_dashboard("--recipe", recipe_file)
    run = start_training(terminal, tmp_path / "home")
    terminal.hang_up()
    wait_until_ended(run)
    assert read_status(run.status).state == "finished"
    assert_seen_whole(open_dashboard(size=(120, 40)), run)


def test_killing_the_dashboard_leaves_the_run_going(
    open_dashboard: Open, recipe_file: Path, tmp_path: Path
) -> None:
    terminal = open_dashboard("--recipe", recipe_file)
    run = start_training(terminal, tmp_path / "home")
    terminal.kill()
    wait_until_ended(run)
    assert read_status(run.status).state == "finished"
    assert_seen_whole(open_dashboard(size=(120, 40)), run)


def test_a_run_that_goes_on_is_shown_live_when_the_dashboard_opens_again(
    open_dashboard: Open, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(num_train_epochs=400)
    recipe.early_stopping.patience = None
    file = tmp_path / "films.yaml"
    file.write_text(dump_recipe(recipe))
    first = open_dashboard("--recipe", file)
    run = start_training(first, tmp_path / "home")
    first.press("q")
    first.wait_for("goes on")
    first.press("enter")
    first.process.wait()
    assert first.process.exitstatus == 0

    again = open_dashboard(size=(120, 40))
    again.wait_for("films", "running", "epoch")
    step = read_status(run.status).step
    end = time.monotonic() + 30
    while read_status(run.status).step < step + 20:
        assert time.monotonic() < end
        time.sleep(0.05)

    os.kill(read_status(run.status).pid or 0, signal.SIGKILL)
    again.wait_for("interrupted", seconds=10)


def test_the_stop_menu_saves_and_the_run_is_resumed_with_a_key(
    open_dashboard: Open, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(num_train_epochs=400)
    recipe.early_stopping.patience = None
    file = tmp_path / "films.yaml"
    file.write_text(dump_recipe(recipe))
    terminal = open_dashboard("--recipe", file)
    run = start_training(terminal, tmp_path / "home")
    terminal.press("s")
    terminal.wait_for("Save and stop now")
    terminal.press("n")
    terminal.wait_for("stopped", seconds=30)
    stopped = read_status(run.status)
    checkpoint = run.newest_checkpoint()
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{stopped.step}"

    terminal.press("r")
    end = time.monotonic() + 60
    while read_status(run.status).step <= stopped.step:
        assert time.monotonic() < end
        time.sleep(0.1)
    terminal.wait_for("running")
    os.kill(read_status(run.status).pid or 0, signal.SIGKILL)
