import json

import numpy as np
import pytest

from tui_finetune.console.evaluation import print_evaluation
from tui_finetune.evaluation.document import evaluation_document

HOSTILE = "[/]\x1b]52;c;AAAA\x07\u202egnol\x9b"


@pytest.fixture
def document():
    """An evaluation whose labels, texts and names are made to harm."""
    chance = np.random.default_rng(0)
    labels = ["good", HOSTILE]
    truth = chance.integers(0, 2, 60)
    scores = np.where((chance.random(60) < 0.8)[:, None], np.eye(2)[truth], 0.5)
    scores = 0.9 * scores + 0.05
    references = [labels[label] for label in truth]
    texts = [f"{HOSTILE} {'word ' * 50}"] * 60
    found = evaluation_document(
        labels,
        references,
        scores,
        texts,
        range(60),
        before=np.full((60, 2), 0.5),
        validation=(references, scores),
    )
    return {"run": HOSTILE, "model": HOSTILE, "data": HOSTILE, **found}


def test_the_tables_say_what_the_document_says_in_80_columns(document, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_evaluation(document, as_json=False)
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 80
    accuracy = next(line for line in lines if line.startswith("accuracy ↑"))
    low, high = document["intervals"]["accuracy"]
    before = document["baselines"]["before"]["metrics"]["accuracy"]
    for figure in (document["metrics"]["accuracy"], before, low, high):
        assert f"{figure:.4f}" in accuracy
    assert f"most confident of {document['mistakes_total']} mistakes" in printed
    worst = document["mistakes"][0]
    assert any(line.startswith(f"{worst['row'] + 1} ") for line in lines)
    assert f"temperature {document['calibration']['temperature']:.2f}" in printed
    assert "more than chance" in printed


def test_the_json_is_the_document(document, capsys):
    print_evaluation(document, as_json=True)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == document


def test_hostile_text_is_printed_harmless(document, capsys):
    for as_json in (False, True):
        print_evaluation(document, as_json)
        assert not set("\x1b\x07\u202e\x9b") & set(capsys.readouterr().out)


def test_one_row_and_fifty_labels_are_printed(capsys):
    labels = [f"label {number}" for number in range(50)]
    scores = np.full((1, 50), 0.02)
    found = evaluation_document(labels, ["label 3"], scores, ["text"], [0])
    print_evaluation({"run": "r", "model": "m", "data": "d", **found}, as_json=False)
    printed = capsys.readouterr().out
    assert "1 row\n" in printed
    assert "and 30 more labels" in printed
