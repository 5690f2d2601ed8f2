"""Text classification: one text or two, and a label of several, several labels, or a number."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import datasets
import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tui_finetune.errors import InputError
from tui_finetune.recipe import ProblemType, TokensSection
from tui_finetune.tasks.metrics import (
    classification_metrics,
    multi_label_metrics,
    regression_metrics,
)
from tui_finetune.tasks.predictions import Prediction


def encode(
    rows: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    tokens: TokensSection,
    problem_type: ProblemType,
    label_count: int,
) -> Dataset:
    """Turn the columns `text`, `text_pair` if it is there, and `label` into what the model takes.

    Returns rows of what the tokenizer gives, such as `input_ids` and `attention_mask` (lists of at
    most `max_length`, not padded; of two texts the longer is cut first), and `labels`: an index, a
    float for each label (1 or 0), or a float.
    """

    def tokenize(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        encoded = tokenizer(
            batch["text"],
            batch.get("text_pair"),
            truncation="longest_first",
            max_length=tokens.max_length,
        )
        return {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}

    used = [name for name in ("text", "text_pair", "row") if name in rows.column_names]
    encoded = rows.map(tokenize, batched=True, remove_columns=used)
    if problem_type == "multi_label_classification":
        hot: np.ndarray = multi_hot(rows["label"][:], label_count).astype(np.float32)
        feature = datasets.List(datasets.Value("float32"))
        return encoded.remove_columns("label").add_column("labels", list(hot), feature=feature)
    return encoded.rename_column("label", "labels")


def multi_hot(label_lists: Sequence[Sequence[int]], label_count: int) -> np.ndarray:
    """Return lists of label indices as (rows, labels) of 1 and 0."""
    hot: np.ndarray = np.zeros((len(label_lists), label_count), dtype=np.int64)
    for row, indices in enumerate(label_lists):
        hot[row, indices] = 1
    return hot


def collator(tokenizer: PreTrainedTokenizerBase, tokens: TokensSection) -> DataCollatorWithPadding:
    """Return what makes a batch of rows: padded to the longest of them, or to `max_length`."""
    if tokens.padding == "max_length":
        return DataCollatorWithPadding(
            tokenizer, padding="max_length", max_length=tokens.max_length
        )
    return DataCollatorWithPadding(tokenizer)


def metrics_for(problem_type: ProblemType) -> Callable[[EvalPrediction], dict[str, float]]:
    """Return what computes an evaluation's figures for the Trainer.

    It gets logits (rows, labels), and as `label_ids` indices (rows,), 1 and 0 (rows, labels), or
    numbers (rows,).
    """

    def compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
        logits = prediction.predictions
        if isinstance(logits, tuple):  # some models return hidden states beside the logits
            logits = logits[0]
        if problem_type == "regression":
            return regression_metrics(logits.reshape(-1), prediction.label_ids.reshape(-1))
        if problem_type == "multi_label_classification":
            scores = torch.from_numpy(logits).sigmoid().numpy()
            return multi_label_metrics(scores, prediction.label_ids)
        return classification_metrics(np.argmax(logits, axis=-1), prediction.label_ids)

    return compute_metrics


def problem_type_of(model: PreTrainedModel) -> ProblemType:
    """Return what kind of labels a model gives; one that does not say so gives one a text."""
    found: ProblemType = model.config.problem_type or "single_label_classification"
    return found


def scores_of(logits: Tensor, problem_type: ProblemType) -> Tensor:
    """Return what logits (..., labels) mean: probabilities, or the very number of a regression."""
    if problem_type == "regression":
        return logits
    if problem_type == "multi_label_classification":
        return logits.sigmoid()
    return logits.softmax(dim=-1)


def predict(
    texts: Sequence[str],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    batch_size: int = 32,
    progress: Callable[[int], None] | None = None,
    pairs: Sequence[str] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> list[Prediction]:
    """Predict texts with a model in evaluation mode; the results stand in the texts' order.

    `pairs` are the second texts of a model that reads two. Texts of like length share a batch,
    because padding costs time. `progress` is called with the number of texts done. Raises
    `InputError` if the model answers with what is no number.
    """
    seconds: Sequence[str | None] = pairs or [None] * len(texts)
    order = sorted(
        range(len(texts)), key=lambda index: len(texts[index]) + len(seconds[index] or "")
    )
    names = model.config.id2label
    problem_type = problem_type_of(model)
    results: list[Prediction | None] = [None] * len(texts)
    done = 0
    for indices in _batches(order, batch_size):
        inputs = tokenizer(
            [texts[index] for index in indices],
            pairs and [pairs[index] for index in indices],
            truncation="longest_first",
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            outputs = scores_of(model(**inputs).logits.float(), problem_type).cpu()
        if not outputs.isfinite().all():
            raise InputError(
                "this model's weights are not numbers any more: its training diverged; "
                "train with a lower train.learning_rate"
            )
        for index, row in zip(indices, outputs.tolist(), strict=True):
            scores = {names[position]: score for position, score in enumerate(row)}
            results[index] = Prediction(
                texts[index], scores, seconds[index], problem_type, thresholds
            )
        done += len(indices)
        if progress:
            progress(done)
    return [result for result in results if result is not None]


def _batches(indices: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]
