"""A picture of the data before the start, as plain JSON-able values."""

from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.columns import choose_columns, holds_text
from tui_finetune.data.labels import label_names
from tui_finetune.data.source import Source, open_source
from tui_finetune.data.splits import RowsRefused, is_empty, split
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection

FIRST_ROWS = 50
LONGEST_CELL = 500
BINS = 10


def profile(data: DataSection, cache: Path | None = None) -> dict[str, Any]:
    """Describe the data: its rows, columns, labels, text lengths, splits and problems.

    What `prepare` would refuse is a problem of severity "error" with the same message; texts that
    occur more than once are warnings. All texts are raw: clean them before they reach a terminal.

    Raises `InputError` if the source cannot be opened at all.
    """
    source = open_source(data.source, data.header, cache)
    splits, problems = _split_or_problems(source, data, cache)
    text = label = None
    labels: dict[str, int] = {}
    texts = pa.chunked_array([], pa.string())
    try:
        columns = choose_columns(source.dataset, data.columns, str(source.path))
        text, label = columns.text, columns.label
        assert label is not None
        texts = source.dataset.data.column(text)
        names = label_names(source.dataset, label, str(source.path))
        labels = dict(Counter(names.drop_null().to_pylist()).most_common())
        problems += _repeated(texts, names)
    except InputError:
        pass  # it is among the problems: `split` met it too
    return {
        "source": data.source,
        "rows": len(source.dataset),
        "columns": [_column(source.dataset, name) for name in source.dataset.column_names],
        "detected": dict(source.detected),
        "text": text,
        "label": label,
        "labels": labels,
        "lengths": _lengths(texts),
        "first_rows": _first_rows(source.dataset),
        "splits": splits,
        "problems": problems,
    }


def _split_or_problems(
    source: Source, data: DataSection, cache: Path | None
) -> tuple[dict[str, int] | None, list[dict[str, Any]]]:
    """Return the sizes of the splits, or all that stands in their way."""
    problems: list[dict[str, Any]] = []
    # Empty cells hide what comes after them, so the rest is looked at without them.
    for attempt in (data, data.model_copy(update={"drop_empty": True})):
        try:
            prepared = split(source, attempt, cache)
        except InputError as error:
            problem = _error(error)
            problems += [problem] if problem not in problems else []
        else:
            sizes = {name: len(rows) for name, rows in prepared.splits.items()}
            return (None if problems else sizes), problems
    return None, problems


def _error(error: InputError) -> dict[str, Any]:
    title, count = "This cannot be used", 1
    if isinstance(error, RowsRefused):
        title, count = error.title, error.count
    return {"title": title, "message": str(error), "severity": "error", "count": count}


def _repeated(texts: pa.ChunkedArray, names: pa.Array) -> list[dict[str, Any]]:
    """Return warnings about texts that occur more than once."""
    whole = pc.invert(is_empty(texts))
    table = pa.table({"text": texts, "label": names}).filter(whole)
    by_text = table.group_by("text").aggregate([("label", "count_distinct")])
    again = table.num_rows - by_text.num_rows
    torn = pc.sum(pc.greater(by_text["label_count_distinct"], 1)).as_py() or 0
    warnings = [
        (
            "Repeated texts",
            f"rows that repeat the text of an earlier row: {again:,}; repeats that fall into "
            "different splits make the evaluation look better than it is",
            again,
        ),
        (
            "Same text, different labels",
            f"texts that occur with more than one label: {torn:,}; no model can get all of their "
            "rows right",
            torn,
        ),
    ]
    return [
        {"title": title, "message": message, "severity": "warning", "count": count}
        for title, message, count in warnings
        if count
    ]


def _column(dataset: datasets.Dataset, name: str) -> dict[str, Any]:
    values = dataset.data.column(name)
    flat = not pa.types.is_nested(values.type)
    missing = is_empty(values) if holds_text(values.type) else pc.is_null(values, nan_is_null=flat)
    return {
        "name": name,
        "type": str(values.type),
        "missing": pc.sum(missing).as_py() or 0,
        "distinct": pc.count_distinct(values).as_py() if flat else None,
    }


def _lengths(texts: pa.ChunkedArray) -> dict[str, Any]:
    """Return how long the texts are that are not empty."""
    texts = texts.filter(pc.invert(is_empty(texts)))
    words = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(texts)))
    counts = np.asarray(words, dtype=np.int64)
    return {
        "words": _spread(counts),
        "characters": _spread(np.asarray(pc.utf8_length(texts), dtype=np.int64)),
        "histogram": _histogram(counts),
    }


def _spread(lengths: np.ndarray) -> dict[str, int]:
    if not len(lengths):
        return {"min": 0, "median": 0, "p95": 0, "max": 0}
    low, middle, high, top = np.percentile(lengths, [0, 50, 95, 100])
    return {"min": int(low), "median": round(middle), "p95": round(high), "max": int(top)}


def _histogram(words: np.ndarray) -> list[list[int]]:
    """Count texts by words: equal bins up to the 95th percentile, the long tail in the last."""
    if not len(words):
        return []
    below = int(words.min()) - 1
    width = max(1, int(np.ceil((np.percentile(words, 95) - below) / (BINS - 1))))
    edges = [below + width * number for number in range(1, BINS)]
    edges = [*(edge for edge in edges if edge < words.max()), int(words.max())]
    counts = np.histogram(words, bins=[0, *(edge + 0.5 for edge in edges)])[0]
    return [[edge, int(count)] for edge, count in zip(edges, counts, strict=True)]


def _first_rows(dataset: datasets.Dataset) -> list[dict[str, str]]:
    return [
        {name: _cell(value) for name, value in row.items()}
        for row in dataset.data.slice(0, FIRST_ROWS).to_pylist()
    ]


def _cell(value: object) -> str:
    return "" if value is None else str(value)[:LONGEST_CELL]
