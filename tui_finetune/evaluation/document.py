"""All that an evaluation says, as one plain document."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tui_finetune.evaluation.calibration import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
)
from tui_finetune.evaluation.intervals import (
    CONFIDENCE,
    Interval,
    accuracy_difference,
    f1_interval,
    metric_intervals,
    share_interval,
)
from tui_finetune.evaluation.label_errors import NOTE, likely_label_errors
from tui_finetune.evaluation.metrics import (
    checked_probabilities,
    confusion_counts,
    label_indices,
    scored_metrics,
)
from tui_finetune.evaluation.mistakes import confused_labels, mistakes
from tui_finetune.evaluation.slices import slices, whole_texts
from tui_finetune.runs.journal import finite

Progress = Callable[[dict[str, Any]], None]


def evaluation_document(
    labels: Sequence[str],
    references: Sequence[str],
    probabilities: Any,
    texts: Sequence[str],
    rows: Sequence[int],
    *,
    before: Any = None,
    before_problem: str | None = None,
    train_counts: Mapping[str, int] | None = None,
    validation: tuple[Sequence[str], Any] | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    progress: Progress = lambda step: None,
    pairs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return how good predictions are: metrics with intervals, baselines, classes, mistakes.

    - `labels`: their names, in the order of the model's outputs.
    - `references` (rows,): the true labels' names; `texts`; `rows`: their places in their file.
    - `probabilities` (rows, labels), and `before` the same of the model before fine-tuning;
      `before_problem` says why there are none.
    - `train_counts`: the training rows of each label; the majority baseline predicts the most
      frequent, with the shares as probabilities. Without it, the evaluated rows' own counts.
    - `validation`: true labels and probabilities of other rows, to fit the temperature on.
    - `columns`: other columns of the data, a value for each row, to part the rows by.
    - `pairs`: the rows' second texts, where they have one.
    - `progress` is called with `{"what", "done", "of"}`; what it raises ends the evaluation.

    All numbers are plain; one that is not known is None. Raises `InputError` if the predictions
    are no probabilities of these labels, or a true label is none of them.
    """
    truth = label_indices(references, labels)
    scores = checked_probabilities(probabilities, len(truth), len(labels))
    metrics = scored_metrics(scores, truth)
    intervals = metric_intervals(metrics, scores, truth, _step(progress, "resampling the rows"))
    counts = confusion_counts(truth, scores.argmax(axis=1), len(labels))
    document = {
        "rows": len(truth),
        "labels": list(labels),
        "metrics": metrics,
        "intervals": _plain(intervals),
        "confidence": CONFIDENCE,
        "baselines": {
            "majority": _majority(labels, truth, train_counts),
            "before": None,
            "before_problem": before_problem,
        },
        "classes": _classes(counts, labels),
        "confusion": counts.tolist(),
        "cells": confused_labels(counts, labels),
        "calibration": _calibration(labels, truth, scores, validation),
        "mistakes_total": int(counts.sum() - np.trace(counts)),
        "mistakes": mistakes(truth, scores, labels, texts, rows),
    }
    if before is not None:
        earlier = checked_probabilities(before, len(truth), len(labels))
        step = _step(progress, "resampling the rows before fine-tuning")
        document["baselines"]["before"] = _before(truth, scores, earlier, step)
    progress({"what": "looking for wrong labels", "done": 0, "of": 1})
    errors = likely_label_errors(truth, scores, labels, texts, rows)
    document["label_errors"] = errors.found
    document["label_errors_problem"] = errors.problem
    document["label_errors_note"] = NOTE
    progress({"what": "comparing parts of the rows", "done": 0, "of": 1})
    whole = whole_texts(texts, pairs)
    parts = slices(truth, scores.argmax(axis=1), len(labels), whole, columns or {})
    document["slices"] = parts
    if pairs is not None:
        pair_of = dict(zip(rows, pairs, strict=True))
        for row in [*document["mistakes"], *document["label_errors"]]:
            row["text_pair"] = pair_of[row["row"]]
    result: dict[str, Any] = finite(document)
    return result


def _before(
    truth: np.ndarray,
    scores: np.ndarray,
    earlier: np.ndarray,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    metrics = scored_metrics(earlier, truth)
    return {
        "metrics": metrics,
        "intervals": _plain(metric_intervals(metrics, earlier, truth, progress)),
        "difference": accuracy_difference(truth, scores.argmax(axis=1), earlier.argmax(axis=1)),
    }


def _majority(
    labels: Sequence[str], truth: np.ndarray, train_counts: Mapping[str, int] | None
) -> dict[str, Any]:
    counts = np.bincount(truth, minlength=len(labels)).astype(np.float64)
    if train_counts:
        counts = np.array([train_counts.get(label, 0) for label in labels], dtype=np.float64)
    shares = np.tile(counts / counts.sum(), (len(truth), 1))
    return {"label": labels[int(counts.argmax())], "metrics": scored_metrics(shares, truth)}


def _classes(counts: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the scores of each label; None for a label that neither occurs nor was predicted."""
    classes = []
    for index, label in enumerate(labels):
        right = int(counts[index, index])
        true, predicted = int(counts[index].sum()), int(counts[:, index].sum())
        occurs = true + predicted > 0
        classes.append(
            {
                "label": label,
                "precision": right / max(predicted, 1) if occurs else None,
                "recall": right / max(true, 1) if occurs else None,
                "f1": 2 * right / (true + predicted) if occurs else None,
                "support": true,
                "predicted": predicted,
                "intervals": _plain(
                    {
                        "precision": share_interval(right, predicted),
                        "recall": share_interval(right, true),
                        "f1": f1_interval(right, true, predicted),
                    }
                ),
            }
        )
    return classes


def _calibration(
    labels: Sequence[str],
    truth: np.ndarray,
    scores: np.ndarray,
    validation: tuple[Sequence[str], Any] | None,
) -> dict[str, Any]:
    temperature = scaled = None
    if validation is not None and len(validation[0]):
        known = label_indices(validation[0], labels)
        temperature = fit_temperature(
            checked_probabilities(validation[1], len(known), len(labels)), known
        )
    if temperature is not None:
        scaled = expected_calibration_error(apply_temperature(scores, temperature), truth)
    return {
        "ece": expected_calibration_error(scores, truth),
        "bins": reliability_bins(scores, truth),
        "temperature": temperature,
        "ece_scaled": scaled,
    }


def _step(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, of: progress({"what": what, "done": done, "of": of})


def _plain(intervals: Mapping[str, Interval | None]) -> dict[str, list[float] | None]:
    return {name: found and list(found) for name, found in intervals.items()}
