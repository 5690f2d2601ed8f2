"""A run's figures are those of transformers and scikit-learn, computed without this program."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from datasets import Dataset
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from tui_finetune.data.splits import prepare
from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import read_history
from tui_finetune.runs.observations import best_epoch

Train = Callable[[Recipe], RunDirectory]


def losses(entries: list[dict[str, float]], name: str) -> dict[int, float]:
    return {int(entry["step"]): entry[name] for entry in entries if name in entry}


def plain_log(recipe: Recipe, folder: Path) -> list[dict[str, float]]:
    """Fine-tune as a script with plain transformers would, and return the Trainer's log."""
    tokenizer = AutoTokenizer.from_pretrained(recipe.model.source)
    splits = {}
    for name, rows in prepare(recipe.data).splits.items():
        encoded = [tokenizer(text, truncation=True, max_length=32) for text in rows["text"]]
        labels = rows["label"]
        splits[name] = Dataset.from_list(
            [{**dict(row), "labels": label} for row, label in zip(encoded, labels, strict=True)]
        )
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=3,
        learning_rate=2e-3,
        per_device_train_batch_size=8,
        per_device_eval_batch_size=16,
        weight_decay=0.01,
        warmup_steps=0.1,
        logging_steps=1,
        eval_strategy="epoch",
        save_strategy="no",
        train_sampling_strategy="group_by_length",
        seed=42,
        report_to="none",
        disable_tqdm=True,
    )
    set_seed(42)
    model = AutoModelForSequenceClassification.from_pretrained(recipe.model.source, num_labels=2)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
    )
    trainer.train()
    return trainer.state.log_history


def test_losses_equal_those_of_a_plain_trainer(
    make_recipe: Callable[..., Recipe], train: Train, tmp_path: Path
) -> None:
    recipe = make_recipe()
    run = train(recipe)
    journal = [json.loads(line) for line in run.journal.read_text().splitlines()]
    log = [entry for entry in journal if entry["event"] == "log"]

    plain = plain_log(recipe, tmp_path / "plain")

    assert len(losses(plain, "loss")) == 36
    assert losses(log, "loss") == pytest.approx(losses(plain, "loss"))
    assert losses(log, "eval_loss") == pytest.approx(losses(plain, "eval_loss"))
    assert losses(log, "grad_norm") == pytest.approx(losses(plain, "grad_norm"))


def test_metrics_equal_scikit_learns_on_the_saved_predictions(
    make_recipe: Callable[..., Recipe], train: Train
) -> None:
    run = train(make_recipe())
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


def test_the_metrics_of_the_best_epoch_are_those_of_its_saved_model(
    make_recipe: Callable[..., Recipe], train: Train
) -> None:
    run = train(make_recipe())
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
