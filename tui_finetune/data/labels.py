"""The names of labels, whatever type their column has."""

from collections.abc import Iterable
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.errors import InputError
from tui_finetune.text import clean


def label_names(dataset: datasets.Dataset, column: str, origin: str) -> pa.Array:
    """Return the name of each row's label, null where there is none.

    Texts lose the blanks around them; integers, booleans and whole floats become their text; the
    names that a `ClassLabel` column brings are used. Raises `InputError` for numbers with a
    fraction, and for those that such a column has no name for.
    """
    values = dataset.data.column(column).combine_chunks()
    return names_of(values, dataset.features[column], column, origin, np.arange(len(values)))


def names_of(
    values: pa.Array, feature: Any, column: str, origin: str, rows: np.ndarray
) -> pa.Array:
    """Do what `label_names` does for values of a feature; `rows` are their rows, from 0 on."""
    if isinstance(feature, datasets.ClassLabel):
        unnamed = pc.index(pc.greater_equal(values, len(feature.names)), True).as_py()
        if unnamed >= 0:
            raise InputError(
                f"{clean(origin)}: the label column {clean(column, 40)} holds {values[unnamed]} in "
                f"row {rows[unnamed] + 1:,}, and brings names for 0 to {len(feature.names) - 1} "
                "only; write the data anew"
            )
        known = pc.if_else(pc.greater_equal(values, 0), values, pa.scalar(None, values.type))
        return pa.array(feature.names, pa.string()).take(known)
    if pa.types.is_floating(values.type):
        values = _whole(values, column, origin, rows)
    names = pc.utf8_trim_whitespace(pc.cast(values, pa.string()))
    return pc.if_else(pc.equal(names, ""), pa.scalar(None, pa.string()), names)


def _whole(values: pa.Array, column: str, origin: str, rows: np.ndarray) -> pa.Array:
    values = pc.cast(values, pa.float64())
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    # an infinity, and what no int64 holds, is no label either
    label = pc.and_(pc.equal(values, pc.trunc(values)), pc.less(pc.abs(values), 2.0**63))
    broken = pc.index(label, False).as_py()
    if broken >= 0:
        raise InputError(
            f"{clean(origin)}: the label column {clean(column, 40)} holds {values[broken]} in row "
            f"{rows[broken] + 1:,}; labels are texts or whole "
            "numbers (a number to predict: set problem_type to regression)"
        )
    return pc.cast(values, pa.int64())


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct names sorted: by their numbers if all are integers, else as texts."""
    distinct = sorted(set(names))
    try:
        return tuple(sorted(distinct, key=int))
    except ValueError:
        return tuple(distinct)


def indices(names: pa.Array, labels: tuple[str, ...]) -> np.ndarray:
    """Return the index of each name in `labels`, -1 for a null or a name that is not there."""
    found = pc.index_in(names, value_set=pa.array(labels, pa.string()))
    result: np.ndarray = np.asarray(pc.fill_null(found, -1), dtype=np.int64)
    return result
