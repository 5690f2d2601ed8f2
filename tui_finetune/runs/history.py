"""A run's history, folded together from its journal: what the Watch pane and the commands show."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_finetune.runs.journal import Entry, JournalReader

# Enough for the small memory and throughput views; the journal keeps all of them.
SAMPLES_KEPT = 1000


@dataclass(frozen=True)
class Point:
    """Numbers logged at one step. `values` uses the names of the Trainer's log_history."""

    step: int
    epoch: float
    time: float
    values: dict[str, float | None]


@dataclass(frozen=True)
class Epoch:
    """A row of the epoch table; None where there is no number."""

    number: float
    step: int
    train_loss: float | None
    validation_loss: float | None
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass
class History:
    """All that a journal says, in the order of steps; what a resumed run repeated stands once."""

    training: list[Point] = field(default_factory=list)
    evaluations: list[Point] = field(default_factory=list)
    checkpoints: dict[int, Entry] = field(default_factory=dict)
    samples: list[Entry] = field(default_factory=list)
    stages: dict[str, Entry] = field(default_factory=dict)
    notes: list[Entry] = field(default_factory=list)
    test: dict[str, float] | None = None
    total_steps: int = 0
    steps_per_epoch: int = 0
    selection_metric: str = "eval_loss"

    def add(self, entry: Entry) -> None:
        """Take in one entry of the journal; unknown events are passed over."""
        event = entry.get("event")
        if event == "log":
            self._add_log(entry)
        elif event == "sample":
            self.samples.append(entry)
            del self.samples[:-SAMPLES_KEPT]
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

    def epochs(self) -> list[Epoch]:
        """Return a row for each evaluation, the training loss averaged over the steps since."""
        rows = []
        since = 0
        for point in self.evaluations:
            values = point.values
            rows.append(
                Epoch(
                    number=point.epoch,
                    step=point.step,
                    train_loss=self._mean_loss(since, point.step),
                    validation_loss=values.get("eval_loss"),
                    accuracy=values.get("eval_accuracy"),
                    precision=values.get("eval_precision"),
                    recall=values.get("eval_recall"),
                    f1=values.get("eval_f1"),
                )
            )
            since = point.step
        return rows

    def best_evaluation(self) -> Point | None:
        """Return the evaluation that the selection metric prefers; the earlier one if equal."""
        metric = self.selection_metric
        scored = [point for point in self.evaluations if point.values.get(metric) is not None]
        if not scored:
            return None
        sign = 1.0 if metric.endswith("loss") else -1.0
        return min(scored, key=lambda point: sign * (point.values[metric] or 0.0))

    def _add_log(self, entry: Entry) -> None:
        values = {
            key: value
            for key, value in entry.items()
            if key not in ("event", "time", "step", "epoch")
            and isinstance(value, float | int | None)
        }
        point = Point(
            int(entry.get("step", 0)), float(entry.get("epoch") or 0.0), entry["time"], values
        )
        if "loss" in values:
            self.training.append(point)
        elif "eval_loss" in values:
            self.evaluations.append(point)

    def _start(self, entry: Entry) -> None:
        """Begin, or go on from a checkpoint: what came after it is about to be repeated."""
        resumed_from = int(entry.get("resumed_from") or 0)
        self.total_steps = int(entry.get("total_steps") or 0)
        self.steps_per_epoch = int(entry.get("steps_per_epoch") or 0)
        self.selection_metric = str(entry.get("selection_metric") or "eval_loss")
        self.training = [point for point in self.training if point.step <= resumed_from]
        self.evaluations = [point for point in self.evaluations if point.step <= resumed_from]
        self.checkpoints = {
            step: saved for step, saved in self.checkpoints.items() if step <= resumed_from
        }

    def _mean_loss(self, after: int, until: int) -> float | None:
        """Average the logged losses over the steps in (after, until].

        A logged loss is the mean since the log before it; one that reaches over a border counts
        with its share inside.
        """
        total = 0.0
        weight = 0
        previous = 0
        for point in self.training:
            inside = min(point.step, until) - max(previous, after)
            previous = point.step
            loss = point.values.get("loss")
            if inside > 0 and loss is not None:
                total += loss * inside
                weight += inside
        return total / weight if weight else None


class HistoryReader:
    """Follows a journal that may still grow."""

    def __init__(self, journal: Path) -> None:
        self._reader = JournalReader(journal)
        self.history = History()

    def update(self) -> bool:
        """Take in what came since the last call; return whether anything did."""
        entries = self._reader.read()
        for entry in entries:
            with suppress(KeyError, TypeError, ValueError):  # a line that is not ours
                self.history.add(entry)
        return bool(entries)


def read_history(journal: Path) -> History:
    """Return the history of a journal as far as it is written."""
    reader = HistoryReader(journal)
    reader.update()
    return reader.history


def newest(samples: list[Entry], key: str) -> Any:
    """Return the newest sample's value for `key`, or None."""
    return next((sample[key] for sample in reversed(samples) if key in sample), None)
