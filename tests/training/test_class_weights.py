"""Class weights are scikit-learn's, and the loss with them is that of a plain Trainer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import BCEWithLogitsLoss, CrossEntropyLoss
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from tui_finetune.data.splits import PreparedData, prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.training.class_weights import balanced_weights
from tui_finetune.training.setup import set_up

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


def plain_log(recipe: Recipe, data: PreparedData, folder: Path) -> list[dict[str, float]]:
    """Fine-tune with a plain Trainer and torch's weighted loss, and return its log."""
    tokenizer = AutoTokenizer.from_pretrained(recipe.model.source)
    several = data.problem_type == "multi_label_classification"
    count = len(data.labels)
    splits = {}
    for name, rows in data.splits.items():
        encoded = [dict(tokenizer(text)) for text in rows["text"]]
        labels = rows["label"][:]
        if several:
            labels = [[float(place in row) for place in range(count)] for row in labels]
        splits[name] = Dataset.from_list(
            [{**row, "labels": label} for row, label in zip(encoded, labels, strict=True)]
        )
    weights = torch.tensor(by_scikit_learn(data))
    loss = BCEWithLogitsLoss(pos_weight=weights) if several else CrossEntropyLoss(weights)
    set_seed(42)
    model = AutoModelForSequenceClassification.from_pretrained(
        recipe.model.source, num_labels=count, problem_type=data.problem_type
    )
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=2,
            learning_rate=2e-3,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=16,
            gradient_accumulation_steps=2,
            weight_decay=0.01,
            warmup_steps=0.1,
            logging_steps=1,
            eval_strategy="epoch",
            save_strategy="no",
            train_sampling_strategy="group_by_length",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        # the Trainer does not divide such a loss by the batches of a step
        compute_loss_func=lambda outputs, labels, num_items_in_batch: (
            loss(outputs.logits, labels) / (2 if model.training else 1)
        ),
    )
    trainer.train()
    return trainer.state.log_history


def figures(entries: list[dict[str, Any]]) -> dict[tuple[int, str], float]:
    return {
        (entry["step"], name): entry[name]
        for entry in entries
        for name in ("loss", "grad_norm", "eval_loss")
        if name in entry
    }


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
    ours = figures([entry for entry in journal if entry["event"] == "log"])
    assert len([name for _, name in ours if name == "loss"]) == 10
    assert ours == pytest.approx(figures(plain_log(recipe, data, tmp_path / "plain")), rel=1e-5)
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
