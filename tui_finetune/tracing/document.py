"""A trace as plain data: the stages with their shapes, figures, and a line in plain words each."""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from tui_finetune.tracing.checks import bias_of, contributions
from tui_finetune.tracing.families import FAMILIES, family_of, module_at
from tui_finetune.tracing.trace import Trace

CONTRIBUTIONS = 10

# Of what follows the last token that fits, so much is shown.
_TAIL_CHARACTERS = 2000


def trace_document(made: Trace, temperature: float | None = None) -> dict[str, Any]:
    """Return a trace for JSON; `temperature` is what calibration divides the logits by, if fitted.

    Vectors are given by their norms. A stage that the architecture's family has no entry for is
    left out of its stage's figures (null), and `missing` says so.
    """
    model, tokens, seen = made.trained.model, made.tokens, made.seen
    return {
        "model": str(made.trained.folder),
        "version": made.trained.version,
        "text": _shown_text(made),
        "characters": len(tokens.text),
        "true": made.true,
        "architecture": type(model).__name__,
        "family": model.config.model_type if family_of(model) else None,
        "dtype": str(model.dtype).removeprefix("torch."),
        "labels": made.labels,
        "missing": _missing(made),
        "tokens": [asdict(token) for token in tokens.tokens],
        "cut": {
            "tokens": tokens.cut.tokens,
            "from": tokens.cut.start,
            "max_length": tokens.cut.max_length,
        },
        "stages": [
            _tokenize_stage(made),
            _embed_stage(made),
            _layers_stage(made),
            _head_stage(made),
            _predict_stage(made, temperature),
        ],
        "logits": dict(zip(made.labels, seen.logits.tolist(), strict=True)),
        "checks": [check.document() for check in made.checks],
    }


def _shown_text(made: Trace) -> str:
    cut = made.tokens.cut
    if cut.tokens == 0:
        return made.tokens.text
    return made.tokens.text[: (cut.start or 0) + _TAIL_CHARACTERS]


def _tokenize_stage(made: Trace) -> dict[str, Any]:
    tokens, cut = made.tokens.tokens, made.tokens.cut
    special = [token.token for token in tokens if token.special]
    unknown = sum(token.unknown for token in tokens)
    words = f"The tokenizer cut {len(made.tokens.text):,} characters into {len(tokens)} tokens"
    if special:
        words += f", {len(special)} of them its own ({', '.join(dict.fromkeys(special))})"
    words += "; each is a number in the vocabulary"
    if (mask := made.tokens.inputs.get("attention_mask")) is not None:
        seen = int(mask.sum())
        words += ", " if seen == len(tokens) else f", {seen} of them "
        words += "with 1 in the attention mask"
    words += "."
    if unknown:
        stand = "stands" if unknown == 1 else "stand"
        words += f" {unknown} of them {stand} for what the vocabulary does not have."
    if cut.tokens != 0:
        many = "some" if cut.tokens is None else f"{cut.tokens:,}"
        words += f" {many} more did not fit into {cut.max_length} and were cut off."
    return {"name": "tokenize", "shape": [1, len(tokens)], "words": words}


def _embed_stage(made: Trace) -> dict[str, Any]:
    first, family = made.seen.hidden[0], family_of(made.trained.model)
    words = f"Each token number became a vector of {first.shape[-1]} numbers"
    if family is not None:
        steps = [" + ".join(made.seen.parts)]
        for path in family.then:
            if (module := module_at(made.trained.model.base_model, path)) is not None:
                steps.append("a projection" if isinstance(module, nn.Linear) else "a norm")
        words += f": {', then '.join(steps)}; {family.positions}"
    return {
        "name": "embed",
        "shape": [1, *first.shape],
        "words": words + ".",
        "parts": [
            {"name": name, "norms": part.norm(dim=-1).tolist()}
            for name, part in made.seen.parts.items()
        ],
        "norms": first.norm(dim=-1).tolist(),
    }


def _layers_stage(made: Trace) -> dict[str, Any]:
    seen, lens = made.seen, made.lens
    layers, heads = (
        len(seen.hidden) - 1,
        None if seen.attentions is None else len(seen.attentions[0]),
    )
    words = (
        f"{layers} layers one after another: in each, every token looks at the others"
        + (f" with {heads} attention heads" if heads else "")
        + " and its vector is moved a little."
    )
    return {
        "name": "layers",
        "shape": [layers, *seen.hidden.shape[1:]],
        "words": words,
        "heads": heads,
        "norms": seen.hidden.norm(dim=-1).tolist(),
        "moved": seen.hidden.diff(dim=0).norm(dim=-1).tolist(),
        "lens": None if lens is None else lens.tolist(),
        "token_lens": None if made.token_lens is None else made.token_lens.tolist(),
        "turn": made.turn,
        "pooled": seen.position,
    }


def _head_stage(made: Trace) -> dict[str, Any]:
    seen, family = made.seen, family_of(made.trained.model)
    pooling = family.pooling if family else "how the tokens become one vector is not known here"
    if seen.pooling == "mean":
        pooling = f"the mean over all tokens: {pooling}"
    count = None if seen.features is None else len(seen.features)
    words = "The head turns one vector"
    if count:
        words += (
            f" of {count} features into {len(made.labels)} logits: each feature times its weight"
        )
    words += ", and the label's bias." if seen.bias is not None else "; there is no bias."
    return {
        "name": "head",
        "shape": [1, len(made.labels)],
        "words": words,
        "pooling": pooling,
        "features": count,
        "logits": _logits(made),
    }


def _logits(made: Trace) -> list[dict[str, Any]]:
    seen = made.seen
    if seen.features is None or seen.weight is None:
        return [
            {"label": label, "logit": logit, "bias": None, "contributions": [], "rest": None}
            for label, logit in zip(made.labels, seen.logits.tolist(), strict=True)
        ]
    parts = contributions(seen)
    largest = parts.abs().topk(min(CONTRIBUTIONS, parts.shape[1])).indices
    return [
        {
            "label": label,
            "logit": seen.logits[index].item(),
            "bias": bias_of(seen)[index].item(),
            "contributions": [
                {"feature": feature, "value": parts[index, feature].item()}
                for feature in largest[index].tolist()
            ],
            "rest": (parts[index].sum() - parts[index, largest[index]].sum()).item(),
        }
        for index, label in enumerate(made.labels)
    ]


def _predict_stage(made: Trace, temperature: float | None) -> dict[str, Any]:
    probabilities = made.probabilities
    best = int(probabilities.argmax())
    label = made.labels[best]
    words = f"Softmax turns the logits into shares that sum to 1; the largest is {label}"
    words += f" with {probabilities[best]:.1%}."
    if made.true is not None:
        words += " That is right." if made.true == label else f" The true label is {made.true}."
    return {
        "name": "predict",
        "shape": [1, len(made.labels)],
        "words": words,
        "probabilities": probabilities.tolist(),
        "temperature": temperature,
        "calibrated": _calibrated(made.seen.logits, temperature),
        "label": label,
        "true": made.true,
    }


def _calibrated(logits: Tensor, temperature: float | None) -> list[float] | None:
    """Return softmax(logits / temperature) (Guo et al., 2017), None without a temperature."""
    if temperature is None:
        return None
    scaled: list[float] = torch.softmax(logits.float() / temperature, dim=-1).tolist()
    return scaled


def _missing(made: Trace) -> list[str]:
    model, seen = made.trained.model, made.seen
    missing = []
    if family_of(model) is None:
        known = ", ".join(FAMILIES)
        missing.append(
            f"{type(model).__name__} ({model.config.model_type}) is not among the families whose "
            f"insides are known here ({known}): the embedding's parts, the pooling and the head "
            "lens are left out"
        )
    if len(seen.hidden) <= getattr(model.config, "num_hidden_layers", 0):
        missing.append("its layers change the number of tokens; only those before that are shown")
    if seen.attentions is None:
        missing.append("this architecture gives no attention weights for every layer")
    if seen.features is None:
        missing.append("no output layer was found whose input could be shown")
    if not any(token.start is not None for token in made.tokens.tokens):
        missing.append(
            "this tokenizer does not say where its tokens stand in the text (it is a slow one)"
        )
    return missing
