"""Runs of the tiny model, trained in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import read_history
from tui_finetune.training.start import new_run
from tui_finetune.training.supervisor import run_training


@pytest.fixture
def train(tmp_path: Path) -> Callable[[Recipe], RunDirectory]:
    """Train a recipe to its end and return its directory."""

    def run(recipe: Recipe) -> RunDirectory:
        start = new_run(tmp_path / "home", recipe)
        status = run_training(start)
        assert status.state == "finished", status.reason
        return start.run

    return run


def logged(run: RunDirectory, name: str) -> list[tuple[int, Any]]:
    """Return (step, value) of every log entry of the run that has `name`."""
    curve = read_history(run).curves[name]
    return [(int(step), value) for step, value in zip(curve.steps, curve.values, strict=True)]
