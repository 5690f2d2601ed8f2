"""A run's history, folded together from its journal: what the Watch pane and the commands show."""

import math
from copy import copy
from dataclasses import dataclass, field, replace

from tui_finetune.runs.curves import UNKNOWN, Curve
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.imports.follow import Follower
from tui_finetune.runs.journal import Entry, JournalReader

# Enough for the small memory and throughput views; the journal keeps all of them.
SAMPLES_KEPT = 1000

EVALUATION = "eval_"

# Only the entry at the end of the training has both; its figures are no course of anything.
# Lightning logs a curve of the one name, a Trainer that counts tokens logs the other at each step.
_SUMMARY = frozenset({"train_runtime", "train_loss"})

# Not figures of the training: what says where or when an entry was made.
_PLACES = frozenset({"event", "time", "step", "epoch", "train_runtime"})

# What a figure may be in JSON; true and false are none, though Python counts with them.
_NUMBERS = frozenset({float, int, type(None)})

_MACHINE = ("rows_per_second", "process_rss", "host_used", "cpu_percent")
_GPU = ("used_by_run", "used", "utilisation", "temperature", "power")

# A line for each of so many GPUs is more than a small chart can show.
MANY_GPUS = 4


@dataclass(frozen=True)
class Point:
    """Numbers logged at one step. `values` uses the names of the Trainer's log_history.

    `time` is in seconds since 1970; NaN is an unknown time or epoch.
    """

    step: int
    epoch: float
    time: float
    values: dict[str, float | None]


@dataclass(frozen=True)
class Epoch:
    """A row of the epoch table; None where there is no number, NaN for an unknown `number`.

    `metrics` has the figures of the evaluation under the Trainer's names without "eval_".
    """

    number: float
    step: int
    train_loss: float | None
    metrics: dict[str, float | None]

    @property
    def ordinal(self) -> str:
        """Which epoch it is: "3", or "2.5" inside of one, or "—" if only the step is known."""
        return "—" if math.isnan(self.number) else f"{round(self.number, 2):g}"

    @property
    def place(self) -> str:
        """Where it is in words: "epoch 3", or "step 400" if the epoch is not known."""
        return f"step {self.step}" if math.isnan(self.number) else f"epoch {self.ordinal}"

    @property
    def validation_loss(self) -> float | None:
        """The loss on the validation rows."""
        return self.metrics.get("loss")

    @property
    def accuracy(self) -> float | None:
        """The accuracy on the validation rows."""
        return self.metrics.get("accuracy")

    @property
    def f1(self) -> float | None:
        """The F1 on the validation rows."""
        return self.metrics.get("f1")


@dataclass
class History:
    """All that a journal says, in the order of steps; what a resumed run repeated stands once.

    `curves` has every number of the log under the Trainer's own name, `machine` those of the
    samples; a GPU's begin with its place, as "gpu0/used_by_run", and with many GPUs there are also
    "gpus/lowest/used_by_run", "gpus/mean/…" and "gpus/highest/…" over all. `evaluations` has the
    figures of each step at which there was an evaluation, `summary` those of the end of the
    training.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    machine: dict[str, Curve] = field(default_factory=dict)
    evaluations: list[Point] = field(default_factory=list)
    summary: dict[str, float | None] = field(default_factory=dict)
    checkpoints: dict[int, Entry] = field(default_factory=dict)
    samples: list[Entry] = field(default_factory=list)
    stages: dict[str, Entry] = field(default_factory=dict)
    notes: list[Entry] = field(default_factory=list)
    test: dict[str, float | None] | None = None
    total_steps: int = 0
    steps_per_epoch: int = 0
    selection_metric: str = "eval_loss"
    began: float | None = None
    """When the training began, in seconds since 1970; None unknown."""
    _tokens: float = UNKNOWN

    def successor(self) -> "History":
        """Return a history that may take in more, while this one stays as it is for good.

        Its curves are the same objects until something is added to them.
        """
        for curve in (*self.curves.values(), *self.machine.values()):
            curve.final = True
        kept = (
            "curves", "machine", "evaluations", "checkpoints", "samples", "stages", "notes",
        )  # fmt: skip
        return replace(self, **{name: copy(getattr(self, name)) for name in kept})

    def add(self, entry: Entry) -> None:
        """Take in one entry of the journal; unknown events are passed over."""
        event = entry.get("event")
        if self.began is None and entry.get("time") is not None:
            self.began = float(entry["time"])
        if event == "log":
            self._add_log(entry)
        elif event == "sample":
            self._add_sample(entry)
        elif event == "checkpoint":
            self.checkpoints[int(entry["step"])] = entry
        elif event == "stage":
            self.stages[str(entry.get("stage"))] = entry
        elif event == "note":
            self.notes.append(entry)
        elif event == "test":
            self.test = entry["metrics"]
        elif event == "start":
            self._start(entry)

    @property
    def class_weighted(self) -> bool:
        """Whether rows of rare labels count more in its losses, but for those of the test."""
        return any(note.get("class_weights") for note in self.notes)

    def epochs(self) -> list[Epoch]:
        """Return a row for each evaluation, the training loss averaged over the steps since."""
        ends = [point.step for point in self.evaluations]
        losses = self._mean_losses(ends)
        return [
            Epoch(
                number=point.epoch,
                step=point.step,
                train_loss=loss,
                metrics={
                    name.removeprefix(EVALUATION): value for name, value in point.values.items()
                },
            )
            for point, loss in zip(self.evaluations, losses, strict=True)
        ]

    def _add_log(self, entry: Entry) -> None:
        step = int(entry.get("step", 0))
        epoch = UNKNOWN if entry.get("epoch") is None else float(entry["epoch"])
        values = {
            key: value
            for key, value in entry.items()
            if key not in _PLACES and type(value) in _NUMBERS
        }
        if entry.keys() >= _SUMMARY:
            self.summary = values | {"train_runtime": entry.get("train_runtime")}
            return
        if seen := values.pop("num_input_tokens_seen", None):
            self._tokens = float(seen)
        elapsed = self._elapsed(entry)
        for name, value in values.items():
            _growing(self.curves, name).append(step, epoch, elapsed, self._tokens, value)
        evaluated = {n: _finite(v) for n, v in values.items() if n.startswith(EVALUATION)}
        if evaluated:
            while self.evaluations and self.evaluations[-1].step > step:
                self.evaluations.pop()
            if self.evaluations and self.evaluations[-1].step == step:
                # several sets of rows, each with an entry of its own
                evaluated = self.evaluations.pop().values | evaluated
            time = float(entry["time"]) if entry.get("time") is not None else UNKNOWN
            self.evaluations.append(Point(step, epoch, time, evaluated))

    def _add_sample(self, entry: Entry) -> None:
        self.samples.append(entry)
        del self.samples[:-SAMPLES_KEPT]
        step = float(entry.get("step") or 0)
        epoch = step / self.steps_per_epoch if self.steps_per_epoch else UNKNOWN
        figures = {name: entry.get(name) for name in _MACHINE}
        gpus = entry.get("gpus") or []
        for gpu in gpus:
            figures |= {f"gpu{gpu.get('index')}/{name}": gpu.get(name) for name in _GPU}
        if len(gpus) >= MANY_GPUS:
            for name in _GPU:
                figures |= _over_all([gpu.get(name) for gpu in gpus], name)
        for name, value in figures.items():
            if value is not None:
                curve = _growing(self.machine, name)
                curve.append(step, epoch, self._elapsed(entry), self._tokens, float(value))

    def _elapsed(self, entry: Entry) -> float:
        time = entry.get("time")
        return UNKNOWN if time is None or self.began is None else float(time) - self.began

    def _start(self, entry: Entry) -> None:
        """Begin, or go on from a checkpoint: what came after it is about to be repeated."""
        resumed_from = int(entry.get("resumed_from") or 0)
        self.total_steps = int(entry.get("total_steps") or 0)
        self.steps_per_epoch = int(entry.get("steps_per_epoch") or 0)
        self.selection_metric = str(entry.get("selection_metric") or "eval_loss")
        if not resumed_from:
            self.began = None if entry.get("time") is None else float(entry["time"])
            self.machine = {}
            self._tokens = UNKNOWN
        for name in [*self.curves]:
            _growing(self.curves, name).cut(resumed_from + 1)
            if not self.curves[name]:
                del self.curves[name]
        self.evaluations = [point for point in self.evaluations if point.step <= resumed_from]
        self.checkpoints = {
            step: saved for step, saved in self.checkpoints.items() if step <= resumed_from
        }
        self.summary = {}

    def _mean_losses(self, ends: list[int]) -> list[float | None]:
        """Average the logged losses over the steps up to each end, from the end before it on.

        A logged loss is the mean since the log before it; one that reaches over an end counts with
        its share on either side.
        """
        totals = [0.0] * len(ends)
        weights = [0.0] * len(ends)
        previous = 0.0
        span = 0
        curve = self.curves.get("loss", Curve())
        for step, loss in zip(curve.steps, curve.values, strict=True):
            while span < len(ends) and previous < step:
                inside = min(step, ends[span]) - previous
                if inside > 0 and not math.isnan(loss):
                    totals[span] += loss * inside
                    weights[span] += inside
                previous += max(inside, 0)
                if previous < ends[span]:
                    break
                span += 1
            previous = step
        return [
            total / weight if weight else None
            for total, weight in zip(totals, weights, strict=True)
        ]


class HistoryReader:
    """Follows the journal of a run that may still go on.

    A `history` that was taken from it never changes, so that a thread may read on meanwhile.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._reader = JournalReader(run.journal)
        self._follower = Follower(run)
        self.history = History()

    def update(self) -> bool:
        """Take in what came since the last call; return whether anything did."""
        self._follower.update()  # an imported run's journal grows only when it is asked for
        entries = self._reader.read()
        if not entries:
            return False
        history = self.history.successor()
        for entry in entries:
            try:
                history.add(entry)
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
                continue  # a line that is not ours
        self.history = history
        return True


def read_history(run: RunDirectory) -> History:
    """Return the history of a run as far as it is written."""
    reader = HistoryReader(run)
    reader.update()
    return reader.history


def _growing(curves: dict[str, Curve], name: str) -> Curve:
    """Return the curve of this name to add to: a new one if there is none, or if it is final."""
    curve = curves.get(name)
    if curve is None or curve.final:
        curve = curves[name] = Curve() if curve is None else curve.copy()
    return curve


def _over_all(figures: list[float | None], name: str) -> dict[str, float]:
    """Return the lowest, the mean and the highest figure of those GPUs that have one."""
    known = [float(value) for value in figures if value is not None]
    if not known:
        return {}
    spread = {"lowest": min(known), "mean": sum(known) / len(known), "highest": max(known)}
    return {f"gpus/{which}/{name}": value for which, value in spread.items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
