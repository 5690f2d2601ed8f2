"""From the recipe to `TrainingArguments`."""

import dataclasses
import difflib
import math
import os
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict, TypeAdapter, ValidationError
from transformers import TrainingArguments
from transformers.integrations.integration_utils import (
    INTEGRATION_TO_CALLBACK,
    get_available_reporting_integrations,
)

from tui_finetune.errors import InputError
from tui_finetune.recipe import LOWER_IS_BETTER, Recipe, TrainSection
from tui_finetune.recipe.values import SECRETS
from tui_finetune.telemetry.devices import gpu_has_bf16
from tui_finetune.text import clean
from tui_finetune.training.argument_fields import choices, type_words

# The program itself decides these; a recipe that sets them would break the run directory.
RESERVED = {
    "output_dir": "the run's own folder",
    "metric_for_best_model": "early_stopping.metric says it",
    "greater_is_better": "it follows from early_stopping.metric",
    "load_best_model_at_end": "the best epoch is what a run is for",
    "save_only_model": "a run could not be resumed",
    "enable_jit_checkpoint": "every run saves and stops on SIGTERM by itself",
    "push_to_hub": "nothing is sent anywhere; upload the run's model folder yourself",
    **SECRETS,
}

# The class says it in words that name other fields.
_NO_BF16 = "no GPU here computes with bfloat16; leave it off, or set train.use_cpu as well"

# A log entry about every hundredth of the run, but never so rare that one waits for a sign of life.
_LOGS_A_RUN = 100
_MOST_STEPS_A_LOG = 25


def training_arguments(recipe: Recipe, output_dir: Path, train_rows: int) -> TrainingArguments:
    """Return the arguments of a recipe for a training set of `train_rows` rows.

    Fields that the recipe leaves open get this program's defaults (batches of like length, bf16
    where the device has it, evaluation and a checkpoint each epoch), all others those of
    `TrainingArguments`. Raises `InputError` that names the field for a value it refuses.
    """
    for name, reason in refusals(recipe, train_rows).items():
        raise InputError(f"train.{name}: {reason}" if name else f"train: {reason}")
    chosen, _ = _checked(recipe.train.arguments())
    return _construct(recipe, chosen, output_dir, train_rows)


def refusals(recipe: Recipe, train_rows: int | None) -> dict[str, str]:
    """Return why fields of the recipe's `train` are refused, by name; {} if all can be trained.

    What no single field is to blame for stands under the empty name. `train_rows` of None: not
    known yet. The process is left as it was: a run that starts in it later is not touched.
    """
    chosen, refused = _checked(recipe.train.arguments())
    rows = train_rows or 1
    with _leaving_no_trace():
        try:
            _construct(recipe, chosen, Path("unused"), rows)
        except Exception as error:  # whatever the class raises, it does not take these values
            name = next(iter(_to_blame(recipe, chosen, rows)), "")
            reason = clean(error, 300)
            no_bf16 = reason.startswith("Your setup doesn't support bf16")
            refused[name] = _NO_BF16 if no_bf16 else reason
    return refused


def own_defaults(recipe: Recipe, train_rows: int | None) -> dict[str, Any]:
    """Return what this program sets where the recipe is silent, by field of `TrainingArguments`.

    Without the number of training rows, what hangs on it is left out.
    """
    chosen, _ = _checked(recipe.train.arguments())
    values = TrainSection().arguments() | _defaults(recipe, chosen)
    if train_rows is not None:
        values["logging_steps"] = _logging_steps(values | chosen, train_rows)
    return values


def _construct(
    recipe: Recipe, chosen: dict[str, Any], output_dir: Path, train_rows: int
) -> TrainingArguments:
    values = _defaults(recipe, chosen) | chosen
    values["output_dir"] = str(output_dir)
    values.setdefault("logging_steps", _logging_steps(values, train_rows))
    if values["eval_strategy"] == "steps":
        values.setdefault("save_steps", values.get("eval_steps") or values["logging_steps"])
    return TrainingArguments(**values)


def _defaults(recipe: Recipe, chosen: dict[str, Any]) -> dict[str, Any]:
    metric = recipe.early_stopping.metric
    return {
        "eval_strategy": "epoch",
        # The best model can only be found again where each evaluation has its checkpoint.
        "save_strategy": chosen.get("eval_strategy", "epoch"),
        "save_total_limit": 2,  # the best and the newest
        "load_best_model_at_end": True,
        "metric_for_best_model": metric,
        "greater_is_better": metric not in LOWER_IS_BETTER,
        "per_device_eval_batch_size": 2 * recipe.train.per_device_train_batch_size,
        # With dynamic padding, batches of like length carry the least padding.
        "train_sampling_strategy": (
            "group_by_length" if recipe.tokens.padding == "dynamic" else "random"
        ),
        "bf16": torch.cuda.is_available() and gpu_has_bf16() and not chosen.get("fp16"),
        # A loss that is no number is shown as what it is, not replaced by an average.
        "logging_nan_inf_filter": False,
        "dataloader_pin_memory": torch.cuda.is_available(),  # else torch warns of it
        # Runs with different batches are compared by the tokens they have read; on a GPU counting
        # them would wait for it at each step.
        "include_num_input_tokens_seen": "no" if torch.cuda.is_available() else "non_padding",
        "disable_tqdm": True,
        "report_to": "none",
        "run_name": recipe.run_name(),  # what report_to calls it
    }


def _checked(chosen: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values in the types of their fields, and why others are refused."""
    fields = {field.name: field for field in dataclasses.fields(TrainingArguments) if field.init}
    types = typing.get_type_hints(TrainingArguments)
    checked: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for name, value in chosen.items():
        if name in RESERVED:
            refused[name] = f"this cannot be set ({RESERVED[name]})"
        elif name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            refused[clean(name)] = f"TrainingArguments has no such field{hint}"
        elif reason := _missing_reporter(name, value) or _wrong_choice(
            name, value, choices(fields[name], types[name])
        ):
            refused[name] = reason
        elif value is True and fields[name].metadata.get("const") is True:
            checked[name] = value  # a switch, whatever else its type says
        else:
            try:
                checked[name] = _adapter(types[name]).validate_python(value)
            except ValidationError as error:
                reason = error.errors(include_url=False)[0]["msg"]
                refused[name] = f"{clean(repr(value), 60)}: {clean(reason)}"
    return checked, refused


def _missing_reporter(field: str, value: Any) -> str | None:
    """Return what of report_to the Trainer would find missing only when the training begins."""
    names = [value] if isinstance(value, str) else value
    if field != "report_to" or not isinstance(names, list):
        return None
    for name in names:
        if name in ("none", "all") or not isinstance(name, str):  # what is no name has no type
            continue
        if name not in INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            return f"{clean(name)}: unknown; the Trainer knows {known}"
        if name not in get_available_reporting_integrations():
            return f"{name} is not installed; pip install {name.replace('_', '-')}"
    return None


def _adapter(kind: Any) -> TypeAdapter[Any]:
    # A name of digits alone is read from YAML as a number; where a dict can be, it is no name.
    name = "dict" not in type_words(kind)
    config = ConfigDict(coerce_numbers_to_str=name, allow_inf_nan=False, extra="forbid")
    return TypeAdapter(kind, config=config)


def _wrong_choice(name: str, value: Any, known: list[str]) -> str | None:
    if name == "eval_strategy" and value == "no":
        return "the best checkpoint is chosen by evaluations; write epoch or steps"
    if not isinstance(value, str) or not known or value in known:
        return None
    close = difflib.get_close_matches(value, known, n=3, cutoff=0.4)
    words = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
    return f"{clean(repr(value), 60)}: {words}"


def _to_blame(recipe: Recipe, chosen: dict[str, Any], train_rows: int) -> list[str]:
    """Return the field without which `TrainingArguments` takes the rest, the newest first."""
    with _leaving_no_trace():
        for name in reversed(chosen):
            others = {other: value for other, value in chosen.items() if other != name}
            try:
                _construct(recipe, others, Path("unused"), train_rows)
            except Exception:  # as above
                continue
            return [name]
    return []


@contextmanager
def _leaving_no_trace() -> Iterator[None]:
    """Take back what constructing `TrainingArguments` sets for the whole process."""
    environment, precision = dict(os.environ), torch.backends.fp32_precision
    try:
        yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        torch.backends.fp32_precision = precision


def _logging_steps(values: dict[str, Any], train_rows: int) -> int:
    """Return how many steps a log entry covers, if it can, a divisor of the steps of an epoch.

    So that the mean training loss of an epoch is the mean of whole log entries.
    """
    rows_a_step = values["per_device_train_batch_size"] * values.get(
        "gradient_accumulation_steps", 1
    )
    steps_per_epoch = math.ceil(train_rows / rows_a_step)
    total = math.ceil(steps_per_epoch * values["num_train_epochs"])
    if values.get("max_steps", -1) > 0:
        total = values["max_steps"]
    wanted = min(max(total // _LOGS_A_RUN, 1), _MOST_STEPS_A_LOG)
    divisors = [n for n in range(wanted, wanted // 2, -1) if steps_per_epoch % n == 0]
    return divisors[0] if divisors else wanted
