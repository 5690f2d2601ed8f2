"""Metrics with the interface of the `evaluate` library, computed by scikit-learn, offline."""

import warnings
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from scipy.stats import pearsonr, spearmanr  # type: ignore[import-untyped]
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    hamming_loss,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    r2_score,
)

# From this probability on a row has a label, where it may have several.
THRESHOLD = 0.5


class ClassificationMetrics(evaluate.Metric):
    """Accuracy, and macro averages of precision, recall and F1.

    A label that is never predicted has precision 0, one without rows has recall 0; macro averages
    run over the labels that occur in the references or the predictions, as in scikit-learn.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Accuracy, macro precision, recall and F1",
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        precision, recall, f1, _ = precision_recall_fscore_support(
            references, predictions, average="macro", zero_division=0
        )
        return {
            "accuracy": float(accuracy_score(references, predictions)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        }


class MultiLabelMetrics(evaluate.Metric):
    """What can be said of probabilities (rows, labels) and true labels (rows, labels) of 0 and 1.

    - `precision`, `recall` and `f1` as macro averages; `_micro` over all decisions, `_weighted` by
      the rows of each label. A label that is never predicted has precision 0, one without rows has
      recall 0; averages run over the labels that occur in the references or the predictions.
    - `f1_samples`: the mean over the rows; a row that rightly has no label counts 1.
    - `subset_accuracy`: the share of rows with all labels right and none too many.
    - `hamming_loss`: the share of wrong ones among all decisions, rows times labels.
    - `average_precision`: the mean over the labels that some rows have and others have not; NaN
      where there is none.

    `thresholds` (labels,) say from which probability on a row has a label.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Averages, subset accuracy, Hamming loss and average precision",
            citation="",
            features=datasets.Features(
                {
                    "prediction_scores": datasets.List(datasets.Value("float64")),
                    "references": datasets.List(datasets.Value("int64")),
                }
            ),
        )

    def _compute(
        self, prediction_scores: Any, references: Any, thresholds: Any = None
    ) -> dict[str, float]:
        scores, truth = np.asarray(prediction_scores), np.asarray(references)
        predicted = decided(scores, thresholds)
        occurring = np.flatnonzero((truth | predicted).any(axis=0))
        metrics: dict[str, float] = {}
        for average, suffix in (("macro", ""), ("micro", "_micro"), ("weighted", "_weighted")):
            figures = np.zeros(3)
            if len(occurring):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # weights that are all 0: the mean is 0
                    figures = precision_recall_fscore_support(
                        truth, predicted, labels=occurring, average=average, zero_division=0
                    )
            for name, figure in zip(("precision", "recall", "f1"), figures, strict=False):
                metrics[name + suffix] = float(figure)
        metrics["f1_samples"] = float(
            f1_score(truth, predicted, average="samples", zero_division=1)
        )
        metrics["subset_accuracy"] = float(accuracy_score(truth, predicted))
        metrics["hamming_loss"] = float(hamming_loss(truth, predicted))
        ranked = [label for label in range(truth.shape[1]) if len(np.unique(truth[:, label])) == 2]
        values = [average_precision_score(truth[:, label], scores[:, label]) for label in ranked]
        metrics["average_precision"] = float(np.mean(values)) if values else float("nan")
        return metrics


class RegressionMetrics(evaluate.Metric):
    """How far predicted numbers (rows,) are from the true ones, in the unit of the data.

    `mse`, the mean squared error, its root `rmse`, and `mae`, the mean absolute error; `r2`, the
    share of the variance that is explained; `pearson` and `spearman`, the correlations of values
    and of ranks. NaN where one side is constant, or for a single row.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Squared and absolute error, R2, correlations",
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("float64")}
            ),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        made, true = np.asarray(predictions), np.asarray(references)
        squared = float(mean_squared_error(true, made))
        varied = len(true) > 1 and np.ptp(true) > 0
        both = varied and np.ptp(made) > 0
        return {
            "mse": squared,
            "rmse": squared**0.5,
            "mae": float(mean_absolute_error(true, made)),
            "r2": float(r2_score(true, made)) if varied else float("nan"),
            "pearson": float(pearsonr(true, made).statistic) if both else float("nan"),
            "spearman": float(spearmanr(true, made).statistic) if both else float("nan"),
        }


def classification_metrics(
    predictions: Sequence[int] | np.ndarray, references: Sequence[int] | np.ndarray
) -> dict[str, float]:
    """Return accuracy, precision, recall and f1 of predicted against true label indices."""
    metric = ClassificationMetrics(keep_in_memory=True)
    result: dict[str, float] = metric.compute(predictions=predictions, references=references)
    return result


def multi_label_metrics(
    scores: np.ndarray, references: np.ndarray, thresholds: np.ndarray | None = None
) -> dict[str, float]:
    """Return the metrics of `MultiLabelMetrics`; without `thresholds` (labels,) all are 0.5."""
    metric = MultiLabelMetrics(keep_in_memory=True)
    result: dict[str, float] = metric.compute(
        prediction_scores=scores, references=references.astype(np.int64), thresholds=thresholds
    )
    return result


def regression_metrics(predictions: np.ndarray, references: np.ndarray) -> dict[str, float]:
    """Return the metrics of `RegressionMetrics`."""
    metric = RegressionMetrics(keep_in_memory=True)
    result: dict[str, float] = metric.compute(predictions=predictions, references=references)
    return result


def decided(scores: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
    """Return 1 where a probability (rows, labels) reaches its label's threshold, else 0."""
    decisions: np.ndarray = (scores >= (THRESHOLD if thresholds is None else thresholds)).astype(
        np.int64
    )
    return decisions
