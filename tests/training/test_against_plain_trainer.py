"""A run's figures are those of transformers and scikit-learn, computed without this program."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score

from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import read_history
from tui_finetune.runs.observations import best_epoch
from tui_finetune.training.start import new_run
from tui_finetune.training.supervisor import run_training

from .plain_trainer import plain_figures, run_figures, steps_of

Train = Callable[[Recipe], RunDirectory]


@pytest.fixture(scope="module")
def run(
    make_recipe: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory
) -> RunDirectory:
    """A run of the tiny model, trained once."""
    start = new_run(tmp_path_factory.mktemp("home"), make_recipe())
    status = run_training(start)
    assert status.state == "finished", status.reason
    return start.run


def test_losses_equal_those_of_a_plain_trainer(
    make_recipe: Callable[..., Recipe], run: RunDirectory, tmp_path: Path
) -> None:
    plain = plain_figures(make_recipe(), tmp_path / "plain")
    assert len(steps_of(plain, "loss")) == 36
    assert len(steps_of(plain, "eval_loss")) == 3
    assert run_figures(run) == pytest.approx(plain)


def test_metrics_equal_scikit_learns_on_the_saved_predictions(run: RunDirectory) -> None:
    reported = json.loads((run.evaluation / "metrics.json").read_text())
    for split in ("validation", "test"):
        rows = pd.read_json(run.evaluation / f"{split}.jsonl", lines=True)
        true, predicted = rows["true"], rows["label"]
        labels = sorted(rows["scores"][0])
        scores = [[row[label] for label in labels] for row in rows["scores"]]
        assert len(rows) == 12
        assert reported[split] == pytest.approx(
            {
                "loss": log_loss(true, scores, labels=labels),
                "accuracy": accuracy_score(true, predicted),
                "precision": precision_score(true, predicted, average="macro", zero_division=0),
                "recall": recall_score(true, predicted, average="macro"),
                "f1": f1_score(true, predicted, average="macro"),
            }
        )


def test_the_metrics_of_the_best_epoch_are_those_of_its_saved_model(run: RunDirectory) -> None:
    epochs = read_history(run).epochs()
    best = best_epoch(epochs, "eval_loss")
    assert best is not None
    assert best.validation_loss == min(epoch.validation_loss for epoch in epochs)
    reported = json.loads((run.evaluation / "metrics.json").read_text())["validation"]
    assert reported["loss"] == pytest.approx(best.validation_loss, abs=1e-5)
    assert reported["accuracy"] == pytest.approx(best.accuracy)


def test_accumulating_two_half_batches_gives_the_losses_of_the_whole_batch(
    make_recipe: Callable[..., Recipe], train: Train
) -> None:
    whole = train(make_recipe(dropout=0.0))
    halves = train(
        make_recipe(dropout=0.0, per_device_train_batch_size=4, gradient_accumulation_steps=2)
    )
    first, second = read_history(whole), read_history(halves)
    assert len(first.curves["loss"]) == len(second.curves["loss"]) == 36
    for name in ("loss", "grad_norm", "eval_loss"):
        values = list(first.curves[name].values)
        assert list(second.curves[name].values) == pytest.approx(values, abs=1e-4)
