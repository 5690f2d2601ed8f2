"""From which probability on a row has a label, where it may have several."""

import numpy as np

from tui_finetune.evaluation.metrics import label_sets
from tui_finetune.evaluation.report import SavedPredictions
from tui_finetune.tasks.metrics import THRESHOLD


def best_threshold(probabilities: np.ndarray, positive: np.ndarray) -> float:
    """Return the threshold at which a label's F1 on these rows is highest.

    `probabilities` (rows,) are the label's, `positive` (rows,) is 1 where a row has it. Thresholds
    are looked for halfway between neighbouring probabilities, and at 0.5; of equally good ones the
    one nearest to 0.5 is taken. It is 0.5 if no row has the label.
    """
    total = int(positive.sum())
    if total == 0:
        return THRESHOLD
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], positive[order].cumsum()
    # The first n rows are taken for positive, n where the next probability is another.
    counts: np.ndarray = np.flatnonzero(np.r_[ranked[:-1] != ranked[1:], True]) + 1
    below = np.r_[ranked, 0.0][counts]
    middles = (ranked[counts - 1] + below) / 2
    f1 = 2 * hits[counts - 1] / (counts + total)
    at_half = int((probabilities >= THRESHOLD).sum())
    half = 2 * (hits[at_half - 1] if at_half else 0) / (at_half + total)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    if half >= f1.max() - 1e-12:
        return THRESHOLD
    return float(middles[best[np.abs(middles[best] - THRESHOLD).argmin()]])


def best_thresholds(saved: SavedPredictions) -> dict[str, float]:
    """Return each label's best threshold on a run's saved predictions of its validation rows.

    They are chosen on those rows, so the F1 there is better than on others.
    """
    sets = label_sets(saved.references, saved.labels)
    return {
        label: best_threshold(saved.probabilities[:, index], sets[:, index])
        for index, label in enumerate(saved.labels)
    }
