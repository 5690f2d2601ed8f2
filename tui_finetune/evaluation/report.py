"""How good a model is on labelled rows."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tui_finetune.errors import InputError
from tui_finetune.evaluation.metrics import binary_losses, label_indices, label_sets, row_losses
from tui_finetune.recipe import ProblemType
from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import (
    classification_metrics,
    multi_label_metrics,
    regression_metrics,
)
from tui_finetune.tasks.predictions import Prediction
from tui_finetune.tasks.text_classification import predict, problem_type_of
from tui_finetune.text import clean


@dataclass(frozen=True)
class Report:
    """The predictions on labelled rows, in the rows' order, and the metrics computed from them."""

    metrics: dict[str, float | None]
    predictions: list[Prediction]
    references: list[Any]

    def lines(self, row_numbers: Sequence[int]) -> str:
        """Return the predictions as JSON Lines; `row_numbers` are the rows' places in the file."""
        parts = zip(row_numbers, self.references, self.predictions, strict=True)
        return "".join(
            json.dumps({"row": row, "true": reference, **prediction.document()}) + "\n"
            for row, reference, prediction in parts
        )


def evaluate_rows(
    texts: Sequence[str],
    references: Sequence[Any],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    progress: Callable[[int], None] | None = None,
    pairs: Sequence[str] | None = None,
) -> Report:
    """Predict the texts and compare with what is true: names, lists of names, or numbers.

    Names must be labels of the model. The metrics are those of the model's problem type, and the
    loss that it was trained on: the mean negative log-likelihood of the true label in nats, the
    mean binary cross-entropy over rows and labels, or the mean squared error; None if that is not
    finite. `progress` is called with the number of rows done.
    """
    made = predict(texts, model, tokenizer, max_length, progress=progress, pairs=pairs)
    names = [model.config.id2label[index] for index in range(model.config.num_labels)]
    outputs = np.array([list(prediction.scores.values()) for prediction in made])
    metrics: dict[str, float | None] = finite(
        _metrics(problem_type_of(model), names, outputs, references)
    )
    return Report(metrics, made, list(references))


def _metrics(
    problem_type: ProblemType, names: list[str], outputs: np.ndarray, references: Sequence[Any]
) -> dict[str, float]:
    if problem_type == "regression":
        metrics = regression_metrics(outputs[:, 0], np.array(references, dtype=np.float64))
        return {"loss": metrics["mse"], **metrics}
    if problem_type == "multi_label_classification":
        sets = label_sets(references, names)
        loss = float(binary_losses(outputs, sets).mean())
        return {"loss": loss, **multi_label_metrics(outputs, sets)}
    truth = label_indices(references, names)
    loss = float(row_losses(outputs, truth).mean())
    return {"loss": loss, **classification_metrics(outputs.argmax(axis=1), truth)}


@dataclass(frozen=True)
class SavedPredictions:
    """The predictions that a run kept of its labelled rows, in their order."""

    labels: list[str]  # in the order of the model's outputs; of a regression "value"
    rows: list[int]  # places in the file
    texts: list[str]
    references: list[Any]  # names, lists of names, or numbers
    probabilities: np.ndarray  # (rows, labels), or the numbers (rows, 1) of a regression
    pairs: list[str] | None = None  # the second texts, where the rows have one
    problem_type: ProblemType = "single_label_classification"


def read_predictions(path: Path) -> SavedPredictions:
    """Read a run's `evaluation/test.jsonl` or `validation.jsonl`, as `Report.lines` wrote it.

    Raises `InputError` if the file is missing, empty or damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{clean(path)}: the saved predictions cannot be read; "
            "evaluate the run on a file of labelled rows instead"
        ) from error
    first: dict[str, Any] | None = None
    kept = []
    for number, line in enumerate(lines, 1):
        try:
            saved = json.loads(line)
            first = first or saved
            kept.append(_read_line(saved, first))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError(
                f"{clean(path)}: line {number} is no prediction of this run, the file is damaged; "
                "evaluate the run on a file of labelled rows instead"
            ) from None
    if first is None:
        raise InputError(f"{clean(path)}: no predictions in it; evaluate the run on a file")
    rows, texts, pairs, references, outputs = zip(*kept, strict=True)
    return SavedPredictions(
        list(first.get("scores", ["value"])),
        list(rows),
        list(texts),
        list(references),
        np.array(outputs),
        list(pairs) if "text_pair" in first else None,
        _kind(first),
    )


def _kind(saved: dict[str, Any]) -> ProblemType:
    if "value" in saved:
        return "regression"
    return "multi_label_classification" if "labels" in saved else "single_label_classification"


def _read_line(
    saved: dict[str, Any], first: dict[str, Any]
) -> tuple[int, str, str | None, Any, list[float]]:
    """Return row, text, second text, reference and outputs; raise if it is not as the first."""
    text, pair, reference = saved["text"], saved.get("text_pair"), saved["true"]
    whole = isinstance(text, str) and ("text_pair" in saved) == ("text_pair" in first)
    whole = whole and isinstance(pair, str | None) and _kind(saved) == _kind(first)
    if not whole:
        raise ValueError
    if _kind(saved) == "regression":
        return int(saved["row"]), text, pair, float(reference), [float(saved["value"])]
    scores = saved["scores"]
    outputs = [float(scores[label]) for label in first["scores"]]
    named = reference if _kind(saved) == "multi_label_classification" else [reference]
    if len(scores) != len(outputs) or not set(named) <= scores.keys():
        raise ValueError
    return int(saved["row"]), text, pair, reference, outputs
