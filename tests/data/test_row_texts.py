import pytest

from tui_finetune.data.row_texts import rows_at, texts_at, train_texts
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection


@pytest.fixture
def data(write):
    rows = [{"q": f"question {n} " + "x" * 900, "a": None, "label": n % 2} for n in range(20)]
    columns = {"text": "q", "text_pair": "a", "label": "label"}
    rows[3]["a"] = "an answer"
    test = write("t.jsonl", [{"q": "own", "a": "mine", "label": 1}])
    return DataSection(source=write("a.jsonl", rows), columns=columns, test=test)


def test_rows_come_whole_and_in_the_order_asked_for(data):
    found = rows_at(data, "train", [3, 0])
    assert found["columns"] == ["q", "a", "label"]
    assert found["rows"] == [
        [3, ["question 3 " + "x" * 900, "an answer", 1]],
        [0, ["question 0 " + "x" * 900, None, 0]],
    ]
    assert rows_at(data, "test", [0])["rows"] == [[0, ["own", "mine", 1]]]
    assert rows_at(data, "train", [])["rows"] == []


@pytest.mark.parametrize(
    ("part", "row", "reason"),
    [("train", 20, "train has 20 rows"), ("validation", 0, "no rows of its own for validation")],
)
def test_a_row_that_is_not_there_is_refused(data, part, row, reason):
    with pytest.raises(InputError, match=reason):
        rows_at(data, part, [row])
    with pytest.raises(InputError, match=reason):
        texts_at(data, [(part, row)])


def test_texts_of_rows_and_of_train(data):
    found = texts_at(data, [("train", 3), ("train", 4), ("test", 0)])
    assert [pair for _, pair in found] == ["an answer", "", "mine"]
    assert train_texts(data)["text_pair"][:] == ["an answer"]  # others lack the second text
