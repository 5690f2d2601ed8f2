"""The run goes on whatever becomes of the terminal, and can be seen whole afterwards."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.recipe import Recipe, dump_recipe
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

from ..waiting import wait_for
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
    (run,) = wait_for(lambda: all_runs(home))
    wait_for(lambda: read_history(run).evaluations)
    return run


def wait_until_ended(run: RunDirectory) -> None:
    wait_for(lambda: read_status(run.status).state not in ("starting", "running", "stopping"))


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
    wait_for(lambda: read_status(run.status).step >= step + 20)
    os.kill(read_status(run.status).pid or 0, signal.SIGKILL)
    again.wait_for("interrupted")


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
    terminal.wait_for("stopped")
    stopped = read_status(run.status)
    checkpoint = run.newest_checkpoint()
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{stopped.step}"

    terminal.press("r")
    wait_for(lambda: read_status(run.status).step > stopped.step)
    terminal.wait_for("running")
    os.kill(read_status(run.status).pid or 0, signal.SIGKILL)
