"""What the Watch pane knows of a run: read from its directory in a thread, handed over whole."""

import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tui_finetune.runs.control import StopRequest, pending_stop
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import Epoch, History, HistoryReader
from tui_finetune.runs.history import Point as LogPoint
from tui_finetune.runs.journal import Entry
from tui_finetune.runs.observations import best_epoch, observe
from tui_finetune.runs.status import ACTIVE, RESUMABLE, Status, read_status
from tui_finetune.text import clean

ChartPoint = tuple[float, float | None]

LOG_LINES_KEPT = 1000
_LOG_LINE_LIMIT = 500
_LOG_BYTES_AT_FIRST = 256 * 1024
_SAMPLES_SHOWN = 60

# So many of the newest steps say how fast the run is now.
_STEPS_MEASURED = 200

# A gap between two steps this many times the usual one is a pause (a stop and a resume).
_PAUSE_FACTOR = 10


@dataclass(frozen=True)
class Snapshot:
    """A run as it is at one moment; nothing in it changes afterwards but `train` may grow."""

    run: RunDirectory
    status: Status
    read_at: float
    total_steps: int
    steps_per_epoch: int
    metric: str
    stages: dict[str, Entry]
    train: Sequence[ChartPoint]
    validation: Sequence[ChartPoint]
    accuracy: Sequence[ChartPoint]
    epochs: Sequence[Epoch]
    observations: Sequence[str]
    unfinished: Epoch | None
    """The epoch that has no evaluation yet, with its figures so far."""
    best: Epoch | None
    checkpoint: tuple[int, float | None] | None
    """Step and bytes of the last checkpoint."""
    samples: Sequence[Entry]
    seconds_left: float | None
    test: dict[str, float | None]
    note: str
    pending: StopRequest | None
    resumable: bool
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
    def step(self) -> int:
        """The last step known to be done."""
        return max(self.status.step, int(self.train[-1][0]) if self.train else 0)

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
        self._reader = HistoryReader(run.journal)
        self._log = LogTail(run.log)
        self._train: list[ChartPoint] = []
        self._last: LogPoint | None = None
        self._evaluated: list[LogPoint] = []
        self._epochs: list[Epoch] = []
        self._observations: list[str] = []

    def read(self) -> Snapshot:
        """Take in what came since the last call and return the run as it is now."""
        status = read_status(self.run.status)
        self._reader.update()
        history = self._reader.history
        self._follow_training(history)
        if history.evaluations != self._evaluated:
            self._evaluated = list(history.evaluations)
            self._epochs = history.epochs()
            self._observations = observe(self._epochs, history.selection_metric)
        active = status.state in ACTIVE
        self._log.read(to_the_end=not active)
        step = max(status.step, history.training[-1].step if history.training else 0)
        total = history.total_steps or status.total_steps
        return Snapshot(
            run=self.run,
            status=status,
            read_at=time.time(),
            total_steps=total,
            steps_per_epoch=history.steps_per_epoch,
            metric=history.selection_metric,
            stages=dict(history.stages),
            train=self._train,
            validation=[(float(epoch.step), epoch.validation_loss) for epoch in self._epochs],
            accuracy=[(float(epoch.step), epoch.accuracy) for epoch in self._epochs],
            epochs=self._epochs,
            observations=self._observations,
            unfinished=unfinished_epoch(history, step),
            best=best_epoch(self._epochs, history.selection_metric),
            checkpoint=_last_checkpoint(history),
            samples=history.samples[-_SAMPLES_SHOWN:],
            seconds_left=seconds_left(history, step, total) if active else None,
            test=dict(history.test or {}),
            note=str(history.notes[-1].get("text", "")) if history.notes else "",
            pending=pending_stop(self.run.control) if active else None,
            resumable=status.state in RESUMABLE,
            model=self.run.trained_model(),
            log=list(self._log.lines),
            log_count=self._log.count,
        )

    def _follow_training(self, history: History) -> None:
        """Bring the chart's points up to date, in place as long as points were only added."""
        known = len(self._train)
        training = history.training
        if known and (len(training) < known or training[known - 1] is not self._last):
            self._train, known = [], 0
        self._train += [(float(p.step), p.values.get("loss")) for p in training[known:]]
        self._last = training[-1] if training else None


class LogTail:
    """The last lines of a text file that may still grow, fit for a terminal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position: int | None = None
        self._half = b""
        self.lines: deque[str] = deque(maxlen=LOG_LINES_KEPT)
        self.count = 0

    def read(self, to_the_end: bool) -> None:
        """Take in new lines; with `to_the_end` also a last one without a line end."""
        try:
            with self._path.open("rb") as file:
                length = file.seek(0, 2)
                skipped = self._position is None and length > _LOG_BYTES_AT_FIRST
                if self._position is None or self._position > length:
                    self._position = max(length - _LOG_BYTES_AT_FIRST, 0)
                file.seek(self._position)
                content = self._half + file.read(length - self._position)
                self._position = length
        except OSError:
            return
        *lines, self._half = content.split(b"\n")
        if skipped:
            del lines[:1]
        if to_the_end and self._half:
            lines.append(self._half)
            self._half = b""
        for line in lines:
            # A progress bar overwrites its line: what stands there last counts.
            text = line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace").rstrip()
            if text:
                self.lines.append(clean(text, _LOG_LINE_LIMIT))
                self.count += 1


def seconds_left(history: History, step: int, total_steps: int) -> float | None:
    """Return how long the rest takes if steps and evaluations take as long as those measured.

    The time until the first logged step is left out: it holds the loading and the warming up.
    None until there are two steps to measure.
    """
    points = history.training[-_STEPS_MEASURED:]
    borders = {point.step for point in history.evaluations}
    steps: list[tuple[float, int]] = []
    evaluations: list[tuple[float, int]] = []
    for before, after in pairwise(points):
        taken = after.step - before.step
        if taken > 0:
            crossed = any(border in borders for border in range(before.step, after.step))
            (evaluations if crossed else steps).append((after.time - before.time, taken))
    if not steps:
        return None
    usual = statistics.median(seconds / count for seconds, count in steps)
    steps = [(s, count) for s, count in steps if s / count <= usual * _PAUSE_FACTOR] or steps
    per_step = sum(seconds for seconds, _ in steps) / sum(count for _, count in steps)
    extra = [max(seconds - count * per_step, 0.0) for seconds, count in evaluations]
    per_evaluation = statistics.median(extra) if extra else 0.0
    remaining = max(total_steps - step, 0)
    coming = -(-remaining // history.steps_per_epoch) if history.steps_per_epoch else 0
    return remaining * per_step + coming * per_evaluation


def unfinished_epoch(history: History, step: int) -> Epoch | None:
    """Return the epoch after the last evaluation as far as it went, or None."""
    since = history.evaluations[-1].step if history.evaluations else 0
    if step <= since or not history.steps_per_epoch:
        return None
    previous = since
    total, weight = 0.0, 0
    for point in _after(history.training, since):
        loss = point.values.get("loss")
        if loss is not None:
            total += loss * (point.step - previous)
            weight += point.step - previous
        previous = point.step
    number = (step - 1) // history.steps_per_epoch + 1
    train_loss = total / weight if weight else None
    return Epoch(float(number), step, train_loss, None, None, None, None, None)


def _after(points: Sequence[LogPoint], step: int) -> list[LogPoint]:
    """Return the points after a step, looking from the end so that it costs only those."""
    first = len(points)
    while first and points[first - 1].step > step:
        first -= 1
    return list(points[first:])


def _last_checkpoint(history: History) -> tuple[int, float | None] | None:
    if not history.checkpoints:
        return None
    step = max(history.checkpoints)
    size = history.checkpoints[step].get("bytes")
    return step, float(size) if isinstance(size, int | float) else None
