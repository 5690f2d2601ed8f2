"""What a recipe decides about rows that it does not take as they are: repeats, names of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection
from tui_finetune.text import clean

# Stands between the parts of what is compared as one text.
_BETWEEN = "\x1f"


@dataclass(frozen=True)
class Decision:
    """A decision of the recipe about the data, and how many rows it concerned."""

    key: str  # of the recipe
    value: Any
    rows: int | None  # left out, or given another label; None: not known
    message: str

    def document(self) -> dict[str, Any]:
        """Return the decision as plain data."""
        return dict(vars(self))


def keys_of(texts: datasets.Dataset | pa.Table) -> pa.ChunkedArray:
    """Return the text of each row, of a pair both in one; null where one is missing."""
    table = texts if isinstance(texts, pa.Table) else texts.data.table
    if "text_pair" not in table.column_names:
        return table.column("text")
    wide = pa.large_string()  # text files are read as one kind of string, tables may hold both
    both = (table.column(name).cast(wide) for name in ("text", "text_pair"))
    return pc.binary_join_element_wise(*both, pa.scalar(_BETWEEN, wide))


def written(targets: pa.Array) -> pa.Array:
    """Return what rows are labelled with as one text each."""
    if pa.types.is_list(targets.type):
        return pc.binary_join(targets, _BETWEEN)
    return pc.cast(targets, pa.string())


def repeats(keys: pa.ChunkedArray, targets: pa.Array) -> np.ndarray:
    """Return which rows have the text and the label of an earlier row, as booleans."""
    table = pa.table({"key": keys, "label": written(targets), "row": np.arange(len(keys))})
    first = table.group_by(["key", "label"]).aggregate([("row", "min")])["row_min"]
    again: np.ndarray = np.ones(len(keys), dtype=bool)
    again[np.asarray(first)] = False
    return again


def merged(targets: pa.Array, merges: Mapping[str, str]) -> tuple[pa.Array, dict[str, int]]:
    """Return names, or lists of names, with other names, and how many rows each merge concerned."""
    if not merges:
        return targets, {}
    nested = pa.types.is_list(targets.type)
    names = targets.flatten() if nested else targets
    old = pa.array(list(merges), pa.string())
    found = pc.index_in(names, value_set=old)
    new = pc.if_else(pc.is_valid(found), pa.array(list(merges.values())).take(found), names)
    counts = np.bincount(np.asarray(found.drop_null()), minlength=len(merges)).tolist()
    if nested:
        lists = iter(new.to_pylist())
        new = pa.array(
            [
                None if length is None else sorted({next(lists) for _ in range(length)})
                for length in pc.list_value_length(targets).to_pylist()
            ],
            pa.list_(pa.string()),
        )
    return new, dict(zip(merges, counts, strict=True))


def require_found(merges: Mapping[str, int]) -> None:
    """Raise `InputError` for a label to be merged that no row has."""
    for name, count in merges.items():
        if not count:
            raise InputError(
                f"data.merge_labels: no row has the label {clean(name, 40)}; take it out, or write "
                "it as the data does"
            )


def decisions_of(
    data: DataSection,
    empty: int | None = None,
    again: int | None = None,
    shared: int | None = None,
    merges: Mapping[str, int] | None = None,
) -> list[Decision]:
    """Return the decisions of a data section; the counts are of rows, None where unknown.

    `again` are rows that repeat one before, `shared` rows whose text is kept for a later split.
    """
    made = []
    if data.drop_empty:
        what = "with an empty text or label left out"
        made.append(Decision("data.drop_empty", True, empty, _rows(empty, what)))
    if data.drop_duplicates:
        what = "with the text and label of an earlier row left out"
        message = _rows(again, what)
        if shared:
            message += f", and {shared:,} whose text stands in the rows to choose or judge by"
        total = None if again is None or shared is None else again + shared
        made.append(Decision("data.drop_duplicates", True, total, message))
    for old, new in data.merge_labels.items():
        count = None if merges is None else merges.get(old, 0)
        words = f"labelled {clean(old, 40)} taken as {clean(new, 40)}"
        made.append(Decision("data.merge_labels", {old: new}, count, _rows(count, words)))
    for name, split in data.splits:
        if split is not None:
            words = f"{name} is the split {clean(split, 60)}"
            made.append(Decision(f"data.splits.{name}", split, None, words))
    return made


def _rows(count: int | None, words: str) -> str:
    return f"rows {words}" if count is None else f"{count:,} row{'s' * (count != 1)} {words}"
