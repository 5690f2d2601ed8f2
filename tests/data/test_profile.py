import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tui_finetune.data.profile import profile
from tui_finetune.data.quality_labels import imbalance
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
    samples = [f"review number {n} of a film" for n in range(5)]
    assert result["columns"] == [
        {"name": "text", "type": "string", "missing": 0, "distinct": 1000, "samples": samples},
        {
            "name": "label",
            "type": "string",
            "missing": 0,
            "distinct": 2,
            "samples": ["good", "bad"],
        },
    ]
    assert result["columns_by_part"] == {"train": result["columns"]}
    assert result["rows_by_part"] == {"train": 1000}
    half = {"bad": 50, "good": 50}
    assert result["labels_by_split"] == {
        "train": {"bad": 400, "good": 400}, "validation": half, "test": half,
    }  # fmt: skip
    assert result["imbalance"]["words"] == "balanced"
    assert result["decisions"] == []
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


def test_characters_have_a_histogram_of_their_own(write):
    texts = ["x" * n for n in (1, 2, 3, 50, 400)] * 2
    result = profiled(write("a.jsonl", [{"text": t, "label": n % 2} for n, t in enumerate(texts)]))
    histogram = result["lengths"]["characters_histogram"]
    assert histogram[-1][0] == 400
    assert sum(count for _, count in histogram) == 10


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"a": 15, "b": 10}, "balanced"),
        ({"a": 30, "b": 10}, "slightly imbalanced"),
        ({"a": 99, "b": 10}, "imbalanced"),
        ({"a": 101, "b": 10}, "strongly imbalanced"),
    ],
)
def test_an_imbalance_is_named(counts, words):
    found = imbalance(counts)
    assert found["words"] == words
    assert found["ratio"] == counts["a"] / 10
    assert (found["largest"], found["smallest"]) == ("a", "b")


def test_the_parts_have_columns_of_their_own_and_decisions_are_counted(write):
    train = [("text", "label"), *[(f"text {n}", "Xy"[n % 2]) for n in range(40)], ("", "y")]
    test = [("text", "label"), ("own", "x"), ("text 3", "y"), ("other", "y")]
    path = write("a.csv", train)
    merges = {"X": "x"}
    settings = {"drop_empty": True, "drop_duplicates": True, "merge_labels": merges}
    result = profiled(path, test=write("b.csv", test), **settings)
    assert result["rows_by_part"] == {"train": 41, "test": 3}
    assert result["columns_by_part"]["test"][0]["samples"] == ["own", "text 3", "other"]
    assert result["labels"] == {"x": 20, "y": 21}
    assert [(each["key"], each["rows"]) for each in result["decisions"]] == [
        ("data.drop_empty", 1), ("data.drop_duplicates", 1), ("data.merge_labels", 20),
    ]  # fmt: skip
    assert result["splits"]["train"] + result["splits"]["validation"] == 39


def test_a_source_that_cannot_be_opened_raises(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        profile(DataSection(source=str(tmp_path / "a.csv")))


def test_a_column_of_nothing_and_one_of_lists_have_their_figures_too(write):
    path = write("a.parquet", b"")
    columns = {"text": ["a", "b"], "label": ["x", "y"], "none": pa.nulls(2), "lists": [[1], None]}
    pq.write_table(pa.table(columns), path)
    *_, none, lists = profile(DataSection(source=path))["columns"]
    assert (none["missing"], none["distinct"], none["samples"]) == (2, 0, [])
    assert (lists["missing"], lists["distinct"], lists["samples"]) == (1, None, ["[1]"])
