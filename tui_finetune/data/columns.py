"""Choose the columns that hold the texts and the labels."""

import datasets
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.names import LABEL_NAMES, TEXT_NAMES
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns
from tui_finetune.text import clean

SAMPLE_ROWS = 10_000
MOST_LABELS = 1_000


def choose_columns(dataset: datasets.Dataset, wanted: Columns, origin: str = "the data") -> Columns:
    """Return the columns of text and label: those named in `wanted`, else guessed.

    A usual name wins; else the text is the column with the longest texts, and the label the one
    with the fewest distinct values, two at least. `origin` names the data in errors.

    Raises `InputError`, listing the columns there are, if a named one is missing, if nothing can
    be guessed, or if text and label are one column or hold what is no text or label.
    """
    for role, name in (("text", wanted.text), ("label", wanted.label)):
        if name is not None and name not in dataset.column_names:
            raise InputError(
                f"{clean(origin)}: there is no column {clean(name, 40)} for the {role}; "
                f"the columns are {_listed(dataset)}"
            )
    if wanted.text is not None and wanted.text == wanted.label:
        raise InputError(
            f"{clean(origin)}: text and label are both the column {clean(wanted.text, 40)}; "
            f"name two of {_listed(dataset)}"
        )
    sample = dataset.data.slice(0, SAMPLE_ROWS)
    text = wanted.text or guess_text(dataset, sample, wanted.label)
    label = wanted.label or _guess_label(dataset, sample, text)
    for role, name, allowed in (
        ("text", text, holds_text),
        ("label", label, holds_labels),
    ):
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
    return Columns(text=text, label=label)


def holds_text(kind: pa.DataType) -> bool:
    """Return whether a column of this type can be the text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def holds_labels(kind: pa.DataType) -> bool:
    """Return whether a column of this type can be the label."""
    types = pa.types
    return bool(
        holds_text(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_floating(kind)
    )


def _listed(dataset: datasets.Dataset) -> str:
    return ", ".join(clean(name, 40) for name in dataset.column_names)


def guess_text(dataset: datasets.Dataset, sample: pa.Table, label: str | None) -> str | None:
    """Return the column that most likely holds the texts, `label` left out; None if none does."""
    schema = dataset.features.arrow_schema
    candidates = [
        name
        for name in dataset.column_names
        if name != label and holds_text(schema.field(name).type)
    ]
    return _by_name(candidates, TEXT_NAMES) or max(
        candidates, key=lambda name: _mean_length(sample.column(name)), default=None
    )


def _guess_label(dataset: datasets.Dataset, sample: pa.Table, text: str | None) -> str | None:
    schema = dataset.features.arrow_schema
    candidates = [
        name
        for name in dataset.column_names
        if name != text and holds_labels(schema.field(name).type)
    ]
    if (by_name := _by_name(candidates, LABEL_NAMES)) or len(candidates) == 1:
        return by_name or candidates[0]
    distinct = {name: pc.count_distinct(sample.column(name)).as_py() for name in candidates}
    several = [name for name in candidates if 2 <= distinct[name] <= MOST_LABELS]
    return min(several, key=lambda name: distinct[name], default=None)


def _by_name(candidates: list[str], names: tuple[str, ...]) -> str | None:
    folded = {name.strip().lower(): name for name in reversed(candidates)}
    return next((folded[name] for name in names if name in folded), None)


def _mean_length(column: pa.ChunkedArray) -> float:
    return pc.mean(pc.utf8_length(column)).as_py() or 0.0
