"""The training itself, from a checked recipe to a saved and evaluated model.

Runs in a thread of its own, beside the main thread that keeps the run directory true.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import transformers
from datasets import Dataset
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    set_seed,
)

from tui_finetune.evaluation.report import evaluate_rows
from tui_finetune.models.loading import load_classifier
from tui_finetune.recipe import source_words
from tui_finetune.runs.directory import RunDirectory, write_whole
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.tasks import text_classification as task
from tui_finetune.training.arguments import training_arguments
from tui_finetune.training.callbacks import ResumeCallback, RunJournalCallback, StopCallback
from tui_finetune.training.class_weights import (
    WeightedTrainer,
    balanced_weights,
    weights_words,
)
from tui_finetune.training.environment import write_environment
from tui_finetune.training.model_card import model_card
from tui_finetune.training.progress import Progress, StopWanted
from tui_finetune.training.setup import Setup
from tui_finetune.training.start import Start

# Where the Trainer's TensorBoard callback looks for its folder when it is made.
_EVENT_FILES = "TENSORBOARD_LOGGING_DIR"


def train(start: Start, journal: JournalWriter, progress: Progress) -> str:
    """Train, keep the best model, evaluate it on the test rows once.

    Returns the state the run ends in, `finished` or `stopped`; anything wrong is raised.
    """
    setup, run, resume_from = start.setup, start.run, start.resume_from
    write_environment(run)
    transformers.utils.logging.disable_progress_bar()  # the log is no terminal
    trainer = build_trainer(start, journal, progress)
    try:
        progress.check_stop_now()
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
        if trainer.state.global_step < trainer.state.max_steps:
            if progress.stop:
                return "stopped"
            _note_early_stopping(setup, trainer, journal)
        _evaluate(setup, run, journal, progress, trainer.model, trainer.processing_class)
        _save_model(setup, run, progress, trainer.model, trainer.processing_class)
    except StopWanted:
        return "stopped"
    return "finished"


def build_trainer(start: Start, journal: JournalWriter, progress: Progress) -> Trainer:
    """Load the model, encode the rows and put the Trainer together."""
    setup, run, resume_from = start.setup, start.run, start.resume_from
    recipe, data, tokenizer = setup.recipe, setup.data, setup.tokenizer
    journal.write(
        "stage",
        stage="load",
        rows=data.rows,
        columns=len(data.source_columns),
        source=source_words(recipe.data.source),
    )
    if data.decisions:
        decisions = [decision.document() for decision in data.decisions]
        journal.write("stage", stage="decide", decisions=decisions)
    encoded = {
        name: task.encode(rows, tokenizer, recipe.tokens, data.problem_type, len(data.labels))
        for name, rows in data.splits.items()
        if name != "test"  # touched once, at the end
    }
    journal.write("stage", stage="tokenize", **_token_shapes(encoded, setup))
    sizes = {name: rows.num_rows for name, rows in data.splits.items()}
    journal.write("stage", stage="split", how=data.cut, **sizes)
    arguments = training_arguments(recipe, run.checkpoints, encoded["train"].num_rows)
    write_whole(run.arguments, arguments.to_json_string())

    set_seed(arguments.seed)  # the new head's weights
    model = load_classifier(
        setup.model_folder,
        data.labels,
        data.problem_type,
        allow_pickle=recipe.model.allow_pickle,
        trust_remote_code=recipe.model.trust_remote_code,
    )
    # Else the Trainer takes forward(**kwargs) for a loss that is already divided by the number of
    # items in all accumulated batches, and reports and applies a multiple of it.
    model.accepts_loss_kwargs = False

    resumed_from = int(resume_from.name.rpartition("-")[2]) if resume_from else 0
    resume = ResumeCallback(resume_from)
    callbacks = [
        resume,
        StopCallback(progress),
        RunJournalCallback(journal, progress, resumed_from),
    ]
    if recipe.early_stopping.patience is not None:
        callbacks.append(EarlyStoppingCallback(recipe.early_stopping.patience))
    if resume_from:
        arguments.restore_callback_states_from_checkpoint = True  # early stopping's patience
    trainer_class: Callable[..., Trainer] = Trainer
    if recipe.train.class_weights == "balanced":
        weights = balanced_weights(data)
        by_label = dict(zip(data.labels, weights, strict=True))
        journal.write("note", text=weights_words(data, weights), class_weights=by_label)
        trainer_class = partial(WeightedTrainer, class_weights=weights)
    with _event_files_in(run.path / "tensorboard"):
        trainer = trainer_class(
            model=model,
            args=arguments,
            train_dataset=encoded["train"],
            eval_dataset=encoded["validation"],
            data_collator=task.collator(tokenizer, recipe.tokens),
            processing_class=tokenizer,
            compute_metrics=task.metrics_for(data.problem_type),
            callbacks=callbacks,
        )
    resume.trainer = trainer
    return trainer


@contextmanager
def _event_files_in(folder: Path) -> Iterator[None]:
    """Let a Trainer that reports to TensorBoard write there, unless the person says where.

    Its own choice would be a folder of its own for each start, among the checkpoints.
    """
    former = os.environ.get(_EVENT_FILES)
    os.environ.setdefault(_EVENT_FILES, str(folder))
    try:
        yield
    finally:
        if former is None:
            del os.environ[_EVENT_FILES]


def _token_shapes(encoded: dict[str, Dataset], setup: Setup) -> dict[str, Any]:
    """Return how many tokens the training and validation texts have."""
    lengths = sorted(len(row) for rows in encoded.values() for row in rows["input_ids"])
    return {
        "rows": len(lengths),
        "median": lengths[len(lengths) // 2],
        "longest": lengths[-1],
        "max_length": setup.recipe.tokens.max_length,
        "padding": setup.recipe.tokens.padding,
    }


def _note_early_stopping(setup: Setup, trainer: Trainer, journal: JournalWriter) -> None:
    stopping = setup.recipe.early_stopping
    journal.write(
        "note",
        text=f"early stopping at step {trainer.state.global_step} of {trainer.state.max_steps}: "
        f"no better {stopping.metric} in {stopping.patience} evaluations",
    )


def _evaluate(
    setup: Setup,
    run: RunDirectory,
    journal: JournalWriter,
    progress: Progress,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Judge the best model on the validation rows, and on the test rows for the first time."""
    run.evaluation.mkdir(exist_ok=True)
    model.eval()
    for name in ("validation", "test"):
        if name not in setup.data.splits:
            continue
        rows = setup.data.splits[name]
        report = evaluate_rows(
            rows["text"][:],
            setup.data.references(name),
            model,
            tokenizer,
            setup.recipe.tokens.max_length,
            progress=lambda done: progress.check_stop_now(),
            pairs=rows["text_pair"][:] if "text_pair" in rows.column_names else None,
        )
        write_whole(run.evaluation / f"{name}.jsonl", report.lines(rows["row"]))
        progress.metrics[name] = report.metrics
        if name == "test":
            journal.write("test", metrics=report.metrics, rows=rows.num_rows)
    write_whole(run.evaluation / "metrics.json", json.dumps(progress.metrics, indent=2))


def _save_model(
    setup: Setup,
    run: RunDirectory,
    progress: Progress,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Save the model, its tokenizer and its card; `model/` appears whole or not at all."""
    staging = run.path / ".model"
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    card = model_card(setup.recipe, setup.data, progress.metrics)
    (staging / "README.md").write_text(card, encoding="utf-8")
    shutil.rmtree(run.model, ignore_errors=True)
    os.replace(staging, run.model)
