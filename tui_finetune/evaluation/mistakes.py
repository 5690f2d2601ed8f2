"""Where a model is wrong: which labels it takes for which, and in which rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_MISTAKES = 10_000


def confused_labels(counts: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the cells of wrong rows of a confusion matrix, the most frequent first.

    `counts` is (labels, labels), true labels in rows; `share` is of the true label's rows.
    """
    of_label = counts.sum(axis=1)
    cells = [
        {
            "true": labels[true],
            "predicted": labels[predicted],
            "count": int(counts[true, predicted]),
            "share": float(counts[true, predicted] / of_label[true]),
        }
        for true, predicted in np.argwhere(counts).tolist()
        if true != predicted
    ]
    return sorted(cells, key=lambda cell: (-cell["count"], -cell["share"]))


def mistakes(
    references: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
    texts: Sequence[str],
    rows: Sequence[int],
    most: int = MOST_MISTAKES,
) -> list[dict[str, Any]]:
    """Return the rows that were predicted wrong, the most confident first, at most `most`.

    `references` (rows,) are label indices, `probabilities` is (rows, labels), `rows` are the rows'
    places in their file.
    """
    predicted = probabilities.argmax(axis=1)
    scores = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != references)
    ranked = wrong[np.argsort(-scores[wrong], kind="stable")][:most]
    return [
        {
            "row": int(rows[index]),
            "text": texts[index],
            "true": labels[references[index]],
            "label": labels[predicted[index]],
            "score": float(scores[index]),
        }
        for index in ranked.tolist()
    ]
