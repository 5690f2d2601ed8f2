import numpy as np
import pytest
from sklearn.metrics import f1_score

from tui_finetune.evaluation.intervals import share_interval
from tui_finetune.evaluation.slices import slices


def _by_column(rows=100, columns=None, texts=None, draw=None):
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 3, rows)
    predicted = np.where(chance.random(rows) < 0.7, truth, chance.integers(0, 3, rows))
    texts = texts or ["word " * (1 + row % 40) for row in range(rows)]
    found = slices(truth, predicted, 3, texts, columns or {})
    return truth, predicted, {part["column"]: part["slices"] for part in found}


def test_texts_are_parted_into_quarters_by_length_with_their_real_bounds():
    truth, predicted, found = _by_column(80)
    parts = found["length in words"]
    assert [part["name"] for part in parts] == ["1 to 10", "11 to 20", "21 to 30", "31 to 40"]
    assert [part["rows"] for part in parts] == [20, 20, 20, 20]
    lengths = np.array([1 + row % 40 for row in range(80)])
    for part, low in zip(parts, (1, 11, 21, 31), strict=True):
        inside = (lengths >= low) & (lengths < low + 10)
        right = (truth == predicted)[inside]
        assert part["accuracy"] == pytest.approx(right.mean())
        assert part["interval"] == pytest.approx(share_interval(right.sum(), 20))
        expected = f1_score(truth[inside], predicted[inside], average="macro", zero_division=0)
        assert part["f1"] == pytest.approx(expected)


def test_texts_of_one_length_are_one_part():
    _, _, found = _by_column(10, texts=["three words here"] * 10)
    assert [(part["name"], part["rows"]) for part in found["length in words"]] == [("3", 10)]


def test_a_column_is_parted_by_its_values_and_what_is_missing():
    source = ["web", "phone", None, "", "web"] * 20
    _, _, found = _by_column(columns={"source": source})
    parts = {part["name"]: part["rows"] for part in found["source"]}
    assert parts == {"phone": 20, "web": 40, "missing": 40}


def test_few_numbers_are_values_and_many_are_quarters():
    stars, price = [1, 2, 3, 4, 10] * 20, [row / 4 for row in range(100)]
    _, _, found = _by_column(columns={"stars": stars, "price": price})
    assert [part["name"] for part in found["stars"]] == ["1", "2", "3", "4", "10"]
    assert [part["rows"] for part in found["price"]] == [25, 25, 25, 25]
    assert found["price"][0]["name"] == "0 to 6"


@pytest.mark.parametrize(
    "values",
    [
        ["the same"] * 100,
        [f"a text of its own, number {row}" for row in range(100)],
        [[row % 2] for row in range(100)],
        [None] * 100,
    ],
)
def test_columns_that_part_nothing_are_left_out(values):
    _, _, found = _by_column(columns={"other": values})
    assert list(found) == ["length in words"]


def test_a_column_whose_every_value_occurs_once_is_left_out():
    _, _, found = _by_column(6, columns={"id": ["a", "b", "c", "d", "e", "f"]})
    assert list(found) == ["length in words"]


def test_numbers_that_are_none_count_as_missing():
    _, _, found = _by_column(columns={"price": [float("nan"), *range(99)]})
    assert [part["rows"] for part in found["price"]][-1] == 1
    assert found["price"][-1]["name"] == "missing"
