"""Starting a run, new or resumed; the same for the engine and the commands."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.models.hub import Progress
from tui_finetune.models.sources import in_silence
from tui_finetune.recipe import Recipe, source_words, with_absolute_paths
from tui_finetune.runs.claim import Claim, claim, release
from tui_finetune.runs.control import clear_requests
from tui_finetune.runs.directory import RunDirectory, create_run, write_whole
from tui_finetune.runs.status import RESUMABLE, Status, read_status, this_process, write_status
from tui_finetune.text import clean
from tui_finetune.training.preflight import refuse_errors
from tui_finetune.training.setup import Setup, set_up


@dataclass(frozen=True)
class Start:
    """A run that this process is about to train; its status on disk says `starting`."""

    setup: Setup
    run: RunDirectory
    status: Status
    resume_from: Path | None = None
    claim: Claim | None = None
    """That no other process works on the run; released when the training has ended."""


def new_run(home: Path, recipe: Recipe, progress: Progress = in_silence) -> Start:
    """Check a recipe and make a run of it. Raises `InputError` before anything is written.

    `progress` hears of a model's download.
    """
    recipe = with_absolute_paths(recipe, Path.cwd())
    setup = set_up(recipe, progress)
    refuse_errors(setup, home)
    run = create_run(home, setup.recipe)
    held = claim(run)
    write_whole(run.data, json.dumps(setup.data.identity()))
    return Start(setup, run, _starting(setup, run, Status(started=time.time())), claim=held)


def resumed_run(run: RunDirectory) -> Start:
    """Take up a run that has stopped, from its newest whole checkpoint, or from the beginning.

    Raises `InputError` if it is going or finished, if another process is just taking it up, or if
    its data or model are gone or changed.
    """
    _require_resumable(run)  # of one that goes on, that says more than that it is claimed
    held = claim(run)
    try:
        before = _require_resumable(run)
        setup = set_up(run.load_recipe())
        require_same_data(setup, run)
        status = _starting(setup, run, before)
    except BaseException:
        release(held)
        raise
    return Start(setup, run, status, run.newest_checkpoint(), held)


def _require_resumable(run: RunDirectory) -> Status:
    status = read_status(run.status)
    if status.state not in RESUMABLE:
        raise InputError(
            f"run {run.id}: it is {status.state}; only a run that has stopped can be resumed"
        )
    return status


def require_same_data(setup: Setup, run: RunDirectory) -> None:
    """Raise `InputError` if other rows would fall into the splits than when the run began.

    Rows that were held back for the test must not become rows to train on.
    """
    if json.loads(run.data.read_bytes()) != setup.data.identity():
        source = clean(source_words(setup.recipe.data.source))
        raise InputError(
            f"run {clean(run.id)}: {source} has changed since the run began, and with it the "
            "splits; put the old file back, or start a new run"
        )


def _starting(setup: Setup, run: RunDirectory, before: Status) -> Status:
    """Say that the run is starting; a resumed one keeps when it began and how far it was.

    Requests of before are taken away first: from here on it can be asked to stop.
    """
    recipe = setup.recipe
    status = Status(
        state="starting",
        name=recipe.run_name(),
        task=recipe.task,
        data=source_words(recipe.data.source),
        model=recipe.model.source,
        started=before.started or time.time(),
        heartbeat=time.time(),
        epochs=recipe.train.num_train_epochs,
        step=before.step,
        total_steps=before.total_steps,
        epoch=before.epoch,
        metrics=before.metrics,
        **this_process(),
    )
    clear_requests(run.control)
    write_status(run.status, status)
    return status
