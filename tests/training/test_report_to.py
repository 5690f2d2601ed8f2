"""`train.report_to`: the Trainer's own integrations get the figures of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.runs.control import request_stop
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import read_history
from tui_finetune.training import arguments
from tui_finetune.training.arguments import training_arguments
from tui_finetune.training.start import new_run, resumed_run
from tui_finetune.training.supervisor import run_training


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Read event files with TensorBoard's own reader: step to value, by tag."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard"
    )
    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


def curve(run: RunDirectory, name: str) -> dict[int, float]:
    found = read_history(run).curves[name]
    return {int(step): value for step, value in zip(found.steps, found.values, strict=True)}


def test_tensorboard_gets_the_figures_of_a_run_through_a_stop_and_a_resume(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    start = new_run(tmp_path / "home", make_recipe(report_to=["tensorboard"]))
    run = start.run
    request_stop(run, "stop-after-epoch")
    stopped = run_training(start)
    assert (stopped.state, stopped.step) == ("stopped", 12)
    assert run_training(resumed_run(run)).state == "finished"
    written = scalars(run.path / "tensorboard")
    for tag, name in (("train/loss", "loss"), ("eval/accuracy", "eval_accuracy")):
        assert written[tag] == pytest.approx(curve(run, name))
    assert sorted(written["train/loss"]) == list(range(1, 37))
    assert not list(run.checkpoints.glob("**/events*"))


def test_a_folder_that_the_person_chose_stays_theirs(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    start = new_run(tmp_path / "home", make_recipe(report_to="tensorboard", num_train_epochs=1))
    assert run_training(start).state == "finished"
    assert len(scalars(tmp_path / "events")["train/loss"]) == 12
    assert not (start.run.path / "tensorboard").exists()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("wandb", "train.report_to: wandb is not installed; pip install wandb"),
        (
            ["mlflow", "comet_ml"],
            "train.report_to: comet_ml is not installed; pip install comet-ml",
        ),
        (["tensorbored"], "train.report_to: tensorbored: unknown; the Trainer knows azure_ml, "),
    ],
)
def test_what_is_not_there_is_refused_before_the_training(
    make_recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chosen: Any,
    message: str,
) -> None:
    monkeypatch.setattr(arguments, "get_available_reporting_integrations", lambda: ["mlflow"])
    with pytest.raises(InputError, match=message):
        new_run(tmp_path / "home", make_recipe(report_to=chosen))
    assert not (tmp_path / "home").exists()


def test_nothing_is_reported_unless_it_is_asked_for(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    made = training_arguments(make_recipe(), tmp_path, 96)
    assert made.report_to == []
    assert made.run_name == "films"
