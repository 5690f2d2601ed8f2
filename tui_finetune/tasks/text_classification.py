"""Text classification: one text, one label of several."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tui_finetune.errors import InputError
from tui_finetune.recipe import TokensSection
from tui_finetune.tasks.metrics import classification_metrics


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text: a probability for each label, summing to 1."""

    text: str
    scores: dict[str, float]

    @property
    def label(self) -> str:
        """The likeliest label."""
        return max(self.scores, key=lambda label: self.scores[label])

    @property
    def score(self) -> float:
        """The probability of the likeliest label."""
        return self.scores[self.label]


def encode(rows: Dataset, tokenizer: PreTrainedTokenizerBase, tokens: TokensSection) -> Dataset:
    """Turn the columns `text` and `label` into what the model takes in.

    Returns rows of `input_ids` and `attention_mask` (lists of at most `max_length`, not padded)
    and `labels` (an index).
    """

    def tokenize(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        encoded = tokenizer(batch["text"], truncation=True, max_length=tokens.max_length)
        return {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}

    encoded = rows.map(tokenize, batched=True, remove_columns=["text", "row"])
    return encoded.rename_column("label", "labels")


def collator(tokenizer: PreTrainedTokenizerBase, tokens: TokensSection) -> DataCollatorWithPadding:
    """Return what makes a batch of rows: padded to the longest of them, or to `max_length`."""
    if tokens.padding == "max_length":
        return DataCollatorWithPadding(
            tokenizer, padding="max_length", max_length=tokens.max_length
        )
    return DataCollatorWithPadding(tokenizer)


def compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Return accuracy, and precision, recall and F1 as macro averages, for the Trainer.

    `predictions` are logits (rows, labels), `label_ids` are (rows,).
    """
    logits = prediction.predictions
    if isinstance(logits, tuple):  # some models return hidden states beside the logits
        logits = logits[0]
    return classification_metrics(np.argmax(logits, axis=-1), prediction.label_ids)


def predict(
    texts: Sequence[str],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    batch_size: int = 32,
    progress: Callable[[int], None] | None = None,
) -> list[Prediction]:
    """Predict texts with a model in evaluation mode; the results stand in the texts' order.

    Texts of like length share a batch, because padding costs time. `progress` is called with the
    number of texts done. Raises `InputError` if the model answers with what is no number.
    """
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    names = model.config.id2label
    results: list[Prediction | None] = [None] * len(texts)
    done = 0
    for indices in _batches(order, batch_size):
        inputs = tokenizer(
            [texts[index] for index in indices],
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            probabilities = model(**inputs).logits.float().softmax(dim=-1).cpu()
        if not probabilities.isfinite().all():
            raise InputError(
                "this model's weights are not numbers any more: its training diverged; "
                "train with a lower train.learning_rate"
            )
        for index, row in zip(indices, probabilities.tolist(), strict=True):
            scores = {names[position]: score for position, score in enumerate(row)}
            results[index] = Prediction(texts[index], scores)
        done += len(indices)
        if progress:
            progress(done)
    return [result for result in results if result is not None]


def _batches(indices: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]
