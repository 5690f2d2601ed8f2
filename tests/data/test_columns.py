import datasets
import pytest

from tui_finetune.data.columns import choose_columns
from tui_finetune.data.source import open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns


def chosen(table, text=None, label=None):
    columns = choose_columns(
        datasets.Dataset.from_dict(table), Columns(text=text, label=label), "here.csv"
    )
    return columns.text, columns.label


def test_usual_names_win():
    table = {
        "id": ["1", "2"],
        "Sentence": ["a", "b"],
        "longer": ["a long note", "another"],
        "LABEL": [1, 0],
    }
    assert chosen(table) == ("Sentence", "LABEL")


def test_without_usual_names_the_longest_is_text_and_the_fewest_values_label():
    table = {"n": [1, 2, 3], "kind": ["x", "y", "x"], "phrase": ["one film", "two films", "three"]}
    assert chosen(table) == ("phrase", "kind")


def test_one_named_column_leaves_the_other_to_be_guessed():
    table = {"text": ["a", "b"], "label": ["x", "y"], "other": ["p", "p"]}
    assert chosen(table, text="label") == ("label", "text")
    assert chosen(table, label="text")[1] == "text"
    assert chosen(table, text="other", label="text") == ("other", "text")


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["idx", "sentence2", "Sentence1", "label"], ("Sentence1", "sentence2")),
        (["premise", "hypothesis", "label"], ("premise", "hypothesis")),
        (["sentence", "question", "label"], ("question", "sentence")),
        (["question", "title", "label"], ("question", None)),
        (["text", "sentence1", "sentence2", "label"], ("text", None)),
    ],
)
def test_the_usual_names_of_a_pair_are_both_texts(names, pair):
    dataset = datasets.Dataset.from_dict({name: ["a", "b"] for name in names})
    found = choose_columns(dataset, Columns())
    assert (found.text, found.text_pair, found.label) == (*pair, "label")


def test_who_names_one_text_has_one():
    dataset = datasets.Dataset.from_dict(
        {name: ["a", "b"] for name in ("sentence1", "sentence2", "label")}
    )
    assert choose_columns(dataset, Columns(text="sentence2")).text_pair is None
    assert choose_columns(dataset, Columns(text_pair="sentence2")).text == "sentence1"
    found = choose_columns(dataset, Columns(label="sentence2"))
    assert (found.text, found.text_pair) == ("sentence1", None)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (
            {"text": "body"},
            "here.csv: there is no column body for the text.*text, label, tags, nested, n",
        ),
        ({"label": "class"}, "no column class for the label.*text, label, tags, nested, n"),
        ({"text": "text", "label": "text"}, "text and label are both the column text"),
        ({"text": "tags"}, "tags holds list<.*> and cannot be the text"),
        ({"label": "nested"}, "nested holds list<.*> and cannot be the label"),
        ({"text": "n"}, "n holds int64 and cannot be the text"),
    ],
)
def test_wrong_names_are_refused_with_the_columns_there_are(named, words):
    table = {"text": ["a"], "label": ["x"], "tags": [["p"]], "nested": [[["p"]]], "n": [1]}
    with pytest.raises(InputError, match=words):
        chosen(table, **named)


def test_a_table_without_text_or_label_is_refused():
    with pytest.raises(InputError, match=r"no column looks like the text.*name one of n, label"):
        chosen({"n": [1, 2], "label": [0, 1]})
    with pytest.raises(InputError, match=r"no column looks like the label.*name one of text"):
        chosen({"text": ["a", "b"]})


def test_no_other_column_takes_the_place_of_one_called_text_or_label():
    table = {"text": ["a", "b"], "label": [None, None], "stars": [1, 2]}
    with pytest.raises(InputError, match="label holds null and cannot be the label"):
        chosen(table)
    assert chosen(table, label="stars") == ("text", "stars")
    with pytest.raises(InputError, match="text holds int64 and cannot be the text"):
        chosen({"text": [1, 2], "title": ["a", "b"], "label": ["x", "y"]})


def test_column_names_in_errors_are_safe_for_a_terminal():
    with pytest.raises(InputError) as error:
        chosen({"\x1b[2J": ["a"], "label": ["x"]}, text="b")
    assert "\x1b" not in str(error.value)


def test_uci_columns_are_told_by_their_contents(shared):
    dataset = open_source(str(shared / "uci_sentences" / "imdb_labelled.txt")).dataset
    assert choose_columns(dataset, Columns()) == Columns(text="column_1", label="column_2")
