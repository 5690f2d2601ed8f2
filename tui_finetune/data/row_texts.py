"""The rows of a part of the data by their numbers: whole, or their texts alone."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from tui_finetune.data.columns import choose_columns, is_empty
from tui_finetune.data.encodings import Progress
from tui_finetune.data.pages import cells
from tui_finetune.data.parts import parts_of
from tui_finetune.data.source import Source, open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns, DataSection, source_words
from tui_finetune.text import clean


def rows_at(
    data: DataSection, part: str, rows: Sequence[int], cache: Path | None = None
) -> dict[str, Any]:
    """Return the columns' names and for each row its number and its cells, fit for JSON, uncut.

    Raises `InputError` for a part or a row that is not there.
    """
    dataset = _part(data, part, cache).dataset
    _require(dataset, part, rows)
    table = dataset.select(rows).with_format("arrow")[:] if rows else dataset.data.slice(0, 0)
    columns = [
        list(cells(table.column(name).to_pylist(), dataset.features[name]))
        for name in dataset.column_names
    ]
    found = zip(*columns, strict=True)
    return {
        "columns": dataset.column_names,
        "rows": [[int(row), list(of_row)] for row, of_row in zip(rows, found, strict=True)],
    }


def texts_at(
    data: DataSection, places: Iterable[tuple[str, int]], cache: Path | None = None
) -> list[tuple[str, str | None]]:
    """Return the text, and the second text if there is one, of rows as (part, number).

    A missing text is an empty one. Raises `InputError` as `rows_at` does.
    """
    source = open_source(data.source, data.reading, cache)
    parts = parts_of(source, data, cache)
    columns = choose_columns(parts["train"].dataset, data.columns, parts["train"].origin)
    found = []
    for name, number in places:
        if name not in parts:
            raise InputError(_no_part(data, name, parts))
        dataset = parts[name].dataset
        _require(dataset, name, [number])
        row = dataset[number]
        pair = row[columns.text_pair] or "" if columns.text_pair is not None else None
        found.append((row[columns.text] or "", pair))
    return found


def train_texts(
    data: DataSection, cache: Path | None = None, progress: Progress | None = None
) -> datasets.Dataset:
    """Return the columns `text` and perhaps `text_pair` of train, without empty ones."""
    source = open_source(data.source, data.reading, cache, progress)
    train = parts_of(source, data, cache, progress)["train"]
    columns: Columns = choose_columns(train.dataset, data.columns, train.origin)
    assert columns.text is not None
    names = {columns.text: "text"}
    if columns.text_pair is not None:
        names[columns.text_pair] = "text_pair"
    texts = train.dataset.select_columns(list(names)).rename_columns(names)
    empty = [np.asarray(is_empty(texts.data.column(name))) for name in names.values()]
    return texts.select(np.flatnonzero(~np.logical_or.reduce(empty)))


def _part(data: DataSection, name: str, cache: Path | None) -> Source:
    parts = parts_of(open_source(data.source, data.reading, cache), data, cache)
    if name not in parts:
        raise InputError(_no_part(data, name, parts))
    return parts[name]


def _no_part(data: DataSection, name: str, parts: Iterable[str]) -> str:
    return (
        f"{clean(source_words(data.source))}: it has no rows of its own for {clean(name, 40)}; "
        f"there are {', '.join(parts)}"
    )


def _require(dataset: datasets.Dataset, part: str, rows: Iterable[int]) -> None:
    for row in rows:
        if not 0 <= row < len(dataset):
            raise InputError(
                f"row {row + 1:,}: {part} has {len(dataset):,} rows; the data may have changed, "
                "look at it again"
            )
