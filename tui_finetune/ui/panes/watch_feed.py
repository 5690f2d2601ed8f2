"""What the Watch pane knows of a run: read from its directory in a thread, handed over whole."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui_finetune.runs.about import name_of
from tui_finetune.runs.charts import Chart, charts_of
from tui_finetune.runs.control import StopRequest, pending_stop
from tui_finetune.runs.curves import Curve
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import Epoch, History, HistoryReader, Point
from tui_finetune.runs.journal import Entry
from tui_finetune.runs.observations import Observation, best_epoch, observe_history
from tui_finetune.runs.status import ACTIVE, RESUMABLE, Status, read_status
from tui_finetune.ui.panes.watch_log import LogTail
from tui_finetune.ui.panes.watch_pace import last_step, seconds_left, unfinished_epoch

Curves = Mapping[str, Curve]

# What is sure to be logged for a task, before it is.
_EXPECTED = {"text-classification": ("accuracy",)}


@dataclass(frozen=True)
class Snapshot:
    """A run as it is at one moment; nothing in it changes afterwards."""

    run: RunDirectory
    name: str
    status: Status
    read_at: float
    step: int
    """The last step known to be done."""
    total_steps: int
    steps_per_epoch: int
    metric: str
    class_weighted: bool
    """Whether the losses of training and validation count rows of rare labels more."""
    stages: dict[str, Entry]
    curves: Curves
    """One that did not change since the snapshot before is the same object."""
    machine: Curves
    charts: Sequence[Chart]
    epochs: Sequence[Epoch]
    observations: Sequence[Observation]
    unfinished: Epoch | None
    """The epoch that has no evaluation yet, with its figures so far."""
    best: Epoch | None
    checkpoint: tuple[int, float | None] | None
    """Step and bytes of the last checkpoint."""
    sample: Entry | None
    """The newest figures of the machine."""
    seconds_left: float | None
    test: dict[str, float | None]
    note: str
    pending: StopRequest | None
    model: Path | None
    """The folder to predict with, if there is one."""
    log: Sequence[str]
    log_count: int
    """How many lines of the log were read in all; `log` holds the last of them."""

    @property
    def active(self) -> bool:
        """Whether a process works on the run."""
        return self.status.state in ACTIVE

    @property
    def stoppable(self) -> bool:
        """Whether the run listens to a request to stop; a run of others does not."""
        return self.active and self.status.origin != "import"

    @property
    def resumable(self) -> bool:
        """Whether the run can go on from here: it ended early, and it is one of our own."""
        return self.status.state in RESUMABLE and not self.status.origin

    @property
    def elapsed(self) -> float | None:
        """Seconds from the start until now, or until it was last heard of."""
        if self.status.started is None:
            return None
        until = self.read_at if self.active else self.status.ended or self.status.heartbeat
        return None if until is None else max(until - self.status.started, 0.0)


class RunFeed:
    """Follows one run's directory. `read` may take a second for a long journal: use a thread."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._reader = HistoryReader(run)
        self._log = LogTail(run.log)
        self._evaluated: list[Point] = []
        self._epochs: list[Epoch] = []
        self._observations: list[Observation] = []

    def read(self) -> Snapshot:
        """Take in what came since the last call and return the run as it is now."""
        status = read_status(self.run.status)
        self._reader.update()
        history = self._reader.history
        if history.evaluations != self._evaluated:
            self._evaluated = history.evaluations
            self._epochs = history.epochs()
            self._observations = observe_history(history, self._epochs)
        active = status.state in ACTIVE
        self._log.read(to_the_end=not active)
        step = max(status.step, last_step(history))
        total = history.total_steps or status.total_steps
        return Snapshot(
            run=self.run,
            name=name_of(self.run, status),
            status=status,
            read_at=time.time(),
            step=step,
            total_steps=total,
            steps_per_epoch=history.steps_per_epoch,
            metric=history.selection_metric,
            class_weighted=history.class_weighted,
            stages=history.stages,
            curves=history.curves,
            machine=history.machine,
            charts=charts_of(history, _EXPECTED.get(status.task, ()) if active else ()),
            epochs=self._epochs,
            observations=self._observations,
            unfinished=unfinished_epoch(history, step),
            best=best_epoch(self._epochs, history.selection_metric),
            checkpoint=_last_checkpoint(history),
            sample=history.samples[-1] if history.samples else None,
            seconds_left=seconds_left(history, step, total) if active else None,
            test=history.test or {},
            note=str(history.notes[-1].get("text", "")) if history.notes else "",
            pending=pending_stop(self.run.control) if active else None,
            model=self.run.trained_model(),
            log=list(self._log.lines),
            log_count=self._log.count,
        )


def _last_checkpoint(history: History) -> tuple[int, float | None] | None:
    if not history.checkpoints:
        return None
    step = max(history.checkpoints)
    size = history.checkpoints[step].get("bytes")
    return step, float(size) if isinstance(size, int | float) else None
