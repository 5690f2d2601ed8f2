"""A value for each field of `TrainingArguments`, for the tests that walk them all."""

from typing import Any

from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.training.argument_fields import argument_fields
from tui_finetune.training.arguments import RESERVED, own_defaults

FIELDS = {field["name"]: field for field in argument_fields(RESERVED)["fields"]}
SETTABLE = [name for name in FIELDS if name not in RESERVED]

# Values that a type alone does not tell.
SPECIAL: dict[str, Any] = {
    "save_strategy": "best",  # the others must be as eval_strategy
    "report_to": "tensorboard",
    "debug": "underflow_overflow",
    "include_num_input_tokens_seen": "all",
    "accelerator_config": {"split_batches": True},
    "parallelism_config": {"dp_replicate_size": 1},
    "fsdp_config": {"min_num_params": 7},
    "include_for_metrics": ["inputs"],
    "label_names": ["labels"],
    "optim_target_modules": ["dense"],
    "liger_kernel_config": {"rope": True},
    "tf32": False,  # true wants a GPU
    "fsdp": True,
    "do_eval": True,  # the class makes it that, as there are evaluations
}

# What a field needs beside it.
WITH: dict[str, dict[str, Any]] = {
    "bf16": {"use_cpu": True},  # else a GPU that has it
    "bf16_full_eval": {"use_cpu": True},
    "dataloader_prefetch_factor": {"dataloader_num_workers": 2},
    "eval_steps": {"eval_strategy": "steps"},
}

# What is not here in the tests, a package and several processes, with the words that say so.
WANTING = {
    "deepspeed": ("ds_config.json", "deepspeed"),
    "ddp_backend": ("gloo", "process group"),
}


def recipe(**train: Any) -> Recipe:
    return parse_recipe({"data": {"source": "films.csv"}, "train": train}, "test")


def other_value(name: str) -> Any:
    """Return a valid value that the field has only if the recipe says so."""
    if name in SPECIAL:
        return SPECIAL[name]
    field = FIELDS[name]
    taken = (field["default"], own_defaults(recipe(), 800).get(name))
    if field["choices"]:
        return next(choice for choice in field["choices"] if choice not in (*taken, "no"))
    if "bool" in field["type"]:
        return not taken[1] if name in own_defaults(recipe(), 800) else not taken[0]
    if "int" in field["type"]:
        return 3 if 3 not in taken else 5
    if "float" in field["type"]:
        return 0.25
    return {"num_cycles": 2} if "dict" in field["type"] else "word"


def bad_value(name: str) -> str:
    """Return what the field cannot be, as a person would write it."""
    kind = FIELDS[name]["type"].removesuffix(" or null")
    return "word" if FIELDS[name]["choices"] or kind in ("int", "float", "bool") else "[[1]]"


def plain(value: Any) -> Any:
    """Return what stands in the arguments as it was written."""
    if name := getattr(value, "value", None):
        return name
    return [plain(part) for part in value] if isinstance(value, list) else value
