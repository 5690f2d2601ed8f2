"""Fine-tuning as a script with plain transformers does it, to compare runs with.

Of this program it uses what reads and splits rows, and nothing of what trains.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch import Tensor
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

Figures = dict[tuple[int, str], float]


def plain_figures(
    recipe: Recipe,
    folder: Path,
    problem_type: str = "single_label_classification",
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    **arguments: Any,
) -> Figures:
    """Fine-tune the model on the rows of a recipe, and return the losses and gradient norms.

    Of the recipe's settings only the longest text counts; those of the training are the ones of
    `make_recipe` and the `arguments`. `loss` of logits and labels stands in for the model's own.
    """
    data = prepare(recipe.data)
    count = 1 if problem_type == "regression" else len(data.labels)
    tokenizer = AutoTokenizer.from_pretrained(recipe.model.source)
    splits = {}
    for name in ("train", "validation"):
        rows = data.splits[name]
        second = rows["text_pair"] if "text_pair" in rows.column_names else [None] * len(rows)
        examples = []
        for text, pair, label in zip(rows["text"], second, rows["label"], strict=True):
            encoded = tokenizer(text, pair, truncation=True, max_length=recipe.tokens.max_length)
            if problem_type == "multi_label_classification":
                label = [1.0 if place in label else 0.0 for place in range(count)]
            examples.append({**encoded, "labels": label})
        splits[name] = Dataset.from_list(examples)
    settings = {
        "num_train_epochs": 3,
        "learning_rate": 2e-3,
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 16,
        "weight_decay": 0.01,
        "warmup_steps": 0.1,
        "logging_steps": 1,
        "eval_strategy": "epoch",
        "save_strategy": "no",
        "train_sampling_strategy": "group_by_length",
        "seed": 42,
        "report_to": "none",
        "disable_tqdm": True,
        **arguments,
    }
    set_seed(42)
    model = AutoModelForSequenceClassification.from_pretrained(
        recipe.model.source, num_labels=count, problem_type=problem_type
    )

    def divided(outputs: Any, labels: Tensor, num_items_in_batch: object) -> Tensor:
        """The Trainer does not divide such a loss by the batches of a step."""
        assert loss is not None
        batches = settings.get("gradient_accumulation_steps", 1) if model.training else 1
        return loss(outputs.logits, labels) / batches

    trainer = Trainer(
        model=model,
        args=TrainingArguments(output_dir=str(folder), **settings),
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_loss_func=divided if loss else None,
    )
    trainer.train()
    return _figures(trainer.state.log_history)


def run_figures(run: RunDirectory) -> Figures:
    """Return what `plain_figures` does of what a run has journaled."""
    journal = [json.loads(line) for line in run.journal.read_text().splitlines()]
    return _figures([entry for entry in journal if entry["event"] == "log"])


def steps_of(figures: Figures, wanted: str) -> list[int]:
    """Return the steps at which a figure was logged."""
    return [step for step, name in figures if name == wanted]


def _figures(entries: list[dict[str, Any]]) -> Figures:
    return {
        (int(entry["step"]), name): entry[name]
        for entry in entries
        for name in ("loss", "grad_norm", "eval_loss")
        if name in entry
    }
