import json

import numpy as np
import pytest

from tui_finetune.errors import InputError
from tui_finetune.evaluation.document import evaluation_document

LABELS = ["good", "bad", "mixed"]
METRICS = {"loss", "accuracy", "precision", "recall", "f1", "precision_micro", "recall_micro",
           "f1_micro", "precision_weighted", "recall_weighted", "f1_weighted", "mcc", "roc_auc",
           "average_precision", "ece"}  # fmt: skip


def _document(truth, scores, labels=LABELS, **given):
    references = [labels[label] for label in truth]
    texts = [f"a text of number {row}" for row in range(len(truth))]
    document = evaluation_document(
        labels, references, scores, texts, range(100, 100 + len(truth)), **given
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    return document


def test_the_document_has_all_that_the_screens_show(draw):
    chance = np.random.default_rng(0)
    truth, scores, _ = draw(chance, 200)
    others, known, _ = draw(chance, 100)
    document = _document(
        truth,
        scores,
        before=np.full((200, 3), 1 / 3),
        validation=([LABELS[label] for label in others], known),
        columns={"source": ["web", "phone"] * 100},
    )
    assert set(document) == {
        "rows", "labels", "metrics", "intervals", "confidence", "baselines", "classes",
        "confusion", "cells", "calibration", "mistakes", "mistakes_total", "label_errors",
        "label_errors_problem", "label_errors_note", "slices",
    }  # fmt: skip
    assert set(document["metrics"]) == set(document["intervals"]) == METRICS
    before = document["baselines"]["before"]
    assert set(before["metrics"]) == set(before["intervals"]) == METRICS
    assert set(document["baselines"]["majority"]["metrics"]) == METRICS
    assert set(document["calibration"]) == {"ece", "bins", "temperature", "ece_scaled"}
    assert document["calibration"]["temperature"] == pytest.approx(1.3, abs=0.5)
    assert document["calibration"]["ece"] == document["metrics"]["ece"]
    wrong = int((scores.argmax(axis=1) != truth).sum())
    assert document["mistakes_total"] == len(document["mistakes"]) == wrong
    assert sum(cell["count"] for cell in document["cells"]) == wrong
    assert all(entry["row"] >= 100 for entry in document["mistakes"] + document["label_errors"])
    assert np.trace(document["confusion"]) == 200 - wrong
    assert [part["column"] for part in document["slices"]] == ["length in words", "source"]


def test_the_majority_is_of_the_training_rows_if_they_are_known():
    truth, scores = np.array([0, 0, 0, 1]), np.tile([0.5, 0.3, 0.2], (4, 1))
    own = _document(truth, scores)["baselines"]["majority"]
    assert own["label"] == "good"
    assert own["metrics"]["accuracy"] == 0.75
    assert own["metrics"]["loss"] == pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4)
    counts = {"good": 10, "bad": 80, "mixed": 10}
    trained = _document(truth, scores, train_counts=counts)["baselines"]["majority"]
    assert trained["label"] == "bad"
    assert trained["metrics"]["accuracy"] == 0.25
    assert trained["metrics"]["roc_auc"] == 0.5


def test_what_fine_tuning_gained_is_judged_on_the_same_rows(draw):
    truth, scores, _ = draw(np.random.default_rng(1), 300)
    document = _document(truth, scores, before=np.full((300, 3), 1 / 3))
    before = document["baselines"]["before"]
    gained = document["metrics"]["accuracy"] - before["metrics"]["accuracy"]
    assert before["difference"]["accuracy"] == pytest.approx(gained)
    low, high = before["difference"]["interval"]
    assert 0 < low < gained < high


def test_without_the_model_before_the_document_says_why(draw):
    truth, scores, _ = draw(np.random.default_rng(2), 30)
    baselines = _document(truth, scores, before_problem="its folder is gone")["baselines"]
    assert baselines["before"] is None
    assert baselines["before_problem"] == "its folder is gone"


def test_one_row_is_enough():
    document = _document([0], [[0.8, 0.1, 0.1]])
    assert document["rows"] == 1
    assert document["metrics"]["accuracy"] == 1.0
    assert document["metrics"]["roc_auc"] is None
    assert document["intervals"]["loss"] is None
    assert document["calibration"]["temperature"] is None
    assert document["mistakes"] == document["cells"] == document["label_errors"] == []
    absent = document["classes"][2]
    assert (absent["precision"], absent["recall"], absent["f1"]) == (None, None, None)
    assert absent["intervals"] == {"precision": None, "recall": None, "f1": None}


def test_a_label_that_is_never_predicted_has_precision_0_and_no_interval_for_it():
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    entry = _document([0, 1, 2], scores)["classes"][2]
    assert (entry["precision"], entry["recall"], entry["support"], entry["predicted"]) == (
        0.0, 0.0, 1, 0,
    )  # fmt: skip
    assert entry["intervals"]["precision"] is None
    assert entry["intervals"]["recall"][1] < 1


@pytest.mark.parametrize("right", [True, False])
def test_sure_predictions_that_are_all_right_or_all_wrong(right):
    truth = np.array([0, 1] * 20)
    scores = np.eye(2)[truth if right else 1 - truth]
    document = _document(truth, scores, LABELS[:2], before=scores)
    assert document["metrics"]["accuracy"] == float(right)
    assert document["mistakes_total"] == (0 if right else 40)


def test_fifty_labels(draw):
    names = [f"label {number}" for number in range(50)]
    truth, scores, _ = draw(np.random.default_rng(3), 300, (0.02,) * 50)
    document = _document(truth, scores, names)
    assert len(document["classes"]) == len(document["confusion"]) == 50


def test_probabilities_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="row 1 of the predictions"):
        _document([0], [[float("nan"), 0.5, 0.5]])


def test_the_progress_is_reported_and_ends_the_work_when_it_raises(draw):
    truth, scores, _ = draw(np.random.default_rng(4), 100)
    steps = []
    _document(truth, scores, progress=steps.append)
    assert all(set(step) == {"what", "done", "of"} for step in steps)

    def cancelled(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _document(truth, scores, progress=cancelled)
