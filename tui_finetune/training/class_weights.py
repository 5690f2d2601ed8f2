"""A loss in which rows of rare labels count more."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import Trainer

from tui_finetune.data.splits import PreparedData
from tui_finetune.text import clean

_LABELS_NAMED = 10


def balanced_weights(data: PreparedData) -> list[float]:
    """Return the weight of each label, from the rows to train on.

    With one label a row it is rows / (labels * rows of the label), scikit-learn's "balanced" (King
    and Zeng 2001). With several, each label is a question of its own: its weight is that of a yes
    against a no, rows without the label / rows with it; 1 for a label that all rows have.
    """
    labels = data.splits["train"]["label"][:]
    rows, count = len(labels), len(data.labels)
    if data.problem_type == "multi_label_classification":
        labels = [index for indices in labels for index in indices]
    having = np.maximum(np.bincount(np.asarray(labels, dtype=np.int64), minlength=count), 1)
    if data.problem_type == "multi_label_classification":
        weights: list[float] = np.where(having < rows, (rows - having) / having, 1.0).tolist()
    else:
        weights = (rows / (count * having)).tolist()
    return weights


def weights_words(data: PreparedData, weights: list[float]) -> str:
    """Return the weights in a line, the largest first."""
    named = sorted(zip(weights, data.labels, strict=True), key=lambda pair: -pair[0])
    shown = [f"{clean(label, 40)} {weight:.3g}" for weight, label in named[:_LABELS_NAMED]]
    more = f", and {len(named) - _LABELS_NAMED} more" if len(named) > _LABELS_NAMED else ""
    return f"class weights: {', '.join(shown)}{more}"


class WeightedTrainer(Trainer):
    """A Trainer whose loss weights labels by `class_weights`, in training and in evaluation.

    The loss of a batch is its weighted mean, as torch has it; batches that are accumulated for a
    step count alike. The latter is why this is no `compute_loss_func`: the Trainer would take that
    for a loss over all accumulated batches, and not divide it.
    """

    def __init__(self, *, class_weights: list[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._weights = torch.tensor(class_weights, device=self.args.device)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Return the loss of a batch, and what the model gave if that is wanted."""
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        logits = outputs["logits"].float()
        if self.model.config.problem_type == "multi_label_classification":
            loss = binary_cross_entropy_with_logits(logits, labels, pos_weight=self._weights)
        else:
            smoothing = self.args.label_smoothing_factor
            loss = cross_entropy(logits, labels, self._weights, label_smoothing=smoothing)
        return (loss, outputs) if return_outputs else loss
