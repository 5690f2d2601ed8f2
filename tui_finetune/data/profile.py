"""A picture of the data before the start, as plain JSON-able values."""

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.columns import choose_columns
from tui_finetune.data.decisions import decisions_of, merged
from tui_finetune.data.encodings import Progress
from tui_finetune.data.parts import parts_of, train_part
from tui_finetune.data.profile_columns import columns_of
from tui_finetune.data.profile_lengths import lengths_of, numbers_of
from tui_finetune.data.quality_labels import imbalance
from tui_finetune.data.source import Source, open_source
from tui_finetune.data.splits import PreparedData, column_of, split
from tui_finetune.data.targets import problem_type_of, targets_of
from tui_finetune.data.whole_rows import RowsRefused
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection, ProblemType, source_words
from tui_finetune.text import clean

FIRST_ROWS = 50
LONGEST_CELL = 500

# What mends an error of the rows.
_FIXES = {"Empty cells": {"data.drop_empty": True}}


def profile(
    data: DataSection,
    cache: Path | None = None,
    progress: Progress | None = None,
    problem_type: ProblemType | None = None,
) -> dict[str, Any]:
    """Describe the data: its rows, columns, labels, text lengths, splits and problems.

    A problem type of None is found out. `labels` counts the rows to train on of each label, merged
    as the recipe says, of several a row each one; of a regression it is empty, and `numbers` has
    the spread of what is predicted. Where there are second texts, lengths are those of the pairs.
    `columns_by_part` and `rows_by_part` are of the parts that the source or files of their own
    bring, `labels_by_split` of the splits as they are trained on and judged by.

    What `prepare` would refuse is a problem of severity "error" with the same message; `quality`
    says what else there is to know of the rows. All texts are raw: clean them before they reach a
    terminal.

    Raises `InputError` if the source cannot be opened at all.
    """
    opened = open_source(data.source, data.reading, cache, progress)
    source = train_part(opened, data)
    prepared, problems = _split_or_problems(opened, data, cache, problem_type)
    text = text_pair = label = kind = numbers = None
    labels: dict[str, int] = {}
    texts = pa.chunked_array([], pa.string())
    try:
        columns = choose_columns(source.dataset, data.columns, source.origin)
        text, text_pair, label = columns.text, columns.text_pair, columns.label
        assert label is not None
        texts = source.dataset.data.column(text)
        if text_pair is not None:
            texts = pc.binary_join_element_wise(texts, source.dataset.data.column(text_pair), " ")
        kind = problem_type or problem_type_of(source.dataset, label, data.label_separator)
        targets = targets_of(source.dataset, label, kind, data.label_separator, source.origin)
        if kind == "regression":
            known = np.asarray(targets.drop_null())
            numbers = numbers_of(known) if len(known) else None
            if problem_type is None:
                problems.append(_proposed(label, targets))
        else:
            targets, _ = merged(targets, data.merge_labels)
            single = targets.type == pa.string()
            names = targets if single else targets.flatten()
            labels = _counted(names)
    except InputError:
        pass  # it is among the problems: `split` met it too
    parts = _parts(opened, source, data, cache)
    by_part = {name: columns_of(part) for name, part in parts.items()}
    decisions = decisions_of(data) if prepared is None else prepared.decisions
    return {
        "source": source_words(data.source),
        "rows": len(source.dataset),
        "columns": by_part["train"],
        "columns_by_part": by_part,
        "rows_by_part": {name: len(part) for name, part in parts.items()},
        "detected": dict(source.detected),
        "source_splits": {name: len(rows) for name, rows in opened.splits.items()},
        "text": text,
        "text_pair": text_pair,
        "label": label,
        "problem_type": kind,
        "labels": labels,
        "labels_by_split": _labels_by_split(prepared),
        "imbalance": imbalance(labels),
        "numbers": numbers,
        "lengths": lengths_of(texts),
        "first_rows": _first_rows(source.dataset),
        "splits": None
        if prepared is None
        else {name: len(rows) for name, rows in prepared.splits.items()},
        "cut": None if prepared is None else prepared.cut,
        "decisions": [decision.document() for decision in decisions],
        "problems": problems,
    }


def _parts(
    opened: Source, train: Source, data: DataSection, cache: Path | None
) -> dict[str, datasets.Dataset]:
    """Return the rows of each part as it was brought, of train alone if another is not there."""
    try:
        return {name: part.dataset for name, part in parts_of(opened, data, cache).items()}
    except InputError:  # among the problems
        return {"train": train.dataset}


def _labels_by_split(prepared: PreparedData | None) -> dict[str, dict[str, int]] | None:
    if prepared is None or prepared.problem_type == "regression":
        return None
    counts = {}
    for name, rows in prepared.splits.items():
        column = column_of(rows, "label")
        if prepared.problem_type == "multi_label_classification":
            column = column.flatten()
        of_split = np.bincount(np.asarray(column, dtype=np.int64), minlength=len(prepared.labels))
        counts[name] = dict(zip(prepared.labels, of_split.tolist(), strict=True))
    return counts


def _counted(names: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    """Count names, the most frequent first, else in the order in which they come."""
    pairs = pc.value_counts(names.drop_null()).to_pylist()
    return {pair["values"]: pair["counts"] for pair in sorted(pairs, key=lambda p: -p["counts"])}


def _split_or_problems(
    source: Source, data: DataSection, cache: Path | None, problem_type: ProblemType | None
) -> tuple[PreparedData | None, list[dict[str, Any]]]:
    """Return the splits, or all that stands in their way."""
    problems: list[dict[str, Any]] = []
    # Empty cells hide what comes after them, so the rest is looked at without them.
    for attempt in (data, data.model_copy(update={"drop_empty": True})):
        try:
            prepared = split(source, attempt, cache, problem_type)
        except InputError as error:
            problem = _error(error)
            problems += [problem] if problem not in problems else []
        else:
            return (None if problems else prepared), problems
    return None, problems


def _error(error: InputError) -> dict[str, Any]:
    title, count = "This cannot be used", 1
    if isinstance(error, RowsRefused):
        title, count = error.title, error.count
    return {
        "title": title,
        "message": str(error),
        "severity": "error",
        "count": count,
        "fix": _FIXES.get(title),
    }


def _proposed(label: str, numbers: pa.Array) -> dict[str, Any]:
    """Say that numbers are taken for numbers, and how to have them taken for names."""
    count = pc.count_distinct(numbers).as_py()
    return {
        "title": "A number is predicted",
        "message": f"the column {clean(label, 40)} holds numbers with a fraction ({count:,} "
        "different ones), so a regression is proposed; to take them for names, set problem_type "
        "to single_label_classification",
        "severity": "warning",
        "count": count,
        "fix": None,
    }


def _first_rows(dataset: datasets.Dataset) -> list[dict[str, str]]:
    return [
        {name: _cell(value) for name, value in row.items()}
        for row in dataset.data.slice(0, FIRST_ROWS).to_pylist()
    ]


def _cell(value: object) -> str:
    return "" if value is None else str(value)[:LONGEST_CELL]
