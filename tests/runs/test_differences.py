import pytest

from tui_finetune.runs.differences import (
    comparable,
    differing_words,
    short_key,
    short_value,
    sort_settings,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5e-5, "5e-5"), (0.0005, "5e-4"), (1.25e-7, "1.25e-7"), (0.01, "0.01"), (3.0, "3"),
        (16, "16"), (True, "true"), (None, "null"), (float("inf"), "inf"), ("a\x1bb", "a\ufffdb"),
        ([1, 2], "[1, 2]"),
    ],
)  # fmt: skip
def test_values_stand_as_a_recipe_has_them(value, words):
    assert short_value(value) == words


def test_equal_numbers_are_equal_whatever_their_type_but_truth_is_no_number():
    assert comparable(1) == comparable(1.0)
    assert comparable(1) != comparable(True)
    assert comparable("1") != comparable(1)


def test_settings_are_sorted_into_those_that_differ_are_unsaid_and_are_the_same():
    one = {"train.seed": 1, "train.learning_rate": 1e-4, "train.bf16": True, "name": "x"}
    two = {"train.seed": 2, "train.learning_rate": 1e-4, "name": "x", "train.output_dir": "/o"}
    assert sort_settings([one, two]) == (
        ["train.seed"],
        ["train.bf16"],
        ["train.learning_rate", "name"],
    )


def test_a_run_is_told_apart_by_what_most_others_do_not_have():
    settings = [
        {"train.learning_rate": 5e-5, "tokens.padding": "dynamic"},
        {"train.learning_rate": 5e-4, "tokens.padding": "dynamic"},
        {"train.learning_rate": 5e-5, "tokens.padding": "max_length"},
    ]
    words = differing_words(settings, ["train.learning_rate", "tokens.padding"])
    assert words == ["lr 5e-5", "lr 5e-4", "padding max_length"]


def test_seeds_are_named_only_where_nothing_else_differs():
    seeds = [{"train.seed": n, "model.source": "/m/a"} for n in (1, 2)]
    assert differing_words(seeds, ["train.seed"]) == ["seed 1", "seed 2"]
    seeds[1]["model.source"] = "org/b"
    assert differing_words(seeds, ["train.seed", "model.source"]) == ["model a", "model b"]


def test_a_setting_without_a_short_name_is_called_by_its_last_part():
    assert short_key("train.adam_beta1") == "adam_beta1"
