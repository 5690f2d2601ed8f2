"""Resampled rows: what the metrics would be on other rows of the same kind.

Rows are drawn with replacement, as many as there are (Efron 1979). Metrics that only hang on how
often each label was taken for which need no rows: the counts of resampled rows are multinomial, so
they are drawn as a whole. The metrics of rankings need the rows' weights, how often each was drawn.
Everything is computed for many resamples at once.
"""

from collections.abc import Callable, Iterator

import numpy as np

RESAMPLES = 1000

# With so many rows their order hardly changes: fewer resamples give the same spread.
_ROW_WEIGHTS = 20_000_000
_FEWEST_RESAMPLES = 200

# Resamples are handled in blocks of so many numbers, about 30 MB each.
_BLOCK = 4_000_000


def resampled_cells(
    counts: np.ndarray, resamples: int, chance: np.random.Generator, smoothing: float = 0.0
) -> Iterator[np.ndarray]:
    """Yield confusion counts of resampled rows, in blocks of (resamples, labels, labels).

    `smoothing` adds so many right rows and so many wrong ones to each label that has rows, before
    the same number of rows is drawn; the wrong ones in equal parts for each other label that
    occurs, so that no resample has a label that the rows know nothing of.
    """
    labels, total = len(counts), int(counts.sum())
    weights: np.ndarray = counts.astype(np.float64)
    occurring = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    if smoothing and occurring.sum() > 1:
        added = np.outer(counts.sum(axis=1) > 0, occurring) * smoothing / (occurring.sum() - 1)
        np.fill_diagonal(added, smoothing * (counts.sum(axis=1) > 0))
        weights += added
    cells = np.flatnonzero(weights)
    shares = weights.ravel()[cells] / weights.sum()
    block = max(1, _BLOCK // labels**2)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn: np.ndarray = np.zeros((size, labels**2), dtype=np.int64)
        drawn[:, cells] = chance.multinomial(total, shares, size=size)
        yield drawn.reshape(size, labels, labels)


def metrics_of_cells(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return metrics of confusion counts (resamples, labels, labels), each (resamples,).

    As scikit-learn computes them, with 0 for a division by zero; averages run over the labels that
    occur in a resample.
    """
    cells: np.ndarray = counts.astype(np.float64)
    total = cells.sum(axis=(1, 2))
    right = np.diagonal(cells, axis1=1, axis2=2)
    true, predicted = cells.sum(axis=2), cells.sum(axis=1)
    scores = {
        "precision": _share(right, predicted),
        "recall": _share(right, true),
        "f1": _share(2 * right, true + predicted),
    }
    occurring = (true + predicted > 0).sum(axis=1)
    metrics = {name: score.sum(axis=1) / occurring for name, score in scores.items()}
    for name, score in scores.items():
        metrics[f"{name}_weighted"] = (score * true).sum(axis=1) / total
    accuracy = right.sum(axis=1) / total
    micro = {f"{name}_micro": accuracy for name in scores}
    # Gorodkin 2004: the correlation of two assignments to several labels.
    covariance = right.sum(axis=1) * total - (true * predicted).sum(axis=1)
    spread = (total**2 - (true**2).sum(axis=1)) * (total**2 - (predicted**2).sum(axis=1))
    return {"accuracy": accuracy, **metrics, **micro, "mcc": _share(covariance, np.sqrt(spread))}


def resamples_for(rows: int) -> int:
    """Return how often rows are drawn anew where each row counts."""
    return min(RESAMPLES, max(_FEWEST_RESAMPLES, _ROW_WEIGHTS // rows))


def resampled_weights(
    rows: int, resamples: int, chance: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield how often each row was drawn, in blocks of (resamples, rows)."""
    block = max(1, _BLOCK // rows)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = chance.integers(0, rows, size=(size, rows))
        drawn += np.arange(size)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)


def ranking_of(scores: np.ndarray, positive: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what computes ROC AUC and average precision of one label under weights of the rows.

    `scores` (rows,) rank the rows, `positive` (rows,) says which have the label. The function
    takes weights (resamples, rows) and returns (2, resamples): the two metrics, as scikit-learn
    computes them with equal scores taken together; NaN where a resample has rows of one kind only.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, kinds = scores[order], positive[order].astype(np.float64)
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    ties = len(starts) < len(ranked)

    def metrics(weights: np.ndarray) -> np.ndarray:
        drawn: np.ndarray = weights[:, order].astype(np.float64)
        hits = drawn * kinds
        misses = drawn - hits
        if ties:
            hits, misses = (np.add.reduceat(part, starts, axis=1) for part in (hits, misses))
        hits_so_far, misses_so_far = hits.cumsum(axis=1), misses.cumsum(axis=1)
        hits_all, misses_all = hits_so_far[:, -1], misses_so_far[:, -1]
        misses_below = misses_all[:, None] - misses_so_far + misses / 2
        drawn_so_far = np.maximum(hits_so_far + misses_so_far, 1.0)
        pairs = np.einsum("ij,ij->i", hits, misses_below)
        precisions = np.einsum("ij,ij->i", hits, hits_so_far / drawn_so_far)
        both = np.where((hits_all > 0) & (misses_all > 0), 1.0, np.nan)
        both_metrics: np.ndarray = np.stack(
            [
                both * _share(pairs, hits_all * misses_all),
                both * _share(precisions, hits_all),
            ]
        )
        return both_metrics

    return metrics


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares
