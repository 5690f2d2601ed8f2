"""What a run needs of the disk: its checkpoints and the model at the end."""

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from tui_finetune.text import clean
from tui_finetune.training.preflight_finding import Finding
from tui_finetune.training.preflight_measure import Measurement
from tui_finetune.training.preflight_plan import Plan

# Adam keeps two numbers for each weight; of other optimizers nothing is assumed.
_ADAM_STATES = 2
_FLOAT_BYTES = 4

# The best checkpoint and the newest stay whatever the limit is.
_KEPT = 2

# Beside the checkpoints, other programs want some of the disk too.
_TIGHT = 0.8


def disk_findings(
    home: Path,
    arguments: TrainingArguments,
    plan: Plan,
    parameters: int | None,
    measured: Measurement | None,
) -> list[Finding]:
    """Return whether the checkpoints find room; as measured, else from the number of parameters.

    Not measured, only what is sure is counted: the weights, and the states of Adam if that is the
    optimizer.
    """
    if measured is not None:
        weights, states = measured.weight_bytes, measured.optimizer_bytes
    elif parameters is not None:
        weights = parameters * _FLOAT_BYTES
        states = weights * _ADAM_STATES if arguments.optim.value.startswith("adamw_torch") else 0
    else:
        return []
    kept, most = _checkpoints(arguments, plan)
    # a new checkpoint is whole before an old one is removed; the model comes after the last
    needed = max(most * (weights + states), kept * (weights + states) + weights)
    free = free_bytes(home)
    figures: dict[str, Any] = {
        "checkpoint_bytes": weights + states,
        "weight_bytes": weights,
        "optimizer_bytes": states,
        "checkpoints": most,
        "needed_bytes": needed,
        "free_bytes": free,
    }
    words = (
        f"{_gigabytes(needed)} for {most} checkpoint{'s' if most != 1 else ''} of "
        f"{_gigabytes(weights + states)} at once and the model, {_gigabytes(free)} are free on the "
        f"disk of {clean(home)}"
    )
    field = "train.save_total_limit"
    if needed <= _TIGHT * free:
        return [Finding("Room on the disk", words, "info", most, field, figures=figures)]
    fix = {field: _KEPT} if kept > _KEPT else None
    if needed <= free:
        return [Finding("The disk gets full", words, "warning", most, field, fix, figures)]
    words = f"{field}: {words}; make room (tui-finetune runs delete RUN), or choose another --home"
    return [Finding("The disk is too full", words, "error", most, field, fix, figures)]


def _checkpoints(arguments: TrainingArguments, plan: Plan) -> tuple[int, int]:
    """Return how many checkpoints are kept, and how many there are for a moment."""
    limit = arguments.save_total_limit
    if limit is None or limit <= 0:
        return plan.checkpoints, plan.checkpoints
    limit = max(limit, _KEPT)
    return min(limit, plan.checkpoints), min(limit + 1, plan.checkpoints)


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk on which a folder is or will be."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free


def _gigabytes(value: int) -> str:
    return f"{value / 1e9:,.2f} GB" if value >= 1e7 else f"{value / 1e6:,.2f} MB"
