"""Write rows with their predictions as CSV, TSV, JSON Lines or Parquet, a piece at a time."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tui_finetune.errors import InputError
from tui_finetune.recipe import ProblemType
from tui_finetune.runs.journal import finite
from tui_finetune.tasks.metrics import decided
from tui_finetune.text import clean

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".jsonl", ".parquet")

Tables = Iterable[pa.Table]


def check_suffix(out: Path) -> None:
    """Raise `InputError` if a file of this name cannot be written."""
    if out.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{clean(out)}: unknown kind of file ({clean(out.suffix) or 'no ending'}); "
            f"predictions are written as {', '.join(SUFFIXES)}"
        )


def added_names(
    columns: Sequence[str],
    labels: Sequence[str],
    problem_type: ProblemType = "single_label_classification",
) -> list[str]:
    """Return the names of the added columns.

    They are label, score, and score_<label> of each label; labels and those scores where a row may
    have several; and value for a number. If the file has one of them already, all begin with
    predicted_, else with predicted_2_, and so on.
    """
    scores = [f"score_{label}" for label in labels]
    plain = {
        "single_label_classification": ["label", "score", *scores],
        "multi_label_classification": ["labels", *scores],
        "regression": ["value"],
    }[problem_type]
    names, number = plain, 1
    while set(names) & set(columns):
        prefix = "predicted_" if number == 1 else f"predicted_{number}_"
        names, number = [prefix + name for name in plain], number + 1
    return names


def with_predictions(
    rows: pa.Table,
    probabilities: np.ndarray,
    labels: Sequence[str],
    names: Sequence[str],
    problem_type: ProblemType = "single_label_classification",
    thresholds: np.ndarray | None = None,
) -> pa.Table:
    """Return `rows` with the columns `names` after their own.

    `probabilities` are (rows, labels) in the labels' order, or (rows, 1) numbers of a regression;
    where they are NaN, the added cells are null. `thresholds` (labels,) are 0.5 if they are None.
    """
    missing = np.isnan(probabilities[:, 0])
    outputs = [pa.array(column, mask=missing) for column in probabilities.T]
    if problem_type == "regression":
        added = outputs
    elif problem_type == "multi_label_classification":
        added = [_label_lists(probabilities, labels, missing, thresholds), *outputs]
    else:
        best = np.where(missing[:, None], 0.0, probabilities).argmax(axis=1)
        score = pa.array(probabilities[np.arange(len(best)), best], mask=missing)
        places = pa.array(best, mask=missing)
        chosen = pa.DictionaryArray.from_arrays(places, pa.array(list(labels)))
        added = [chosen.cast(pa.string()), score, *outputs]
    for name, column in zip(names, added, strict=True):
        rows = rows.append_column(name, column)
    return rows


def _label_lists(
    probabilities: np.ndarray,
    labels: Sequence[str],
    missing: np.ndarray,
    thresholds: np.ndarray | None,
) -> pa.Array:
    decisions = decided(probabilities, thresholds)
    lists = [
        None if gone else [labels[index] for index in np.flatnonzero(row).tolist()]
        for row, gone in zip(decisions, missing, strict=True)
    ]
    return pa.array(lists, pa.list_(pa.string()))


def write_tables(tables: Tables, schema: pa.Schema, path: Path, suffix: str) -> None:
    """Write tables of one schema, one after the other, in the format that `suffix` names."""
    writers: dict[str, Callable[[], None]] = {
        ".jsonl": lambda: _write_lines(tables, path),
        ".parquet": lambda: _write_parquet(tables, schema, path),
    }
    separator = SEPARATORS.get(suffix)
    if separator:
        _write_delimited(tables, schema, path, separator)
    else:
        writers[suffix]()


def _write_parquet(tables: Tables, schema: pa.Schema, path: Path) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(table)


def _write_lines(tables: Tables, path: Path) -> None:
    with path.open("w", encoding="ascii", newline="\n") as file:
        for table in tables:
            for row in table.to_pylist():
                file.write(json.dumps(finite(row), allow_nan=False, default=_plain) + "\n")


def _write_delimited(tables: Tables, schema: pa.Schema, path: Path, separator: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_line(schema.names, separator))
        for table in tables:
            columns = [table.column(name).to_pylist() for name in schema.names]
            for row in zip(*columns, strict=True):
                file.write(_line([_cell(value) for value in row], separator))


def _line(cells: Iterable[str], separator: str) -> str:
    return separator.join(_quoted(cell, separator) for cell in cells) + "\n"


def _quoted(cell: str, separator: str) -> str:
    """Quote a cell where needed. The csv module of Python 3.11 leaves a lone CR unquoted."""
    if any(sign in cell for sign in (separator, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | dict() | list():
            return json.dumps(finite(value), ensure_ascii=False, default=_plain)
        case bytes():
            return _plain(value)
    return str(value)


def _plain(value: Any) -> str:
    """Return what JSON has no type for as text: bytes in base 64, others as they print."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)
