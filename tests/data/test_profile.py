import json
from collections import Counter

import pytest

from tui_finetune.data.profile import profile
from tui_finetune.data.splits import prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection


def profiled(source, **settings):
    result = profile(DataSection(source=source, **settings))
    assert json.loads(json.dumps(result)) == result
    return result


def test_a_sound_file_is_described_whole(reviews):
    result = profiled(reviews)
    assert (result["source"], result["rows"]) == (reviews, 1000)
    assert result["columns"] == [
        {"name": "text", "type": "string", "missing": 0, "distinct": 1000},
        {"name": "label", "type": "string", "missing": 0, "distinct": 2},
    ]
    assert result["detected"]["separator"] == "comma"
    assert (result["text"], result["label"]) == ("text", "label")
    assert result["labels"] == {"good": 500, "bad": 500}
    assert result["lengths"]["words"] == {"min": 6, "median": 6, "p95": 6, "max": 6}
    assert result["lengths"]["characters"]["max"] == len("review number 999 of a film")
    assert result["lengths"]["histogram"] == [[6, 1000]]
    assert result["first_rows"][1] == {"text": "review number 1 of a film", "label": "bad"}
    assert len(result["first_rows"]) == 50
    assert result["splits"] == {"train": 800, "validation": 100, "test": 100}
    assert result["problems"] == []


def test_long_texts_are_cut_and_odd_ones_stay_raw(write):
    rows = [{"text": "x" * 900, "label": 1, "n": None}, {"text": "\x1b[2J", "label": 0, "n": [1]}]
    result = profiled(write("a.jsonl", rows))
    assert len(result["first_rows"][0]["text"]) == 500
    assert result["first_rows"][0]["n"] == ""
    assert result["first_rows"][1]["text"] == "\x1b[2J"


def test_labels_come_most_frequent_first_and_lengths_fit(shared):
    path = shared / "trec" / "train.csv"
    result = profiled(str(path))
    assert next(iter(result["labels"].items())) == ("ENTY", 1250)
    assert list(result["labels"].items())[-1] == ("ABBR", 86)
    histogram = result["lengths"]["histogram"]
    assert sum(count for _, count in histogram) == 5452
    assert histogram[-1][0] == result["lengths"]["words"]["max"]
    assert [edge for edge, _ in histogram] == sorted({edge for edge, _ in histogram})


def test_the_histogram_counts_words_up_to_each_edge(write):
    lengths = [1, 2, 2, 3, 5, 8, 13, 21, 40, 200]
    rows = [{"text": " ".join(["w"] * n), "label": n % 2} for n in lengths]
    histogram = profiled(write("a.jsonl", rows))["lengths"]["histogram"]
    low = 0
    for edge, count in histogram:
        assert count == sum(low < n <= edge for n in lengths)
        low = edge


@pytest.mark.parametrize(
    ("rows", "settings", "title"),
    [
        ([("a", "x"), ("", "y"), *[("b", "x"), ("c", "y")] * 9], {}, "Empty cells"),
        ([("a", "x"), ("b", "x")], {}, "One label only"),
        ([("a", "x"), ("b", "x"), ("c", "x"), ("d", "y")], {}, "Too few rows of a label"),
        ([("a", "x"), ("b", "y")], {"columns": {"label": "class"}}, "This cannot be used"),
        ([("a", "x"), ("b", "y")], {"validation": 2.0}, "This cannot be used"),
        ([("a", "x"), ("b", "y")], {"test": "no such.csv"}, "This cannot be used"),
    ],
)
def test_what_prepare_refuses_is_an_error_with_the_same_message(write, rows, settings, title):
    path = write("a.csv", [("text", "label"), *rows])
    with pytest.raises(InputError) as refusal:
        prepare(DataSection(source=path, **settings))
    result = profiled(path, **settings)
    first = result["problems"][0]
    assert (first["title"], first["message"]) == (title, str(refusal.value))
    assert first["severity"] == "error"
    assert result["splits"] is None
    assert result["rows"] == len(rows)


def test_errors_behind_empty_cells_are_shown_too(write):
    path = write("a.csv", [("text", "label"), ("a", "x"), ("", "y"), ("b", "x"), ("c", "x")])
    titles = [problem["title"] for problem in profiled(path)["problems"]]
    assert titles == ["Empty cells", "One label only"]


def test_repeats_and_contradictions_are_warnings(write):
    rows = [(f"text {n}", "xy"[n % 2]) for n in range(40)]
    rows += [("text 0", "x"), ("text 0", "x"), ("text 1", "x")]
    result = profiled(write("a.csv", [("text", "label"), *rows]))
    found = {problem["title"]: problem for problem in result["problems"]}
    texts = Counter(text for text, _ in rows)
    assert found["Repeated texts"]["count"] == sum(n - 1 for n in texts.values()) == 3
    assert found["Same text, different labels"]["count"] == 1
    assert {problem["severity"] for problem in result["problems"]} == {"warning"}
    assert result["splits"] is not None


def test_a_source_that_cannot_be_opened_raises(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        profile(DataSection(source=str(tmp_path / "a.csv")))
