"""The callback that makes a run of any training with the Hugging Face `Trainer`."""

from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tui_finetune.home import home as home_folder
from tui_finetune.runs.control import STOP_REQUESTS, StopRequest
from tui_finetune.training.callbacks import RunJournalCallback, StopCallback, metrics_of
from tui_finetune.training.progress import Progress
from tui_finetune.training.script_run import Guard, ScriptRun, start_script_run


class JournalCallback(TrainerCallback):
    """Shows a training in the dashboard, live, and lets it be stopped from there.

        Trainer(..., callbacks=[JournalCallback()])

    Each call of `train()` becomes a run of its own: curves, checkpoints, memory, log, and in the
    end its true state. The training itself is left as it is, and an error in here does not reach
    it; the first one is logged. With several processes the first one writes.

    `name` is the run's name; without it, `run_name` of the arguments or the script's name. `home`
    is where the runs live; without it, `$TUI_FINETUNE_HOME` or the platform's data folder.
    """

    def __init__(self, name: str | None = None, home: str | Path | None = None) -> None:
        self._name = name
        self._home = home
        self._guard = Guard()
        self._run: ScriptRun | None = None
        self._progress = Progress()
        self._stop = StopCallback(self._progress)
        self._journal: RunJournalCallback | None = None
        self._evaluated: set[tuple[int, str]] = set()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Make a run; a Trainer that looks for its batch size begins the same one again."""
        with self._guard:
            again = self._run is not None and not self._run.over and self._run.call.is_mine()
            if not again:
                self._close()
                self._progress = Progress()
            self._progress.step = state.global_step
            self._progress.stop = None
            self._stop = StopCallback(self._progress)
            if state.is_world_process_zero and not again:
                self._run = start_script_run(
                    home_folder(self._home),
                    self._name,
                    args,
                    state,
                    self._progress,
                    self._guard,
                    **kwargs,
                )
            if self._run:
                journal = RunJournalCallback(self._run.journal, self._progress, state.global_step)
                journal.on_train_begin(args, state, control, **kwargs)
                self._journal = journal
                self._evaluated = set()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the time."""
        self._pass_on("on_step_begin", args, state, control, **kwargs)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note how far it is, and stop if that was asked for."""
        with self._guard:
            self._progress.stop = _agreed(self._run.asked if self._run else None, args)
        self._pass_on("on_step_end", args, state, control, **kwargs)
        with self._guard:
            self._stop.on_step_end(args, state, control)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop if that was asked for."""
        with self._guard:
            self._stop.on_epoch_end(args, state, control)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Write a log entry as the Trainer names it."""
        if self._run and self._run.over:
            with self._guard:
                self._log_afterwards(args, state, control, logs)
            return
        self._pass_on("on_log", args, state, control, logs=logs, **kwargs)
        with self._guard:
            if self._run:
                self._evaluated |= {(state.global_step, name) for name in metrics_of(logs, "eval_")}
                self._run.say(str(logs))

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note that there are new figures."""
        self._pass_on("on_evaluate", args, state, control, **kwargs)

    def on_predict(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Take what the Trainer calls test figures, once the training is over, for such."""
        with self._guard:
            found = metrics_of(metrics, "test_")
            if found and self._run and self._run.over:
                self._progress.metrics["test"] = found
                self._run.journal.write("test", metrics=found)
                self._run.write_status()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write that a checkpoint is whole."""
        self._pass_on("on_save", args, state, control, **kwargs)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Say how the training ended; the script may go on."""
        self._pass_on("on_train_end", args, state, control, **kwargs)
        with self._guard:
            if self._run is None or self._run.over:
                return
            step = state.global_step
            if step >= state.max_steps:
                self._run.end("finished")
            elif self._progress.stop:
                self._run.end("stopped", f"asked to ({self._progress.stop}) at step {step}")
            else:
                text = f"ended at step {step} of {state.max_steps}, as a callback asked for"
                self._run.journal.write("note", text=text)
                self._run.end("finished")

    def _pass_on(self, event: str, *args: Any, **kwargs: Any) -> None:
        if self._journal and self._run and not self._run.over:
            with self._guard:
                getattr(self._journal, event)(*args, **kwargs)

    def _log_afterwards(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
    ) -> None:
        """Journal an evaluation that the script makes after the training.

        It is a point of the curves only if there was none at the last step and the model is the
        one of that step; else it would stand in the place of another model's or other rows'.
        """
        assert self._run is not None
        assert self._journal is not None
        figures = metrics_of(logs, "eval_")
        if not figures:
            return
        known = any((state.global_step, name) in self._evaluated for name in figures)
        if known or args.load_best_model_at_end:
            said = ", ".join(
                f"{name} {'no number' if value is None else format(value, '.4g')}"
                for name, value in figures.items()
            )
            self._run.journal.write("note", text=f"evaluated after the training: {said}")
        else:
            self._journal.on_log(args, state, control, logs=logs)
            self._progress.metrics["validation"] = figures
            self._run.write_status()

    def _close(self) -> None:
        """Leave the run before, which must have ended without having said so if it is not over."""
        if self._run is not None:
            if not self._run.over:
                self._run.broken_off("another training began before this one was over")
            self._run.journal.close()
            self._run = self._journal = None


def _agreed(asked: StopRequest | None, args: TrainingArguments) -> StopRequest | None:
    """Return what the first process was asked for, in all processes at the same step.

    A process that stopped a step before the others would leave them waiting for it.
    """
    group = torch.distributed
    if not (group.is_available() and group.is_initialized() and group.get_world_size() > 1):
        return asked
    answers = (None, *STOP_REQUESTS)
    number = torch.tensor(answers.index(asked), device=args.device)
    group.broadcast(number, src=0)
    return answers[int(number)]
