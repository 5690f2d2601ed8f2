"""Evaluations of several labels a row and of numbers, against scikit-learn and brute force."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import f1_score, hamming_loss, precision_score

from tui_finetune.evaluation.multi_label import multi_label_document, scored_sets
from tui_finetune.evaluation.multi_label_intervals import multi_label_intervals
from tui_finetune.evaluation.regression import (
    regression_document,
    regression_intervals,
    scored_numbers,
)
from tui_finetune.evaluation.report import SavedPredictions
from tui_finetune.evaluation.thresholds import best_threshold, best_thresholds

LABELS = ["a", "b", "c"]


def sets(rows, seed=0, pairs=None):
    """Predictions of a model that is often right; of "c" it is never sure enough."""
    chance = np.random.default_rng(seed)
    truth = chance.random((rows, 3)) < (0.5, 0.3, 0.2)
    logits = 1.5 * (2 * truth - 1) + chance.normal(size=(rows, 3)) - (0, 0, 2.5)
    names = [[LABELS[label] for label in np.flatnonzero(row)] for row in truth]
    texts = [f"text {row} " + "word " * (row % 7) for row in range(rows)]
    scores = 1 / (1 + np.exp(-logits))
    saved = SavedPredictions(
        LABELS, list(range(rows)), texts, names, scores, pairs, "multi_label_classification"
    )
    return saved, truth.astype(int)


def numbers(rows, seed=0, noise=0.5):
    chance = np.random.default_rng(seed)
    truth = chance.normal(3, 1, rows)
    made = 0.8 * truth + 0.6 + noise * chance.normal(size=rows)
    texts = [f"text {row}" for row in range(rows)]
    return SavedPredictions(
        ["value"], list(range(rows)), texts, truth.tolist(), made[:, None], None, "regression"
    )


def f1_at(threshold, scores, has):
    made = scores >= threshold
    return 2 * (made & (has == 1)).sum() / max(made.sum() + has.sum(), 1)


def test_the_best_threshold_is_that_of_a_search_through_all():
    chance = np.random.default_rng(1)
    for rows in (1, 2, 5, 30, 200):
        for _ in range(20):
            scores = np.round(chance.random(rows), 2)  # with ties
            has = (chance.random(rows) < 0.1 + 0.8 * scores).astype(int)
            found = best_threshold(scores, has)
            best = max(f1_at(threshold, scores, has) for threshold in np.arange(-0.005, 1, 0.01))
            assert f1_at(found, scores, has) == pytest.approx(best)
            assert has.any() or found == 0.5


def test_a_threshold_stays_at_half_where_no_other_is_better():
    assert best_threshold(np.array([0.9, 0.8, 0.1]), np.array([1, 1, 0])) == 0.5
    assert best_threshold(np.array([0.4, 0.3, 0.1]), np.array([1, 1, 0])) == pytest.approx(0.2)


def test_thresholds_of_other_rows_help_the_label_that_is_never_sure():
    saved, truth = sets(300)
    validation, _ = sets(300, seed=1)
    document = multi_label_document(saved, validation=validation)
    chosen = best_thresholds(validation)
    assert document["thresholds"]["values"] == chosen
    assert chosen["c"] < 0.4
    made = saved.probabilities >= np.array([chosen[label] for label in LABELS])
    found = document["thresholds"]["metrics"]
    assert found["f1"] == pytest.approx(f1_score(truth, made, average="macro"))
    assert found["f1"] > document["metrics"]["f1"]


def test_the_document_says_of_each_label_what_scikit_learn_says():
    saved, truth = sets(200)
    made = saved.probabilities >= 0.5
    document = multi_label_document(saved, train=[["a"], ["a"], ["a", "b"]])
    assert document["metrics"]["hamming_loss"] == pytest.approx(hamming_loss(truth, made))
    for index, one in enumerate(document["classes"]):
        assert one["f1"] == pytest.approx(f1_score(truth[:, index], made[:, index]))
        assert one["precision"] == pytest.approx(precision_score(truth[:, index], made[:, index]))
        assert (one["support"], one["predicted"]) == (truth[:, index].sum(), made[:, index].sum())
    assert document["baselines"]["majority"]["labels"] == ["a"]
    always = np.tile([1, 0, 0], (200, 1))
    assert document["baselines"]["majority"]["metrics"]["f1_micro"] == pytest.approx(
        f1_score(truth, always, average="micro")
    )
    wrong = {row for row in range(200) if (truth[row] != made[row]).any()}
    assert {row["row"] for row in document["mistakes"]} == wrong
    losses = [row["loss"] for row in document["mistakes"]]
    assert losses == sorted(losses, reverse=True)
    parts = document["slices"][0]["slices"]
    assert sum(part["rows"] for part in parts) == 200


def test_a_row_without_labels_is_right_when_none_is_predicted():
    scores = np.array([[0.1, 0.2], [0.9, 0.1]])
    metrics = scored_sets(scores, np.array([[0, 0], [1, 0]]))
    assert (metrics["subset_accuracy"], metrics["f1_samples"], metrics["f1"]) == (1.0, 1.0, 1.0)
    assert metrics["average_precision"] == 1.0
    nothing = scored_sets(scores[:1], np.array([[0, 0]]))
    assert nothing["average_precision"] is None
    assert nothing["f1"] == 0.0


def test_what_the_training_brought_is_compared_on_the_same_rows():
    saved, truth = sets(200)
    before, _ = sets(200, seed=5)
    earlier = SavedPredictions(
        LABELS, saved.rows, saved.texts, saved.references, before.probabilities
    )
    document = multi_label_document(saved, before=earlier)
    right = (truth == (saved.probabilities >= 0.5)).all(axis=1).mean()
    was = (truth == (before.probabilities >= 0.5)).all(axis=1).mean()
    found = document["baselines"]["before"]["difference"]
    assert found["subset_accuracy"] == pytest.approx(right - was)
    assert found["interval"][0] < right - was < found["interval"][1]


def test_intervals_hold_the_true_values_as_often_as_they_say():
    whole, truth = sets(100_000, seed=77)
    exact = scored_sets(whole.probabilities, truth)
    held = dict.fromkeys(exact, 0)
    for seed in range(60):
        saved, sample = sets(150, seed=1000 + seed)
        metrics = scored_sets(saved.probabilities, sample)
        found = multi_label_intervals(metrics, saved.probabilities, sample)
        for name, interval in found.items():
            held[name] += interval[0] <= exact[name] <= interval[1]
    assert min(held.values()) >= 51, held  # 95% of 60 are 57; below 51 is a chance of 1 in 500


def test_the_document_of_numbers_says_what_was_wrong_and_by_how_much():
    saved = numbers(150)
    truth, made = np.array(saved.references), saved.probabilities[:, 0]
    document = regression_document(saved, train=[2.0, 4.0, 9.0])
    assert document["metrics"]["mae"] == pytest.approx(np.abs(made - truth).mean())
    assert document["bias"] == pytest.approx((made - truth).mean())
    assert document["baselines"]["mean"]["value"] == 5.0
    assert document["baselines"]["mean"]["metrics"]["mae"] == pytest.approx(
        np.abs(5 - truth).mean()
    )
    assert document["baselines"]["mean"]["metrics"]["pearson"] is None
    errors = [abs(row["error"]) for row in document["mistakes"]]
    assert errors == sorted(np.abs(made - truth), reverse=True)


def test_intervals_of_numbers_hold_the_true_values_as_often_as_they_say():
    whole = numbers(200_000, seed=99)
    exact = scored_numbers(whole.probabilities[:, 0], np.array(whole.references))
    held = dict.fromkeys(exact, 0)
    for seed in range(100):
        saved = numbers(80, seed=1000 + seed)
        truth, made = np.array(saved.references), saved.probabilities[:, 0]
        metrics = scored_numbers(made, truth)
        for name, interval in regression_intervals(metrics, made, truth).items():
            held[name] += interval[0] <= exact[name] <= interval[1]
    assert min(held.values()) >= 87, held  # below that is a chance of 1 in 500


def test_what_cannot_be_known_of_numbers_has_no_interval():
    saved = numbers(3)
    metrics = scored_numbers(np.full(3, 2.0), np.array(saved.references))
    assert metrics["pearson"] is None
    found = regression_intervals(metrics, np.full(3, 2.0), np.array(saved.references))
    assert found["pearson"] is None
    assert found["spearman"] is None
    exact = scored_numbers(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert regression_intervals(exact, np.array([1.0, 2.0]), np.array([1.0, 2.0]))["mse"] is None


def test_pearson_of_the_document_is_scipys():
    saved = numbers(40)
    found = regression_document(saved)["metrics"]["pearson"]
    expected = pearsonr(saved.references, saved.probabilities[:, 0]).statistic
    assert found == pytest.approx(expected)
