"""The kinds of data files, and the rows of one of them as Arrow batches in a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from tui_finetune.data.encodings import Progress
from tui_finetune.data.formats import SEPARATORS, Delimited, detect, read_rows
from tui_finetune.data.json_rows import json_columns, json_features, json_objects
from tui_finetune.data_endings import DELIMITED, JSON, KNOWN, PACKED, PARQUET, endings
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading
from tui_finetune.text import clean

Detected = dict[str, str | bool | int]

_ARCHIVES = (*PACKED, ".zip", ".lz4", ".7z", ".tar", ".tgz")

# What ends the other form of an Arrow file, since version 0.15.
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"

_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 1 << 25

_QUOTES = {
    '"': "double",
    "'": "single",
    '\\"': "backslash-escaped double",
    "\\'": "backslash-escaped single",
    "none": "none",
}


@dataclass(frozen=True)
class Rows:
    """The rows of a file, not read yet."""

    features: datasets.Features
    batches: Iterator[pa.RecordBatch]
    detected: Detected  # kind; of text also its encoding; of delimited text all of its reading
    reading: Reading  # as it is read; of other files than delimited text nothing


def rows_of(path: Path, wanted: Reading, progress: Progress | None = None) -> Rows:
    """Look at a file and return its rows. Cells of delimited text are text, as they stand.

    Raises `InputError` that says what is wrong with the file, where, and what to do; some of it
    only while the batches are read.
    """
    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise InputError(f"{clean(path)}: this file is empty; it needs rows of text and label")
    if kind in DELIMITED:
        found = detect(path, wanted, progress)
        if found.rows == 0:
            raise InputError(f"{clean(path)}: this file has a header only; it needs rows below it")
        return delimited(path, found, progress)
    if kind in JSON:
        return _json(path, progress)
    if kind in PARQUET:
        return _parquet(path, progress)
    return _arrow(path, progress)


def kind_of(path: Path) -> str:
    """Return the ending of a data file, without that of its compression.

    Raises `InputError` if it is none.
    """
    if path.is_dir():
        raise InputError(f"{clean(path)}: this is a folder; name a file in it")
    if not path.exists():
        raise InputError(f"{clean(path)}: no such file; check the path")
    if not path.is_file():
        raise InputError(f"{clean(path)}: this is no regular file; copy the data into one")
    suffix, _ = endings(path)
    if suffix in _ARCHIVES:
        raise InputError(f"{clean(path)}: this file is compressed; unpack it first")
    if suffix not in KNOWN:
        raise InputError(
            f"{clean(path)}: unknown kind of file ({clean(suffix) or 'no ending'}); "
            f"known are {', '.join(KNOWN)}"
        )
    return suffix


def delimited(
    path: Path, found: Delimited, progress: Progress | None = None, head: bool = False
) -> Rows:
    """Return the rows of a delimited file, of its first lines only with `head`."""
    features = datasets.Features(dict.fromkeys(found.columns, datasets.Value("string")))
    reading = found.reading
    detected: Detected = {
        "kind": "delimited text",
        "encoding": reading.encoding or "",
        "separator": SEPARATORS.get(reading.separator or "", reading.separator or ""),
        "quote": _QUOTES[reading.quote or "none"],
        "header": bool(reading.header),
        "skip_lines": reading.skip_lines or 0,
    }
    if found.kept_quotes:
        detected["kept quotes"] = "some fields keep the quotes around them"
    return Rows(features, _text_batches(path, found, features, progress, head), detected, reading)


def _text_batches(
    path: Path,
    found: Delimited,
    features: datasets.Features,
    progress: Progress | None,
    head: bool,
) -> Iterator[pa.RecordBatch]:
    schema = features.arrow_schema
    rows: list[list[str]] = []
    characters = 0
    for row in chain(read_rows(path, found, progress, head), [None]):
        if row is not None:
            rows.append(row)
            characters += sum(map(len, row))
        if rows and (row is None or len(rows) == _BATCH_ROWS or characters > _BATCH_CHARACTERS):
            columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
            yield pa.record_batch(columns, schema=schema)
            rows, characters = [], 0


def _json(path: Path, progress: Progress | None) -> Rows:
    features = json_features(path, progress)
    objects = json_objects(path, progress, "reading the rows")
    return Rows(features, json_batches(objects, features), json_detected(), Reading())


def json_detected() -> Detected:
    """Return what is said of a JSON file."""
    return {"kind": "JSON"}


def json_batches(
    objects: Iterator[dict[str, Any]], features: datasets.Features
) -> Iterator[pa.RecordBatch]:
    """Yield the objects as batches with the columns of `features`."""
    schema = features.arrow_schema
    rows: list[dict[str, Any]] = []
    for row in chain(objects, [None]):
        if row is not None:
            rows.append(row)
        if rows and (row is None or len(rows) == _BATCH_ROWS):
            columns = json_columns(rows, features)
            yield pa.record_batch(
                [pa.array(columns[field.name], field.type) for field in schema], schema=schema
            )
            rows = []


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file. Raises `InputError` if it is none, or cannot be a table of rows."""
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise InputError(
            f"{clean(path)}: this is no whole Parquet file ({clean(error, 120)}); write it anew"
        ) from None
    _check_table(path, file.schema_arrow, file.metadata.num_rows)
    return file


def _check_table(path: Path, schema: pa.Schema, rows: int | None) -> None:
    if rows == 0:
        raise _no_rows(path)
    if len(set(schema.names)) < len(schema.names):
        raise InputError(f"{clean(path)}: two of its columns have the same name; rename one")


def _no_rows(path: Path) -> InputError:
    return InputError(f"{clean(path)}: this file has columns only; it needs rows")


def _parquet(path: Path, progress: Progress | None) -> Rows:
    file = open_parquet(path)
    rows = file.metadata.num_rows
    features = features_of(file.schema_arrow)
    batches = file.iter_batches(batch_size=_BATCH_ROWS)
    cast = _cast(path, batches, features, progress, rows)
    return Rows(features, cast, {"kind": "Parquet"}, Reading())


def _arrow(path: Path, progress: Progress | None) -> Rows:
    schema, batches, rows = open_arrow(path)
    features = features_of(schema)
    cast = _cast(path, batches, features, progress, rows)
    return Rows(features, cast, {"kind": "Arrow"}, Reading())


def open_arrow(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch], int | None]:
    """Return the schema, the batches and, if it is known, the number of rows of an Arrow file.

    Raises `InputError` if it is none, or cannot be a table of rows.
    """
    try:
        schema, batches, rows = _opened_arrow(pa.memory_map(str(path)))
    except pa.ArrowException as error:
        raise InputError(
            f"{clean(path)}: this is no whole Arrow file ({clean(error, 120)}); write it anew"
        ) from None
    _check_table(path, schema, rows)
    return schema, batches, rows


def _opened_arrow(
    mapped: pa.MemoryMappedFile,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch], int | None]:
    try:
        file = pa.ipc.open_file(mapped)
    except pa.ArrowInvalid:  # the other form, which `datasets` writes, has no index at its end
        mapped.seek(0)
        stream = pa.ipc.open_stream(mapped)
        return stream.schema, _to_the_end(stream, mapped), None
    count = file.num_record_batches
    rows = sum(file.get_batch(number).num_rows for number in range(count))
    return file.schema, (file.get_batch(number) for number in range(count)), rows


def _to_the_end(
    stream: pa.RecordBatchReader, mapped: pa.MemoryMappedFile
) -> Iterator[pa.RecordBatch]:
    yield from stream
    if mapped.read_at(8, mapped.size() - 8) != _END_OF_STREAM:
        raise pa.ArrowInvalid("it has no end, as where writing broke off")


def features_of(schema: pa.Schema) -> datasets.Features:
    """Return the columns with one type of text for all that follows."""
    try:
        features = datasets.Features.from_arrow_schema(schema)
    except (ValueError, KeyError, TypeError, AttributeError):  # what another program wrote there
        features = datasets.Features.from_arrow_schema(schema.remove_metadata())
    for name, feature in features.items():
        if getattr(feature, "dtype", None) in ("large_string", "string_view"):
            features[name] = datasets.Value("string")
    return features


def _cast(
    path: Path,
    batches: Iterator[pa.RecordBatch],
    features: datasets.Features,
    progress: Progress | None,
    rows: int | None,
) -> Iterator[pa.RecordBatch]:
    schema = features.arrow_schema
    done = 0
    for batch in batches:
        table = pa.Table.from_batches([batch])
        yield from datasets.table.table_cast(table, schema).to_batches()
        done += batch.num_rows
        if progress is not None:
            progress({"what": "reading the rows", "done": done, "of": rows or done})
    if not done:
        raise _no_rows(path)
