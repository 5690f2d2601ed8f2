import numpy as np

from tui_finetune.evaluation.metrics import confusion_counts
from tui_finetune.evaluation.mistakes import confused_labels, mistakes

LABELS = ["good", "bad", "mixed"]


def test_confused_labels_are_the_wrong_cells_the_most_frequent_first():
    counts = np.array([[8, 1, 1], [4, 6, 0], [0, 0, 0]])
    assert confused_labels(counts, LABELS) == [
        {"true": "bad", "predicted": "good", "count": 4, "share": 0.4},
        {"true": "good", "predicted": "bad", "count": 1, "share": 0.1},
        {"true": "good", "predicted": "mixed", "count": 1, "share": 0.1},
    ]


def test_mistakes_are_the_wrong_rows_the_most_confident_first():
    scores = np.array([[0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.8, 0.1, 0.1]])
    texts = ["one", "two", "three", "four"]
    found = mistakes(np.array([0, 1, 0, 1]), scores, LABELS, texts, [10, 11, 12, 13])
    assert [(wrong["row"], wrong["text"]) for wrong in found] == [
        (13, "four"),
        (12, "three"),
        (11, "two"),
    ]
    assert found[0] == {"row": 13, "text": "four", "true": "bad", "label": "good", "score": 0.8}


def test_at_most_so_many_mistakes_are_listed_and_they_are_the_most_confident(draw):
    truth, scores, _ = draw(np.random.default_rng(0), 500)
    every = mistakes(truth, scores, LABELS, [""] * 500, range(500))
    counts = confusion_counts(truth, scores.argmax(axis=1), 3)
    assert len(every) == counts.sum() - np.trace(counts)
    assert mistakes(truth, scores, LABELS, [""] * 500, range(500), most=7) == every[:7]
    assert every == sorted(every, key=lambda wrong: -wrong["score"])
