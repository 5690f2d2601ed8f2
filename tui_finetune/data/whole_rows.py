"""The rows of a source that have a text and a label, and what the recipe decides about them."""

from collections import Counter
from dataclasses import dataclass, replace

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.columns import choose_columns, is_empty
from tui_finetune.data.decisions import (
    Decision,
    decisions_of,
    keys_of,
    merged,
    repeats,
    require_found,
)
from tui_finetune.data.source import Source
from tui_finetune.data.targets import label_column, targets_of
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns, DataSection, ProblemType
from tui_finetune.text import clean

ROWS_NAMED = 5


class RowsRefused(InputError):
    """The rows cannot be trained on; `title` sums up why, `count` says how many are concerned."""

    def __init__(self, title: str, message: str, count: int) -> None:
        super().__init__(message)
        self.title = title
        self.count = count


@dataclass(frozen=True)
class WholeRows:
    """The rows of one file whose text and label are there."""

    origin: str
    digest: str
    texts: datasets.Dataset  # the column text and perhaps text_pair, of all rows of the file
    targets: pa.Array  # what each of them is labelled with, as `targets_of` gives it
    kept: np.ndarray  # which of them are whole, and left in by the decisions
    read: int
    empty: int  # of the rows that were read
    merges: dict[str, int]  # rows of each label that got another name

    def labelled(self, labels: tuple[str, ...]) -> datasets.Dataset:
        """Return texts, labels and rows' numbers of the whole file; the texts stay on disk."""
        rows = self.texts.add_column("label", label_column(self.targets, labels))
        return rows.add_column("row", np.arange(self.read))


def whole_rows(
    source: Source, columns: Columns, data: DataSection, problem_type: ProblemType
) -> WholeRows:
    """Return the rows of a source, `kept` those with a text and a label.

    Raises `InputError` for a column that is not there or cannot be read so, and for rows without a
    text or a label unless `data.drop_empty` leaves them out.
    """
    origin = source.origin
    columns = choose_columns(source.dataset, columns, origin)
    assert columns.text is not None
    assert columns.label is not None
    new_names = {columns.text: "text"}
    if columns.text_pair is not None:
        new_names[columns.text_pair] = "text_pair"
    texts = source.dataset.select_columns(list(new_names)).rename_columns(new_names)
    targets = targets_of(source.dataset, columns.label, problem_type, data.label_separator, origin)
    if data.merge_labels and problem_type == "regression":
        raise InputError("data.merge_labels: a regression predicts numbers, which have no names")
    targets, merges = merged(targets, data.merge_labels)
    holes = {
        "text" if name == "text" else "second text": np.asarray(is_empty(texts.data.column(name)))
        for name in texts.column_names
    } | {"label": np.asarray(pc.is_null(targets))}
    empty = np.logical_or.reduce(list(holes.values()))
    if not len(empty):
        raise RowsRefused("No rows left", f"{clean(origin)}: there are no rows in it", 0)
    if empty.any() and not data.drop_empty:
        faults = [
            f"{missing.sum():,} with an empty {what} ({_numbers(missing)})"
            for what, missing in holes.items()
            if missing.any()
        ]
        raise RowsRefused(
            "Empty cells",
            f"{clean(origin)}: of {len(empty):,} rows there are {' and '.join(faults)}; "
            "mend them, or leave them out with data.drop_empty=true",
            int(empty.sum()),
        )
    if empty.all():
        raise RowsRefused(
            "No rows left",
            f"{clean(origin)}: every row has an empty text or label; check the columns "
            f"{clean(columns.text, 40)} and {clean(columns.label, 40)}",
            len(empty),
        )
    kept = np.flatnonzero(~empty)
    return WholeRows(
        origin, source.digest, texts, targets, kept, len(empty), int(empty.sum()), merges
    )


def decided(
    main: WholeRows, others: dict[str, WholeRows], data: DataSection
) -> tuple[WholeRows, dict[str, WholeRows], list[Decision]]:
    """Return the rows that the decisions leave, and what those did."""
    parts = {"train": main, **others}
    merges: Counter[str] = Counter()
    for rows in parts.values():
        merges.update(rows.merges)
    require_found(merges)
    again = shared = 0
    if data.drop_duplicates:
        later: list[pa.Array] = []  # the texts of the parts to choose and judge by, the last first
        for name in ("test", "validation", "train"):
            if name not in parts:
                continue
            rows = parts[name]
            whole = pa.array(_mask(rows.kept, rows.read))
            keys = keys_of(rows.texts).filter(whole)
            repeated = repeats(keys, rows.targets.filter(whole))
            held: np.ndarray = np.zeros(len(keys), dtype=bool)
            if later:
                values = pa.chunked_array(later, keys.type)
                held = np.asarray(pc.is_in(keys, value_set=values)) & ~repeated
            again, shared = again + int(repeated.sum()), shared + int(held.sum())
            later += keys.chunks
            parts[name] = replace(rows, kept=rows.kept[~repeated & ~held])
        _require_rows(parts)
    main = parts.pop("train")
    empty = sum(rows.empty for rows in (main, *parts.values()))
    return main, parts, decisions_of(data, empty, again, shared, merges)


def _require_rows(parts: dict[str, WholeRows]) -> None:
    for name, rows in parts.items():
        if not len(rows.kept):
            raise RowsRefused(
                "No rows left",
                f"{clean(rows.origin)}: all rows of {name} stand in another split; give other "
                "rows, or take data.drop_duplicates back",
                rows.read,
            )


def _mask(positions: np.ndarray, length: int) -> np.ndarray:
    mask: np.ndarray = np.zeros(length, dtype=bool)
    mask[positions] = True
    return mask


def _numbers(chosen: np.ndarray) -> str:
    rows = [f"{row + 1}" for row in np.flatnonzero(chosen)[:ROWS_NAMED]]
    more = ", …" if chosen.sum() > ROWS_NAMED else ""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(rows)}{more}, counted from 1"
