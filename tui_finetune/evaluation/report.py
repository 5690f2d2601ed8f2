"""How good a model is on labelled rows."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import classification_metrics
from tui_finetune.tasks.text_classification import Prediction, predict


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


def prediction_document(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as the commands and files give it; null is no finite number."""
    document = {**asdict(prediction), "label": prediction.label, "score": prediction.score}
    return {name: finite(value) for name, value in document.items()}
