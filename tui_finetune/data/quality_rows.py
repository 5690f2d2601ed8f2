"""The rows that the quality list looks at, side by side, and what a finding about them is."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tui_finetune.data.columns import choose_columns, is_empty
from tui_finetune.data.decisions import keys_of, merged, written
from tui_finetune.data.encodings import Progress
from tui_finetune.data.parts import parts_of
from tui_finetune.data.source import Source, open_source
from tui_finetune.data.splits import column_of, split
from tui_finetune.data.targets import problem_type_of, targets_of
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns, DataSection, ProblemType

PARTS = ("train", "validation", "test")
MOST_ROWS = 1_000_000
MOST_BYTES = 10**9
ROWS_LISTED = 1_000

Severity = Literal["error", "warning", "info"]
Row = tuple[str, int, int | None]  # part, number in it from 0 on, group of rows


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: 1 row, 2,000 rows."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


@dataclass(frozen=True)
class Finding:
    """Something about the rows that a person should know before training on them."""

    title: str
    message: str
    severity: Severity
    count: int
    unit: Literal["row", "text", "label"]  # what `count` counts
    advice: str
    rows: list[Row]
    more_rows: int = 0  # beyond those listed
    fix: dict[str, Any] | None = None  # a change of the recipe that mends it

    def document(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return {**vars(self), "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True)
class View:
    """The rows of all parts one after another, the first of each part if there are many."""

    data: DataSection
    problem_type: ProblemType
    columns: Columns
    texts: pa.Table  # text, and text_pair where there are second texts
    raw_labels: pa.ChunkedArray
    targets: pa.Array  # after labels were merged
    part: np.ndarray  # index into PARTS
    row: np.ndarray  # number in the part, from 0 on
    goes: np.ndarray  # index into PARTS of the split that takes the row, -1: none
    sizes: dict[str, list[int]]  # of each part the rows here, and all of them

    @cached_property
    def empty(self) -> np.ndarray:
        """Which rows lack a text or a label."""
        missing = [np.asarray(is_empty(column)) for column in self.texts.columns]
        empty: np.ndarray = np.logical_or.reduce([*missing, np.asarray(self.targets.is_null())])
        return empty

    @cached_property
    def code(self) -> np.ndarray:
        """The number of each row's text, in the order of first appearance; -1 where it is empty."""
        encoded = keys_of(self.texts).combine_chunks().dictionary_encode()
        code: np.ndarray = np.asarray(encoded.indices.fill_null(-1)).astype(np.int64)
        code[self.empty] = -1
        return code

    @cached_property
    def label(self) -> np.ndarray:
        """The number of what each row is labelled with, -1 where it is not."""
        encoded = written(self.targets).dictionary_encode()
        label: np.ndarray = np.asarray(encoded.indices.fill_null(-1)).astype(np.int64)
        return label

    @cached_property
    def labelled(self) -> np.ndarray:
        """One number for the text and the label of each row, -1 where the text is empty."""
        both = self.code * (self.label.max(initial=0) + 2) + self.label + 1
        labelled: np.ndarray = np.where(self.code < 0, -1, both)
        return labelled

    def listed(self, positions: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
        """Return `rows` and `more_rows` of a finding; rows of a group stand together."""
        if groups is not None:
            first = np.unique(groups, return_inverse=True)[1]
            order = np.argsort(first, kind="stable")
            positions, numbers = positions[order], first[order].tolist()
        some = positions[:ROWS_LISTED]
        rows: list[Row] = [
            (PARTS[self.part[at]], int(self.row[at]), None if groups is None else numbers[place])
            for place, at in enumerate(some)
        ]
        return {"rows": rows, "more_rows": len(positions) - len(some)}


def view_of(
    data: DataSection,
    cache: Path | None = None,
    progress: Progress | None = None,
    problem_type: ProblemType | None = None,
) -> View:
    """Open the data and return its rows. Raises `InputError` if no row can be read as one."""
    source = open_source(data.source, data.reading, cache, progress)
    parts = parts_of(source, data, cache, progress)
    train = parts["train"]
    columns = choose_columns(train.dataset, data.columns, train.origin)
    assert columns.text is not None
    assert columns.label is not None
    kind = problem_type or problem_type_of(train.dataset, columns.label, data.label_separator)
    names = {columns.text: "text"}
    if columns.text_pair is not None:
        names[columns.text_pair] = "text_pair"
    goes = _splits_of(source, data, cache, kind, parts)
    texts, raw, targets, part, row, sizes, places = [], [], [], [], [], {}, []
    for name, opened in parts.items():
        dataset = opened.dataset
        choose_columns(dataset, columns, opened.origin)
        table = dataset.data.table.select(list(names)).rename_columns(list(names.values()))
        count = min(len(table), MOST_ROWS)
        if (size := table.slice(0, count).nbytes) > MOST_BYTES:
            count = max(1, count * MOST_BYTES // size)
        first = dataset.select(range(count))
        texts.append(_plain_strings(table.slice(0, count)))
        raw.append(dataset.data.table.column(columns.label).slice(0, count))
        found = targets_of(first, columns.label, kind, data.label_separator, opened.origin)
        targets.append(merged(found, data.merge_labels)[0])
        part.append(np.full(count, PARTS.index(name)))
        row.append(np.arange(count))
        places.append(goes[name][:count])
        sizes[name] = [count, len(table)]
    return View(
        data,
        kind,
        columns,
        pa.concat_tables(texts),
        pa.chunked_array([chunk for each in raw for chunk in _strings(each).chunks], pa.string()),
        pa.concat_arrays(targets),
        np.concatenate(part),
        np.concatenate(row),
        np.concatenate(places),
        sizes,
    )


def _plain_strings(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([(name, pa.large_string()) for name in table.column_names]))


def _strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return labels as text where they are text, else nulls: numbers have no spelling."""
    if pa.types.is_string(column.type):
        return column
    return pa.chunked_array([pa.nulls(len(column), pa.string())])


def _splits_of(
    source: Source,
    data: DataSection,
    cache: Path | None,
    problem_type: ProblemType,
    parts: dict[str, Source],
) -> dict[str, np.ndarray]:
    """Return for each part the split of each of its rows, as an index into PARTS, -1: none.

    Rows that cannot be split yet go where their part goes.
    """
    sizes = {name: len(part.dataset) for name, part in parts.items()}
    # Empty cells hide what else is wrong, and have no place in the splits.
    for attempt in (data, data.model_copy(update={"drop_empty": True})):
        try:
            prepared = split(source, attempt, cache, problem_type)
        except InputError:
            continue
        goes = {name: np.full(size, -1) for name, size in sizes.items()}
        for name, rows in prepared.splits.items():
            numbers = np.asarray(column_of(rows, "row"))
            goes[name if name in goes else "train"][numbers] = PARTS.index(name)
        return goes
    return {name: np.full(size, PARTS.index(name)) for name, size in sizes.items()}
