import numpy as np
import pytest

from tui_finetune.evaluation.label_errors import likely_label_errors

LABELS = ["good", "bad", "mixed"]


def _find(references, scores, labels=LABELS):
    rows = range(len(references))
    return likely_label_errors(references, scores, labels, [f"text {row}" for row in rows], rows)


def test_labels_that_were_swapped_are_found(draw, capfd):
    chance = np.random.default_rng(0)
    truth, _, exact = draw(chance, 600, signal=3.0)
    swapped = chance.choice(600, 30, replace=False)
    given = truth.copy()
    given[swapped] = (given[swapped] + 1) % 3
    errors = _find(given, exact)
    assert errors.problem is None
    found = {entry["row"] for entry in errors.found}
    assert len(found & set(swapped)) >= 24
    assert len(found - set(swapped)) <= 6
    for entry in errors.found:
        place = entry["row"]
        assert entry["true"] == LABELS[given[place]]
        assert entry["suggested"] == LABELS[exact[place].argmax()] != entry["true"]
        assert entry["text"] == f"text {place}"
        assert entry["score"] == pytest.approx(exact[place].max())
        assert entry["quality"] == pytest.approx(exact[place, given[place]])
    qualities = [entry["quality"] for entry in errors.found]
    assert qualities == sorted(qualities)
    assert capfd.readouterr() == ("", "")


def test_too_few_rows_are_said_and_not_judged(draw):
    _, scores, _ = draw(np.random.default_rng(1), 8)
    errors = _find(np.array([0, 0, 0, 0, 0, 0, 1, 2]), scores)
    assert errors.found == []
    assert "two labels with at least 5 rows" in errors.problem


def test_a_rare_label_is_left_out_and_named(draw):
    truth, scores, _ = draw(np.random.default_rng(2), 200, (0.5, 0.5, 0.0))
    truth[:2] = 2
    errors = _find(truth, scores)
    assert errors.problem == "labels with fewer than 5 rows are left out: mixed"
    assert not {0, 1} & {entry["row"] for entry in errors.found}


def test_labels_without_rows_do_not_stand_in_the_way(draw):
    truth, scores, _ = draw(np.random.default_rng(3), 200, (0.0, 0.4, 0.0, 0.6, 0.0))
    errors = _find(truth, scores, ["a", "b", "c", "d", "e"])
    assert errors.problem is None
    assert {entry["true"] for entry in errors.found} <= {"b", "d"}


@pytest.mark.parametrize("right", [True, False])
def test_probabilities_of_0_and_1_are_judged(right):
    truth = np.array([0, 1] * 20)
    scores = np.eye(2)[truth if right else 1 - truth]
    errors = _find(truth, scores)
    assert errors.problem is None
    assert not (right and errors.found)
