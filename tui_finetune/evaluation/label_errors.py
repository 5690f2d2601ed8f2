"""Rows whose label in the data is likely wrong."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]
from cleanlab.rank import get_label_quality_scores  # type: ignore[import-untyped]

# With fewer rows of a label, how sure a model is of it on average says little.
FEWEST_ROWS = 5
_LABELS_NAMED = 5

NOTE = (
    "A suggestion to look at, not a verdict. On rows that the model was trained on it says little: "
    "a model learns wrong labels too, and then finds them right."
)


@dataclass(frozen=True)
class LabelErrors:
    """The rows that were found, the least plausible label first, and what stood in the way."""

    found: list[dict[str, Any]]
    problem: str | None


def likely_label_errors(
    references: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
    texts: Sequence[str],
    rows: Sequence[int],
) -> LabelErrors:
    """Return the rows whose true label is likely wrong, by confident learning.

    A row is found if the model prefers another label, and more such rows have its label than a
    model of that quality would make: Northcutt, Jiang and Chuang 2021, "Confident Learning",
    computed by cleanlab. `quality` (0 to 1) is the probability that the model gives the label in
    the data. Labels with fewer than 5 rows are left out, and the problem names them.

    `references` (rows,) are label indices, `probabilities` is (rows, labels), `rows` are the rows'
    places in their file.
    """
    counts = np.bincount(references, minlength=len(labels))
    few = np.flatnonzero((counts > 0) & (counts < FEWEST_ROWS))
    problem = _too_few([labels[index] for index in few.tolist()]) if len(few) else None
    if (counts >= FEWEST_ROWS).sum() < 2:
        return LabelErrors(
            [],
            f"it takes two labels with at least {FEWEST_ROWS} rows each to find wrong labels; "
            "evaluate on more rows",
        )
    judged = np.flatnonzero(counts[references] >= FEWEST_ROWS)
    given, scores = references[judged], probabilities[judged]
    # cleanlab wants rows that sum to 1 within its own tolerance
    scores = scores / scores.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        suspects = find_label_issues(
            given, scores, return_indices_ranked_by="self_confidence", n_jobs=1, verbose=False
        )
        qualities = get_label_quality_scores(given, scores, method="self_confidence")
    found = []
    for place in suspects.tolist():
        index = int(judged[place])
        found.append(
            {
                "row": int(rows[index]),
                "text": texts[index],
                "true": labels[int(given[place])],
                "suggested": labels[int(scores[place].argmax())],
                "score": float(scores[place].max()),
                "quality": float(qualities[place]),
            }
        )
    return LabelErrors(found, problem)


def _too_few(names: list[str]) -> str:
    named = ", ".join(names[:_LABELS_NAMED]) + (" ..." if len(names) > _LABELS_NAMED else "")
    return f"labels with fewer than {FEWEST_ROWS} rows are left out: {named}"
