"""What rows are labelled with, and how rows of each kind are split."""

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tui_finetune.data.profile import profile
from tui_finetune.data.splits import prepare
from tui_finetune.data.stratify import first_of_each, shuffle
from tui_finetune.data.targets import problem_type_of, targets_of
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection


def column(values, feature=None):
    features = feature and datasets.Features({"label": feature})
    return datasets.Dataset.from_dict({"label": values}, features=features)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["good", "bad"], "single_label_classification"),
        ([1, 2, 5], "single_label_classification"),
        ([1.0, 2.0, None, float("nan")], "single_label_classification"),
        ([True, False], "single_label_classification"),
        ([1.0, 2.5], "regression"),
        (["1", "2", ""], "single_label_classification"),
        (["1.0", "2.5", "", None], "regression"),
        (["1.5", "good"], "single_label_classification"),
        ([["a"], []], "multi_label_classification"),
        ([[0, 1], [2]], "multi_label_classification"),
    ],
)
def test_the_kind_of_labels_is_found_from_the_values(values, expected):
    assert problem_type_of(column(values), "label", None) == expected


def test_a_separator_means_several_labels():
    assert problem_type_of(column(["a;b"]), "label", ";") == "multi_label_classification"


def targets(values, kind, separator=None, feature=None):
    dataset = column(values, feature)
    return targets_of(dataset, "label", kind, separator, "here.csv").to_pylist()


def test_several_labels_come_from_lists_or_between_separators():
    kind = "multi_label_classification"
    assert targets([["b", "a", "b"], [], None], kind) == [["a", "b"], [], None]
    assert targets([[2, 10], [2]], kind) == [["10", "2"], ["2"]]
    named = datasets.List(datasets.ClassLabel(names=["no", "yes"]))
    assert targets([[1, 0], [1]], kind, feature=named) == [["no", "yes"], ["yes"]]
    cells = ["b; a;b", " a ", ";", "", None]
    assert targets(cells, kind, ";") == [["a", "b"], ["a"], None, None, None]


def test_several_labels_without_list_or_separator_ask_for_one():
    with pytest.raises(InputError, match=r"here.csv: .*data.label_separator"):
        targets(["a;b"], "multi_label_classification")
    with pytest.raises(InputError, match=r"here.csv: .*problem_type to multi_label"):
        targets([["a"]], "single_label_classification")


def test_numbers_come_from_numbers_and_from_text():
    assert targets([1, None, 3], "regression") == [1.0, None, 3.0]
    assert targets([" 1.5 ", "-2e1", "", None], "regression") == [1.5, -20.0, None, None]
    assert targets([0.5, float("nan")], "regression") == [0.5, None]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1.5", "many"], "'many' in row 2, which is no number"),
        ([1.5, float("inf")], "an infinite number in row 2"),
        ([["a"]], "holds no numbers"),
    ],
)
def test_what_is_no_number_is_refused_with_its_row(values, words):
    with pytest.raises(InputError, match=words):
        targets(values, "regression")


def sets(count, rare=()):
    rows = [{"text": f"text {n}", "labels": [f"l{n % 3}", f"m{n % 2}"]} for n in range(count)]
    for number, label in enumerate(rare):
        rows[number * 7]["labels"] = [*rows[number * 7]["labels"], label]
    return rows


def test_every_label_of_several_has_a_row_in_train(write):
    path = write("a.jsonl", sets(100, rare=["once", "twice", "twice"]))
    for seed in range(8):
        result = prepare(DataSection(source=path, validation=0.4, test=0.3, seed=seed))
        train = {name for names in result.references("train") for name in names}
        assert train == set(result.labels) == {"l0", "l1", "l2", "m0", "m1", "once", "twice"}
        sizes = [len(rows) for rows in result.splits.values()]
        assert sizes == [30, 40, 30]
        rows = [row for split in result.splits.values() for row in split["row"]]
        assert sorted(rows) == list(range(100))
    assert result.cut == "shuffled; every label has a row in train"


def test_rows_keep_their_labels_and_may_have_none(write):
    rows = [{"text": f"t{n}", "labels": [["a"], [], ["a", "b"]][n % 3]} for n in range(60)]
    result = prepare(DataSection(source=write("a.jsonl", rows)))
    for name, split in result.splits.items():
        for row, names in zip(split, result.references(name), strict=True):
            assert row["text"] == f"t{row['row']}"
            assert names == rows[row["row"]]["labels"]


def test_numbers_are_shuffled_and_kept_as_they_are(write):
    rows = [{"text": f"t{n}", "stars": n / 8} for n in range(80)]
    result = prepare(DataSection(source=write("a.jsonl", rows)))
    assert (result.problem_type, result.labels) == ("regression", ("stars",))
    assert result.cut == "shuffled"
    for split in result.splits.values():
        assert split["label"][:] == [row / 8 for row in split["row"]]
    assert np.mean(result.references("test")) == pytest.approx(5, abs=3)  # not the last rows


def test_a_number_in_a_csv_is_proposed_and_can_be_refused(write):
    rows = [("text", "grade"), *((f"t{n}", ("1.5", "2.5")[n % 2]) for n in range(40))]
    path = write("a.csv", rows)
    found = profile(DataSection(source=path))
    assert found["problem_type"] == "regression"
    assert [problem["title"] for problem in found["problems"]] == ["A number is predicted"]
    assert found["numbers"]["mean"] == 2.0
    assert found["labels"] == {}
    names = prepare(DataSection(source=path), problem_type="single_label_classification")
    assert names.labels == ("1.5", "2.5")
    chosen = profile(DataSection(source=path), problem_type="single_label_classification")
    assert chosen["labels"] == {"1.5": 20, "2.5": 20}
    assert chosen["problems"] == []


def test_whole_numbers_are_predicted_as_numbers_only_when_told_to(write):
    rows = [("text", "stars"), *((f"t{n}", n % 5 + 1) for n in range(100))]
    path = write("a.csv", rows)
    assert prepare(DataSection(source=path)).problem_type == "single_label_classification"
    told = prepare(DataSection(source=path), problem_type="regression")
    assert set(told.references("train")) == {1.0, 2.0, 3.0, 4.0, 5.0}


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([{"text": "a", "y": 1.5}] * 9, {}, "every row has the number 1.5"),
        ([{"text": "a", "labels": ["x"]}] * 9, {}, "every row has the label x"),
        ([{"text": f"a{n}", "y": n / 3} for n in range(4)], {}, "validation gets 0 of 4 rows"),
        (
            [{"text": f"a{n}", "labels": [f"l{n}"]} for n in range(10)],
            {"validation": 0.3},
            "train gets 6 of 10 rows, and 10 are needed",
        ),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused(write, rows, settings, words):
    with pytest.raises(InputError, match=words):
        prepare(DataSection(source=write("a.jsonl", rows), **settings))


def test_labels_of_a_file_that_train_does_not_have_are_named(write):
    path = write("a.jsonl", sets(40))
    other = write("b.jsonl", [{"text": "a", "labels": ["l0", "new"]}])
    with pytest.raises(InputError, match=r"b.jsonl: .*no label new \(1 rows"):
        prepare(DataSection(source=path, test=other))


def pair_rows(count):
    return [(f"question {n}", f"answer {n}", ("no", "yes")[n % 2]) for n in range(count)]


def test_pairs_come_with_both_texts(write):
    path = write("a.csv", [("text", "reply", "label"), *pair_rows(60)])
    data = DataSection(source=path, columns={"text_pair": "text", "text": "reply"})
    result = prepare(data)
    assert result.columns.text_pair == "text"
    for split in result.splits.values():
        assert split["text_pair"][:] == [f"question {row}" for row in split["row"]]
        assert split["text"][:] == [f"answer {row}" for row in split["row"]]
    settled = result.settled(data)
    assert (settled.columns.text, settled.columns.text_pair) == ("reply", "text")


def test_an_empty_second_text_is_counted(write):
    path = write("a.csv", [("q", "a", "label"), *pair_rows(20), ("why", "", "yes")])
    columns = {"text": "q", "text_pair": "a"}
    with pytest.raises(InputError, match=r"1 with an empty second text \(row 21"):
        prepare(DataSection(source=path, columns=columns))
    assert prepare(DataSection(source=path, columns=columns, drop_empty=True)).dropped == 1


def test_one_column_cannot_be_both_texts(write):
    path = write("a.csv", [("q", "a", "label"), *pair_rows(20)])
    with pytest.raises(InputError, match="text and second text are both the column q"):
        prepare(DataSection(source=path, columns={"text": "q", "text_pair": "q"}))


def test_repeated_pairs_are_repeated_in_both_texts(write):
    rows = [("q", "a", "label"), *((f"q{n % 5}", f"a{n}", "xy"[n % 2]) for n in range(40))]
    columns = {"text": "q", "text_pair": "a", "label": "label"}
    assert profile(DataSection(source=write("a.csv", rows), columns=columns))["problems"] == []


def test_lists_in_parquet_are_several_labels(tmp_path):
    table = pa.table({"text": [f"t{n}" for n in range(40)], "tags": [["a"], ["a", "b"]] * 20})
    pq.write_table(table, tmp_path / "a.parquet")
    found = profile(DataSection(source=str(tmp_path / "a.parquet"), columns={"label": "tags"}))
    assert found["problem_type"] == "multi_label_classification"
    assert found["labels"] == {"a": 40, "b": 20}


def test_a_shuffle_is_seeded_and_takes_each_row_once():
    first, again, other = (shuffle(50, [10, 5], seed) for seed in (1, 1, 2))
    assert [len(split) for split in first] == [35, 10, 5]
    assert sorted(np.concatenate(first)) == list(range(50))
    assert first[1].tolist() == again[1].tolist() != other[1].tolist()
    kept = shuffle(50, [10, 5], 1, first=first[1])
    assert set(first[1].tolist()) <= set(kept[0].tolist())


def test_a_row_of_each_label_is_found():
    label_lists = [[0], [0, 1], [], [2], [1, 2]]
    for seed in range(10):
        rows = first_of_each(label_lists, seed)
        assert {label for row in rows for label in label_lists[row]} == {0, 1, 2}
        assert len(rows) <= 3
