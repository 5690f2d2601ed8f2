"""Choose the columns that hold the texts and the labels."""

import datasets
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.names import LABEL_NAMES, PAIR_NAMES, TEXT_NAMES
from tui_finetune.data.targets import is_list
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns
from tui_finetune.text import clean

SAMPLE_ROWS = 10_000
MOST_LABELS = 1_000


def choose_columns(dataset: datasets.Dataset, wanted: Columns, origin: str = "the data") -> Columns:
    """Return the columns of text and label: those named in `wanted`, else guessed.

    The names text and label win, then the usual names of a pair of texts, then other usual names;
    else the text is the column with the longest texts, and the label the one with the fewest
    distinct values, two at least. There is a second text if it is named, or if none is named and
    the usual names of a pair are there. `origin` names the data in errors.

    Raises `InputError`, listing the columns there are, if a named one is missing, if nothing can
    be guessed, or if text and label are one column or hold what is no text or label.
    """
    chosen = {"text": wanted.text, "second text": wanted.text_pair, "label": wanted.label}
    for role, name in chosen.items():
        if name is not None and name not in dataset.column_names:
            raise InputError(
                f"{clean(origin)}: there is no column {clean(name, 40)} for the {role}; "
                f"the columns are {_listed(dataset)}"
            )
    taken: dict[str, str] = {}
    for role, name in chosen.items():
        if name is not None and name in taken:
            raise InputError(
                f"{clean(origin)}: {taken[name]} and {role} are both the column {clean(name, 40)}; "
                f"name two of {_listed(dataset)}"
            )
        if name is not None:
            taken[name] = role
    sample = dataset.data.slice(0, SAMPLE_ROWS)
    text, second = wanted.text or _called(dataset, "text", taken), wanted.text_pair
    if text is None and second is None:
        text, second = _pair_by_name(dataset, wanted.label)
    text = text or guess_text(dataset, sample, wanted.label, second)
    label = (
        wanted.label
        or _called(dataset, "label", taken)
        or _guess_label(dataset, sample, text, second)
    )
    for role, name, allowed in (
        ("text", text, holds_text),
        ("second text", second, holds_text),
        ("label", label, holds_labels),
    ):
        if name is None and role == "second text":
            continue
        if name is None:
            raise InputError(
                f"{clean(origin)}: no column looks like the {role}; name one of {_listed(dataset)}"
            )
        if not allowed(dataset.features.arrow_schema.field(name).type):
            kind = dataset.features.arrow_schema.field(name).type
            raise InputError(
                f"{clean(origin)}: the column {clean(name, 40)} holds {clean(kind, 40)} and "
                f"cannot be the {role}; the columns are {_listed(dataset)}"
            )
    return Columns(text=text, text_pair=second, label=label)


def holds_text(kind: pa.DataType) -> bool:
    """Return whether a column of this type can be the text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_empty(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which texts are missing, or blank from end to end."""
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(texts), ""), True)


def holds_labels(kind: pa.DataType) -> bool:
    """Return whether a column of this type can be the label."""
    types = pa.types
    if is_list(kind):
        return holds_labels(kind.value_type) and not is_list(kind.value_type)
    return bool(
        holds_text(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_floating(kind)
    )


def _listed(dataset: datasets.Dataset) -> str:
    return ", ".join(clean(name, 40) for name in dataset.column_names)


def guess_text(dataset: datasets.Dataset, sample: pa.Table, *others: str | None) -> str | None:
    """Return the column that most likely holds the texts, `others` left out; None if none does."""
    candidates = _text_columns(dataset, *others)
    return _by_name(candidates, TEXT_NAMES) or max(
        candidates, key=lambda name: _mean_length(sample.column(name)), default=None
    )


def _text_columns(dataset: datasets.Dataset, *others: str | None) -> list[str]:
    schema = dataset.features.arrow_schema
    return [
        name
        for name in dataset.column_names
        if name not in others and holds_text(schema.field(name).type)
    ]


def _pair_by_name(dataset: datasets.Dataset, label: str | None) -> tuple[str | None, str | None]:
    """Return the columns with the usual names of a pair of texts; None twice without them."""
    candidates = _text_columns(dataset, label)
    for first, second in PAIR_NAMES:
        pair = _by_name(candidates, (first,)), _by_name(candidates, (second,))
        if None not in pair:
            return pair
    return None, None


def _called(dataset: datasets.Dataset, name: str, taken: dict[str, str]) -> str | None:
    """Return the column of this very name, usable or not: no other takes its place unseen."""
    return name if name in dataset.column_names and name not in taken else None


def _guess_label(dataset: datasets.Dataset, sample: pa.Table, *texts: str | None) -> str | None:
    schema = dataset.features.arrow_schema
    candidates = [
        name
        for name in dataset.column_names
        if name not in texts and holds_labels(schema.field(name).type)
    ]
    if (by_name := _by_name(candidates, LABEL_NAMES)) or len(candidates) == 1:
        return by_name or candidates[0]
    distinct = {
        name: pc.count_distinct(sample.column(name)).as_py()
        for name in candidates
        if not is_list(schema.field(name).type)
    }
    several = [name for name, count in distinct.items() if 2 <= count <= MOST_LABELS]
    return min(several, key=lambda name: distinct[name], default=None)


def _by_name(candidates: list[str], names: tuple[str, ...]) -> str | None:
    folded = {name.strip().lower(): name for name in reversed(candidates)}
    return next((folded[name] for name in names if name in folded), None)


def _mean_length(column: pa.ChunkedArray) -> float:
    return pc.mean(pc.utf8_length(column)).as_py() or 0.0
