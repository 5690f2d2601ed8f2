"""All that an evaluation says of a model that gives several labels a text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from tui_finetune.evaluation.intervals import (
    CONFIDENCE,
    accuracy_difference,
    f1_interval,
    share_interval,
)
from tui_finetune.evaluation.metrics import Metrics, binary_losses, label_sets
from tui_finetune.evaluation.mistakes import MOST_MISTAKES
from tui_finetune.evaluation.multi_label_intervals import multi_label_intervals
from tui_finetune.evaluation.report import SavedPredictions
from tui_finetune.evaluation.slices import parts_of, whole_texts
from tui_finetune.evaluation.thresholds import best_thresholds
from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import decided, multi_label_metrics

Progress = Callable[[dict[str, Any]], None]


def multi_label_document(
    saved: SavedPredictions,
    *,
    before: SavedPredictions | None = None,
    before_problem: str | None = None,
    train: Sequence[Sequence[str]] | None = None,
    validation: SavedPredictions | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    progress: Progress = lambda step: None,
) -> dict[str, Any]:
    """Return how good predictions of several labels a row are, as `evaluation_document` does.

    The metrics are those of `MultiLabelMetrics` with 0.5 as the threshold of each label, and the
    loss, the mean binary cross-entropy. `thresholds` has those that are best on the validation
    rows, with the metrics they give here. The baseline gives each label the share that it has
    among the training rows (`train`: their labels), else among these. Mistakes are rows with any
    label wrong, the one with the largest loss first.
    """
    labels = saved.labels
    truth, scores = label_sets(saved.references, labels), saved.probabilities
    predicted = decided(scores)
    metrics = scored_sets(scores, truth)
    intervals = multi_label_intervals(
        metrics, scores, truth, lambda done, of: progress(_step("resampling the rows", done, of))
    )
    best = None if validation is None else best_thresholds(validation)
    right = (truth == predicted).all(axis=1)
    document: dict[str, Any] = {
        "problem_type": saved.problem_type,
        "rows": len(truth),
        "labels": labels,
        "metrics": metrics,
        "intervals": intervals,
        "confidence": CONFIDENCE,
        "baselines": {
            "majority": _majority(labels, truth, train),
            "before": None,
            "before_problem": before_problem,
        },
        "classes": _classes(scores, truth, labels, best),
        "thresholds": None if best is None else _at(best, scores, truth, labels),
        "mistakes_total": int((~right).sum()),
        "mistakes": _mistakes(saved, truth, predicted, right),
        "slices": _slices(truth, predicted, right, saved, columns or {}),
    }
    if before is not None:
        earlier = before.probabilities
        was_right = (truth == decided(earlier)).all(axis=1)
        known = scored_sets(earlier, truth)
        always: np.ndarray = np.ones(len(truth), dtype=np.int64)
        difference = accuracy_difference(always, right.astype(int), was_right.astype(int))
        document["baselines"]["before"] = {
            "metrics": known,
            "intervals": multi_label_intervals(
                known,
                earlier,
                truth,
                lambda done, of: progress(
                    _step("resampling the rows before fine-tuning", done, of)
                ),
            ),
            "difference": {
                "subset_accuracy": difference["accuracy"],
                "interval": difference["interval"],
            },
        }
    result: dict[str, Any] = finite(document)
    return result


def scored_sets(
    scores: np.ndarray, truth: np.ndarray, thresholds: np.ndarray | None = None
) -> Metrics:
    """Return the loss and the metrics of `MultiLabelMetrics`; None for what is not known."""
    loss = float(binary_losses(scores, truth).mean())
    metrics: Metrics = finite({"loss": loss, **multi_label_metrics(scores, truth, thresholds)})
    return metrics


def _step(what: str, done: int, of: int) -> dict[str, Any]:
    return {"what": what, "done": done, "of": of}


def _majority(
    labels: Sequence[str], truth: np.ndarray, train: Sequence[Sequence[str]] | None
) -> dict[str, Any]:
    counted = label_sets(train, labels) if train else truth
    shares = counted.mean(axis=0)
    always = [label for label, share in zip(labels, shares, strict=True) if share >= 0.5]
    scores = np.tile(shares, (len(truth), 1))
    return {"labels": always, "metrics": scored_sets(scores, truth)}


def _classes(
    scores: np.ndarray, truth: np.ndarray, labels: Sequence[str], best: Mapping[str, float] | None
) -> list[dict[str, Any]]:
    """Return the scores of each label; None for a label that neither occurs nor was predicted."""
    predicted = decided(scores)
    classes = []
    for index, label in enumerate(labels):
        has, given = truth[:, index], predicted[:, index]
        right, true, made = int((has & given).sum()), int(has.sum()), int(given.sum())
        occurs = true + made > 0
        ranked = 0 < true < len(truth)
        classes.append(
            {
                "label": label,
                "precision": right / max(made, 1) if occurs else None,
                "recall": right / max(true, 1) if occurs else None,
                "f1": 2 * right / (true + made) if occurs else None,
                "average_precision": (
                    float(average_precision_score(has, scores[:, index])) if ranked else None
                ),
                "support": true,
                "predicted": made,
                "threshold": best[label] if best else None,
                "intervals": {
                    "precision": share_interval(right, made),
                    "recall": share_interval(right, true),
                    "f1": f1_interval(right, true, made),
                },
            }
        )
    return classes


def _at(
    best: Mapping[str, float], scores: np.ndarray, truth: np.ndarray, labels: Sequence[str]
) -> dict[str, Any]:
    chosen = np.array([best[label] for label in labels])
    return {"values": dict(best), "metrics": scored_sets(scores, truth, chosen)}


def _mistakes(
    saved: SavedPredictions, truth: np.ndarray, predicted: np.ndarray, right: np.ndarray
) -> list[dict[str, Any]]:
    losses = binary_losses(saved.probabilities, truth).mean(axis=1)
    wrong = np.flatnonzero(~right)
    ranked = wrong[np.argsort(-losses[wrong], kind="stable")][:MOST_MISTAKES]
    return [
        {
            "row": saved.rows[index],
            "text": saved.texts[index],
            "text_pair": saved.pairs[index] if saved.pairs else None,
            "true": saved.references[index],
            "labels": [saved.labels[label] for label in np.flatnonzero(predicted[index])],
            "loss": float(losses[index]),
        }
        for index in ranked.tolist()
    ]


def _slices(
    truth: np.ndarray,
    predicted: np.ndarray,
    right: np.ndarray,
    saved: SavedPredictions,
    columns: Mapping[str, Sequence[Any]],
) -> list[dict[str, Any]]:
    """Return rows, subset accuracy with its interval, and micro F1 of each part of the rows."""

    def part(name: str, rows: np.ndarray) -> dict[str, Any]:
        hits = int((truth[rows] & predicted[rows]).sum())
        given = int(truth[rows].sum() + predicted[rows].sum())
        return {
            "name": name,
            "rows": len(rows),
            "subset_accuracy": float(right[rows].mean()),
            "interval": share_interval(int(right[rows].sum()), len(rows)),
            "f1_micro": 2 * hits / given if given else None,
        }

    return [
        {"column": column, "slices": [part(*group) for group in groups]}
        for column, groups in parts_of(whole_texts(saved.texts, saved.pairs), columns)
    ]
