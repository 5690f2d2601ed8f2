"""Confidence intervals: how far the metrics may be from what they are on all rows of this kind.

Which way to an interval holds what it promises differs from metric to metric. Each was chosen by
drawing thousands of samples of 100, 300 and 1,000 rows from models whose true values are known,
and counting how often the 95% interval held the true one:

- Shares of rows (accuracy, precision and recall of a label) get the interval of Wilson 1927. The
  percentiles of resampled rows are [1, 1] where all rows are right, and held the true accuracy of
  0.97 on 100 rows in 91 of 100 samples, Wilson's in 97. The F1 of a label is 2J / (1 + J) of the
  share J of right rows among those that have the label or were given it, so it has one too.
- Averages over labels, and the Matthews correlation, get Wilson's interval for the number of rows
  that would give a share the spread of the resampled values (the effective sample size of Korn and
  Graubard 1998). For the macro averages a quarter of a right row and a quarter of a wrong one is
  added to each label before the draw: without them a label with few rows, all right, adds no
  spread at all, and intervals of macro precision held the true value in only 89 of 100 samples.
- ROC AUC and average precision get a normal interval on the logit scale with the spread of the
  resampled values (Pepe 2003; Boyd, Eng and Page 2013): percentiles held a true AUC of 0.996 on
  100 rows in 76 of 100 samples, this in 98. Without any spread, Wilson's for the rarer kind of row.
- The loss is a mean of skewed values: a t-interval with the skewness removed (Hall 1992), where
  percentiles held the true loss of a nearly perfect model on 100 rows in 80 of 100, this in 94.
- The calibration error: see `calibration_interval`.

Where they still hold less than 93 of 100: with 100 rows of six labels, of which some have four
rows, macro F1 and ROC AUC 92, average precision 90; ROC AUC and average precision of 0.996 on 300
and 1,000 rows 91 to 93. `tests/benchmarks/interval_coverage.py` prints them all.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from tui_finetune.evaluation.bootstrap import (
    RESAMPLES,
    metrics_of_cells,
    ranking_of,
    resampled_cells,
    resampled_weights,
    resamples_for,
)
from tui_finetune.evaluation.calibration import calibration_interval
from tui_finetune.evaluation.metrics import Metrics, confusion_counts, ranked_labels, row_losses

Interval = tuple[float, float]

CONFIDENCE = 0.95
SEED = 20170806

_LEVELS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
_Z = NormalDist().inv_cdf(_LEVELS[1])
_SMOOTHING = 0.25
_SHARES = ("accuracy", "precision_micro", "recall_micro", "f1_micro", "recall_weighted")
_SMOOTHED = ("precision", "recall", "f1")
_PLAIN = ("precision_weighted", "f1_weighted", "mcc")


def metric_intervals(
    metrics: Metrics,
    probabilities: np.ndarray,
    references: np.ndarray,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Interval | None]:
    """Return the 95% interval of each metric of `scored_metrics`.

    `probabilities` (rows, labels) and `references` (rows,) are what the metrics were computed
    from. The draws have a fixed seed. An interval is None where the metric is, and for a loss
    without any spread. `progress` is called with the resamples done and those there are.
    """
    chance = np.random.default_rng(SEED)
    rows, labels = probabilities.shape
    counts = confusion_counts(references, probabilities.argmax(axis=1), labels)
    right = int(np.trace(counts))
    found: dict[str, Interval | None] = dict.fromkeys(metrics)
    found |= dict.fromkeys(_SHARES, share_interval(right, rows))
    for names, smoothing in ((_SMOOTHED, _SMOOTHING), (_PLAIN, 0.0)):
        drawn: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for block in resampled_cells(counts, RESAMPLES, chance, smoothing):
            progress(0, resamples_for(rows))  # raises when the person has cancelled
            values = metrics_of_cells(block)
            for name in names:
                drawn[name].append(values[name])
        for name in names:
            spread = float(np.concatenate(drawn[name]).std())
            low = -1.0 if name == "mcc" else 0.0
            found[name] = spread_interval(_known(metrics[name]), spread, rows, low)
    found["loss"] = mean_interval(row_losses(probabilities, references))
    accuracy = _wilson(right / rows, rows)
    found["ece"] = calibration_interval(probabilities, references, accuracy, _LEVELS, chance)
    ranked = ranked_labels(references, labels)
    if ranked:
        fewest = min(min(count, rows - count) for count in np.bincount(references)[ranked].tolist())
        spreads = _ranking_spreads(probabilities, references, ranked, chance, progress)
        for name, spread in zip(("roc_auc", "average_precision"), spreads, strict=True):
            found[name] = logit_interval(_known(metrics[name]), float(spread), fewest)
    return found


def share_interval(part: float, whole: float) -> Interval | None:
    """Return the interval of Wilson 1927 for a share of rows; None where there are no rows."""
    return _wilson(part / whole, whole) if whole else None


def f1_interval(right: int, true: int, predicted: int) -> Interval | None:
    """Return the interval of a label's F1, by its counts of rows; None where it has none."""
    found = share_interval(right, true + predicted - right)
    return found and (2 * found[0] / (1 + found[0]), 2 * found[1] / (1 + found[1]))


def spread_interval(value: float, spread: float, rows: int, low: float = 0.0) -> Interval:
    """Return Wilson's interval for a metric between `low` and 1 with a standard error `spread`."""
    width = 1.0 - low
    share = min(max((value - low) / width, 0.0), 1.0)
    effective = float(rows)
    if 0 < share < 1 and spread > 0:
        # No metric is known better than a share of twice the rows would be.
        effective = min(share * (1 - share) / (spread / width) ** 2, 2.0 * rows)
    below, above = _wilson(share, max(effective, 0.5))
    return low + width * below, low + width * above


def logit_interval(value: float, spread: float, rows: int) -> Interval:
    """Return a normal interval on the logit scale; Wilson's for `rows` rows without any spread."""
    if not (0 < value < 1 and spread > 0):
        return _wilson(value, rows)
    middle = math.log(value / (1 - value))
    reach = _Z * spread / (value * (1 - value))
    return tuple((1 + math.tanh((middle + sign * reach) / 2)) / 2 for sign in (-1, 1))  # type: ignore[return-value]


def mean_interval(values: np.ndarray) -> Interval | None:
    """Return an interval for the mean of skewed values that are not below 0; None if all are equal.

    Hall 1992, "On the removal of skewness by transformation", the transformation g3: with
    a = skewness / sqrt(rows), the ends are mean - se * 3 ((1 + a (z - a / 6))^(1/3) - 1) / a.
    """
    mean, deviation = float(values.mean()), float(values.std())
    if deviation <= 1e-12 * max(mean, 1e-300):
        return None
    error = deviation / math.sqrt(len(values))
    skew = float((((values - mean) / deviation) ** 3).mean()) / math.sqrt(len(values))

    def straightened(z: float) -> float:
        return z if abs(skew) < 1e-6 else 3 * (math.cbrt(1 + skew * (z - skew / 6)) - 1) / skew

    return max(0.0, mean - error * straightened(_Z)), mean - error * straightened(-_Z)


def accuracy_difference(
    references: np.ndarray, one: np.ndarray, other: np.ndarray
) -> dict[str, Any]:
    """Return by how much predictions `one` are more often right than `other`, with its interval.

    Both are label indices (rows,) of the same rows. Drawn anew are pairs of predictions: those
    only the one has right, those only the other has, and the rest, with half a row more for the
    first two and one for the last (Agresti and Min 2005), so that no difference at all is no proof
    of equality. An interval without 0 in it is more than chance.
    """
    rows = len(references)
    first, second = one == references, other == references
    gained, lost = int((first & ~second).sum()), int((second & ~first).sum())
    weights = np.array([gained + 0.5, lost + 0.5, rows - gained - lost + 1.0]) / (rows + 2)
    drawn = np.random.default_rng(SEED).multinomial(rows, weights, size=10 * RESAMPLES)
    ends = np.quantile((drawn[:, 0] - drawn[:, 1]) / rows, _LEVELS)
    return {"accuracy": (gained - lost) / rows, "interval": [float(end) for end in ends]}


def _ranking_spreads(
    probabilities: np.ndarray,
    references: np.ndarray,
    ranked: list[int],
    chance: np.random.Generator,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Return the standard deviations of ROC AUC and average precision over resamples, (2,)."""
    rankings = [ranking_of(probabilities[:, label], references == label) for label in ranked]
    rows = len(references)
    resamples, done = resamples_for(rows), 0
    parts = []
    for weights in resampled_weights(rows, resamples, chance):
        by_label = []
        for ranking in rankings:
            progress(done, resamples)
            by_label.append(ranking(weights))
        values = np.stack(by_label)  # (labels, 2, resamples)
        defined = (~np.isnan(values)).sum(axis=0)
        parts.append(np.nansum(values, axis=0)[:, defined[0] > 0] / defined[:, defined[0] > 0])
        done += len(weights)
    drawn = np.concatenate(parts, axis=1)
    spreads: np.ndarray = drawn.std(axis=1) if drawn.shape[1] else np.zeros(2)
    return spreads


def _wilson(share: float, rows: float) -> Interval:
    square = _Z**2 / rows
    middle = (share + square / 2) / (1 + square)
    reach = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _known(value: float | None) -> float:
    assert value is not None  # counts and rankings that exist give a number
    return value
