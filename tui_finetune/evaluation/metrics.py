"""The metrics of an evaluation, with the interface of the `evaluate` library, offline."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)

from tui_finetune.errors import InputError
from tui_finetune.evaluation.calibration import expected_calibration_error
from tui_finetune.runs.journal import finite
from tui_finetune.text import clean

Metrics = dict[str, float | None]

# The smallest probability that a loss is taken of: the smallest number above 0 in 32 bits.
SMALLEST_PROBABILITY = 1e-45

# By how much the probabilities of a row may miss a sum of 1; half precision misses it by 1e-3.
_SUM_TOLERANCE = 1e-2


class ScoredClassificationMetrics(evaluate.Metric):
    """What can be said of predicted probabilities (rows, labels) and true label indices (rows,).

    - `accuracy`, and `precision`, `recall` and `f1` as macro averages; `_micro` and `_weighted`
      (by the rows of each label) are the other averages. A label that is never predicted has
      precision 0, one without rows has recall 0; averages run over the labels that occur.
    - `mcc`, the Matthews correlation: 1 all right, 0 no better than chance, -1 all wrong.
    - `roc_auc` and `average_precision`: of two labels, the second is the positive one; of several,
      the mean over one label against the rest, for the labels that have rows of both kinds. None
      where no label has.
    - `loss`, the mean negative log-likelihood of the true label, in nats.
    - `ece`, the expected calibration error (Guo et al. 2017) in 15 bins.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Accuracy, averages, ranking, loss and calibration",
            citation="",
            features=datasets.Features(
                {
                    "prediction_scores": datasets.List(datasets.Value("float64")),
                    "references": datasets.Value("int64"),
                }
            ),
        )

    def _compute(self, prediction_scores: Any, references: Any) -> Metrics:
        probabilities = np.asarray(prediction_scores, dtype=np.float64)
        truth = np.asarray(references)
        predicted = probabilities.argmax(axis=1)
        metrics: Metrics = {
            "loss": float(row_losses(probabilities, truth).mean()),
            "accuracy": float(accuracy_score(truth, predicted)),
        }
        for average, suffix in (("macro", ""), ("micro", "_micro"), ("weighted", "_weighted")):
            scores = precision_recall_fscore_support(
                truth, predicted, average=average, zero_division=0
            )
            for name, score in zip(("precision", "recall", "f1"), scores[:3], strict=True):
                metrics[name + suffix] = float(score)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rows that all have one label: it is 0 then
            metrics["mcc"] = float(matthews_corrcoef(truth, predicted))
        positives = ranked_labels(truth, probabilities.shape[1])
        for name, score in (
            ("roc_auc", roc_auc_score),
            ("average_precision", average_precision_score),
        ):
            values = [score(truth == label, probabilities[:, label]) for label in positives]
            metrics[name] = float(np.mean(values)) if values else None
        metrics["ece"] = expected_calibration_error(probabilities, truth)
        return metrics


def scored_metrics(probabilities: np.ndarray, references: np.ndarray) -> Metrics:
    """Return the metrics of `ScoredClassificationMetrics`; what is no finite number is None."""
    metric = ScoredClassificationMetrics(keep_in_memory=True)
    result: Metrics = finite(metric.compute(prediction_scores=probabilities, references=references))
    return result


def row_losses(probabilities: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood of each row's true label, in nats."""
    given = probabilities[np.arange(len(references)), references]
    losses: np.ndarray = -np.log(np.maximum(given, SMALLEST_PROBABILITY))
    return losses


def binary_losses(probabilities: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the binary cross-entropy of each label of each row, (rows, labels), in nats."""
    given = np.where(references, probabilities, 1 - probabilities)
    losses: np.ndarray = -np.log(np.maximum(given, SMALLEST_PROBABILITY))
    return losses


def ranked_labels(references: np.ndarray, labels: int) -> list[int]:
    """Return the labels whose scores can be ranked against the rest: both kinds have rows."""
    candidates = [1] if labels == 2 else range(labels)
    counts = np.bincount(references, minlength=labels)
    return [label for label in candidates if 0 < counts[label] < len(references)]


def confusion_counts(references: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Return how many rows of each label (first axis) were taken for each (second axis)."""
    cells = np.bincount(references * labels + predicted, minlength=labels**2)
    counts: np.ndarray = cells.reshape(labels, labels)
    return counts


def label_indices(names: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Return the places of true labels among the label names.

    Raises `InputError` if one is not among them.
    """
    index = {name: place for place, name in enumerate(labels)}
    _require_known(set(names), index)
    places: np.ndarray = np.array([index[name] for name in names], dtype=np.int64)
    return places


def label_sets(names: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """Return lists of true labels as (rows, labels) of 1 and 0.

    Raises `InputError` if one is not among the label names.
    """
    index = {name: place for place, name in enumerate(labels)}
    _require_known({name for row in names for name in row}, index)
    sets: np.ndarray = np.zeros((len(names), len(labels)), dtype=np.int64)
    for row, found in enumerate(names):
        sets[row, [index[name] for name in found]] = 1
    return sets


def _require_known(names: set[str], index: Mapping[str, int]) -> None:
    unknown = sorted(names - index.keys())
    if unknown:
        raise InputError(
            f"the data has a label that the model does not know: {clean(unknown[0], 40)}; "
            "evaluate on data with the run's labels"
        )


def checked_probabilities(probabilities: Any, rows: int, labels: int) -> np.ndarray:
    """Return probabilities as an array (rows, labels) of 64-bit floats.

    Raises `InputError` if it has another shape, or a row is no distribution over the labels.
    """
    array: np.ndarray = np.asarray(probabilities, dtype=np.float64)
    if not rows:
        raise InputError("there are no rows to evaluate; choose data that has some")
    if array.shape != (rows, labels):
        raise InputError(
            f"the predictions are {' x '.join(map(str, array.shape))} numbers where {rows} rows "
            f"x {labels} labels are meant; predict the rows again"
        )
    fits = (array >= 0).all(axis=1) & (np.abs(array.sum(axis=1) - 1) <= _SUM_TOLERANCE)
    if not fits.all():
        raise InputError(
            f"row {int(np.argmin(fits)) + 1} of the predictions has no probabilities that sum to "
            "1; the model may have diverged: train with a lower train.learning_rate"
        )
    return array
