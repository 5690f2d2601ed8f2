"""A run in a line: what its status, its settings and its person say. And the removal of a run."""

import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tui_finetune.errors import InputError
from tui_finetune.runs.about import read_about
from tui_finetune.runs.claim import claimed
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.settings import read_settings
from tui_finetune.runs.status import ACTIVE, RESUMABLE, read_status
from tui_finetune.runs.telling import most_telling
from tui_finetune.text import clean

Metrics = dict[str, dict[str, float | None]]

# The settings that name the metric which chooses the best epoch: of a recipe, of a script.
_SELECTION_SETTINGS = ("early_stopping.metric", "train.metric_for_best_model")


@dataclass(frozen=True)
class RunSummary:
    """A run in a line. Times are seconds since 1970, None is unknown."""

    run: RunDirectory
    name: str
    state: str
    reason: str
    started: float | None
    ended: float | None
    """When it ended; for an interrupted run, when it was last heard of."""
    task: str
    data: str
    model: str
    step: int
    total_steps: int
    epoch: float
    epochs: float
    metrics: Metrics
    """Of the best epoch ("validation") and of the end ("test")."""
    selection_metric: str = ""
    """The Trainer's name of the figure that chose the best epoch; "" is unknown."""
    origin: str = ""
    """ "" for a run of this program, "script" or "import" (see `Status`)."""
    tags: tuple[str, ...] = ()
    note: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Under dotted keys, as `read_settings` gives them."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def active(self) -> bool:
        """Whether a process works on it."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether it ended before its time, and is of this program, which alone can go on."""
        return self.state in RESUMABLE and not self.origin

    @property
    def began(self) -> float:
        """When it started; as long as that is unknown, when its id was made."""
        return self.started if self.started is not None else _time_of_id(self.id)

    @property
    def duration(self) -> float | None:
        """The seconds from its start to its end, or until now if it goes on."""
        until = time.time() if self.active else self.ended
        return None if until is None or self.started is None else until - self.started

    @cached_property
    def words(self) -> str:
        """All that a search by words looks at, in lower case."""
        parts = (self.name, self.data, self.model, *self.tags, self.note, self.id)
        return "\n".join(parts).lower()

    def told(self, split: str) -> tuple[str, float] | None:
        """Return the figure of a split ("validation", "test") that says most, with its name."""
        return most_telling(self.metrics.get(split, {}), self.selection_metric)


def summarise(run: RunDirectory) -> RunSummary:
    """Return a run in a line, as its files say now."""
    status, about = read_status(run.status), read_about(run)
    ended = status.ended
    if ended is None and status.state not in ACTIVE:
        ended = status.heartbeat
    settings = read_settings(run)
    chosen_by = (settings.get(key) for key in _SELECTION_SETTINGS)
    return RunSummary(
        run=run,
        name=about.name or status.name or run.id,
        state=status.state,
        reason=status.reason,
        started=status.started,
        ended=ended,
        task=status.task,
        data=status.data,
        model=status.model,
        step=status.step,
        total_steps=status.total_steps,
        epoch=status.epoch,
        epochs=status.epochs,
        metrics=status.metrics,
        selection_metric=status.selection_metric
        or next((name for name in chosen_by if isinstance(name, str)), ""),
        origin=status.origin,
        tags=about.tags,
        note=about.note,
        settings=settings,
    )


def summary_document(run: RunSummary) -> dict[str, Any]:
    """Return a run as plain data for `--json`; times as ISO 8601 in UTC."""
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state,
        "reason": run.reason,
        "started": _iso(run.started),
        "ended": _iso(run.ended),
        "task": run.task,
        "data": run.data,
        "model": run.model,
        "step": run.step,
        "total_steps": run.total_steps,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "metrics": run.metrics,
        "selection_metric": run.selection_metric or None,
        "origin": run.origin,
        "tags": list(run.tags),
        "note": run.note,
        "settings": dict(run.settings),
        "dir": str(run.run.path),
    }


def delete_run(run: RunDirectory) -> None:
    """Remove a run with all its files.

    Raises `InputError` if it is going, is just being taken up, or cannot be removed.

    It gets a hidden name first, so that no list ever shows a run that is half gone.
    """
    status = read_status(run.status)
    if status.state in ACTIVE and status.origin != "import":  # that one goes on without this
        raise InputError(f"run {clean(run.id)}: it is {status.state}; stop it before you delete it")
    hidden = run.path.with_name(f".deleted-{run.id}-{secrets.token_hex(2)}")
    try:
        with claimed(run):
            os.rename(run.path, hidden)
        shutil.rmtree(hidden)  # with no file open: on a file server one would stay
    except FileNotFoundError:
        raise InputError(f"run {clean(run.id)}: it is gone already") from None
    except OSError as error:
        reason = clean(error.strerror)
        raise InputError(f"run {clean(run.id)}: cannot remove it ({reason})") from None


def _time_of_id(run_id: str) -> float:
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _iso(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
