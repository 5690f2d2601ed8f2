"""The whole way by keys: data, model, hyperparameters, training, prediction."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.runs.directory import all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

from .conftest import Open


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.exhaustive)])
def test_training_and_predicting_by_keys(
    size: tuple[int, int],
    open_dashboard: Open,
    data_file: Path,
    tiny_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    terminal = open_dashboard(size=size)
    terminal.wait_for("File", "engine: ready")
    terminal.press("F1", str(data_file), "enter")
    terminal.wait_for("120 rows x 2 columns", "positive", "negative", "50%")

    terminal.press("F2")
    terminal.wait_for("a hub name, or a folder", "starter")
    terminal.press("/")
    terminal.wait_for("esc Back")
    terminal.press(str(tiny_model()), "enter")
    terminal.wait_for("BertModel", "Chosen: tiny-bert")

    terminal.press("F3")
    terminal.wait_for("96 train · 12 validation · 12 test", "Start training")
    terminal.press("ctrl+s")
    # so few rows are worth a word before it starts
    terminal.wait_for("Before it starts", "Few test rows", "Start anyway")
    terminal.press("ctrl+s")
    terminal.wait_for("finished", "accuracy")
    (run,) = all_runs(tmp_path / "home")
    epochs = read_history(run).epochs()
    assert len(epochs) == 3
    terminal.wait_for(*(f"{epoch.validation_loss:.3f}" for epoch in epochs))

    terminal.press("p")
    terminal.wait_for("a sentence, then Enter")
    terminal.press("a very good film", "enter")
    terminal.wait_for("positive", "negative", "a very good film", "%  █")
    assert read_status(run.status).state == "finished"
