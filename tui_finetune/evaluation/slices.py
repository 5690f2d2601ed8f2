"""How good a model is on parts of the rows: short and long texts, the values of other columns."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from tui_finetune.evaluation.bootstrap import metrics_of_cells
from tui_finetune.evaluation.intervals import share_interval
from tui_finetune.evaluation.metrics import confusion_counts

LENGTH = "length in words"
MOST_VALUES = 12
MISSING = "missing"

# One group: its name and the places (rows,) that belong to it.
_Group = tuple[str, np.ndarray]


def slices(
    references: np.ndarray,
    predicted: np.ndarray,
    labels: int,
    texts: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
) -> list[dict[str, Any]]:
    """Return rows, accuracy with its 95% interval, and macro F1 of each part of the rows.

    `references` and `predicted` (rows,) are label indices; for the parts see `parts_of`.
    """
    return [
        {
            "column": name,
            "slices": [_slice(group, references, predicted, labels) for group in groups],
        }
        for name, groups in parts_of(texts, columns)
    ]


def parts_of(
    texts: Sequence[str], columns: Mapping[str, Sequence[Any]]
) -> list[tuple[str, list[_Group]]]:
    """Return ways to part the rows: each has a name, and the parts' names and places (rows,).

    Parts are quarters by length in words, and for every column its values if there are 2 to 12 of
    them, or quarters if it has more and they are numbers. Other columns are left out, and those
    whose every value occurs once. Each column has a value for each row.
    """
    lengths = np.array([len(text.split()) for text in texts], dtype=np.float64)
    grouped = {LENGTH: _quarters(lengths, np.arange(len(texts)))}
    for name, values in columns.items():
        groups = _groups(values)
        if len(groups) > 1:
            grouped[name] = groups
    return list(grouped.items())


def whole_texts(texts: Sequence[str], pairs: Sequence[str] | None) -> Sequence[str]:
    """Return each text with its second one behind it, where there are such."""
    if pairs is None:
        return texts
    return [f"{text} {pair}" for text, pair in zip(texts, pairs, strict=True)]


def _slice(
    group: _Group, references: np.ndarray, predicted: np.ndarray, labels: int
) -> dict[str, Any]:
    name, rows = group
    counts = confusion_counts(references[rows], predicted[rows], labels)
    right = int(np.trace(counts))
    interval = share_interval(right, len(rows))
    return {
        "name": name,
        "rows": len(rows),
        "accuracy": right / len(rows),
        "interval": interval and list(interval),
        "f1": float(metrics_of_cells(counts[None])["f1"][0]),
    }


def _groups(values: Sequence[Any]) -> list[_Group]:
    if any(isinstance(value, list | dict | set) for value in values):
        return []
    missing = np.array([_is_missing(value) for value in values])
    present = np.flatnonzero(~missing)
    kept = [value for value in values if not _is_missing(value)]
    distinct = set(kept)
    numbers = all(isinstance(value, Real) for value in kept)
    groups: list[_Group] = []
    if len(distinct) <= MOST_VALUES:
        if len(distinct) < len(kept):
            ordered = sorted(distinct, key=None if numbers else str)
            places = {value: number for number, value in enumerate(ordered)}
            which = np.array([places[value] for value in kept])
            groups = [(_named(value), present[which == number]) for value, number in places.items()]
    elif numbers:
        groups = _quarters(np.array(kept, dtype=np.float64), present)
    if groups and missing.any():
        groups.append((MISSING, np.flatnonzero(missing)))
    return groups


def _quarters(values: np.ndarray, rows: np.ndarray) -> list[_Group]:
    """Part rows by the quartiles of their values; equal values stay together."""
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf"))
    places = np.digitize(values, edges, right=True)
    groups = []
    for place in np.unique(places):
        inside = values[places == place]
        low, high = _named(inside.min()), _named(inside.max())
        name = low if low == high else f"{low} to {high}"
        groups.append((name, rows[places == place]))
    return groups


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def _named(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
