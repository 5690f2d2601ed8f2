"""What each row is labelled with: one name, several, or a number; and which of these it is."""

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.labels import in_order, indices, label_names, names_of
from tui_finetune.errors import InputError
from tui_finetune.recipe import ProblemType
from tui_finetune.text import clean

_MANY = pa.list_(pa.string())


def problem_type_of(dataset: datasets.Dataset, column: str, separator: str | None) -> ProblemType:
    """Return what a column of labels calls for.

    A list, or a separator between labels, means several labels a row. Numbers of which some have a
    fraction, be they written as text, mean a regression. All else, whole numbers too, are names.
    """
    values = dataset.data.column(column)
    if separator is not None or is_list(values.type):
        return "multi_label_classification"
    if pa.types.is_floating(values.type):
        numbers = pc.cast(values, pa.float64())
    elif pa.types.is_string(values.type):
        try:
            numbers = _read_numbers(values)
        except pa.ArrowInvalid:
            return "single_label_classification"
    else:
        return "single_label_classification"
    whole = pc.or_kleene(pc.equal(numbers, pc.trunc(numbers)), pc.is_nan(numbers))
    return "single_label_classification" if pc.all(whole).as_py() is not False else "regression"


def targets_of(
    dataset: datasets.Dataset,
    column: str,
    problem_type: ProblemType,
    separator: str | None,
    origin: str,
) -> pa.Array:
    """Return what each row is labelled with, null where nothing is.

    Names (text) for one label a row, sorted lists of distinct names for several, 64-bit floats for
    a number. An empty list is a row without any of the labels; an empty cell of text is missing.
    Raises `InputError` for what cannot be read so, with its row.
    """
    if problem_type == "regression":
        return _numbers(dataset, column, origin)
    if problem_type == "multi_label_classification":
        return _lists(dataset, column, separator, origin)
    if is_list(dataset.data.column(column).type):
        raise InputError(
            f"{clean(origin)}: the column {clean(column, 40)} holds lists, so a row has several "
            "labels; set problem_type to multi_label_classification"
        )
    return label_names(dataset, column, origin)


def is_list(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds lists."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def names_in(targets: pa.Array) -> tuple[str, ...]:
    """Return the distinct names of labels in order; `targets` are names or lists of them."""
    names = targets if targets.type == pa.string() else targets.flatten()
    return in_order(pc.unique(names.drop_null()).to_pylist())


def label_column(targets: pa.Array, labels: tuple[str, ...]) -> np.ndarray | list[list[int] | None]:
    """Return each row's label index (-1: missing), list of indices, or number (NaN: missing)."""
    if targets.type == _MANY:
        index = {label: place for place, label in enumerate(labels)}
        return [
            None if names is None else sorted(index[name] for name in names if name in index)
            for names in targets.to_pylist()
        ]
    if pa.types.is_floating(targets.type):
        numbers: np.ndarray = targets.to_numpy(zero_copy_only=False)
        return numbers
    return indices(targets, labels)


def _lists(dataset: datasets.Dataset, column: str, separator: str | None, origin: str) -> pa.Array:
    values = dataset.data.column(column).combine_chunks()
    if not is_list(values.type):
        return _separated(dataset, column, separator, origin)
    feature = dataset.features[column]
    rows = np.asarray(pc.list_parent_indices(values))
    names = names_of(values.flatten(), feature.feature, column, origin, rows).to_pylist()
    lists: list[list[str] | None] = [
        None if missing else [] for missing in pc.is_null(values).to_pylist()
    ]
    for row, name in zip(rows.tolist(), names, strict=True):
        found = lists[row]
        if found is not None and name is not None and name not in found:
            found.append(name)
    return pa.array([names and sorted(names) for names in lists], _MANY)


def _separated(
    dataset: datasets.Dataset, column: str, separator: str | None, origin: str
) -> pa.Array:
    if separator is None:
        raise InputError(
            f"{clean(origin)}: the column {clean(column, 40)} holds no lists; several labels a row "
            "need data.label_separator, such as ;"
        )
    lists = []
    for cell in label_names(dataset, column, origin).to_pylist():
        parts = [part.strip() for part in (cell or "").split(separator)]
        lists.append(sorted({part for part in parts if part}) or None)
    return pa.array(lists, _MANY)


def _numbers(dataset: datasets.Dataset, column: str, origin: str) -> pa.Array:
    values = dataset.data.column(column).combine_chunks()
    if isinstance(dataset.features[column], datasets.ClassLabel) or is_list(values.type):
        raise InputError(
            f"{clean(origin)}: the column {clean(column, 40)} holds no numbers; "
            "choose another for a regression"
        )
    try:
        numbers = _read_numbers(values)
    except pa.ArrowInvalid:
        row, cell = _first_no_number(values)
        raise InputError(
            f"{clean(origin)}: the label column {clean(column, 40)} holds {clean(cell, 40)!r} in "
            f"row {row:,}, which is no number; mend it, or choose another column"
        ) from None
    infinite = pc.index(pc.is_inf(numbers), True).as_py()
    if infinite >= 0:
        raise InputError(
            f"{clean(origin)}: the label column {clean(column, 40)} holds an infinite number in "
            f"row {infinite + 1:,}; mend it"
        )
    return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)


def _read_numbers(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return the numbers, of text too. Raises `ArrowInvalid` for a text that is none."""
    if pa.types.is_string(values.type):
        values = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    elif pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int8())
    return pc.cast(values, pa.float64())


def _first_no_number(values: pa.Array) -> tuple[int, str]:
    """Return the first row, from 1 on, that makes `_read_numbers` fail, and its text."""
    row = 0
    for row in range(len(values)):
        try:
            _read_numbers(values.slice(row, 1))
        except pa.ArrowInvalid:
            break
    return row + 1, str(values[row])
