import json

import pytest

from tui_finetune.errors import InputError
from tui_finetune.evaluation.report import Report, read_predictions
from tui_finetune.tasks.text_classification import Prediction


@pytest.fixture
def saved(tmp_path):
    """The file of two predictions, in rows 7 and 3 of the data."""
    made = [
        Prediction("a\nfilm", {"good": 0.25, "bad": 0.75}),
        Prediction("\u2028 ", {"good": 0.5, "bad": 0.5}),
    ]
    path = tmp_path / "test.jsonl"
    path.write_text(Report({}, made, ["good", "bad"]).lines([7, 3]), encoding="utf-8")
    return path


def test_saved_predictions_come_back(saved):
    found = read_predictions(saved)
    assert found.labels == ["good", "bad"]
    assert found.rows == [7, 3]
    assert found.texts == ["a\nfilm", "\u2028 "]
    assert found.references == ["good", "bad"]
    assert found.probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5]]


@pytest.mark.parametrize(
    "damage",
    [
        {"scores": None},
        {"scores": {"good": 1.0}},
        {"scores": {"good": None, "bad": 1.0}},
        {"scores": {"good": 0.2, "bad": 0.3, "third": 0.5}},
        {"true": "unheard of"},
        {"text": 5},
        {"row": "x"},
    ],
)
def test_a_damaged_line_is_named(saved, damage):
    first, second = saved.read_text(encoding="utf-8").splitlines()
    saved.write_text(first + "\n" + json.dumps({**json.loads(second), **damage}) + "\n")
    with pytest.raises(InputError, match="line 2 is no prediction"):
        read_predictions(saved)


@pytest.mark.parametrize("content", [b'{"row": 1, "tr', b"[]\n", b"5\n", b"\xff\xfe\n", b""])
def test_a_file_that_is_none_is_refused(saved, content):
    saved.write_bytes(content)
    with pytest.raises(InputError):
        read_predictions(saved)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_predictions(tmp_path / "test.jsonl")
