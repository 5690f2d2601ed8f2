"""The figures of one run: the last and the best value of each metric, its time and its speed."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tui_finetune.runs.charts import is_cost
from tui_finetune.runs.history import EVALUATION, History
from tui_finetune.runs.listing import RunSummary
from tui_finetune.text import clean

Direction = Literal["lower", "higher"]

# An error by the last word of a metric's name, a score by any: hamming_loss, f1_micro. What is
# neither has no better side.
_LOWER = frozenset({"loss", "perplexity", "error", "wer", "cer", "mse", "rmse", "mae"})
_HIGHER = frozenset(
    {
        "accuracy", "accuracies", "f1", "precision", "recall", "mcc", "auc", "em",
        "bleu", "rouge1", "rouge2", "rougel", "rougelsum", "r2", "pearson", "spearman",
    }
)  # fmt: skip

_LONGEST_TITLE = 40

# The number that the Trainer logs of the training itself.
TRAIN_LOSS = "loss"

# Before the figures of the test rows.
TEST = "test_"


@dataclass(frozen=True)
class Figure:
    """A metric of one run: its last value, its best one, and the epoch of that. None: unknown.

    For the training loss these are means over the steps of an epoch, wherever there are
    evaluations; otherwise single log entries.
    """

    final: float | None
    best: float | None = None
    best_epoch: float | None = None


def title_of(metric: str) -> str:
    """Return what a metric is called: validation loss for eval_loss, train loss for loss."""
    if metric == TRAIN_LOSS:
        return "train loss"
    name = metric.replace(EVALUATION, "validation ", 1) if metric.startswith(EVALUATION) else metric
    return clean(re.sub(r"\bf1\b", "F1", name.replace("_", " ")), _LONGEST_TITLE)


def direction(metric: str) -> Direction | None:
    """Return which side of a metric is better, None if neither is known to be."""
    words = metric.lower().replace("/", "_").split("_")
    if words[-1] in _LOWER:
        return "lower"
    return None if _HIGHER.isdisjoint(words) else "higher"


def read_figures(history: History, summary: RunSummary) -> dict[str, Figure]:
    """Return the figures of a run by the Trainer's names, those of the test rows with "test_"."""
    figures: dict[str, Figure] = {}
    epochs = history.epochs()
    for name, curve in history.curves.items():
        if name.startswith(EVALUATION) and is_cost(name):
            continue
        points: Iterable[tuple[float, float | None]] = zip(curve.epochs, curve.values, strict=True)
        if name == TRAIN_LOSS and epochs:
            points = [(epoch.number, epoch.train_loss) for epoch in epochs]
        figures[name] = _figure(name, points)
    test = history.test or summary.metrics.get("test") or {}
    for name, value in test.items():
        known = _number(value)
        figures[TEST + name] = Figure(known, known)
    return figures


def _figure(name: str, points: Iterable[tuple[float, float | None]]) -> Figure:
    known = [(value, epoch) for epoch, value in points if value is not None and value == value]
    if not known:
        return Figure(None)
    side = direction(name)
    if side is None:
        return Figure(known[-1][0])
    choose = min if side == "lower" else max
    value, epoch = choose(known, key=lambda point: point[0])
    return Figure(known[-1][0], value, epoch)


def time_taken(summary: RunSummary, history: History) -> float | None:
    """Return the seconds that the run took so far; if unknown, those that the Trainer measured."""
    known = summary.duration
    return _number(history.summary.get("train_runtime")) if known is None else known


def speed(summary: RunSummary, history: History) -> float | None:
    """Return the rows trained in a second: the median of the samples, else the Trainer's figure.

    The Trainer divides the rows it had planned by the time it took, so an early end makes it too
    large; the share of the steps that were done puts that right.
    """
    samples = history.machine.get("rows_per_second")
    if samples is not None:
        values = [value for value in samples.values if value > 0]
        return statistics.median(values) if values else None
    planned = _number(history.summary.get("train_samples_per_second"))
    if planned is None or not summary.step or not summary.total_steps:
        return None
    return planned * min(summary.step / summary.total_steps, 1.0)


def _number(value: object) -> float | None:
    """Return what a journal or a status says if it is a finite number, else None."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def speed_words(rows_per_second: float) -> str:
    """Return a speed in rows a second, with a decimal where it is small."""
    return f"{rows_per_second:.0f}" if rows_per_second >= 10 else f"{rows_per_second:.1f}"


def metrics_in_order(figures: Iterable[Mapping[str, Figure]]) -> list[str]:
    """Return the names of all figures: those of two or more runs first, losses and scores first."""
    counts = Counter(name for of_a_run in figures for name in of_a_run)

    def rank(name: str) -> int:
        if name == TRAIN_LOSS:
            return 0
        if direction(name) is None:
            return 4
        return 1 if name.startswith(EVALUATION) else 2 if name.startswith(TEST) else 3

    return sorted(counts, key=lambda name: (counts[name] < 2, rank(name)))
