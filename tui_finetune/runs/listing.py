"""The list of all runs, read from their status files alone, and the removal of a run."""

import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.status import ACTIVE, RESUMABLE, read_status
from tui_finetune.text import clean

Metrics = dict[str, dict[str, float | None]]


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
        """Whether it ended before its time."""
        return self.state in RESUMABLE

    @property
    def validation_accuracy(self) -> float | None:
        """The best epoch's accuracy on the validation rows."""
        return self.metrics.get("validation", {}).get("accuracy")

    @property
    def test_accuracy(self) -> float | None:
        """The accuracy on the rows held back."""
        return self.metrics.get("test", {}).get("accuracy")


class RunLister:
    """Lists the runs again and again; a status file that did not change is not read again."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._known: dict[str, tuple[int, RunSummary]] = {}

    def update(self, newest: int | None = None) -> list[RunSummary]:
        """Return all runs, or the `newest` so many, the newest first."""
        known, self._known = self._known, {}
        summaries = []
        for run in all_runs(self._home)[:newest]:
            changed, summary = _modified(run.status), None
            if run.id in known and known[run.id][0] == changed:
                summary = known[run.id][1]
            # Whether a run's process still lives is not in its file.
            if summary is None or summary.active:
                summary = summarise(run)
            self._known[run.id] = changed, summary
            summaries.append(summary)
        return summaries


def list_runs(home: Path) -> list[RunSummary]:
    """Return all runs of a home, the newest first."""
    return RunLister(home).update()


def summarise(run: RunDirectory) -> RunSummary:
    """Return a run in a line, as its status file says."""
    status = read_status(run.status)
    ended = status.ended
    if ended is None and status.state not in ACTIVE:
        ended = status.heartbeat
    return RunSummary(
        run=run,
        name=status.name or run.id,
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
        "dir": str(run.run.path),
    }


def delete_run(run: RunDirectory) -> None:
    """Remove a run with all its files. Raises `InputError` if it is going, or cannot be removed.

    It gets a hidden name first, so that no list ever shows a run that is half gone.
    """
    state = read_status(run.status).state
    if state in ACTIVE:
        raise InputError(f"run {clean(run.id)}: it is {state}; stop it before you delete it")
    hidden = run.path.with_name(f".deleted-{run.id}-{secrets.token_hex(2)}")
    try:
        os.rename(run.path, hidden)
        shutil.rmtree(hidden)
    except FileNotFoundError:
        raise InputError(f"run {clean(run.id)}: it is gone already") from None
    except OSError as error:
        reason = clean(error.strerror)
        raise InputError(f"run {clean(run.id)}: cannot remove it ({reason})") from None


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _iso(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
