"""What the Trainer leaves in its output folder: the state, the results, the model's origin."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_finetune.runs.journal import Entry
from tui_finetune.text import clean

# Of the evaluations, these say how long they took and not how good the model is.
_TIMINGS = ("runtime", "_per_second", "_time")

# Keys of a journal entry; a figure of such a name would take their place.
_TAKEN = frozenset({"event", "time", "step", "epoch"})

_SETTINGS = ("train_batch_size", "num_train_epochs", "max_steps", "logging_steps", "eval_steps",
             "save_steps")  # fmt: skip


@dataclass
class TrainerState:
    """A `trainer_state.json` of any version since 4.20; what it does not say is 0, None or empty.

    `log` has an entry for each of its log_history that has a step, in the order of steps.
    """

    path: Path
    step: int = 0
    max_steps: int = 0
    epoch: float = 0.0
    epochs: float = 0.0
    best_metric: float | None = None
    best_step: int | None = None
    log: list[Entry] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def newest_state(paths: list[Path]) -> tuple[TrainerState | None, list[str]]:
    """Return the state with the most steps (of equal ones the newest), and what was damaged.

    Every file that cannot be read has a line of its own. A checkpoint is read only if none with
    a greater number could be.
    """
    problems: list[str] = []
    states: list[TrainerState] = []
    by_number = sorted(paths, key=_number, reverse=True)
    for path in by_number:
        if any(_number(path) <= state.step for state in states) and _number(path):
            continue
        try:
            states.append(read_state(path))
        except (OSError, ValueError, RecursionError):
            problems.append(_damaged(path))
    newest = max(states, key=lambda state: (state.step, _changed(state.path)), default=None)
    return newest, problems


def read_state(path: Path) -> TrainerState:
    """Read one file. Raises `OSError`, or `ValueError` if it is no whole Trainer state."""
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or not isinstance(content.get("log_history"), list):
        raise ValueError("it has no log_history")
    log = [entry for raw in content["log_history"] if (entry := _entry(raw)) is not None]
    log.sort(key=lambda entry: int(entry["step"]))
    trial = content.get("trial_params")  # what a hyperparameter search chose
    searched = numbers(trial) if isinstance(trial, dict) else {}
    best = content.get("best_global_step") or _best_step(content.get("best_model_checkpoint"))
    return TrainerState(
        path=path,
        step=int(number(content.get("global_step")) or 0),
        max_steps=max(int(number(content.get("max_steps")) or 0), 0),
        epoch=number(content.get("epoch")) or 0.0,
        epochs=number(content.get("num_train_epochs")) or 0.0,
        best_metric=number(content.get("best_metric")),
        best_step=best if isinstance(best, int) else None,
        log=log,
        settings={key: value for key in _SETTINGS if (value := number(content.get(key)))}
        | searched,
    )


def read_results(paths: list[Path]) -> tuple[dict[str, float | None], list[str]]:
    """Return the figures of `all_results.json` and its like, and what was damaged."""
    found: dict[str, float | None] = {}
    problems = []
    for path in paths:
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            problems.append(_damaged(path))
            continue
        if isinstance(content, dict):
            found |= numbers(content)
    return found, problems


def read_model_name(paths: list[Path]) -> str:
    """Return what the model was made from, as its configurations say, or ""."""
    for path in sorted(paths, key=lambda path: path.name):  # an adapter's goes before the model's
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(content, dict):
            name = content.get("base_model_name_or_path") or content.get("_name_or_path")
            if isinstance(name, str) and name:
                return name
    return ""


def numbers(content: dict[str, Any]) -> dict[str, float | None]:
    """Return the figures among the values; None for one that is no finite number."""
    return {
        key: number(value)
        for key, value in content.items()
        if value is None or type(value) in (float, int)
    }


def figures(content: dict[str, Any]) -> dict[str, float | None]:
    """Like `numbers`, under names that leave an entry's own keys alone."""
    return {
        f"logged/{name}" if name in _TAKEN else name: value
        for name, value in numbers(content).items()
    }


def logged_figures(entry: Entry) -> dict[str, float | None]:
    """Return an entry's figures, without what says where and when it was made."""
    return {name: value for name, value in entry.items() if name not in _TAKEN}


def number(value: Any) -> float | None:
    """Return a finite number as it is, None for everything else."""
    if type(value) not in (float, int):  # a bool is none
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def is_timing(name: str) -> bool:
    """Return whether a figure of an evaluation only says how long it took."""
    return name.endswith(_TIMINGS)


def _entry(raw: Any) -> Entry | None:
    """Return an entry of log_history as the journal has it, its time unknown; None without step."""
    step = number(raw.get("step")) if isinstance(raw, dict) else None
    if step is None:
        return None
    logged = {key: value for key, value in raw.items() if key not in ("step", "epoch")}
    place = {"time": None, "step": int(step), "epoch": number(raw.get("epoch"))}
    return {"event": "log", **place, **figures(logged)}


def _best_step(checkpoint: Any) -> int | None:
    """Return the step of a checkpoint's path, which another system may have written."""
    digits = str(checkpoint or "").rstrip("/\\").rpartition("checkpoint-")[2]
    return int(digits) if digits.isdecimal() else None


def _number(path: Path) -> int:
    digits = path.parent.name.removeprefix("checkpoint-")
    return int(digits) if digits.isdecimal() else 0


def _damaged(path: Path) -> str:
    place = clean(f"{path.parent.name}/{path.name}", 100)
    return f"{place}: damaged or half-written, so it is left out"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
