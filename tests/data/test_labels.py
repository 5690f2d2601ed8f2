import datasets
import pyarrow as pa
import pytest

from tui_finetune.data.labels import in_order, indices, label_names
from tui_finetune.errors import InputError


def names(values, feature):
    dataset = datasets.Dataset.from_dict(
        {"label": values}, features=datasets.Features({"label": feature})
    )
    return label_names(dataset, "label", "here.csv").to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["pos", " neg ", "", "  ", None], "string", ["pos", "neg", None, None, None]),
        ([10, -2, None], "int8", ["10", "-2", None]),
        ([True, False, None], "bool", ["true", "false", None]),
        ([1.0, 2.0, float("nan"), None], "float32", ["1", "2", None, None]),
    ],
)
def test_names_are_the_text_of_the_values(values, kind, expected):
    assert names(values, datasets.Value(kind)) == expected


def test_a_class_label_brings_its_names():
    assert names([1, 0, -1], datasets.ClassLabel(names=["bad", "good"])) == ["good", "bad", None]


@pytest.mark.parametrize("value", [0.5, float("inf"), 1e300])
def test_other_numbers_are_refused_with_their_row(value):
    with pytest.raises(InputError, match=r"label column label holds .* in row 2"):
        names([1.0, value], datasets.Value("float64"))


def test_labels_are_sorted_as_texts_or_as_numbers():
    assert in_order(["b", "a", "b", "C"]) == ("C", "a", "b")
    assert in_order(["10", "9", "-1"]) == ("-1", "9", "10")
    assert in_order(["10", "9", "x"]) == ("10", "9", "x")


def test_indices_follow_the_labels():
    assert indices(pa.array(["b", None, "a", "?"]), ("a", "b")).tolist() == [1, -1, 0, -1]
