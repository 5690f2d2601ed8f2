"""All that an evaluation says of a model that predicts a number."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from tui_finetune.evaluation.bootstrap import resampled_weights, resamples_for
from tui_finetune.evaluation.intervals import CONFIDENCE, SEED, Interval, mean_interval
from tui_finetune.evaluation.metrics import Metrics
from tui_finetune.evaluation.mistakes import MOST_MISTAKES
from tui_finetune.evaluation.report import SavedPredictions
from tui_finetune.evaluation.slices import parts_of, whole_texts
from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import regression_metrics

Progress = Callable[[dict[str, Any]], None]

_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_HIGHEST_RANK_CORRELATION = 0.97


def regression_document(
    saved: SavedPredictions,
    *,
    before: SavedPredictions | None = None,
    before_problem: str | None = None,
    train: Sequence[float] | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    progress: Progress = lambda step: None,
) -> dict[str, Any]:
    """Return how good predicted numbers are, as `evaluation_document` does for labels.

    The metrics are those of `RegressionMetrics`, and the loss, which is the mean squared error.
    The baseline always says the mean of the training numbers (`train`), else of these. `mistakes`
    are all rows, at most 10,000, the largest error first; `error` is predicted less true.
    """
    truth, made = np.array(saved.references), saved.probabilities[:, 0]
    metrics = scored_numbers(made, truth)
    mean = float(np.mean(train)) if train else float(truth.mean())
    progress({"what": "resampling the rows", "done": 0, "of": 1})
    document: dict[str, Any] = {
        "problem_type": saved.problem_type,
        "rows": len(truth),
        "labels": [],
        "metrics": metrics,
        "intervals": regression_intervals(metrics, made, truth),
        "confidence": CONFIDENCE,
        "baselines": {
            "mean": {"value": mean, "metrics": scored_numbers(np.full(len(truth), mean), truth)},
            "before": None,
            "before_problem": before_problem,
        },
        "bias": float((made - truth).mean()),
        "range": {"true": _range(truth), "predicted": _range(made)},
        "mistakes_total": len(truth),
        "mistakes": _mistakes(saved, truth, made),
        "slices": _slices(truth, made, saved, columns or {}),
    }
    if before is not None:
        earlier = before.probabilities[:, 0]
        known = scored_numbers(earlier, truth)
        document["baselines"]["before"] = {
            "metrics": known,
            "intervals": regression_intervals(known, earlier, truth),
            "difference": _difference(np.abs(made - truth), np.abs(earlier - truth)),
        }
    result: dict[str, Any] = finite(document)
    return result


def scored_numbers(predictions: np.ndarray, references: np.ndarray) -> Metrics:
    """Return the loss and the metrics of `RegressionMetrics`; None for what is not known."""
    metrics = regression_metrics(predictions, references)
    known: Metrics = finite({"loss": metrics["mse"], **metrics})
    return known


def regression_intervals(
    metrics: Metrics, predictions: np.ndarray, references: np.ndarray
) -> dict[str, Interval | None]:
    """Return the 95% interval of each metric; None where there is none that holds what it says.

    Errors are means of skewed values (`mean_interval`); the root has the roots of its ends. The
    correlations get a normal interval on Fisher's z scale, Pearson's with the spread of resampled
    rows, because its usual error holds for normal values only, Spearman's with the variance of
    Bonett and Wright 2000. R2 gets one on the scale log(1 - R2).

    Of samples of 100 and 300 rows they held the true value in 93 to 97 of 100; but Spearman's of
    0.98 in 92 and of 0.998 in 63, so it has none above 0.97.
    """
    errors = predictions - references
    found: dict[str, Interval | None] = dict.fromkeys(metrics)
    found["loss"] = found["mse"] = squared = mean_interval(errors**2)
    found["rmse"] = squared and (math.sqrt(squared[0]), math.sqrt(squared[1]))
    found["mae"] = mean_interval(np.abs(errors))
    rows, rank = len(errors), metrics["spearman"]
    if rank is not None and abs(rank) <= _HIGHEST_RANK_CORRELATION and rows > 3:
        found["spearman"] = _fisher(rank, math.sqrt((1 + rank**2 / 2) / (rows - 3)))
    correlation, explained = metrics["pearson"], metrics["r2"]
    z_spread, log_spread = _spreads(predictions, references)
    if correlation is not None and abs(correlation) < 1 and z_spread > 0:
        found["pearson"] = _fisher(correlation, z_spread)
    if explained is not None and explained < 1 and log_spread > 0:
        factor = math.exp(_Z * log_spread)
        found["r2"] = (1 - (1 - explained) * factor, 1 - (1 - explained) / factor)
    return found


def _fisher(correlation: float, error: float) -> Interval:
    middle = math.atanh(correlation)
    return math.tanh(middle - _Z * error), math.tanh(middle + _Z * error)


def _spreads(predictions: np.ndarray, references: np.ndarray) -> tuple[float, float]:
    """Return the deviations over resampled rows of atanh(Pearson) and of log(1 - R2)."""
    chance = np.random.default_rng(SEED)
    rows = len(references)
    # Centred first, so that sums of squares keep their digits.
    made, true = predictions - predictions.mean(), references - references.mean()
    error = (predictions - references) ** 2
    sums = np.stack([made, true, made * made, true * true, made * true, error], axis=1)
    angles, logs = [], []
    for weights in resampled_weights(rows, resamples_for(rows), chance):
        means = (weights.astype(np.float64) @ sums / rows).T
        var_made, var_true = means[2] - means[0] ** 2, means[3] - means[1] ** 2
        some = (var_made > 0) & (var_true > 0) & (means[5] > 0)
        covariance = means[4] - means[0] * means[1]
        correlation = covariance[some] / np.sqrt(var_made[some] * var_true[some])
        angles.append(np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)))
        logs.append(np.log(means[5][some] / var_true[some]))
    return tuple(  # type: ignore[return-value]
        float(drawn.std()) if len(drawn) else 0.0
        for drawn in (np.concatenate(angles), np.concatenate(logs))
    )


def _range(values: np.ndarray) -> list[float]:
    return [float(values.min()), float(values.mean()), float(values.max())]


def _difference(now: np.ndarray, before: np.ndarray) -> dict[str, Any]:
    """Return by how much the mean absolute error changed on the same rows, with its interval."""
    changes = now - before
    change = float(changes.mean())
    if len(changes) < 2:
        return {"mae": change, "interval": None}
    reach = _Z * float(changes.std(ddof=1)) / math.sqrt(len(changes))
    return {"mae": change, "interval": [change - reach, change + reach]}


def _mistakes(saved: SavedPredictions, truth: np.ndarray, made: np.ndarray) -> list[dict[str, Any]]:
    ranked = np.argsort(-np.abs(made - truth), kind="stable")[:MOST_MISTAKES]
    return [
        {
            "row": saved.rows[index],
            "text": saved.texts[index],
            "text_pair": saved.pairs[index] if saved.pairs else None,
            "true": float(truth[index]),
            "value": float(made[index]),
            "error": float(made[index] - truth[index]),
        }
        for index in ranked.tolist()
    ]


def _slices(
    truth: np.ndarray,
    made: np.ndarray,
    saved: SavedPredictions,
    columns: Mapping[str, Sequence[Any]],
) -> list[dict[str, Any]]:
    """Return rows, mean absolute error with its interval, and mean error of each part."""

    def part(name: str, rows: np.ndarray) -> dict[str, Any]:
        errors = made[rows] - truth[rows]
        return {
            "name": name,
            "rows": len(rows),
            "mae": float(np.abs(errors).mean()),
            "interval": mean_interval(np.abs(errors)),
            "bias": float(errors.mean()),
        }

    return [
        {"column": column, "slices": [part(*group) for group in groups]}
        for column, groups in parts_of(whole_texts(saved.texts, saved.pairs), columns)
    ]
