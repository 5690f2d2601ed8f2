"""A run's history, folded together from its journal: what the Watch pane and the commands show."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

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
    test: dict[str, float | None] | None = None
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
        ends = [point.step for point in self.evaluations]
        losses = self._mean_losses(ends)
        return [
            Epoch(
                number=point.epoch,
                step=point.step,
                train_loss=loss,
                validation_loss=point.values.get("eval_loss"),
                accuracy=point.values.get("eval_accuracy"),
                precision=point.values.get("eval_precision"),
                recall=point.values.get("eval_recall"),
                f1=point.values.get("eval_f1"),
            )
            for point, loss in zip(self.evaluations, losses, strict=True)
        ]

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

    def _mean_losses(self, ends: list[int]) -> list[float | None]:
        """Average the logged losses over the steps up to each end, from the end before it on.

        A logged loss is the mean since the log before it; one that reaches over an end counts with
        its share on either side.
        """
        totals = [0.0] * len(ends)
        weights = [0] * len(ends)
        previous = span = 0
        for point in self.training:
            loss = point.values.get("loss")
            while span < len(ends) and previous < point.step:
                inside = min(point.step, ends[span]) - previous
                if inside > 0 and loss is not None:
                    totals[span] += loss * inside
                    weights[span] += inside
                previous += max(inside, 0)
                if previous < ends[span]:
                    break
                span += 1
            previous = point.step
        return [
            total / weight if weight else None
            for total, weight in zip(totals, weights, strict=True)
        ]


class HistoryReader:
    """Follows a journal that may still grow."""

    def __init__(self, journal: Path) -> None:
        self.path = journal
        self._reader = JournalReader(journal)
        self.history = History()

    def update(self) -> bool:
        """Take in what came since the last call; return whether anything did."""
        entries = self._reader.read()
        for entry in entries:
            with suppress(
                KeyError, TypeError, ValueError, OverflowError
            ):  # a line that is not ours
                self.history.add(entry)
        return bool(entries)


def read_history(journal: Path) -> History:
    """Return the history of a journal as far as it is written."""
    reader = HistoryReader(journal)
    reader.update()
    return reader.history
