"""How long the texts are, and how numbers are spread."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.columns import is_empty

BINS = 10


def lengths_of(texts: pa.ChunkedArray) -> dict[str, Any]:
    """Return how long the texts are that are not empty, in words and characters.

    Histograms are lists of [upper edge, texts]; a text as long as the edge is below it.
    """
    texts = texts.filter(pc.invert(is_empty(texts)))
    split = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(texts)))
    words = np.asarray(split, dtype=np.int64)
    characters = np.asarray(pc.utf8_length(texts), dtype=np.int64)
    return {
        "words": _spread(words),
        "characters": _spread(characters),
        "histogram": histogram(words),
        "characters_histogram": histogram(characters),
    }


def histogram(lengths: np.ndarray) -> list[list[int]]:
    """Count lengths: equal bins up to the 95th percentile, the long tail in the last."""
    if not len(lengths):
        return []
    below = int(lengths.min()) - 1
    width = max(1, int(np.ceil((np.percentile(lengths, 95) - below) / (BINS - 1))))
    edges = [below + width * number for number in range(1, BINS)]
    edges = [*(edge for edge in edges if edge < lengths.max()), int(lengths.max())]
    counts = np.histogram(lengths, bins=[0, *(edge + 0.5 for edge in edges)])[0]
    return [[edge, int(count)] for edge, count in zip(edges, counts, strict=True)]


def numbers_of(values: np.ndarray) -> dict[str, Any]:
    """Return the spread of the numbers to be predicted, and how many fall into each tenth of it."""
    low, middle, high = np.percentile(values, [0, 50, 100]).tolist()
    counts, edges = np.histogram(values, bins=BINS)
    pairs = zip(edges[1:], counts, strict=True)
    return {
        "min": low,
        "median": middle,
        "mean": float(values.mean()),
        "max": high,
        "deviation": float(values.std()),
        "histogram": [[float(edge), int(count)] for edge, count in pairs],
    }


def _spread(lengths: np.ndarray) -> dict[str, int]:
    if not len(lengths):
        return {"min": 0, "median": 0, "p95": 0, "max": 0}
    low, middle, high, top = np.percentile(lengths, [0, 50, 95, 100])
    return {"min": int(low), "median": round(middle), "p95": round(high), "max": int(top)}
