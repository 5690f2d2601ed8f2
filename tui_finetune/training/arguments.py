"""From the recipe to `TrainingArguments`."""

import dataclasses
import difflib
import math
import typing
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from transformers import TrainingArguments
from transformers.integrations.integration_utils import (
    INTEGRATION_TO_CALLBACK,
    get_available_reporting_integrations,
)

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.telemetry.devices import gpu_has_bf16
from tui_finetune.text import clean

# The program itself decides these; a recipe that sets them would break the run directory.
RESERVED = {
    "output_dir": "the run's own folder",
    "metric_for_best_model": "early_stopping.metric says it",
    "greater_is_better": "it follows from early_stopping.metric",
    "load_best_model_at_end": "the best epoch is what a run is for",
    "save_only_model": "a run could not be resumed",
    "push_to_hub": "nothing is sent anywhere; upload the run's model folder yourself",
}

# A log entry about every hundredth of the run, but never so rare that one waits for a sign of life.
_LOGS_A_RUN = 100
_MOST_STEPS_A_LOG = 25


def training_arguments(recipe: Recipe, output_dir: Path, train_rows: int) -> TrainingArguments:
    """Return the arguments of a recipe for a training set of `train_rows` rows.

    Fields that the recipe leaves open get this program's defaults (batches of like length, bf16
    where the device has it, evaluation and a checkpoint each epoch), all others those of
    `TrainingArguments`. Raises `InputError` that names the field for a value it refuses.
    """
    chosen = _checked(recipe.train.model_dump())
    _refuse_missing_reporters(chosen.get("report_to"))
    values = _defaults(recipe) | chosen
    values["output_dir"] = str(output_dir)
    values.setdefault("logging_steps", _logging_steps(values, train_rows))
    try:
        return TrainingArguments(**values)
    except (TypeError, ValueError, ImportError) as error:
        refused = [key for key, value in chosen.items() if _is_refused(key, value)]
        where = f"train.{refused[0]}" if refused else "train"
        raise InputError(f"{clean(where)}: {clean(error, 300)}") from None


def _defaults(recipe: Recipe) -> dict[str, Any]:
    metric = recipe.early_stopping.metric
    return {
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 2,  # the best and the newest
        "load_best_model_at_end": True,
        "metric_for_best_model": metric,
        "greater_is_better": metric != "eval_loss",
        "per_device_eval_batch_size": 2 * recipe.train.per_device_train_batch_size,
        # With dynamic padding, batches of like length carry the least padding.
        "train_sampling_strategy": (
            "group_by_length" if recipe.tokens.padding == "dynamic" else "random"
        ),
        "bf16": torch.cuda.is_available() and gpu_has_bf16(),
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


def _checked(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the values in the types that the fields of `TrainingArguments` are declared with."""
    _refuse_unknown(chosen)
    types = typing.get_type_hints(TrainingArguments)
    checked = {}
    for key, value in chosen.items():
        try:
            checked[key] = TypeAdapter(types[key]).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise InputError(f"train.{key}: {clean(repr(value), 60)}: {clean(reason)}") from None
    return checked


def _refuse_unknown(chosen: dict[str, Any]) -> None:
    known = {field.name for field in dataclasses.fields(TrainingArguments) if field.init}
    for key in chosen:
        if key in RESERVED:
            raise InputError(f"train.{key}: this cannot be set ({RESERVED[key]})")
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise InputError(f"train.{clean(key)}: TrainingArguments has no such field{hint}")


def _refuse_missing_reporters(report_to: str | list[str] | None) -> None:
    """Refuse what the Trainer would find missing only when the training begins."""
    chosen = [report_to] if isinstance(report_to, str) else report_to or []
    for name in chosen:
        if name in ("none", "all"):
            continue
        if name not in INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            raise InputError(f"train.report_to: {clean(name)}: unknown; the Trainer knows {known}")
        if name not in get_available_reporting_integrations():
            package = name.replace("_", "-")
            raise InputError(f"train.report_to: {name} is not installed; pip install {package}")


def _is_refused(field: str, value: Any) -> bool:
    """Return whether `TrainingArguments` refuses this value, all other fields at their defaults."""
    try:
        TrainingArguments(output_dir="unused", **{field: value})
    except (TypeError, ValueError, ImportError):
        return True
    return False


def _logging_steps(values: dict[str, Any], train_rows: int) -> int:
    """Return how many steps a log entry covers, if it can, a divisor of the steps of an epoch.

    So that the mean training loss of an epoch is the mean of whole log entries.
    """
    rows_a_step = values["per_device_train_batch_size"] * values.get(
        "gradient_accumulation_steps", 1
    )
    steps_per_epoch = math.ceil(train_rows / rows_a_step)
    total = math.ceil(steps_per_epoch * values["num_train_epochs"])
    wanted = min(max(total // _LOGS_A_RUN, 1), _MOST_STEPS_A_LOG)
    divisors = [n for n in range(wanted, wanted // 2, -1) if steps_per_epoch % n == 0]
    return divisors[0] if divisors else wanted
