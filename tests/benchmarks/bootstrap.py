"""Time of an evaluation's intervals, and of the whole document.

    python tests/benchmarks/bootstrap.py [ROUNDS]

For 5,000 rows with 6 labels and 100,000 rows with 2; the plain thing to compare with is
scikit-learn's own metrics, once on each of a few resamples of the rows, times the resamples.
"""

import statistics
import sys
import time

import numpy as np

from tui_finetune import process

process.settle()

from tui_finetune.evaluation.bootstrap import RESAMPLES  # noqa: E402
from tui_finetune.evaluation.document import evaluation_document  # noqa: E402
from tui_finetune.evaluation.intervals import metric_intervals  # noqa: E402
from tui_finetune.evaluation.metrics import scored_metrics  # noqa: E402

PLAIN_RESAMPLES = 5


def draw(rows: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return true labels (rows,) and probabilities (rows, labels) of a middling model."""
    chance = np.random.default_rng(0)
    truth = chance.integers(0, labels, rows)
    logits = chance.normal(size=(rows, labels))
    logits[np.arange(rows), truth] += 2
    powers = np.exp(logits)
    return truth, powers / powers.sum(axis=1, keepdims=True)


def seconds(work) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(rounds: int) -> None:
    """Print the medians."""
    for rows, labels in ((5_000, 6), (100_000, 2)):
        truth, scores = draw(rows, labels)
        metrics = scored_metrics(scores, truth)
        names = [f"label {number}" for number in range(labels)]
        references = [names[label] for label in truth]
        texts = ["a film of some words"] * rows
        intervals = statistics.median(
            seconds(lambda: metric_intervals(metrics, scores, truth))  # noqa: B023
            for _ in range(rounds)
        )
        document = statistics.median(
            seconds(lambda: evaluation_document(names, references, scores, texts, range(rows)))  # noqa: B023
            for _ in range(rounds)
        )
        chance = np.random.default_rng(1)
        plain = statistics.median(
            seconds(lambda drawn=drawn: scored_metrics(scores[drawn], truth[drawn]))  # noqa: B023
            for drawn in chance.integers(0, rows, (PLAIN_RESAMPLES, rows))
        )
        print(
            f"{rows} rows x {labels} labels: intervals {intervals:.2f} s, "
            f"document {document:.2f} s, "
            f"scikit-learn on {RESAMPLES} resamples {plain * RESAMPLES:.0f} s"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
