"""How good a model is on labelled rows."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tui_finetune.errors import InputError
from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import classification_metrics
from tui_finetune.tasks.text_classification import Prediction, predict
from tui_finetune.text import clean


@dataclass(frozen=True)
class Report:
    """The predictions on labelled rows, in the rows' order, and the metrics computed from them."""

    metrics: dict[str, float | None]
    predictions: list[Prediction]
    references: list[str]

    def lines(self, row_numbers: Sequence[int]) -> str:
        """Return the predictions as JSON Lines; `row_numbers` are the rows' places in the file."""
        parts = zip(row_numbers, self.references, self.predictions, strict=True)
        return "".join(
            json.dumps({"row": row, "true": reference, **prediction_document(prediction)}) + "\n"
            for row, reference, prediction in parts
        )


def evaluate_rows(
    texts: Sequence[str],
    references: Sequence[str],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Predict the texts and compare with the true labels, which must be labels of the model.

    The metrics are loss (mean negative log-likelihood of the true label, in nats; None if that is
    not finite), accuracy, and macro precision, recall and f1. `progress` is called with the number
    of rows done.
    """
    predictions = predict(texts, model, tokenizer, max_length, progress=progress)
    index = model.config.label2id
    pairs = list(zip(predictions, references, strict=True))
    losses = [-math.log(max(made.scores[true], 1e-45)) for made, true in pairs]
    metrics = classification_metrics(
        [index[prediction.label] for prediction in predictions],
        [index[reference] for reference in references],
    )
    loss = finite(sum(losses) / len(losses))
    return Report({"loss": loss, **metrics}, predictions, list(references))


@dataclass(frozen=True)
class SavedPredictions:
    """The predictions that a run kept of its labelled rows, in their order."""

    labels: list[str]  # in the order of the model's outputs
    rows: list[int]  # places in the file
    texts: list[str]
    references: list[str]
    probabilities: np.ndarray  # (rows, labels)


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
    labels: list[str] = []
    kept = []
    for number, line in enumerate(lines, 1):
        try:
            saved = json.loads(line)
            scores, reference, text = saved["scores"], saved["true"], saved["text"]
            labels = labels or list(scores)
            values = [float(scores[label]) for label in labels]
            whole = len(scores) == len(labels) and reference in scores and isinstance(text, str)
            kept.append((int(saved["row"]), text, reference, values))
        except (ValueError, KeyError, TypeError, RecursionError):
            whole = False
        if not whole:
            raise InputError(
                f"{clean(path)}: line {number} is no prediction of this run, the file is damaged; "
                "evaluate the run on a file of labelled rows instead"
            )
    if not kept:
        raise InputError(f"{clean(path)}: no predictions in it; evaluate the run on a file")
    rows, texts, references, probabilities = zip(*kept, strict=True)
    return SavedPredictions(
        labels, list(rows), list(texts), list(references), np.array(probabilities)
    )


def prediction_document(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as the commands and files give it; null is no finite number."""
    document = {**asdict(prediction), "label": prediction.label, "score": prediction.score}
    return {name: finite(value) for name, value in document.items()}
