"""Predict the rows of a file into another file: in little memory, and resumable."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tui_finetune.errors import InputError
from tui_finetune.evaluation.prediction_input import PredictionInput, open_input
from tui_finetune.evaluation.prediction_output import (
    added_names,
    check_suffix,
    with_predictions,
    write_tables,
)
from tui_finetune.evaluation.prediction_part import PartFile, open_part, part_path
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.recipe import ProblemType
from tui_finetune.text import clean

# Rows predicted, and kept, at a time: texts of like length are put together within such a batch.
BATCH_ROWS = 1_000

# Rows written at a time; of Parquet also the size of a row group.
_WRITTEN_ROWS = 10_000

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class FileResult:
    """What came of predicting a file."""

    out: Path
    rows: int
    empty: int  # rows without a text: their prediction is null
    resumed_from: int  # rows that an interrupted job had done already

    def document(self) -> dict[str, Any]:
        """Return `{"out", "rows", "empty", "resumed_from"}`, fit for JSON."""
        return {**vars(self), "out": str(self.out)}


def predict_file(
    trained: TrainedModel,
    source: Path,
    out: Path,
    text_column: str | None,
    progress: Progress,
    *,
    pair_column: str | None = None,
    thresholds: Mapping[str, float] | None = None,
    overwrite: bool = False,
    batch_rows: int = BATCH_ROWS,
    cache: Path | None = None,
) -> FileResult:
    """Write the rows of `source` with their predictions to `out`, in their order.

    All columns of the source stay, with their types where the format of `out` (.csv, .tsv, .jsonl,
    .parquet) has them; `added_names` says which columns are added. The text is in `text_column`,
    else where it was in the training, else in the likeliest column; the second text of a model that
    reads two in `pair_column`, else where it was in the training. `thresholds` say from which
    probability on a row has a label, where it may have several. `progress` is called with
    `{"what", "done", "of"}` for each batch of the model.

    The predictions are kept beside `out` until it appears, whole; a job that was interrupted goes
    on from there if source, model and column are still the same.

    Raises `InputError` if `source` cannot be read or has no such column, if `out` is there already
    (unless `overwrite`), cannot be written or is being written, or if the model gives no numbers.
    """
    source, out = (Path(os.path.expanduser(path)) for path in (source, out))
    try:
        _check_out(source, out, overwrite)
        progress({"what": f"reading {clean(source.name, 60)}", "done": 0, "of": 0})
        pair_column = _pair_column(trained, pair_column)
        columns = trained.recipe.data.columns
        rows = open_input(source, text_column, columns.text, cache, pair_column)
        labels = _labels(trained)
        with open_part(out, _identity(trained, rows, batch_rows), len(labels), batch_rows) as part:
            resumed_from = part.done
            _predict_rest(trained, rows, part, batch_rows, progress)
            added = _Added(labels, trained.problem_type, _in_order(thresholds, labels))
            empty = _write_out(rows, part, added, out, progress)
            part_path(out).unlink()
    except BrokenPipeError:  # of `progress`: nobody waits for the file any more
        raise
    except OSError as error:
        raise InputError(
            f"{clean(out)}: cannot be written ({clean(error.strerror or error)}); "
            "make room or name another file; what is done is kept"
        ) from None
    return FileResult(out, rows.rows, empty, resumed_from)


@dataclass(frozen=True)
class _Added:
    """What the columns that are added are made with."""

    labels: list[str]
    problem_type: ProblemType
    thresholds: np.ndarray | None  # (labels,)


def _in_order(thresholds: Mapping[str, float] | None, labels: list[str]) -> np.ndarray | None:
    return None if thresholds is None else np.array([thresholds[label] for label in labels])


def _pair_column(trained: TrainedModel, wanted: str | None) -> str | None:
    if wanted is not None and not trained.reads_pairs:
        raise InputError("this run was trained on single texts; leave the pair column out")
    return wanted or trained.recipe.data.columns.text_pair


def _check_out(source: Path, out: Path, overwrite: bool) -> None:
    check_suffix(out)
    if not out.parent.is_dir():
        raise InputError(f"{clean(out)}: there is no such folder; make it or name another file")
    if not out.exists():
        return
    if source.exists() and out.samefile(source):
        raise InputError(f"{clean(out)}: this is the file that is read; name another to write")
    if out.is_dir() or not overwrite:
        raise InputError(f"{clean(out)}: exists already; name another file, or overwrite it")


def _identity(trained: TrainedModel, rows: PredictionInput, batch_rows: int) -> dict[str, Any]:
    """Return what two jobs have in common only if they compute the same numbers."""
    files = sorted(file for file in trained.folder.iterdir() if file.is_file())
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return {
        "input": rows.digest,
        "column": rows.text_column,
        "pair_column": rows.pair_column,
        "rows": rows.rows,
        "model": str(trained.folder.absolute()),
        "version": trained.version,
        "files": states,
        "max_length": trained.recipe.tokens.max_length,
        "batch": batch_rows,
    }


def _labels(trained: TrainedModel) -> list[str]:
    names = trained.model.config.id2label
    return [names[position] for position in range(len(names))]


def _predict_rest(
    trained: TrainedModel,
    rows: PredictionInput,
    part: PartFile,
    batch_rows: int,
    progress: Progress,
) -> None:
    """Predict the rows that `part` does not have yet."""
    while part.done < rows.rows:
        begin = part.done

        def report(done: int, begin: int = begin) -> None:
            progress({"what": "predicting", "done": begin + done, "of": rows.rows})

        report(0)
        table = rows.table(begin, begin + batch_rows)
        texts = table.column(rows.text_column).to_pylist()
        pairs = table.column(rows.pair_column).to_pylist() if rows.pair_column else None
        part.append(_probabilities(trained, texts, pairs, report))


def _probabilities(
    trained: TrainedModel,
    texts: Sequence[str | None],
    pairs: Sequence[str | None] | None,
    report: Callable[[int], None],
) -> np.ndarray:
    """Return (texts, labels); NaN where a text is missing."""
    labels = _labels(trained)
    parts = [texts] if pairs is None else [texts, pairs]
    full = [
        index
        for index, row in enumerate(zip(*parts, strict=True))
        if all(text and text.strip() for text in row)
    ]
    chosen = [[part[index] or "" for index in full] for part in parts]
    made = trained.predict(chosen[0], report, chosen[1] if pairs is not None else None)
    probabilities: np.ndarray = np.full((len(texts), len(labels)), np.nan, np.float32)
    for index, prediction in zip(full, made, strict=True):
        probabilities[index] = [prediction.scores[label] for label in labels]
    return probabilities


def _write_out(
    rows: PredictionInput, part: PartFile, added: _Added, out: Path, progress: Progress
) -> int:
    """Put rows and predictions together in `out`; return how many rows have no text."""
    names = added_names(rows.schema.names, added.labels, added.problem_type)
    empty = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal empty
        for start in range(0, rows.rows, _WRITTEN_ROWS):
            progress({"what": "writing", "done": start, "of": rows.rows})
            stop = min(start + _WRITTEN_ROWS, rows.rows)
            probabilities = part.read(start, stop)
            empty += int(np.isnan(probabilities[:, 0]).sum())
            yield widened(rows.table(start, stop), probabilities)

    def widened(table: pa.Table, probabilities: np.ndarray) -> pa.Table:
        return with_predictions(
            table, probabilities, added.labels, names, added.problem_type, added.thresholds
        )

    nothing: np.ndarray = np.empty((0, len(added.labels)), np.float32)
    schema = widened(rows.schema.empty_table(), nothing).schema
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        write_tables(tables(), schema, temporary, out.suffix.lower())
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    return empty
