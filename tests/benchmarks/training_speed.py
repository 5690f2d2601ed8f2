"""Training time of a run against a plain script with the same Trainer and arguments.

    python tests/benchmarks/training_speed.py [ROUNDS]

Trains the starter on the sample recipe for one epoch, in turns as a run (journal, checkpoints,
heartbeat, memory samples) and with nothing but the Trainer, in the same process. Compared is the
Trainer's own `train_runtime`, without loading and without the evaluation at the end.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from tui_finetune import process

process.settle()

from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments  # noqa: E402

from tui_finetune.recipe import Recipe, load_recipe  # noqa: E402
from tui_finetune.tasks import text_classification as task  # noqa: E402
from tui_finetune.training.setup import set_up  # noqa: E402
from tui_finetune.training.start import new_run  # noqa: E402
from tui_finetune.training.supervisor import output_to, run_training  # noqa: E402

RECIPE = Path(__file__).parents[2] / "sample_data" / "reviews.yaml"


def run_seconds(recipe: Recipe, home: Path) -> float:
    """Return the train_runtime of a run."""
    start = new_run(home, recipe)
    with output_to(start.run.log):
        run_training(start)
    entries = map(json.loads, start.run.journal.read_text().splitlines())
    return next(float(entry["train_runtime"]) for entry in entries if "train_runtime" in entry)


def plain_seconds(recipe: Recipe, folder: Path) -> float:
    """Return the train_runtime of a plain script that evaluates and saves as the run does."""
    setup = set_up(recipe)
    encoded = {
        name: task.encode(rows, setup.tokenizer, recipe.tokens)
        for name, rows in setup.data.splits.items()
    }
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        learning_rate=recipe.train.learning_rate,
        per_device_train_batch_size=recipe.train.per_device_train_batch_size,
        per_device_eval_batch_size=2 * recipe.train.per_device_train_batch_size,
        weight_decay=recipe.train.weight_decay,
        eval_strategy="epoch",
        save_strategy="epoch",
        train_sampling_strategy="group_by_length",
        report_to="none",
        disable_tqdm=True,
    )
    model = AutoModelForSequenceClassification.from_pretrained(setup.model_folder, num_labels=2)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=encoded["train"],
        eval_dataset=encoded["validation"],
        data_collator=task.collator(setup.tokenizer, recipe.tokens),
        processing_class=setup.tokenizer,
        compute_metrics=task.compute_metrics,
    )
    with output_to(folder / "log"):
        return float(trainer.train().metrics["train_runtime"])


def main(rounds: int) -> None:
    """Print the medians and their ratio."""
    recipe = load_recipe(RECIPE)
    recipe.train.num_train_epochs = 1
    runs, plain = [], []
    for _ in range(rounds):
        runs.append(run_seconds(recipe, Path(tempfile.mkdtemp())))
        plain.append(plain_seconds(recipe, Path(tempfile.mkdtemp())))
    run, script = statistics.median(runs), statistics.median(plain)
    print(f"run {run:.1f} s, plain script {script:.1f} s, ratio {run / script:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
