"""Class weights are scikit-learn's, and the loss with them is that of a plain Trainer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import BCEWithLogitsLoss, CrossEntropyLoss

from tui_finetune.data.splits import PreparedData, prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.training.class_weights import balanced_weights
from tui_finetune.training.setup import set_up

from .plain_trainer import plain_figures, run_figures, steps_of

Make = Callable[..., Recipe]
Train = Callable[[Recipe], RunDirectory]

TEXTS = ("a good film", "the plot is very bad and quite dull", "a fine scene", "the end")
KINDS: dict[str, list[Any]] = {
    "one label": ["good", "bad", "good", "good", "mixed", "good"],
    "several labels": [["good"], ["bad", "dull"], ["good", "bad"], [], ["good"], ["good"]],
    "one for all": [["film"], ["film"], ["film", "good"]] * 2,
    "numbers": [1.5, 2, 3, 4, 2, 1],
}


@pytest.fixture
def recipe_of(make_recipe: Make, tmp_path: Path) -> Make:
    """Make a recipe for 96 rows of a kind of labels."""

    def make(kind: str, **train: Any) -> Recipe:
        source = tmp_path / "rows.jsonl"
        rows = [
            {"text": f"{TEXTS[row % 4]} {'very ' * (row % 5)}", "label": KINDS[kind][row % 6]}
            for row in range(96)
        ]
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        content = make_recipe(class_weights="balanced", **train).model_dump(mode="json")
        content["data"] = {"source": str(source), "columns": {"label": "label"}}
        return parse_recipe(content, "test")

    return make


def by_scikit_learn(data: PreparedData) -> list[float]:
    """The weights; with several labels, of a yes against a no to each."""
    labels = data.splits["train"]["label"][:]
    if data.problem_type == "single_label_classification":
        classes = np.arange(len(data.labels))
        weights: list[float] = compute_class_weight("balanced", classes=classes, y=labels).tolist()
        return weights
    ratios = []
    for index in range(len(data.labels)):
        has = np.array([index in row for row in labels])
        no, yes = compute_class_weight("balanced", classes=np.array([False, True]), y=has)
        ratios.append(float(yes / no))
    return ratios


@pytest.mark.parametrize("kind", ["one label", "several labels"])
def test_a_weighted_run_has_the_losses_of_a_plain_trainer_with_torchs_weighted_loss(
    kind: str, recipe_of: Make, train: Train, tmp_path: Path
) -> None:
    recipe = recipe_of(kind, num_train_epochs=2, gradient_accumulation_steps=2)
    data = prepare(recipe.data)
    run = train(recipe)
    journal = [json.loads(line) for line in run.journal.read_text().splitlines()]
    (note,) = (entry for entry in journal if entry["event"] == "note")
    assert note["class_weights"] == pytest.approx(
        dict(zip(data.labels, by_scikit_learn(data), strict=True))
    )
    assert max(note["class_weights"].values()) > 2  # so it would be seen if they did not count
    assert note["text"].startswith("class weights: ")
    weights = torch.tensor(by_scikit_learn(data))
    several = data.problem_type == "multi_label_classification"
    plain = plain_figures(
        recipe,
        tmp_path / "plain",
        data.problem_type,
        BCEWithLogitsLoss(pos_weight=weights) if several else CrossEntropyLoss(weights),
        num_train_epochs=2,
        gradient_accumulation_steps=2,
    )
    assert len(steps_of(plain, "loss")) == 10
    assert run_figures(run) == pytest.approx(plain, rel=1e-5)
    assert run.load_recipe().train.class_weights == "balanced"


def test_a_label_that_every_row_has_counts_as_without_weights(recipe_of: Make) -> None:
    data = prepare(recipe_of("one for all").data)
    assert data.labels == ("film", "good")
    rows = data.splits["train"]["label"][:]
    good = sum(1 in row for row in rows)
    assert balanced_weights(data) == pytest.approx([1, (len(rows) - good) / good])


def test_numbers_have_no_classes_to_weight(recipe_of: Make) -> None:
    with pytest.raises(InputError, match=r"^train\.class_weights: a regression predicts numbers"):
        set_up(recipe_of("numbers"))
