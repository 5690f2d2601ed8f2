"""Proofs that a trace is true: each compares what is shown with a second way to the same figure."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tui_finetune.tracing.capture import Capture, head_logits
from tui_finetune.tracing.families import family_of, module_at

# How far two ways to one figure may lie apart, relative to its size where that is above 1.
TOLERANCES = {
    torch.float64: 1e-5,  # transformers takes angles and softmax in float32 all the same
    torch.float32: 1e-5,
    torch.float16: 1e-2,
    torch.bfloat16: 5e-2,
}


@dataclass(frozen=True)
class Check:
    """One proof; it holds if `value` is a number and at most `tolerance`."""

    name: str
    words: str
    value: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the check holds; what is no number does not."""
        return self.value <= self.tolerance

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "holds": self.holds}


@torch.inference_mode()
def checks(model: PreTrainedModel, seen: Capture, plain: Tensor) -> list[Check]:
    """Return the checks that can be made for this architecture, in the order of the stages.

    `plain` are the logits (labels,) of another, plain forward pass.
    """
    tolerance = TOLERANCES[model.dtype]
    family = family_of(model)
    made = []
    if seen.embedded is not None:
        value = _apart(seen.embedded, seen.hidden[0])
        words = "the embedding's parts, summed and passed on, are the first hidden state"
        made.append(Check("embedding", words, value, tolerance))
    if seen.attentions is not None:
        value = (seen.attentions.sum(dim=-1) - 1).abs().max().item()
        words = "each token's attention sums to 1, in every head of every layer"
        made.append(Check("attention", words, value, tolerance))
    if family is not None:
        norm = module_at(model.base_model, family.final_norm) if family.final_norm else None
        last = norm(seen.hidden[-1]) if norm else seen.hidden[-1]
        value = _apart(head_logits(model, family, last[None], seen.position or 0)[0], seen.logits)
        words = "the head, applied to the last hidden state, gives the logits"
        made.append(Check("head", words, value, tolerance))
    if seen.features is not None and seen.weight is not None:
        value = _apart(contributions(seen).sum(dim=1) + bias_of(seen), seen.logits)
        words = "each label's contributions and its bias sum to its logit"
        made.append(Check("contributions", words, value, tolerance))
    value = _apart(seen.logits, plain)
    words = "the traced logits are those of a plain forward pass"
    made.append(Check("logits", words, value, tolerance))
    return made


def contributions(seen: Capture) -> Tensor:
    """Return what each feature adds to each label's logit, (labels, features)."""
    assert seen.features is not None
    assert seen.weight is not None
    return seen.weight * seen.features


def bias_of(seen: Capture) -> Tensor:
    """Return the output layer's bias, (labels,); zeros if it has none."""
    return torch.zeros_like(seen.logits) if seen.bias is None else seen.bias


def _apart(one: Tensor, other: Tensor) -> float:
    """Return the largest difference, relative to the largest figure where that is above 1."""
    size: float = max(other.abs().max().item(), 1.0)
    apart: float = (one - other).abs().max().item()
    return apart / size
