"""Predictions of a model whose quality is known."""

from collections.abc import Callable

import numpy as np
import pytest

Draw = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draw true labels (rows,), the model's probabilities and the exact ones (rows, labels).

    `shares` are of the labels, `signal` says how far their rows stand apart, `sureness` above 1
    makes the model surer than it should be.
    """

    def make(chance, rows, shares=(0.4, 0.35, 0.25), signal=1.8, sureness=1.3):
        labels = chance.choice(len(shares), rows, p=shares)
        points = chance.normal(size=(rows, len(shares)))
        points[np.arange(rows), labels] += signal
        # A label without a share is out of the question, not impossible.
        logits = signal * points + np.log(np.maximum(shares, 1e-12))
        return labels, _softmax(logits * sureness), _softmax(logits)

    return make
