"""What happens inside the Trainer's loop: the journal, stopping, and resuming exactly."""

import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from tui_finetune.runs.directory import RESUME_STATE, folder_size
from tui_finetune.runs.journal import JournalWriter, finite
from tui_finetune.training.progress import Progress

# Beside the eval_ figures that only tell how long the evaluation took.
VALIDATION_METRICS = ("loss", "accuracy", "precision", "recall", "f1")


class JournalCallback(TrainerCallback):
    """Writes the journal and keeps `Progress` up to date."""

    def __init__(self, journal: JournalWriter, progress: Progress, resumed_from: int) -> None:
        self._journal = journal
        self._progress = progress
        self._resumed_from = resumed_from
        self._step_began = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Say how long the way is, and from where it goes on."""
        batches = len(kwargs["train_dataloader"])
        self._progress.total_steps = state.max_steps
        self._progress.rows_per_step = args.train_batch_size * args.gradient_accumulation_steps
        self._progress.training = True
        self._journal.write(
            "start",
            resumed_from=self._resumed_from,
            total_steps=state.max_steps,
            steps_per_epoch=math.ceil(batches / args.gradient_accumulation_steps),
            epochs=args.num_train_epochs,
            selection_metric=args.metric_for_best_model,
        )

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        """Note the time."""
        self._step_began = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note how far it is and how long the step took."""
        self._progress.step_seconds.append(time.perf_counter() - self._step_began)
        self._progress.step = state.global_step
        self._progress.epoch = state.epoch or 0.0

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Write a log entry as the Trainer names it."""
        values = {name: value for name, value in logs.items() if name != "epoch"}
        self._journal.write("log", step=state.global_step, epoch=state.epoch, **values)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write that a checkpoint is whole, and take over the best evaluation so far."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self._journal.write("checkpoint", step=state.global_step, bytes=folder_size(folder))
        if best := _best_evaluation(state):
            self._progress.metrics["validation"] = best


class StopCallback(TrainerCallback):
    """Ends the training, with a checkpoint, when a stop is asked for."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stopped_inside_epoch = False

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save and stop inside an epoch; at its last step its own evaluation and save follow."""
        if self._progress.stop == "stop-now" and not _at_epoch_end(state):
            control.should_save = True
            control.should_training_stop = True
            self._stopped_inside_epoch = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop after a whole epoch; after a part of one, leave out what belongs to its end.

        An evaluation inside an epoch would count for early stopping and for the best checkpoint,
        and a resumed run would differ from one that never stopped.
        """
        if self._stopped_inside_epoch:
            control.should_log = control.should_evaluate = control.should_save = False
        elif self._progress.stop:
            control.should_save = True
            control.should_training_stop = True


class ResumeCallback(TrainerCallback):
    """Keeps beside each checkpoint what the Trainer forgets, so that resuming is exact.

    The order of an epoch's rows is drawn from torch's generator when the epoch begins, but a
    checkpoint inside the epoch holds only the generator's later state; and the losses summed up
    since the last log entry are lost. The file is written last, so it also marks the checkpoint as
    whole.
    """

    def __init__(self, resume_from: Path | None) -> None:
        self.trainer: Trainer | None = None
        self._epoch_rng = torch.get_rng_state()
        self._resumed: dict[str, Any] | None = None
        if resume_from is not None:
            self._resumed = torch.load(resume_from / RESUME_STATE, weights_only=True)

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Put back the losses that were not logged yet."""
        if self._resumed is not None:
            assert self.trainer is not None
            self.trainer._tr_loss += self._resumed["unlogged_loss"]
            self.trainer._globalstep_last_logged = self._resumed["last_logged_step"]

    def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None:
        """Remember, or put back, the generator from which the order of the rows is drawn."""
        if self._resumed is not None:
            torch.set_rng_state(self._resumed["epoch_rng"])
            self._resumed = None
        self._epoch_rng = torch.get_rng_state()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save what is needed to go on exactly here."""
        assert self.trainer is not None
        resume_state = {
            "epoch_rng": torch.get_rng_state() if _at_epoch_end(state) else self._epoch_rng,
            "unlogged_loss": self.trainer._tr_loss.item(),
            "last_logged_step": self.trainer._globalstep_last_logged,
        }
        path = Path(args.output_dir) / f"checkpoint-{state.global_step}" / RESUME_STATE
        temporary = path.with_suffix(".tmp")
        torch.save(resume_state, temporary)
        os.replace(temporary, path)


def _best_evaluation(state: TrainerState) -> dict[str, float | None]:
    """Return the metrics of the evaluation that the Trainer holds for the best."""
    for entry in state.log_history:
        if entry["step"] == state.best_global_step and "eval_loss" in entry:
            return {
                name.removeprefix("eval_"): finite(value)
                for name, value in entry.items()
                if name.removeprefix("eval_") in VALIDATION_METRICS
            }
    return {}


def _at_epoch_end(state: TrainerState) -> bool:
    return float(state.epoch or 0.0).is_integer()
