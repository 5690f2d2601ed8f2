import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tui_finetune.recipe import Recipe, dump_recipe, parse_recipe
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.fast_yaml import load_yaml
from tui_finetune.runs.settings import flatten, read_settings

RECIPE = parse_recipe(
    {
        "name": "a name is no setting",
        "data": {"source": "reviews.csv", "columns": {"text": "yes"}},
        "train": {"learning_rate": 5e-5, "bf16": True, "report_to": ["wandb", "mlflow"]},
    },
    "test",
)


def test_settings_of_an_own_run_are_its_recipe_with_dotted_keys(tmp_path):
    found = read_settings(create_run(tmp_path, RECIPE))
    assert found["train.learning_rate"] == 5e-5
    assert found["train.bf16"] is True
    assert found["train.report_to"] == ["wandb", "mlflow"]
    assert found["data.columns.text"] == "yes"  # true in YAML 1.1
    assert found["model.revision"] is None
    assert found["early_stopping.metric"] == "eval_loss"
    assert "name" not in found


def test_a_run_without_a_recipe_has_its_training_arguments(tmp_path):
    run = RunDirectory(tmp_path)
    run.arguments.write_text(json.dumps({"learning_rate": 2e-5, "fsdp_config": {"min": 0}}))
    assert read_settings(run) == {"train.learning_rate": 2e-5, "train.fsdp_config.min": 0}


@pytest.mark.parametrize("content", ["", "[", "a: b: c", "- 1", "just text", "\x00", "{" * 5000])
def test_a_damaged_file_has_no_settings(tmp_path, content):
    run = RunDirectory(tmp_path)
    assert read_settings(run) == {}
    run.recipe.write_text(content)
    assert read_settings(run) == {}


def test_numbers_are_numbers_by_yaml_1_2_and_words_are_words():
    content = b"""
    float: [5e-5, 5.0e-5, 1E6, .5, 1., -3.25e+2]
    int: [7, -7, +7, 010]
    text: [yes, no, on, off, 1:30, '5', "5e-5", 1e, e5, 2026-01-01]
    null: [~, null, ]
    bool: [true, False]
    """
    values = load_yaml(content)
    assert values["float"] == [5e-5, 5e-5, 1e6, 0.5, 1.0, -325.0]
    assert all(isinstance(value, float) for value in values["float"])
    assert values["int"] == [7, -7, 7, 10]
    assert all(isinstance(value, str) for value in values["text"])
    assert values["bool"] == [True, False]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
NUMBERS = st.floats(min_value=1e-12, max_value=1e12, allow_nan=False)


@settings(max_examples=40)
@given(TEXTS, st.one_of(TEXTS, NUMBERS, st.booleans(), st.none(), st.integers()), NUMBERS)
def test_whatever_a_recipe_holds_is_read_as_the_recipe_reader_reads_it(text, value, number):
    content = {"data": {"source": text}, "train": {"learning_rate": number, "extra": value}}
    recipe = Recipe.model_validate(content)
    written = dump_recipe(recipe)
    assert load_yaml(written.encode()) == YAML(typ="safe", pure=True).load(written)
    assert flatten(load_yaml(written.encode()))["train.extra"] == value
