"""Presets: sets of hyperparameters under a name. Light, so that the dashboard can show them."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tui_finetune.errors import InputError
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import write_whole
from tui_finetune.text import clean

# Stands for: as if the recipe did not name this field.
UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET"})()

# A preset says how to train, not on what.
SECTIONS = ("tokens", "train", "early_stopping")

# Up to so many parameters, what learning rate: this program's default for models of the starter's
# size, then what the authors tried, 2e-5 to 5e-5 for BERT base (arXiv 1810.04805) and 1e-5 to
# 3e-5 for RoBERTa large (arXiv 1907.11692), and less for larger ones.
_LEARNING_RATES = ((35e6, 1e-4), (90e6, 5e-5), (200e6, 3e-5), (600e6, 1e-5), (float("inf"), 5e-6))

# Fewer rows want more passes (arXiv 2006.04884).
_FEW_ROWS = 1000

_QUICK_STEPS = 30
_QUICK_LENGTH = 64


@dataclass(frozen=True)
class Preset:
    """Values for dotted keys of a recipe; `UNSET` takes one out."""

    title: str
    meaning: str
    values: Mapping[str, Any]
    path: Path | None = None
    """The file of one that was saved; None for those that come with the program."""


def presets(
    recipe: Mapping[str, Any], parameters: int | None, train_rows: int | None
) -> list[Preset]:
    """Return the presets that come with the program, made for a recipe as plain data.

    `parameters` are those of the model, `train_rows` the rows it is trained on; None: not known.
    """
    return [
        _careful(parameters, train_rows),
        _quick_look(recipe),
        Preset(
            "Avoid overfitting",
            "three epochs, evaluated after each tenth of the run, the end after three without gain",
            {
                "train.num_train_epochs": 3.0,
                "train.max_steps": UNSET,
                "train.eval_strategy": "steps",
                "train.eval_steps": 0.1,  # of all steps
                "train.save_strategy": UNSET,  # follows the evaluations
                "train.save_steps": UNSET,
                "train.weight_decay": 0.01,
                "early_stopping.patience": 3,
                "early_stopping.metric": "eval_loss",
            },
        ),
        _memory_lean(recipe),
    ]


def learning_rate(parameters: int) -> float:
    """Return a careful learning rate for training all weights of a model of that size."""
    return next(rate for most, rate in _LEARNING_RATES if parameters <= most)


def differences(
    recipe: Mapping[str, Any], values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Return (key, present value, value to come) for all that values would change in a recipe.

    `recipe` and `defaults` are plain data; a key that neither of them has is `UNSET`.
    """
    changes = []
    for key, value in values.items():
        present = look_up(recipe, key)
        wanted = look_up(defaults, key) if value is UNSET else value
        if present is UNSET and wanted is UNSET:
            continue
        if present is UNSET or wanted is UNSET or present != wanted:
            changes.append((key, present, wanted))
    return changes


def look_up(content: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key of plain data, or `UNSET`."""
    value: Any = content
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return UNSET
        value = value[part]
    return value


def own_presets(home: Path) -> tuple[list[Preset], list[str]]:
    """Return the presets saved in a home by title, and what is wrong with files that are none."""
    found, problems = [], []
    for path in sorted((home / "presets").glob("*.yaml")):
        try:
            found.append(_load(path))
        except InputError as error:
            problems.append(str(error))
    return sorted(found, key=lambda preset: preset.title.lower()), problems


def preset_path(home: Path, title: str) -> Path:
    """Return the file that a preset of that title is saved in.

    Raises `InputError` if the title holds no letter or digit.
    """
    name = re.sub(r"[^\w-]+", "-", title.strip().lower()).strip("-_")
    if not name:
        raise InputError("a preset needs a name of letters or digits")
    # Fewer than the bytes that a file system allows, also in letters of four.
    return home / "presets" / f"{name[:60]}.yaml"


def save_preset(home: Path, title: str, recipe: Mapping[str, Any]) -> Path:
    """Save how a recipe trains as a preset of the home; a file that is there is replaced.

    Raises `InputError` if the title is none (`preset_path`), or the file cannot be written.
    """
    path = preset_path(home, title)
    sections = {name: dict(recipe[name]) for name in SECTIONS}
    stream = io.StringIO()
    YAML().dump({"title": clean(title.strip(), 60), **sections}, stream)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, stream.getvalue())
    except OSError as error:
        raise InputError(f"{clean(path)}: cannot write here ({clean(error.strerror)})") from None
    return path


def delete_preset(path: Path) -> None:
    """Delete the file of a preset. Raises `InputError` if it cannot be deleted."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{clean(path)}: cannot be deleted ({clean(error.strerror)})") from None


def _careful(parameters: int | None, train_rows: int | None) -> Preset:
    few = train_rows is not None and train_rows < _FEW_ROWS
    values: dict[str, Any] = {
        "train.num_train_epochs": 5.0 if few else 3.0,
        "train.per_device_train_batch_size": 16,
        "train.gradient_accumulation_steps": UNSET,
        "train.max_steps": UNSET,
        "train.weight_decay": 0.01,
        "train.warmup_steps": 0.1,
        "train.lr_scheduler_type": "linear",
        "train.eval_strategy": UNSET,
        "train.eval_steps": UNSET,
        "train.save_strategy": UNSET,
        "train.save_steps": UNSET,
        "early_stopping.patience": 2,
        "early_stopping.metric": "eval_loss",
    }
    if parameters is None:
        size = "the model's size is not known yet: the learning rate stays"
    else:
        values = {"train.learning_rate": learning_rate(parameters), **values}
        number = f"{parameters / 1e6:.0f} M" if parameters >= 1e6 else f"{parameters}"
        size = f"for a model of {number} parameters"
    rows = f" and {train_rows} rows" if train_rows is not None else ""
    return Preset("Careful defaults", f"{size}{rows}", values)


def _quick_look(recipe: Mapping[str, Any]) -> Preset:
    return Preset(
        "Quick look",
        f"{_QUICK_STEPS} steps on short texts, to see that all holds together",
        {
            "train.max_steps": _QUICK_STEPS,
            "tokens.max_length": min(_QUICK_LENGTH, recipe["tokens"]["max_length"]),
            "early_stopping.patience": None,
        },
    )


def _memory_lean(recipe: Mapping[str, Any]) -> Preset:
    train = recipe["train"]
    batch = train["per_device_train_batch_size"]
    values: dict[str, Any] = {"train.gradient_checkpointing": True}
    meaning = "layers computed twice instead of kept; bf16 is on anyway where the device has it"
    if batch % 2 == 0:
        steps = train["gradient_accumulation_steps"]
        values["train.per_device_train_batch_size"] = batch // 2
        values["train.gradient_accumulation_steps"] = 2 * steps
        meaning = f"half the batch, twice the accumulation, {meaning}"
    return Preset("Memory-lean", meaning, values)


def _load(path: Path) -> Preset:
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError, RecursionError) as error:
        raise InputError(f"{clean(path)}: cannot read this preset: {clean(error, 200)}") from None
    if not isinstance(content, dict):
        raise InputError(f"{clean(path)}: this is no preset; it has no sections")
    title = clean(content.pop("title", path.stem), 60)
    if unknown := [key for key in content if key not in SECTIONS]:
        raise InputError(
            f"{clean(path)}: {clean(unknown[0], 40)}: a preset knows title, {', '.join(SECTIONS)}"
        )
    content = {section: keys for section, keys in content.items() if keys is not None}
    parse_recipe({"data": {"source": "-"}, **content}, str(path))
    values = {
        f"{section}.{key}": value
        for section, keys in content.items()
        for key, value in keys.items()
    }
    return Preset(title, f"saved in {path.name}", values, path)
