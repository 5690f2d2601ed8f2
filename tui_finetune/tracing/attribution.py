"""How much each token added to a label's logit: integrated gradients."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.tracing.checks import Check
from tui_finetune.tracing.trace import Trace

# The attributions may miss the difference of the logits by this share of it, or by this many
# logits where that is more: they move no probability by more than a thousandth.
ERROR_SHARE = 0.01
SMALL_ERROR = 4e-3

_FIRST_STEPS = 32
_MOST_STEPS = 256

# So many tokens go through the model at once, unless one text has more: cancelling waits for them.
_TOKENS_AT_ONCE = 256

# Beside the text's word vectors, one of less than this share of their length is next to nothing.
_LEAST_NORM = 0.1

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Attribution:
    """What each token added to a label's logit on the way from the baseline to the text.

    `values` (tokens,) are in logits and sum to `total`, which should be `logit - baseline_logit`;
    `error` is what is left between the two.
    """

    values: list[float]
    logit: float
    baseline_logit: float
    total: float
    error: float
    steps: int

    @property
    def tolerance(self) -> float:
        """How large the error may be, in logits."""
        return max(ERROR_SHARE * abs(self.logit - self.baseline_logit), SMALL_ERROR)

    @property
    def exact(self) -> bool:
        """Whether the error is within the tolerance; one that is no number is not."""
        return abs(self.error) <= self.tolerance


def integrated_gradients(
    model: PreTrainedModel,
    inputs: Mapping[str, Tensor],
    special: Sequence[bool],
    baseline_id: int,
    label: int,
    progress: Progress,
) -> Attribution:
    """Attribute a label's logit to the tokens (Sundararajan et al., 2017, arXiv:1703.01365).

    `inputs` are the model's own, each of shape (1, tokens); `special` (tokens,) says which tokens
    are the tokenizer's. The baseline gives every other token the word vector of `baseline_id`. The
    gradient of the logit along the straight line between the two is integrated with the
    Gauss-Legendre rule: over 32 steps, and twice as many up to 256 while the error is too large.

    The model only ever gets the text's own ids, with other vectors in place of those looked up:
    RoBERTa finds its positions, and decoders the token that they read, by the ids that are no
    padding, and would take others for a baseline of pad tokens.

    `progress` is called before each pass with `{"what", "done", "of"}`; what it raises ends the
    work. The model, in evaluation mode, is left as it was.
    """
    names = ["input_ids", *(name for name in inputs if name != "input_ids")]
    ids, *others = (inputs[name].to(model.device) for name in names)
    kept = torch.tensor([special], device=ids.device)
    baseline_ids = torch.where(kept, ids, baseline_id)
    embedding = model.get_input_embeddings()
    done, planned = 0, 2

    def logits(*tensors: Tensor) -> Tensor:
        nonlocal done
        progress({"what": "following the gradients", "done": done, "of": planned})
        done += len(tensors[0])
        scores: Tensor = model(**dict(zip(names, tensors, strict=True))).logits
        return scores

    method = LayerIntegratedGradients(logits, embedding)
    # captum turns gradients on where it needs them: for the vectors alone, not for the weights
    with torch.no_grad():
        logit = logits(ids, *others)[0, label].item()
        with _vectors_in_place(embedding, embedding(baseline_ids)):
            baseline_logit = logits(ids, *others)[0, label].item()
        steps = _FIRST_STEPS
        while True:
            planned += steps + 2  # captum looks up the vectors of both ends with passes of its own
            parts = method.attribute(
                ids,
                baselines=baseline_ids,
                target=label,
                additional_forward_args=tuple(others),
                n_steps=steps,
                method="gausslegendre",
                internal_batch_size=max(1, _TOKENS_AT_ONCE // ids.shape[1]),
            )
            values = parts[0].double().sum(dim=-1)
            total = values.sum().item()
            error = total - (logit - baseline_logit)
            found = Attribution(values.tolist(), logit, baseline_logit, total, error, steps)
            if found.exact or steps == _MOST_STEPS:
                return found
            steps *= 2


@torch.no_grad()
def baseline_token(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, input_ids: Tensor
) -> int:
    """Return the id that stands for no token: the pad token's.

    If its word vector is next to nothing beside those of `input_ids` (1, tokens), as one that was
    never trained is, then it is that of the mask, the unknown, the end or the beginning token, the
    first whose is not: a norm gives a vector of length 0 no direction, and where it begins to have
    one the gradients are too steep to be integrated.
    """
    embedding = model.get_input_embeddings()
    least = _LEAST_NORM * embedding(input_ids.to(model.device)).norm(dim=-1).mean()
    marks = ("pad", "mask", "unk", "eos", "bos")
    ids = [getattr(tokenizer, f"{mark}_token_id") for mark in marks]
    known = torch.tensor([index for index in ids if index is not None], device=model.device)
    long = (embedding(known).norm(dim=-1) > least).nonzero()
    return int(known[long[0, 0]] if len(long) else known[0])


def attribution_document(made: Trace, label: str | None, progress: Progress) -> dict[str, Any]:
    """Return the attributions of a label's logit, by default the predicted one's, for JSON.

    Raises `InputError` for a label that the model does not have.
    """
    if label is not None and label not in made.labels:
        some = ", ".join(clean(name) for name in made.labels[:5])
        raise InputError(
            f"label '{clean(label, 80)}': this model does not have it; its labels begin: {some}"
        )
    index = int(made.seen.logits.argmax()) if label is None else made.labels.index(label)
    model, tokenizer, inputs = made.trained.model, made.trained.tokenizer, made.tokens.inputs
    special = [token.special for token in made.tokens.tokens]
    stand_in = baseline_token(model, tokenizer, inputs["input_ids"])
    found = integrated_gradients(model, inputs, special, stand_in, index, progress)
    name = tokenizer.convert_ids_to_tokens(stand_in)
    baseline = f"the same text with {name} in place of each of its tokens"
    if any(special):
        baseline += "; the tokenizer's own stay"
    check = Check(
        "attributions",
        "the attributions sum to the logit less that of the baseline",
        abs(found.error),
        found.tolerance,
    )
    return {
        "label": made.labels[index],
        "values": found.values,
        "logit": found.logit,
        "baseline_logit": found.baseline_logit,
        "baseline": baseline,
        "sum": found.total,
        "error": found.error,
        "steps": found.steps,
        "check": check.document(),
    }


@contextmanager
def _vectors_in_place(embedding: nn.Module, vectors: Tensor) -> Iterator[None]:
    """Let an embedding give these vectors whatever it is asked for."""
    hook = embedding.register_forward_hook(lambda _module, _args, _output: vectors)
    try:
        yield
    finally:
        hook.remove()
