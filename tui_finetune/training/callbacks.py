"""What happens inside the Trainer's loop: the journal, stopping, and resuming exactly."""

import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
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

# Beside its figures an evaluation says where it was made and how long it took.
_NO_METRICS = frozenset(
    {"runtime", "samples_per_second", "steps_per_second", "model_preparation_time"}
)

# Names that an entry of the journal has for itself.
_PLACES = frozenset({"event", "time", "step", "epoch"})


class RunJournalCallback(TrainerCallback):
    """Writes the journal and keeps `Progress` up to date."""

    def __init__(self, journal: JournalWriter, progress: Progress, resumed_from: int) -> None:
        self._journal = journal
        self._progress = progress
        self._resumed_from = resumed_from
        self._step_began = 0.0
        self._evaluated = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Say how long the way is, and from where it goes on."""
        rows_a_batch = args.train_batch_size * args.world_size
        self._progress.total_steps = state.max_steps
        self._progress.rows_per_step = rows_a_batch * args.gradient_accumulation_steps
        self._progress.training = True
        self._journal.write(
            "start",
            resumed_from=self._resumed_from,
            total_steps=state.max_steps,
            steps_per_epoch=_steps_per_epoch(args, kwargs["train_dataloader"]),
            epochs=planned_epochs(args, kwargs["train_dataloader"]),
            selection_metric=args.metric_for_best_model,
        )

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the time, and the evaluation before this step, which the Trainer has judged now."""
        self._take_over_best(state)
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
        self._journal.write("log", step=state.global_step, epoch=state.epoch, **numbers(logs))

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Note that there are new figures; the Trainer judges only now whether they are better."""
        self._evaluated = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write that a checkpoint is whole, and take over the best evaluation so far."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        size = folder_size(folder) if folder.is_dir() else None
        self._journal.write("checkpoint", step=state.global_step, bytes=size)
        self._take_over_best(state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take over the best evaluation of all."""
        self._take_over_best(state)

    def _take_over_best(self, state: TrainerState) -> None:
        if self._evaluated:
            self._progress.metrics["validation"] = _best_evaluation(state)
            self._evaluated = False


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


def numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a log entry; scripts log tensors and words as well."""
    found = {}
    for name, value in logs.items():
        with suppress(TypeError, ValueError):
            if name not in _PLACES and not isinstance(value, str):
                found[name] = value if isinstance(value, float | int) else float(value)
    return found


def metrics_of(logs: Mapping[str, Any], prefix: str) -> dict[str, float | None]:
    """Return the figures of an evaluation by their names without `prefix`, "eval_" or "test_"."""
    return {
        name.removeprefix(prefix): finite(value)
        for name, value in numbers(logs).items()
        if name.startswith(prefix) and name.removeprefix(prefix) not in _NO_METRICS
    }


def _best_evaluation(state: TrainerState) -> dict[str, float | None]:
    """Return the metrics at the step that the Trainer holds for the best, else at the last one.

    A Trainer with several sets of validation rows makes an entry for each.
    """
    entries = [entry for entry in state.log_history if metrics_of(entry, "eval_")]
    if not entries:
        return {}
    step = state.best_global_step or entries[-1]["step"]
    return {
        name: value
        for entry in entries
        if entry["step"] == step
        for name, value in metrics_of(entry, "eval_").items()
    }


def planned_epochs(args: TrainingArguments, dataloader: Any) -> float | None:
    """Return how often the rows will be gone through, None for data of unknown length."""
    if args.max_steps <= 0:
        return float(args.num_train_epochs)
    steps = _steps_per_epoch(args, dataloader)
    return args.max_steps / steps if steps else None


def _steps_per_epoch(args: TrainingArguments, dataloader: Any) -> int | None:
    """Return the optimizer steps of an epoch, None for data of unknown length."""
    try:
        batches = len(dataloader)
    except TypeError:
        return None
    return math.ceil(batches / int(args.gradient_accumulation_steps))


def _at_epoch_end(state: TrainerState) -> bool:
    return float(state.epoch or 0.0).is_integer()
