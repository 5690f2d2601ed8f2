"""The rows of a file that has texts, with or without labels, opened for prediction."""

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import datasets
import pyarrow as pa

from tui_finetune.data.columns import guess_text, holds_text
from tui_finetune.data.encodings import find_encoding
from tui_finetune.data.formats import SAMPLE_LINES, SEPARATORS
from tui_finetune.data.names import known
from tui_finetune.data.source import open_source
from tui_finetune.data_endings import DELIMITED
from tui_finetune.errors import InputError
from tui_finetune.home import home
from tui_finetune.text import clean

# No text holds it, so a line that it separates is one field, whatever else is in it.
_NEVER = "\x1f"


@dataclass(frozen=True)
class PredictionInput:
    """An opened file; `text_column` holds what is predicted."""

    dataset: datasets.Dataset  # all rows of the file in their order, all columns
    text_column: str
    pair_column: str | None  # of the second texts, where the model reads two
    digest: str  # of the file's content

    @property
    def schema(self) -> pa.Schema:
        """The columns with their types."""
        return self.dataset.features.arrow_schema.remove_metadata()

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.dataset)

    def table(self, start: int, stop: int) -> pa.Table:
        """Return the rows from `start` on, before `stop`."""
        rows = self.dataset.with_format("arrow")[start:stop]
        return rows.cast(self.schema)


def open_input(
    path: Path,
    wanted: str | None,
    usual: str | None,
    cache: Path | None = None,
    pair_column: str | None = None,
) -> PredictionInput:
    """Open a CSV, TSV, JSON Lines or Parquet file whose rows are to be predicted.

    Unlike `open_source` it takes delimited text of a single column too. The text is the column
    `wanted`, else `usual` if the file has it, else what `choose_columns` would guess; `pair_column`
    holds the second texts. Raises `InputError` for what `open_source` refuses, and if there is no
    such column or it holds no text.
    """
    folder = cache or home() / "cache" / "datasets"
    try:
        readable = _single_column_as_json(path, {wanted, usual}, folder) or path
    except OSError as error:
        raise InputError(
            f"{clean(path)}: cannot read this file ({clean(error.strerror or error)})"
        ) from None
    source = open_source(str(readable), cache=cache)
    column = _text_column(path, source.dataset, wanted, usual)
    if pair_column is not None:
        _text_column(path, source.dataset, pair_column, None)
        if pair_column == column:
            raise InputError(
                f"{clean(path)}: both texts of a pair are the column {clean(column, 40)}; name two"
            )
    return PredictionInput(source.dataset, column, pair_column, source.digest)


def _text_column(
    path: Path, dataset: datasets.Dataset, wanted: str | None, usual: str | None
) -> str:
    names = dataset.column_names
    listed = ", ".join(clean(name, 40) for name in names)
    if wanted is not None and wanted not in names:
        raise InputError(
            f"{clean(path)}: there is no column {clean(wanted, 40)} for the text; "
            f"the columns are {listed}"
        )
    name = wanted or (usual if usual in names else None)
    name = name or guess_text(dataset, dataset.data.slice(0, SAMPLE_LINES), None)
    if name is None:
        raise InputError(f"{clean(path)}: no column holds text; the columns are {listed}")
    kind = dataset.features.arrow_schema.field(name).type
    if not holds_text(kind):
        raise InputError(
            f"{clean(path)}: the column {clean(name, 40)} holds {clean(kind, 40)} and cannot be "
            f"the text; the columns are {listed}"
        )
    return name


# --- delimited text of one column ---


def _single_column_as_json(path: Path, names: set[str | None], folder: Path) -> Path | None:
    """Write delimited text of one column to `folder` as JSON Lines, and return where; else None.

    Its first line holds no separator, and is a usual name of a column or one of `names`. A .txt
    file may go without: its lines are the texts.
    """
    if path.suffix.lower() not in DELIMITED or not path.is_file():
        return None
    encoding, _ = find_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        name = "".join(next(csv.reader(file, delimiter=_NEVER), [])).strip()
    header = known(name) or name in names
    if any(sign in name for sign in SEPARATORS) or not (header or path.suffix.lower() == ".txt"):
        return None
    with path.open("rb") as whole:
        digest = hashlib.file_digest(whole, "sha256").hexdigest()[:32]
    copy = folder / f"{digest}-{int(header)}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = copy.with_suffix(f".{os.getpid()}.tmp")
    with unfinished.open("w", encoding="ascii") as file:
        for text in _single_cells(path, encoding, header):
            file.write(json.dumps({name if header else "column_1": text}) + "\n")
    os.replace(unfinished, copy)
    if copy.stat().st_size == 0:
        raise InputError(f"{clean(path)}: no texts in this file; it needs a text a line")
    return copy


def _single_cells(path: Path, encoding: str, header: bool) -> Iterator[str]:
    quoted = _is_quoted(path, encoding)
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(
            file, delimiter=_NEVER, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        for row in islice(rows, int(header), None):
            if row:  # a blank line is no row, as in other delimited text
                yield row[0]


def _is_quoted(path: Path, encoding: str) -> bool:
    """Return whether quotes enclose fields: a stray one shows that they are part of the texts."""
    with path.open(encoding=encoding, newline="") as file:
        try:
            for _ in csv.reader(file, delimiter=_NEVER, strict=True):
                pass
        except csv.Error:
            return False
    return True
