"""Which rows a preflight looks at: all of them, or of many a sample and the longest."""

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset

from tui_finetune.tasks.token_lengths import MOST_ROWS, drawn

__all__ = ["MOST_ROWS", "longest_rows", "rows_by_chance"]

_LONGEST_ROWS = 200
_BATCH_ROWS = 100_000


def rows_by_chance(rows: Dataset) -> np.ndarray:
    """Return the positions of at most `MOST_ROWS` rows, ascending; the same each time."""
    return drawn(len(rows))


def longest_rows(rows: Dataset) -> np.ndarray:
    """Return the positions of the rows with the most characters, ascending."""
    texts = [name for name in ("text", "text_pair") if name in rows.column_names]
    table = rows.select_columns(texts).with_format("arrow")
    parts = [
        sum(pc.utf8_length(table[start : start + _BATCH_ROWS][name]).to_numpy() for name in texts)
        for start in range(0, len(rows), _BATCH_ROWS)
    ]
    longest: np.ndarray = np.argsort(np.concatenate(parts), kind="stable")[-_LONGEST_ROWS:]
    longest.sort()
    return longest
