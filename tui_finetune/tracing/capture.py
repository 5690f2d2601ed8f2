"""One forward pass with eyes open: everything that the stages show of a prediction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tui_finetune.tracing.families import (
    Family,
    Pooling,
    family_of,
    module_at,
    pooling_of,
)
from tui_finetune.tracing.tokens import Tokens


@dataclass(frozen=True)
class Lens:
    """What the head says at each hidden state: (states,) from the embedding to the last layer."""

    logits: Tensor  # (layers + 1, labels)
    vectors: Tensor  # (layers + 1, hidden size): what the head reads, before any norm
    # (layers + 1, tokens, labels): the logits if the head read each token alone; None where it only
    # ever learned to read the first
    tokens: Tensor | None


@dataclass(frozen=True)
class Capture:
    """A forward pass, in shapes without the batch of one. What is not known of a family is None."""

    logits: Tensor  # (labels,)
    hidden: Tensor  # (layers + 1, tokens, hidden size): before any norm that follows the layers
    attentions: Tensor | None  # (layers, heads, tokens, tokens)
    parts: dict[str, Tensor]  # (tokens, embedding size) each
    embedded: (
        Tensor | None
    )  # (tokens, hidden size): the sum of the parts, passed through what follows
    features: Tensor | None  # (features,): what the output layer takes in
    weight: Tensor | None  # (labels, features)
    bias: Tensor | None  # (labels,)
    lens: Lens | None
    position: int | None  # the token whose vector the head reads; None: the mean, or not known
    pooling: Pooling | None


@torch.inference_mode()
def capture(model: PreTrainedModel, tokens: Tokens) -> Capture:
    """Run a classifier in evaluation mode on one text and keep what passes through it.

    The model is left as it was: attention maps need the eager implementation, which it has only
    meanwhile.
    """
    inputs = {name: tensor.to(model.device) for name, tensor in tokens.inputs.items()}
    family = family_of(model)
    seen: dict[str, Any] = {}
    with _listening(model, family, seen), _eager_attention(model):
        output = model(**inputs, output_hidden_states=True, output_attentions=True)
    # Where a norm follows the layers, transformers gives the last state with it applied.
    states = [*output.hidden_states[:-1], seen.get("final_norm", output.hidden_states[-1])]
    # some unknown family may shorten the text on its way
    hidden = torch.cat([state for state in states if state.shape == states[0].shape])
    maps = [weights for weights in output.attentions or () if weights is not None]
    position = _position(model, family, inputs["input_ids"][0])
    head = seen.get("output")
    return Capture(
        logits=output.logits[0],
        hidden=hidden,
        attentions=torch.cat(maps) if len(maps) == len(hidden) - 1 else None,
        parts=_parts(seen, family),
        embedded=_embedded(model, family, seen),
        features=_features(seen, output.logits),
        weight=head.weight.detach() if head else None,
        bias=head.bias.detach() if head and head.bias is not None else None,
        lens=_lens(model, family, hidden, position),
        position=position,
        pooling=pooling_of(family, model) if family else None,
    )


@torch.inference_mode()
def plain_logits(model: PreTrainedModel, tokens: Tokens) -> Tensor:
    """Return the logits (labels,) of a forward pass in which nothing is listened to."""
    inputs = {name: tensor.to(model.device) for name, tensor in tokens.inputs.items()}
    logits: Tensor = model(**inputs).logits[0]
    return logits


def head_logits(model: PreTrainedModel, family: Family, hidden: Tensor, position: int) -> Tensor:
    """Return the logits (states, labels) of normalised hidden states (states, tokens, size)."""
    output = module_at(model, family.output)
    assert output is not None
    return output(family.features(model, hidden, position))


def _lens(
    model: PreTrainedModel, family: Family | None, hidden: Tensor, position: int | None
) -> Lens | None:
    if family is None:
        return None
    norm = module_at(model.base_model, family.final_norm) if family.final_norm else None
    states = norm(hidden) if norm else hidden
    vectors = hidden.mean(dim=1) if position is None else hidden[:, position]
    tokens = None
    if pooling_of(family, model) != "first":
        alone = states.reshape(-1, 1, states.shape[-1])
        tokens = head_logits(model, family, alone, 0).reshape(*states.shape[:2], -1)
    return Lens(head_logits(model, family, states, position or 0), vectors, tokens)


def _position(model: PreTrainedModel, family: Family | None, ids: Tensor) -> int | None:
    """Return which token the head reads; decoders take the last that is no padding."""
    if family is None:
        return None
    pooling = pooling_of(family, model)
    if pooling == "last":
        words = (ids != model.config.get_text_config().pad_token_id).nonzero()
        return int(words.max()) if len(words) else 0
    return 0 if pooling == "first" else None


def _parts(seen: dict[str, Any], family: Family | None) -> dict[str, Tensor]:
    """Return the lookups, each (tokens, size); those that a batch shares come without one."""
    if family is None:
        return {}
    found = {name: seen[name] for name in family.parts if name in seen}
    length = max((part.shape[-2] for part in found.values()), default=0)
    return {name: part.reshape(-1, part.shape[-1])[:length] for name, part in found.items()}


def _embedded(model: PreTrainedModel, family: Family | None, seen: dict[str, Any]) -> Tensor | None:
    parts = _parts(seen, family)
    if family is None or not parts:
        return None
    total = torch.stack(list(parts.values())).sum(dim=0)
    for path in family.then:
        if (module := module_at(model.base_model, path)) is not None:
            total = module(total)
    return total


def _features(seen: dict[str, Any], logits: Tensor) -> Tensor | None:
    """Return what the output layer took in for the logits; a decoder's takes in every token."""
    features, given = seen.get("features"), seen.get("scores")
    if features is None or given is None:
        return None
    if features.dim() == 2:
        return features[0]
    read = (given[0] == logits).all(dim=-1).nonzero()
    return features[0, int(read[-1])] if len(read) else None


@contextmanager
def _listening(
    model: PreTrainedModel, family: Family | None, seen: dict[str, Any]
) -> Iterator[None]:
    """Put into `seen` what comes out of the lookups, and what goes into the norm and the output."""
    hooks = []

    def keep_output(name: str, module: nn.Module) -> None:
        hooks.append(module.register_forward_hook(lambda _m, _i, out: seen.update({name: out})))

    def keep_input(name: str, module: nn.Module) -> None:
        hooks.append(
            module.register_forward_pre_hook(lambda _m, args: seen.update({name: args[0]}))
        )

    for name, path in family.parts.items() if family else ():
        if (part := module_at(model.base_model, path)) is not None:
            keep_output(name, part)
    if family and family.final_norm:
        norm = module_at(model.base_model, family.final_norm)
        assert norm is not None
        keep_input("final_norm", norm)
    output = module_at(model, family.output) if family else _output_layer(model)
    if output is not None:
        seen["output"] = output
        keep_input("features", output)
        keep_output("scores", output)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _output_layer(model: PreTrainedModel) -> nn.Module | None:
    """Return the layer that gives the logits of an unknown family: its last linear one."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear and linear[-1].out_features == model.config.num_labels else None


@contextmanager
def _eager_attention(model: PreTrainedModel) -> Iterator[None]:
    """Let attention give its weights, which faster implementations never have as a whole."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)
