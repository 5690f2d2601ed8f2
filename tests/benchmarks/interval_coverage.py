"""How often the 95% intervals of the evaluation hold the true value.

    python tests/benchmarks/interval_coverage.py [CASES]

Samples of 100, 300 and 1,000 rows are drawn from six worlds in which the model's probabilities
have a known distribution; the true values come from 2 million rows of the same world, and the true
calibration error from the exact probability of being right. Prints, in percent of the cases, how
often the interval held the true value; P, R and F1 are of the last label.
"""

import sys

import numpy as np

from tui_finetune import process

process.settle()

from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: E402

from tui_finetune.evaluation.bootstrap import metrics_of_cells  # noqa: E402
from tui_finetune.evaluation.calibration import BINS  # noqa: E402
from tui_finetune.evaluation.intervals import (  # noqa: E402
    f1_interval,
    metric_intervals,
    share_interval,
)
from tui_finetune.evaluation.metrics import (  # noqa: E402
    confusion_counts,
    ranked_labels,
    row_losses,
    scored_metrics,
)

# Shares of the labels, how far their rows stand apart, how much too sure the model is.
WORLDS = {
    "two labels": ([0.5, 0.5], 1.5, 1.0),
    "two, too sure": ([0.6, 0.4], 1.5, 1.8),
    "one of two rare": ([0.85, 0.15], 1.5, 1.0),
    "two, nearly perfect": ([0.5, 0.5], 2.7, 1.2),
    "three, weak": ([1 / 3] * 3, 0.6, 1.0),
    "six, some rare": ([0.35, 0.3, 0.15, 0.1, 0.06, 0.04], 2.3, 1.5),
}
SIZES = (100, 300, 1000)
SHOWN = ("accuracy", "precision", "recall", "f1", "precision_weighted", "f1_weighted", "mcc",
         "roc_auc", "average_precision", "loss", "ece", "P", "R", "F1")  # fmt: skip
TRUTH_ROWS = 2_000_000

World = tuple[list[float], float, float]


def draw(world: World, rows: int, chance: np.random.Generator):
    """Return true labels, the model's probabilities, and the exact ones, of rows of a world."""
    shares, signal, sureness = world
    labels = chance.choice(len(shares), rows, p=shares)
    points = chance.normal(size=(rows, len(shares)))
    points[np.arange(rows), labels] += signal
    logits = signal * points + np.log(shares)
    return labels, softmax(logits * sureness), softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (rows, labels)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def last_label(counts: np.ndarray) -> tuple[int, int, int]:
    """Return how many rows of the last label are right, are there, and were predicted."""
    return int(counts[-1, -1]), int(counts[-1].sum()), int(counts[:, -1].sum())


def true_values(world: World, chance: np.random.Generator) -> dict[str, float]:
    """Return the metrics of a world."""
    labels, scores, exact = draw(world, TRUTH_ROWS, chance)
    predicted, confidence = scores.argmax(axis=1), scores.max(axis=1)
    counts = confusion_counts(labels, predicted, scores.shape[1])
    truth = {name: float(value[0]) for name, value in metrics_of_cells(counts[None]).items()}
    right, of_label, given = last_label(counts)
    truth |= {"P": right / given, "R": right / of_label, "F1": 2 * right / (of_label + given)}
    gaps = exact[np.arange(len(labels)), predicted] - confidence
    places = np.digitize(confidence, np.arange(1, BINS) / BINS, right=True)
    truth["ece"] = float(np.abs(np.bincount(places, gaps)).sum() / len(labels))
    truth["loss"] = float(row_losses(scores, labels).mean())
    some = slice(0, 500_000)
    for name, score in (("roc_auc", roc_auc_score), ("average_precision", average_precision_score)):
        values = [
            score(labels[some] == label, scores[some, label])
            for label in ranked_labels(labels, scores.shape[1])
        ]
        truth[name] = float(np.mean(values))
    return truth


def coverage(world: World, rows: int, cases: int, seed: int) -> dict[str, float]:
    """Return for each metric the share of samples, in percent, whose interval holds the truth."""
    chance = np.random.default_rng(seed)
    truth = true_values(world, chance)
    held = dict.fromkeys(SHOWN, 0)
    for _ in range(cases):
        labels, scores, _ = draw(world, rows, chance)
        intervals = metric_intervals(scored_metrics(scores, labels), scores, labels)
        right, of_label, given = last_label(
            confusion_counts(labels, scores.argmax(axis=1), scores.shape[1])
        )
        intervals["P"] = share_interval(right, given)
        intervals["R"] = share_interval(right, of_label)
        intervals["F1"] = f1_interval(right, of_label, given)
        for name in SHOWN:
            low, high = intervals[name] or (-np.inf, np.inf)
            held[name] += low - 1e-9 <= truth[name] <= high + 1e-9
    return {name: 100 * count / cases for name, count in held.items()}


def main(cases: int) -> None:
    """Print a line for each world and number of rows."""
    print(" ".join(f"{name[:9]:>9}" for name in ("rows", *SHOWN)))
    for name, world in WORLDS.items():
        print(name)
        for rows in SIZES:
            found = coverage(world, rows, cases, seed=rows)
            print(" ".join(f"{value:>9.4g}" for value in (rows, *found.values())), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
