import numpy as np
import pytest
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score
from sklearn.metrics import precision_recall_fscore_support as scores_of

from tui_finetune.evaluation.bootstrap import (
    metrics_of_cells,
    ranking_of,
    resampled_cells,
    resampled_weights,
)
from tui_finetune.evaluation.metrics import confusion_counts


@pytest.mark.parametrize("shares", [(0.9, 0.1), (0.4, 0.35, 0.25), (0.02,) * 50])
def test_metrics_of_resampled_cells_are_scikit_learns_on_those_rows(shares, draw):
    chance = np.random.default_rng(0)
    truth, scores, _ = draw(chance, 60, shares)
    labels = len(shares)
    counts = confusion_counts(truth, scores.argmax(axis=1), labels)
    (block,) = resampled_cells(counts, 20, chance)
    found = metrics_of_cells(block)
    for number, cells in enumerate(block):
        true, predicted = np.repeat(np.argwhere(cells >= 0), cells.ravel(), axis=0).T
        assert len(true) == 60
        for average, suffix in (("macro", ""), ("micro", "_micro"), ("weighted", "_weighted")):
            expected = scores_of(true, predicted, average=average, zero_division=0)
            for name, value in zip(("precision", "recall", "f1"), expected[:3], strict=True):
                assert found[name + suffix][number] == pytest.approx(value, abs=1e-12)
        assert found["mcc"][number] == pytest.approx(matthews_corrcoef(true, predicted), abs=1e-12)
        assert found["accuracy"][number] == pytest.approx((true == predicted).mean())


@pytest.mark.parametrize("decimals", [1, 9])
def test_rankings_of_resampled_rows_are_scikit_learns_also_with_ties(decimals, draw):
    chance = np.random.default_rng(1)
    truth, scores, _ = draw(chance, 80)
    of_label, positive = scores[:, 1].round(decimals), truth == 1
    (weights,) = resampled_weights(80, 20, chance)
    found = ranking_of(of_label, positive)(weights)
    for number, drawn in enumerate(weights):
        rows = np.repeat(np.arange(80), drawn)
        assert len(rows) == 80
        auc = roc_auc_score(positive[rows], of_label[rows])
        precision = average_precision_score(positive[rows], of_label[rows])
        assert found[:, number] == pytest.approx([auc, precision])


def test_a_resample_of_one_kind_of_row_has_no_ranking():
    weights = np.array([[2, 0, 0], [0, 2, 1], [1, 1, 1]])
    found = ranking_of(np.array([0.9, 0.2, 0.4]), np.array([True, False, False]))(weights)
    assert np.isnan(found[:, :2]).all()
    assert found[:, 2] == pytest.approx([1, 1])


def test_resampled_cells_spread_as_resampled_rows_do(draw):
    chance = np.random.default_rng(2)
    truth, scores, _ = draw(chance, 100)
    predicted = scores.argmax(axis=1)
    drawn = np.concatenate(
        list(resampled_cells(confusion_counts(truth, predicted, 3), 4000, chance))
    )
    rows = chance.integers(0, 100, (4000, 100))
    by_rows = np.stack([confusion_counts(truth[row], predicted[row], 3) for row in rows])
    for name in ("f1", "mcc", "precision_weighted"):
        one, other = metrics_of_cells(drawn)[name], metrics_of_cells(by_rows)[name]
        assert one.std() == pytest.approx(other.std(), rel=0.06)
        assert one.mean() == pytest.approx(other.mean(), abs=4 * one.std() / np.sqrt(4000))


def test_many_labels_are_drawn_in_blocks():
    blocks = list(resampled_cells(np.eye(300, dtype=np.int64), 100, np.random.default_rng(3)))
    assert len(blocks) > 1
    assert sum(len(block) for block in blocks) == 100
