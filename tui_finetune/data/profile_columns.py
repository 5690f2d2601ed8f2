"""What is in each column of the data: its type, what is missing, how many values, some of them."""

from typing import Any

import datasets
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.columns import holds_text, is_empty

SAMPLES = 5
LONGEST_SAMPLE = 200

# Looked through for values that differ.
_SAMPLED_ROWS = 1_000


def columns_of(dataset: datasets.Dataset) -> list[dict[str, Any]]:
    """Return name, type, missing and distinct values, and samples of each column.

    Empty texts count as missing. `distinct` is None for lists and the like.
    """
    return [_column(dataset, name) for name in dataset.column_names]


def _column(dataset: datasets.Dataset, name: str) -> dict[str, Any]:
    values = dataset.data.column(name)
    flat = not pa.types.is_nested(values.type)
    missing = is_empty(values) if holds_text(values.type) else pc.is_null(values, nan_is_null=flat)
    return {
        "name": name,
        "type": str(values.type),
        "missing": pc.sum(missing).as_py() or 0,
        "distinct": _distinct(values),
        "samples": _samples(values, dataset.features[name]),
    }


def _distinct(values: pa.ChunkedArray) -> int | None:
    try:
        return pc.count_distinct(values).as_py()  # type: ignore[no-any-return]
    except pa.ArrowNotImplementedError:  # lists and the like; a column of nothing
        return 0 if pa.types.is_null(values.type) else None


def _samples(values: pa.ChunkedArray, feature: Any) -> list[str]:
    """Return the first values that differ, as text."""
    first = values.slice(0, _SAMPLED_ROWS).drop_null().to_pylist()
    if isinstance(feature, datasets.ClassLabel):
        first = [feature.names[value] for value in first if value in range(len(feature.names))]
    distinct = dict.fromkeys(str(value)[:LONGEST_SAMPLE] for value in first if value != "")
    return list(distinct)[:SAMPLES]
