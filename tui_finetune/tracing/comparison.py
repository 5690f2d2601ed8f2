"""Two traces side by side: where in the layers do they part?"""

from difflib import SequenceMatcher
from typing import Any

from torch import Tensor

from tui_finetune.tracing.trace import Trace


def compare(one: Trace, other: Trace) -> dict[str, Any]:
    """Return how two traces differ, stage by stage; they may differ in the text or in the model.

    Tokens are aligned as two lists of words are (difflib). Distances are Euclidean, in the models'
    own units; null where the vectors have no common size. `parting` is the first hidden state from
    which on the lens's two leading labels differ to the end.
    """
    tokens = _aligned(one, other)
    labels = list(dict.fromkeys([*one.labels, *other.labels]))
    return {
        "one": _end(one, other),
        "other": _end(other, one),
        "labels": labels,
        "same_tokens": all(pair["same"] for pair in tokens),
        "tokens": [{name: pair[name] for name in ("one", "other", "same")} for pair in tokens],
        "embedding": [_moved(one, other, pair) for pair in tokens],
        "layers": _layers(one, other, labels),
        "turn": {"one": one.turn, "other": other.turn, "parting": _parting(one, other)},
        "logits": _logits(one, other, labels),
        "words": _words(one, other),
    }


def _end(made: Trace, beside: Trace) -> dict[str, Any]:
    shares = made.probabilities
    differ = made.trained.version != beside.trained.version
    version = {"after": "fine-tuned", "before": "before fine-tuning"}[made.trained.version]
    title = version if differ else made.tokens.text
    label = made.labels[int(shares.argmax())]
    return {
        "title": title,
        "label": label,
        "probabilities": dict(zip(made.labels, shares.tolist(), strict=True)),
    }


def _aligned(one: Trace, other: Trace) -> list[dict[str, Any]]:
    """Return pairs of tokens with their places; None where one side has nothing."""
    ids = [[token.id for token in made.tokens.tokens] for made in (one, other)]
    pairs: list[tuple[int | None, int | None]] = []
    for _, start, end, at, to in SequenceMatcher(
        None, ids[0], ids[1], autojunk=False
    ).get_opcodes():
        for offset in range(max(end - start, to - at)):
            left = start + offset if start + offset < end else None
            right = at + offset if at + offset < to else None
            pairs.append((left, right))
    return [
        {
            "places": (left, right),
            "one": None if left is None else one.tokens.tokens[left].token,
            "other": None if right is None else other.tokens.tokens[right].token,
            "same": left is not None and right is not None and ids[0][left] == ids[1][right],
        }
        for left, right in pairs
    ]


def _moved(one: Trace, other: Trace, pair: dict[str, Any]) -> float | None:
    left, right = pair["places"]
    first, second = one.seen.hidden[0], other.seen.hidden[0]
    if left is None or right is None or first.shape[-1] != second.shape[-1]:
        return None
    return float((first[left] - second[right]).norm())


def _layers(one: Trace, other: Trace, labels: list[str]) -> list[dict[str, Any]]:
    lenses = [_by_label(made, labels) for made in (one, other)]
    count = max(len(one.seen.hidden), len(other.seen.hidden))
    rows = []
    for layer in range(count):
        distance = _distance(one, other, layer)
        rows.append(
            {
                "layer": layer,
                "distance": None if distance is None else distance[0],
                "relative": None if distance is None else distance[1],
                "one": lenses[0][layer] if layer < len(lenses[0]) else None,
                "other": lenses[1][layer] if layer < len(lenses[1]) else None,
            }
        )
    return rows


def _distance(one: Trace, other: Trace, layer: int) -> tuple[float, float] | None:
    """Return how far the vectors that the heads read lie apart, also relative to the first's."""
    if one.seen.lens is None or other.seen.lens is None:
        return None
    first, second = one.seen.lens.vectors, other.seen.lens.vectors
    if layer >= min(len(first), len(second)) or first.shape[-1] != second.shape[-1]:
        return None
    distance = (first[layer] - second[layer]).norm().item()
    return distance, distance / first[layer].norm().item()


def _by_label(made: Trace, labels: list[str]) -> list[list[float | None]]:
    """Return the lens with its columns in the order of `labels`; empty without a lens."""
    if made.lens is None:
        return []
    rows: list[list[float]] = made.lens.tolist()
    named = [dict(zip(made.labels, row, strict=True)) for row in rows]
    return [[row.get(label) for label in labels] for row in named]


def _leaders(made: Trace) -> list[str]:
    lens: Tensor | None = made.lens
    return [] if lens is None else [made.labels[index] for index in lens.argmax(dim=-1).tolist()]


def _parting(one: Trace, other: Trace) -> int | None:
    """Return where the leaders part for good; None if they agree at the end, or have no lens."""
    first, second = _leaders(one), _leaders(other)
    if not first or len(first) != len(second) or first[-1] == second[-1]:
        return None
    parting = len(first) - 1
    while parting > 0 and first[parting - 1] != second[parting - 1]:
        parting -= 1
    return parting


def _logits(one: Trace, other: Trace, labels: list[str]) -> list[dict[str, Any]]:
    left, right = (
        dict(zip(made.labels, made.seen.logits.tolist(), strict=True)) for made in (one, other)
    )
    return [
        {
            "label": label,
            "one": left.get(label),
            "other": right.get(label),
            "difference": left[label] - right[label] if label in left and label in right else None,
        }
        for label in labels
    ]


def _words(one: Trace, other: Trace) -> str:
    ends = [made.labels[int(made.probabilities.argmax())] for made in (one, other)]
    if ends[0] == ends[1]:
        return f"Both say {ends[0]}."
    parting = _parting(one, other)
    if parting is None:
        return f"One says {ends[0]}, the other {ends[1]}."
    place = "from the embedding on" if parting == 0 else f"from layer {parting} on"
    return f"One says {ends[0]}, the other {ends[1]}: their heads would part {place}."
