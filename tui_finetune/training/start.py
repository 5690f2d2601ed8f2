"""Starting a run, new or resumed; the same for the engine and the commands."""

import time
from dataclasses import dataclass
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, with_absolute_paths
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.status import RESUMABLE, Status, read_status, this_process, write_status
from tui_finetune.training.setup import Setup, set_up


@dataclass(frozen=True)
class Start:
    """A run that this process is about to train; its status on disk says `starting`."""

    setup: Setup
    run: RunDirectory
    status: Status
    resume_from: Path | None = None


def new_run(home: Path, recipe: Recipe) -> Start:
    """Check a recipe and make a run of it. Raises `InputError` before anything is written."""
    recipe = with_absolute_paths(recipe, Path.cwd())
    setup = set_up(recipe)
    run = create_run(home, recipe)
    return Start(setup, run, _starting(setup, run, time.time()))


def resumed_run(run: RunDirectory) -> Start:
    """Take up a run that has stopped, from its newest whole checkpoint, or from the beginning.

    Raises `InputError` if it is going or finished, or if its data or model are gone.
    """
    before = read_status(run.status)
    if before.state not in RESUMABLE:
        raise InputError(
            f"run {run.id}: it is {before.state}; only a run that has stopped can be resumed"
        )
    setup = set_up(run.load_recipe())
    status = _starting(setup, run, before.started or time.time())
    return Start(setup, run, status, run.newest_checkpoint())


def _starting(setup: Setup, run: RunDirectory, started: float) -> Status:
    recipe = setup.recipe
    status = Status(
        state="starting",
        name=recipe.run_name(),
        task=recipe.task,
        data=recipe.data.source,
        model=recipe.model.source,
        started=started,
        heartbeat=time.time(),
        epochs=recipe.train.num_train_epochs,
        **this_process(),
    )
    write_status(run.status, status)
    return status
