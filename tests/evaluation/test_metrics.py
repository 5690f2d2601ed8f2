import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tui_finetune.errors import InputError
from tui_finetune.evaluation.metrics import checked_probabilities, label_indices, scored_metrics


@pytest.mark.parametrize("shares", [(0.7, 0.3), (0.5, 0.3, 0.2), (0.02,) * 50])
def test_the_metrics_are_scikit_learns(shares, draw):
    truth, scores, _ = draw(np.random.default_rng(0), 1500, shares)
    found = scored_metrics(scores, truth)
    predicted = scores.argmax(axis=1)
    for average, suffix in (("macro", ""), ("micro", "_micro"), ("weighted", "_weighted")):
        for name in ("precision", "recall", "f1"):
            score = getattr(sklearn_metrics, f"{name}_score")
            expected = score(truth, predicted, average=average, zero_division=0)
            assert found[name + suffix] == pytest.approx(expected, abs=1e-12)
    assert found["accuracy"] == sklearn_metrics.accuracy_score(truth, predicted)
    assert found["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(truth, predicted))
    labels = range(len(shares))
    assert found["loss"] == pytest.approx(sklearn_metrics.log_loss(truth, scores, labels=labels))
    ranked = scores[:, 1] if len(shares) == 2 else scores
    assert found["roc_auc"] == pytest.approx(
        sklearn_metrics.roc_auc_score(truth, ranked, multi_class="ovr")
    )
    one_hot = truth if len(shares) == 2 else np.eye(len(shares))[truth]
    assert found["average_precision"] == pytest.approx(
        sklearn_metrics.average_precision_score(one_hot, ranked, average="macro")
    )


def test_the_calibration_error_is_the_mean_gap_of_the_bins(draw):
    truth, scores, _ = draw(np.random.default_rng(1), 500)
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    expected = 0.0
    for number in range(15):  # Guo et al. 2017, equation 3, word for word
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            gap = right[inside].mean() - confidence[inside].mean()
            expected += inside.mean() * abs(gap)
    assert scored_metrics(scores, truth)["ece"] == pytest.approx(expected, abs=1e-12)


def test_rankings_of_several_labels_leave_out_labels_without_rows(draw):
    truth, scores, _ = draw(np.random.default_rng(2), 200, (0.5, 0.5, 0.0))
    expected = np.mean(
        [sklearn_metrics.roc_auc_score(truth == label, scores[:, label]) for label in (0, 1)]
    )
    assert scored_metrics(scores, truth)["roc_auc"] == pytest.approx(expected)


def test_one_row_has_all_metrics_but_those_of_a_ranking():
    found = scored_metrics(np.array([[0.2, 0.8]]), np.array([1]))
    unknown = {name for name, value in found.items() if value is None}
    assert unknown == {"roc_auc", "average_precision"}
    assert found["loss"] == pytest.approx(-np.log(0.8))
    assert found["ece"] == pytest.approx(0.2)


def test_a_true_label_of_probability_zero_costs_a_large_but_finite_loss():
    found = scored_metrics(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 0]))
    assert found["loss"] == pytest.approx(-np.log(1e-45) / 2)
    assert found["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("probabilities", "words"),
    [
        ([[0.5, 0.5], [float("nan"), 0.5]], "row 2 of the predictions"),
        ([[0.5, 0.5], [float("inf"), 0.5]], "row 2 of the predictions"),
        ([[0.5, 0.6], [0.5, 0.5]], "row 1 of the predictions"),
        ([[1.5, -0.5], [0.5, 0.5]], "row 1 of the predictions"),
        ([[0.5, 0.5]], "1 x 2 numbers where 2 rows x 2 labels"),
    ],
)
def test_what_is_no_distribution_over_the_labels_is_refused(probabilities, words):
    with pytest.raises(InputError, match=words):
        checked_probabilities(probabilities, rows=2, labels=2)


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="no rows"):
        checked_probabilities(np.empty((0, 2)), rows=0, labels=2)


def test_a_label_that_the_model_does_not_know_is_refused_and_cleaned():
    with pytest.raises(InputError, match="does not know: od\ufffdd"):
        label_indices(["a", "od\x1bd"], ["a", "b"])
