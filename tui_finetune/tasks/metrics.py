"""Metrics with the interface of the `evaluate` library, computed by scikit-learn, offline."""

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from sklearn.metrics import accuracy_score, precision_recall_fscore_support


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


def classification_metrics(
    predictions: Sequence[int] | np.ndarray, references: Sequence[int] | np.ndarray
) -> dict[str, float]:
    """Return accuracy, precision, recall and f1 of predicted against true label indices."""
    metric = ClassificationMetrics(keep_in_memory=True)
    result: dict[str, float] = metric.compute(predictions=predictions, references=references)
    return result
