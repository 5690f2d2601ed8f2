from collections import Counter

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tui_finetune.data.splits import prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection


def prepared(source, **settings):
    return prepare(DataSection(source=source, **settings))


def sizes(result):
    return {name: len(rows) for name, rows in result.splits.items()}


def test_a_thousand_rows_become_800_100_100(reviews):
    result = prepared(reviews)
    assert sizes(result) == {"train": 800, "validation": 100, "test": 100}
    assert result.labels == ("bad", "good")
    assert (result.columns.text, result.columns.label) == ("text", "label")
    assert (result.rows, result.dropped) == (1000, 0)
    for rows in result.splits.values():
        assert rows.features == datasets.Features(
            {
                "text": datasets.Value("string"),
                "label": datasets.Value("int64"),
                "row": datasets.Value("int64"),
            }
        )
        assert set(Counter(rows["label"]).values()) == {len(rows) // 2}


def test_each_row_is_in_one_split_with_its_text_label_and_number(reviews):
    result = prepared(reviews)
    rows = [row for split in result.splits.values() for row in split]
    assert sorted(row["row"] for row in rows) == list(range(1000))
    for row in rows:
        assert row["text"] == f"review number {row['row']} of a film"
        assert result.labels[row["label"]] == ("good", "bad")[row["row"] % 2]


def test_the_same_seed_gives_the_same_splits(reviews):
    first, again, other = (
        prepared(reviews, seed=seed).splits["test"]["row"][:] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_test_may_be_left_out(reviews):
    assert sizes(prepared(reviews, test=0)) == {"train": 900, "validation": 100}


def test_trec_keeps_its_proportions_with_its_rare_label(shared):
    result = prepared(str(shared / "trec" / "train.csv"))
    assert sizes(result) == {"train": 4362, "validation": 545, "test": 545}
    whole = Counter(label for rows in result.splits.values() for label in rows["label"])
    assert whole[result.labels.index("ABBR")] == 86
    for rows in result.splits.values():
        counts = Counter(rows["label"])
        for label, count in whole.items():
            assert abs(counts[label] - count * len(rows) / 5452) <= 1.5


def test_fifty_labels_some_with_four_rows_are_split(shared):
    result = prepared(str(shared / "trec" / "train.csv"), columns={"label": "fine_label"})
    assert all(len(set(rows["label"])) == 50 for rows in result.splits.values())


def test_files_of_their_own_are_taken_whole(shared):
    result = prepared(
        str(shared / "trec" / "train.csv"), test=str(shared / "trec" / "test.csv"), validation=0.2
    )
    assert sizes(result) == {"train": 5452 - 1090, "validation": 1090, "test": 500}
    assert result.splits["test"]["row"][:] == list(range(500))
    assert result.rows == 5952


def test_both_files_leave_the_source_whole(write, reviews):
    other = write("other.csv", "text,label\nfine,good\nnot so,bad\n")
    result = prepared(reviews, validation=other, test=other)
    assert sizes(result) == {"train": 1000, "validation": 2, "test": 2}
    assert result.splits["test"]["label"][:] == [1, 0]


def test_labels_of_a_file_that_train_does_not_have_are_named(write, reviews):
    other = write("other.csv", "text,label\nfine,good\nhm,mixed\nso,mixed\n")
    with pytest.raises(InputError, match=r"other.csv.*no label mixed \(2 rows.*bad, good"):
        prepared(reviews, test=other)


def test_a_file_without_the_columns_is_refused(write, reviews):
    other = write("other.csv", "text,class\nfine,good\nhm,bad\n")
    with pytest.raises(InputError, match=r"other.csv: there is no column label"):
        prepared(reviews, test=other)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([2, 10, 9], ("2", "9", "10")),
        ([1.0, 0.0, 2.0], ("0", "1", "2")),
        ([True, False, True], ("false", "true")),
        (["b", "a", "B"], ("B", "a", "b")),
    ],
)
def test_labels_of_any_type_are_named_and_sorted(tmp_path, values, labels):
    table = pa.table({"text": [f"t{n}" for n in range(60)], "label": values * 20})
    pq.write_table(table, tmp_path / "a.parquet")
    assert prepared(str(tmp_path / "a.parquet")).labels == labels


def test_a_class_label_column_keeps_its_names(tmp_path):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = {"text": [f"t{n}" for n in range(40)], "label": [0, 1] * 20}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "a.parquet")
    assert prepared(str(tmp_path / "a.parquet")).labels == ("no", "yes")


HOLES = [
    ("text", "label"),
    *((f"text {n}", "xy"[n % 2]) for n in range(20)),
    ("", "x"),
    ("  ", "y"),
    ("some", " "),
    ("", ""),
]


def test_empty_texts_and_labels_are_counted_and_named(write):
    with pytest.raises(
        InputError,
        match=r"of 24 rows there are 3 with an empty text \(rows 21, 22, 24, counted from 1\) "
        r"and 2 with an empty label \(rows 23, 24, .*drop_empty",
    ):
        prepared(write("a.csv", HOLES))


def test_empty_texts_and_labels_are_left_out_when_told_to(write):
    result = prepared(write("a.csv", HOLES), drop_empty=True)
    assert (result.rows, result.dropped) == (24, 4)
    assert result.labels == ("x", "y")
    assert sorted(row for rows in result.splits.values() for row in rows["row"]) == list(range(20))


def test_missing_values_count_as_empty(write):
    path = write("a.jsonl", [{"text": "a", "label": 1}, {"text": None, "label": 1}, {"text": "b"}])
    with pytest.raises(InputError, match=r"1 with an empty text \(row 2,.*empty label \(row 3,"):
        prepared(path)


def test_a_file_of_empty_rows_is_refused_even_when_they_may_be_dropped(write):
    path = write("a.csv", [("text", "label"), ("", "x"), ("", "y")])
    with pytest.raises(InputError, match="every row has an empty text or label"):
        prepared(path, drop_empty=True)


def test_one_label_only_is_refused(write):
    path = write("a.csv", [("text", "label"), *((f"t{n}", "x") for n in range(9))])
    with pytest.raises(InputError, match="every row has the label x; at least two"):
        prepared(path)


def test_a_label_with_too_few_rows_is_named_with_its_count(write):
    rows = [(f"t{n}", "xy"[n % 2]) for n in range(40)]
    path = write("a.csv", [("text", "label"), *rows, ("t", "rare"), ("u", "rare")])
    with pytest.raises(InputError, match=r"rare has 2, and 3 are needed.*train, validation, test"):
        prepared(path)
    assert set(prepared(path, test=0).splits["validation"]["label"]) == {0, 1, 2}


def test_a_split_smaller_than_the_number_of_labels_is_refused(write):
    rows = [(f"t{n}", f"label {n % 8}") for n in range(40)]
    path = write("a.csv", [("text", "label"), *rows])
    with pytest.raises(InputError, match=r"validation gets 4 of 40 rows.*8 labels"):
        prepared(path)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"validation": 0.0}, "data.validation: 0 is no share"),
        ({"validation": 1.0}, "data.validation: 1 is no share"),
        ({"validation": -0.1}, "data.validation: -0.1 is no share"),
        ({"test": -0.1}, "data.test: -0.1 is no share"),
        ({"test": 1.0}, "data.test: 1 is no share"),
        ({"validation": 0.5, "test": 0.5}, "together 1 leaves no rows"),
    ],
)
def test_shares_out_of_range_are_refused(reviews, shares, words):
    with pytest.raises(InputError, match=words):
        prepared(reviews, **shares)
