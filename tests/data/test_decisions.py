"""What a recipe decides about rows: it is done, counted, and repeated exactly."""

import pytest

from tui_finetune.data.splits import labelled_rows, prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection, dump_recipe, parse_recipe

HEAD = ("text", "label")


def texts_of(prepared, *splits):
    return [text for name in splits for text in prepared.splits[name]["text"][:]]


def test_repeats_of_text_and_label_are_left_out_once(write):
    rows = [(f"text {n % 30}", "ab"[n % 30 % 2]) for n in range(90)]
    torn = [("text 0", "b")]
    path = write("a.csv", [HEAD, *rows, *torn])
    prepared = prepare(DataSection(source=path, drop_duplicates=True))
    everywhere = texts_of(prepared, "train", "validation", "test")
    assert len(everywhere) == 31
    assert sorted(set(everywhere)) == sorted({text for text, _ in rows})
    rows_kept = [row for split in prepared.splits.values() for row in split["row"][:]]
    assert sorted(rows_kept) == [*range(30), 90]  # the first of each stays
    assert prepared.dropped == prepared.decisions[0].rows == 60


def test_rows_to_judge_by_are_kept_from_the_rows_to_train_on(write):
    train = write("a.csv", [HEAD, *[(f"text {n}", "ab"[n % 2]) for n in range(40)]])
    test = write("t.csv", [HEAD, ("text 1", "b"), ("text 2", "a"), ("own", "a"), ("own", "a")])
    validation = write("v.csv", [HEAD, ("text 1", "b"), ("text 5", "b"), ("mine", "a")])
    prepared = prepare(
        DataSection(source=train, test=test, validation=validation, drop_duplicates=True)
    )
    assert texts_of(prepared, "test") == ["text 1", "text 2", "own"]
    assert texts_of(prepared, "validation") == ["text 5", "mine"]
    assert not {"text 1", "text 2", "text 5"} & set(texts_of(prepared, "train"))
    (decision,) = prepared.decisions
    assert decision.rows == 5
    assert "1 row with the text and label" in decision.message
    assert "4 whose text stands" in decision.message


def test_pairs_repeat_only_if_both_texts_do(write):
    rows = [{"a": f"q {n % 20}", "b": f"answer {n % 40}", "label": n % 2} for n in range(80)]
    columns = {"text": "a", "text_pair": "b", "label": "label"}
    data = DataSection(source=write("a.jsonl", rows), columns=columns, drop_duplicates=True)
    assert prepare(data).dropped == 40


def test_nothing_is_left_if_all_rows_stand_elsewhere(write):
    path = write("a.csv", [HEAD, ("one", "a"), ("two", "b")])
    data = DataSection(source=path, validation=path, test=0, drop_duplicates=True)
    with pytest.raises(InputError, match="all rows of train stand in another split"):
        prepare(data)


def test_labels_are_merged_in_every_part_and_counted(write):
    rows = [(f"text {n}", ("good", "Good", "bad")[n % 3]) for n in range(60)]
    test = write("t.csv", [HEAD, ("x", "Good"), ("y", "bad")])
    data = DataSection(
        source=write("a.csv", [HEAD, *rows]), test=test, merge_labels={"Good ": "good"}
    )
    prepared = prepare(data)
    assert prepared.labels == ("bad", "good")
    assert prepared.references("test") == ["good", "bad"]
    assert prepared.decisions[0].value == {"Good": "good"}
    assert prepared.decisions[0].rows == 21
    whole = labelled_rows(data.model_copy(update={"source": test}), "single_label_classification")
    assert whole.labels == ["good", "bad"]


def test_labels_of_several_a_row_are_merged_into_one(write):
    rows = [(f"text {n}", ("a;A;b", "A", "b", "c")[n % 4]) for n in range(40)]
    path = write("a.csv", [HEAD, *rows])
    prepared = prepare(DataSection(source=path, label_separator=";", merge_labels={"A": "a"}))
    assert prepared.labels == ("a", "b", "c")
    both = [tuple(names) == ("a", "b") for names in prepared.references("train")]
    assert any(both)
    assert prepared.decisions[0].rows == 20


@pytest.mark.parametrize(
    ("merges", "reason"),
    [
        ({"gone": "a"}, "no row has the label gone"),
        ({"a": "b", "b": "c"}, "merged and merged into"),
        ({"a": ""}, "data.merge_labels"),
        ({"a": None}, "data.merge_labels"),
    ],
)
def test_what_cannot_be_merged_is_refused(write, merges, reason):
    path = write("a.csv", [HEAD, *[(f"text {n}", "abc"[n % 3]) for n in range(30)]])
    content = {"data": {"source": path, "merge_labels": merges}}
    with pytest.raises(InputError, match=reason):
        prepare(parse_recipe(content, "recipe").data)


def test_numbers_have_no_names_to_merge(write):
    path = write("a.csv", [HEAD, *[(f"text {n}", n + 0.5) for n in range(30)]])
    with pytest.raises(InputError, match="which have no names"):
        prepare(DataSection(source=path, merge_labels={"1.5": "2.5"}))


def test_decisions_are_part_of_the_recipe():
    content = {"data": {"source": "a.csv", "drop_duplicates": True, "merge_labels": {1: 0}}}
    recipe = parse_recipe(content, "recipe")
    assert recipe.data.merge_labels == {"1": "0"}
    assert "merge_labels:\n    '1': '0'" in dump_recipe(recipe)
