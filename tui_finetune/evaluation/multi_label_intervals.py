"""Confidence intervals of the metrics of several labels a row, by the rules of `intervals`.

The subset accuracy is a share of rows and gets Wilson's interval. The Hamming loss and the F1 by
samples are means over rows, the other averages hang on counts by label: the spread of their values
over resampled rows gives the interval of `spread_interval`; rows, and not single decisions, are
drawn anew, because the labels of a row hang together. For the macro averages chance numbers of mean
a quarter are added to each label's right, missed and wrong rows, as `resampled_cells` does. Average
precision gets `logit_interval`, the loss `mean_interval`. On 300 samples of 100 and of 300 rows
with three labels they held the true value in 93 to 99 of 100, macro F1 on 100 rows in 91.
"""

from collections.abc import Callable

import numpy as np

from tui_finetune.evaluation.bootstrap import ranking_of, resampled_weights, resamples_for
from tui_finetune.evaluation.intervals import (
    SEED,
    Interval,
    logit_interval,
    mean_interval,
    share_interval,
    spread_interval,
)
from tui_finetune.evaluation.metrics import Metrics, binary_losses
from tui_finetune.tasks.metrics import decided

_SMOOTHING = 0.25
_MACRO = ("precision", "recall", "f1")


def multi_label_intervals(
    metrics: Metrics,
    scores: np.ndarray,
    truth: np.ndarray,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Interval | None]:
    """Return the 95% interval of each metric of `scored_sets`, None where the metric is.

    `scores` and `truth` (rows, labels) are what the metrics were computed from, with thresholds of
    0.5. `progress` is called with the resamples done and those there are.
    """
    rows = len(truth)
    predicted = decided(scores)
    wrong = (truth != predicted).mean(axis=1)
    found: dict[str, Interval | None] = dict.fromkeys(metrics)
    found["loss"] = mean_interval(binary_losses(scores, truth).mean(axis=1))
    found["subset_accuracy"] = share_interval(int((wrong == 0).sum()), rows)
    for name, spread in _spreads(scores, truth, predicted, progress).items():
        value = metrics[name]
        if value is None:
            continue
        if name == "average_precision":
            counts = truth.sum(axis=0)
            ranked = np.minimum(counts, rows - counts)
            found[name] = logit_interval(value, spread, int(ranked[ranked > 0].min()))
        else:
            found[name] = spread_interval(value, spread, rows)
    return found


def _spreads(
    scores: np.ndarray,
    truth: np.ndarray,
    predicted: np.ndarray,
    progress: Callable[[int, int], None],
) -> dict[str, float]:
    """Return the standard deviation of each metric over resampled rows."""
    chance = np.random.default_rng(SEED)
    rows, label_count = truth.shape
    resamples, done = resamples_for(rows), 0
    kinds = np.concatenate(
        [truth & predicted, (1 - truth) & predicted, truth & (1 - predicted)], axis=1
    ).astype(np.float64)
    sizes = (truth + predicted).sum(axis=1)
    by_row = np.stack(
        [
            (truth != predicted).mean(axis=1),
            np.where(sizes, 2 * (truth & predicted).sum(axis=1) / np.maximum(sizes, 1), 1.0),
        ],
        axis=1,
    )
    counts = truth.sum(axis=0)
    rankings = [
        ranking_of(scores[:, label], truth[:, label] == 1)
        for label in np.flatnonzero((counts > 0) & (counts < rows))
    ]
    drawn: dict[str, list[np.ndarray]] = {}
    for weights in resampled_weights(rows, resamples, chance):
        progress(done, resamples)
        weighted: np.ndarray = weights.astype(np.float64)
        cells = (weighted @ kinds).reshape(len(weights), 3, label_count)
        values = _averages(cells)
        smoothed = cells + chance.poisson(_SMOOTHING, size=cells.shape)
        values |= {name: figure for name, figure in _averages(smoothed).items() if name in _MACRO}
        values["hamming_loss"], values["f1_samples"] = (weighted @ by_row).T / rows
        if rankings:
            precisions = np.stack([ranking(weights)[1] for ranking in rankings])
            defined = (~np.isnan(precisions)).sum(axis=0)
            values["average_precision"] = (np.nansum(precisions, axis=0) / np.maximum(defined, 1))[
                defined > 0
            ]
        for name, figures in values.items():
            drawn.setdefault(name, []).append(figures)
        done += len(weights)
    return {name: float(np.concatenate(figures).std()) for name, figures in drawn.items()}


def _averages(cells: np.ndarray) -> dict[str, np.ndarray]:
    """Return averages of counts (resamples, right/wrong/missed, labels), each (resamples,)."""
    right, wrong, missed = cells[:, 0], cells[:, 1], cells[:, 2]
    occurring = np.maximum(((right + wrong + missed) > 0).sum(axis=1), 1)
    support = right + missed
    averages = {}
    for name, whole, part in (
        ("precision", right + wrong, right),
        ("recall", support, right),
        ("f1", 2 * right + wrong + missed, 2 * right),
    ):
        by_label = _share(part, whole)
        averages[name] = by_label.sum(axis=1) / occurring
        averages[f"{name}_micro"] = _share(part.sum(axis=1), whole.sum(axis=1))
        averages[f"{name}_weighted"] = _share((by_label * support).sum(axis=1), support.sum(axis=1))
    return averages


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares
