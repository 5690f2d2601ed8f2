"""Every field of `TrainingArguments` can be set, and what cannot says why."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from tui_finetune.errors import InputError
from tui_finetune.presets import presets
from tui_finetune.recipe import Recipe, dump_recipe, load_recipe, parse_recipe, set_value
from tui_finetune.runs.history import read_history
from tui_finetune.training.arguments import RESERVED, own_defaults, refusals, training_arguments
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.tune_fields import as_yaml

from ..field_values import FIELDS, SETTABLE, WANTING, WITH, other_value, plain, recipe

DEFAULT = training_arguments(recipe(), Path("unused"), 800)


def from_yaml(train: dict[str, Any], folder: Path) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(dump_recipe(recipe(**train)))
    return load_recipe(path)


def from_set(train: dict[str, Any], folder: Path) -> Recipe:
    content: dict[str, Any] = {"data": {"source": "films.csv"}}
    for name, value in train.items():
        set_value(content, f"train.{name}={as_yaml(value)}")
    return parse_recipe(content, "test")


@pytest.mark.parametrize("written", [from_yaml, from_set])
@pytest.mark.parametrize("name", [name for name in SETTABLE if name not in WANTING])
def test_each_field_reaches_the_arguments(name, written, tmp_path):
    value = other_value(name)
    assert plain(getattr(DEFAULT, name)) != value or name == "do_eval"
    arguments = training_arguments(
        written({**WITH.get(name, {}), name: value}, tmp_path), tmp_path, 800
    )
    reached = plain(getattr(arguments, name))
    if name in ("accelerator_config", "parallelism_config"):
        assert {key: getattr(reached, key) for key in value} == value
    elif name == "fsdp_config":
        assert value.items() <= reached.items()
    elif name in ("report_to", "debug"):
        assert reached == [value]
    else:
        assert reached == value


def test_the_fields_are_those_of_the_installed_class():
    assert list(FIELDS) == list(TrainingArguments.__dataclass_fields__)
    assert FIELDS["learning_rate"]["type"] == "float"
    assert FIELDS["learning_rate"]["default"] == 5e-5
    assert FIELDS["tf32"]["type"] == "bool or null"
    assert "cosine" in FIELDS["lr_scheduler_type"]["choices"]
    assert FIELDS["train_sampling_strategy"]["choices"][0] == "random"
    assert all(field["help"] for field in FIELDS.values())
    assert "%%" not in str(FIELDS)


@pytest.mark.parametrize("name", WANTING)
def test_what_wants_more_than_is_here_says_what(name):
    value, words = WANTING[name]
    with pytest.raises(InputError, match=rf"^train\.{name}: .*{words}"):
        training_arguments(recipe(**{name: value}), Path("unused"), 800)


@pytest.mark.parametrize("name", RESERVED)
def test_what_the_program_decides_is_refused_with_the_reason(name):
    assert FIELDS[name]["reserved"] == RESERVED[name]
    with pytest.raises(InputError) as error:
        training_arguments(recipe(**{name: "x"}), Path("unused"), 800)
    said = str(error.value).removeprefix("test: ")
    assert said == f"train.{name}: this cannot be set ({RESERVED[name]})"


@pytest.mark.parametrize("name", [name for name in FIELDS if name.endswith("_token")])
def test_a_secret_gets_into_no_recipe_and_is_not_shown(name, tmp_path):
    """By such names the class itself knows what it must not write down."""
    path = tmp_path / "films.yaml"
    path.write_text(f"data: {{source: films.csv}}\ntrain: {{{name}: hf_abc}}\n")
    for written in (lambda: load_recipe(path), lambda: from_set({name: "hf_abc"}, tmp_path)):
        with pytest.raises(InputError, match=rf"train\.{name}: this cannot be set \(") as error:
            written()
        assert "hf_abc" not in str(error.value)


@pytest.mark.parametrize(
    ("train", "refused"),
    [
        ({"optim": "adamm"}, {"optim": "did you mean "}),
        ({"train_sampling_strategy": "x"}, {"train_sampling_strategy": "there are random, seq"}),
        ({"log_level": "loud"}, {"log_level": "there are detail, debug"}),
        ({"eval_strategy": "no"}, {"eval_strategy": "write epoch or steps"}),
        ({"max_stepss": 3}, {"max_stepss": "did you mean max_steps?"}),
        (
            {"max_steps": "a", "logging_steps": 0},
            {"max_steps": "integer", "logging_steps": "non-z"},
        ),
        ({"adam_epsilon": float("nan")}, {"adam_epsilon": "finite"}),
        ({"lr_scheduler_kwargs": 3}, {"lr_scheduler_kwargs": "dict"}),
        ({"use_cpu": True, "bf16": True, "fp16": True}, {"fp16": "both"}),
        ({"parallelism_config": {"tp": 2}}, {"parallelism_config": "Unexpected keyword"}),
        ({"save_strategy": "steps"}, {"save_strategy": "to match"}),
        ({"accelerator_config": "/gone.json"}, {"accelerator_config": "No such file"}),
    ],
)
def test_each_refused_field_is_named_with_its_reason(train, refused):
    found = refusals(recipe(**train), 800)
    assert found.keys() == refused.keys()
    assert all(words in found[name] for name, words in refused.items())
    first = next(iter(found))
    with pytest.raises(InputError, match=rf"^train\.{first}: "):
        training_arguments(recipe(**train), Path("unused"), 800)


def test_a_look_at_values_leaves_the_process_as_it_was():
    environment, precision = dict(os.environ), torch.backends.fp32_precision
    refusals(recipe(torch_compile=True, fsdp=True, fsdp_config={"min_num_params": 7}), 800)
    refusals(recipe(deepspeed="ds_config.json"), 800)
    refusals(recipe(use_cpu=True, tf32=False), 800)
    assert dict(os.environ) == environment
    assert torch.backends.fp32_precision == precision


def test_checkpoints_follow_the_evaluations_so_that_the_best_is_one():
    by_steps = training_arguments(recipe(eval_strategy="steps", eval_steps=0.1), Path("x"), 800)
    assert (by_steps.save_strategy, by_steps.save_steps) == ("steps", 0.1)
    as_logged = training_arguments(recipe(eval_strategy="steps", logging_steps=7), Path("x"), 800)
    assert as_logged.eval_steps == as_logged.save_steps == 7


def test_a_short_run_is_logged_too():
    assert training_arguments(recipe(max_steps=20), Path("x"), 1_000_000).logging_steps == 1


def test_what_the_program_sets_is_told_as_it_reaches_the_arguments():
    told = own_defaults(recipe(per_device_train_batch_size=4), 800)
    arguments = training_arguments(recipe(per_device_train_batch_size=4), Path("x"), 800)
    assert told["per_device_eval_batch_size"] == 8
    assert told["per_device_train_batch_size"] == 16  # the default, not what was set
    for name in told.keys() - {"per_device_train_batch_size", "report_to"}:
        assert plain(getattr(arguments, name)) == told[name], name
    assert "logging_steps" not in own_defaults(recipe(), None)
    assert own_defaults(recipe(max_steps="x"), 800)["logging_steps"] == 1  # refused elsewhere


@pytest.mark.parametrize("title", ["Quick look", "Avoid overfitting", "Memory-lean"])
def test_a_preset_trains(title, train, make_recipe):
    """What a preset sets is taken by the Trainer too: of 36 steps, every fourth is evaluated."""
    draft = Draft(make_recipe(dropout=0.0))
    preset = next(made for made in presets(draft.content, None, 96) if made.title == title)
    assert draft.change(preset.values) is None
    run = train(draft.recipe())
    steps = read_history(run).evaluations
    assert len(steps) == {"Quick look": 3, "Avoid overfitting": 9, "Memory-lean": 3}[title]
    assert run.has_model()
