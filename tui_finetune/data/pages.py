"""Pages of rows for the eye: the first at once, any other from memory-mapped Arrow files."""

import json
import time
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from tui_finetune.data.encodings import Progress
from tui_finetune.data.files import (
    Detected,
    delimited,
    features_of,
    json_batches,
    json_detected,
    kind_of,
    open_arrow,
    open_parquet,
)
from tui_finetune.data.formats import detect
from tui_finetune.data.json_rows import features_of_rows, json_objects
from tui_finetune.data.source import (
    UNREADABLE,
    Source,
    is_read,
    layout_of,
    open_source,
    unreadable,
)
from tui_finetune.data.text_files import text_rows
from tui_finetune.data_endings import ARROW, DELIMITED, PARQUET, endings
from tui_finetune.errors import InputError
from tui_finetune.home import home
from tui_finetune.recipe import DataSection, Reading, source_words
from tui_finetune.text import clean

_HEAD_OBJECTS = 1_000

# A row group of more bytes is read through in batches, a smaller one held for the pages in it.
_LARGEST_GROUP = 2**28
_GROUP_BATCH = 10_000


# The files are looked at again after this long, not for each page.
_LOOK_SECONDS = 2.0


class Pages:
    """Pages of the source that was asked for last."""

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._key = ""
        self._looked = 0.0
        self._source: Source | None = None
        self._groups = _RowGroups()

    def page(
        self,
        data: DataSection,
        offset: int,
        limit: int,
        split: str | None = None,
        cut: int | None = 200,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Return rows of a split of the source, from `offset` on, at most `limit` of them.

        `columns` are their names, `rows` lists of cells fit for JSON, with texts cut off after
        `cut` characters. `total` is None while nobody knows how many rows there are: until a source
        was read whole, the rows come from the beginning of its file, and `detected` is what that
        shows. Only a page further on makes the source be read whole, with `progress`.

        Raises `InputError` as `open_source` does, and if there is no such split.
        """
        source = self._opened(data)
        if source is None:
            early = self._early_page(data, offset, limit, split, cut)
            if early is not None:
                return early
            source = self._open(data, progress)
        name = _split_name(data, split, source.splits)
        rows = source.splits[name]
        start = min(offset, len(rows))
        table = rows.data.slice(start, min(limit, len(rows) - start)).table
        sizes: dict[str, int | None] = {
            each: len(of_split) for each, of_split in source.splits.items()
        }
        return _document(table, name, sizes, offset, cut, source.detected, rows.features)

    def at_hand(self, data: DataSection, offset: int, split: str | None = None) -> bool:
        """Return whether a page from `offset` on can be had without reading the source whole."""
        if self._opened(data) is not None:
            return True
        layout = layout_of(data.source)
        if layout is None:
            return False
        whole = is_read(layout, data.reading, self._folder())
        return whole or self._early_page(data, offset, 1, split, None) is not None

    def read_whole(self, data: DataSection, progress: Progress | None = None) -> dict[str, int]:
        """Read the source to its end and return the rows of each split; then any page is near."""
        source = self._opened(data) or self._open(data, progress)
        return {name: len(rows) for name, rows in source.splits.items()}

    def _opened(self, data: DataSection) -> Source | None:
        """Return the source if it was read whole and did not change since."""
        if self._source is not None and self._key == _key(data):
            if time.monotonic() - self._looked < _LOOK_SECONDS:
                return self._source
            layout = layout_of(data.source)
            if layout is None or is_read(layout, data.reading, self._folder()):
                self._looked = time.monotonic()
                return self._source
        return None

    def _open(self, data: DataSection, progress: Progress | None) -> Source:
        self._groups = _RowGroups()  # not needed any more
        self._source = open_source(data.source, data.reading, self._cache, progress)
        self._key, self._looked = _key(data), time.monotonic()
        return self._source

    def _folder(self) -> Path:
        return self._cache or home() / "cache" / "datasets"

    def _early_page(
        self, data: DataSection, offset: int, limit: int, split: str | None, cut: int | None
    ) -> dict[str, Any] | None:
        """Return a page without reading the source whole; None if that is needed, or was done."""
        layout = layout_of(data.source)
        if layout is None or is_read(layout, data.reading, self._folder()):
            return None
        name = _split_name(data, split, layout.files)
        try:
            found = self._early(layout.files[name], data.reading, layout.texts, offset, limit)
            if found is None:
                return None
            table, total, detected = found
            sizes = {each: total if each == name else None for each in layout.files}
            return _document(table, name, sizes, offset, cut, detected)
        except UNREADABLE as error:
            raise unreadable(source_words(data.source), error) from None

    def _early(
        self, files: list[Path], reading: Reading, texts: bool, offset: int, limit: int
    ) -> tuple[pa.Table, int | None, Detected] | None:
        """Return a page without reading the files whole, and their rows if known; else None."""
        if texts:
            rows = text_rows(files[offset : offset + limit], reading)
            batches = list(rows.batches)
            return (
                pa.Table.from_batches(batches, rows.features.arrow_schema),
                len(files),
                rows.detected,
            )
        kind = kind_of(files[0])
        if endings(files[0])[1]:
            return None  # it is unpacked whole, or not at all
        if kind in PARQUET:
            table, total = self._groups.page(files, offset, limit)
            return table, total, {"kind": "Parquet"}
        if kind in ARROW:
            return _arrow_page(files, offset, limit)
        table, detected, whole = _head(files[0], reading, kind)
        if offset >= len(table) and not (whole and len(files) == 1):
            return None
        return (
            table.slice(offset, limit),
            len(table) if whole and len(files) == 1 else None,
            detected,
        )


def _key(data: DataSection) -> str:
    return json.dumps([data.source, data.reading.model_dump()])


def _split_name(data: DataSection, split: str | None, splits: dict[str, Any]) -> str:
    name = split or (next(iter(splits)) if len(splits) == 1 else "train")
    if name not in splits:
        raise InputError(
            f"{clean(source_words(data.source))}: there is no split {clean(name, 40)}; it brings "
            f"{', '.join(clean(each, 40) for each in splits)}"
        )
    return name


def _head(path: Path, reading: Reading, kind: str) -> tuple[pa.Table, Detected, bool]:
    """Return the first rows of a text file, what they show of it, and whether they are all."""
    if path.stat().st_size == 0:
        raise InputError(f"{clean(path)}: this file is empty; it needs rows of text and label")
    if kind in DELIMITED:
        found = detect(path, reading, head=True)
        rows = delimited(path, found, head=True)
        table = pa.Table.from_batches(list(rows.batches), rows.features.arrow_schema)
        return table, rows.detected, False
    objects = list(islice(json_objects(path), _HEAD_OBJECTS))
    features = features_of_rows(path, objects)
    batches = list(json_batches(iter(objects), features))
    table = pa.Table.from_batches(batches, features.arrow_schema)
    return table, json_detected(), len(objects) < _HEAD_OBJECTS


def _arrow_page(
    files: list[Path], offset: int, limit: int
) -> tuple[pa.Table, int | None, Detected]:
    found: list[pa.Table] = []
    total: int | None = 0
    passed = 0
    for path in files:
        schema, batches, rows = open_arrow(path)
        found.append(schema.empty_table())
        total = None if total is None or rows is None else total + rows
        for batch in batches:
            start = max(offset - passed, 0)
            stop = min(offset + limit - passed, batch.num_rows)
            if start < stop:
                found.append(pa.Table.from_batches([batch.slice(start, stop - start)]))
            passed += batch.num_rows
            if passed >= offset + limit:
                break
        if passed >= offset + limit:
            break
    return (
        _one_after_another(found),
        total if len(files) == 1 else None,
        {"kind": "Arrow"},
    )


def _one_after_another(tables: list[pa.Table]) -> pa.Table:
    """Return the rows of all tables; the order of columns and the widths of types may differ."""
    return pa.concat_tables(tables, promote_options="permissive")


class _RowGroups:
    """Rows of Parquet files; the row group that was read last is held."""

    def __init__(self) -> None:
        self._held: tuple[Path, int, int] | None = None  # file, change of it, group
        self._table: pa.Table | None = None

    def page(self, files: list[Path], offset: int, limit: int) -> tuple[pa.Table, int]:
        """Return the rows from `offset` on, and the number of all rows."""
        opened = [open_parquet(path) for path in files]
        places = [
            (number, group)
            for number, file in enumerate(opened)
            for group in range(file.num_row_groups)
        ]
        counts = [opened[n].metadata.row_group(group).num_rows for n, group in places]
        ends = list(accumulate(counts))
        total = ends[-1]
        stop = min(offset + limit, total)
        parts = []
        while offset < stop:
            at = bisect_right(ends, offset)
            number, group = places[at]
            start = offset - (ends[at] - counts[at])
            count = min(stop, ends[at]) - offset
            parts.append(self._slice(files[number], opened[number], group, start, count))
            offset += count
        if not parts:
            return opened[0].schema_arrow.empty_table(), total
        return _one_after_another(parts), total

    def _slice(self, path: Path, file: Any, group: int, start: int, count: int) -> pa.Table:
        key = (path, path.stat().st_mtime_ns, group)
        if key == self._held and self._table is not None:
            return self._table.slice(start, count)
        large = file.metadata.row_group(group).total_byte_size > _LARGEST_GROUP
        if start + count <= _GROUP_BATCH or large:
            return _through(file, group, start, count)
        self._table = None  # never two at once
        self._table = file.read_row_group(group)
        self._held = key
        return self._table.slice(start, count)


def _through(file: Any, group: int, start: int, count: int) -> pa.Table:
    parts = []
    passed = 0
    size = min(start + count, _GROUP_BATCH)
    for batch in file.iter_batches(size, row_groups=[group]):
        low, high = max(start - passed, 0), min(start + count - passed, batch.num_rows)
        if low < high:
            parts.append(batch.slice(low, high - low))
        passed += batch.num_rows
        if passed >= start + count:
            break
    return pa.Table.from_batches(parts, file.schema_arrow)


def _document(
    table: pa.Table,
    split: str,
    splits: dict[str, int | None],
    offset: int,
    cut: int | None,
    detected: Detected,
    features: datasets.Features | None = None,
) -> dict[str, Any]:
    features = features or features_of(table.schema)
    columns = [
        list(cells(table.column(name).to_pylist(), features[name], cut))
        for name in table.column_names
    ]
    return {
        "columns": table.column_names,
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "offset": offset,
        "split": split,
        "splits": splits,
        "total": splits[split],
        "detected": dict(detected),
    }


def cells(values: list[Any], feature: Any, cut: int | None = None) -> Iterator[Any]:
    """Return values fit for JSON; text that is longer is cut off after `cut` characters."""
    for value in values:
        if isinstance(feature, datasets.ClassLabel) and value in range(len(feature.names)):
            value = feature.names[value]
        if isinstance(value, list | dict):
            value = json.dumps(value, ensure_ascii=False, default=str)
        elif not (value is None or isinstance(value, bool | int | str)):
            value = str(value)
        if isinstance(value, str) and cut is not None and len(value) > cut:
            value = value[: cut - 1] + "…"
        yield value
