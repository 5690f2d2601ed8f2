"""The run of somebody's own script: its directory, kept true while the script trains."""

import atexit
import logging
import os
import shutil
import sys
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from transformers import TrainerState, TrainingArguments

from tui_finetune.runs.control import StopRequest, pending_stop
from tui_finetune.runs.directory import RunDirectory, create_run_directory, write_whole
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, this_process, write_status
from tui_finetune.training.callbacks import planned_epochs
from tui_finetune.training.environment import write_environment
from tui_finetune.training.failures import explain
from tui_finetune.training.progress import Progress
from tui_finetune.training.sampling import Sampler
from tui_finetune.training.train_call import TrainCall

TICK_SECONDS = 0.5

_logger = logging.getLogger("tui_finetune")

# Builders of `datasets` that say how the rows were stored and not which rows they are.
_FORMATS = frozenset(
    {"arrow", "csv", "generator", "json", "pandas", "parquet", "sql", "text", "webdataset"}
)


class Guard:
    """Lets no error out into the script, and says the first one in its log."""

    def __init__(self) -> None:
        self._said = False

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False  # Ctrl-C is the script's
        if not self._said:
            self._said = True
            _logger.warning(
                "JournalCallback: %s; the training goes on, its run is not complete", explain(error)
            )
        return True


class ScriptRun:
    """A run of a training that has just begun in this thread.

    `asked` is the stop that was asked for; `progress` is shared with the callbacks. A thread writes
    heartbeat and samples and sees when the training is over without having said so.
    """

    def __init__(self, run: RunDirectory, status: Status, progress: Progress, guard: Guard) -> None:
        self.asked: StopRequest | None = None
        self.progress = progress
        self.journal = JournalWriter(run.journal)
        self.call = TrainCall()
        self.over = False
        self._run = run
        self._status = status
        self._guard = guard
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._ended_on_disk = threading.Event()
        self._log = _LogFile(run.log)
        self._sampler = Sampler(run, self.journal, progress)

    def begin(self) -> None:
        """Take on the log and start the thread."""
        self._log.attach()
        atexit.register(self._at_exit)
        threading.Thread(target=self._watch, name="tui-finetune", daemon=True).start()

    def say(self, text: str) -> None:
        """Write a line into the run's log."""
        self._log.say(text)

    def end(self, state: str, reason: str = "", error: BaseException | None = None) -> None:
        """Say how it ended; only the first word counts."""
        with self._lock:
            if self.over:
                return
            self.over = True
            self._status = self.progress.present(self._status)
            self._status.state, self._status.reason = state, reason
            self._status.ended = time.time()
        atexit.unregister(self._at_exit)
        with self._guard:
            if error is not None:
                self._log.say("".join(traceback.format_exception(error)))
            self._log.detach()
            self.journal.write("state", state=state, reason=reason)
        with self._guard:
            self.write_status()

    def write_status(self) -> None:
        """Write the status as it is now; after the end, that with the newest metrics."""
        with self._lock:
            if self.over:
                self._status.metrics = dict(self.progress.metrics)
                write_status(self._run.status, self._status)
                self._ended_on_disk.set()
            else:
                write_status(self._run.status, self.progress.present(self._status))

    def broken_off(self, otherwise: str) -> None:
        """End without the Trainer's own word, with the error as reason, else with `otherwise`."""
        error = self.call.error()
        if isinstance(error, KeyboardInterrupt):
            self.end("interrupted", f"Ctrl-C at step {self.progress.step}")
        elif error is not None:
            self.end("failed", explain(error), error)
        else:
            self.end("failed", otherwise)

    def _watch(self) -> None:
        gone = 0
        while not self._ended_on_disk.wait(TICK_SECONDS):
            with self._guard:
                self.asked = pending_stop(self._run.control)
            with self._guard:
                gone = 0 if self.over or self.call.goes_on() else gone + 1
                # at the end of a script the error is known a moment after the call is gone
                if gone > 1 or (gone and self.call.error()):
                    self.broken_off(
                        f"the training broke off at step {self.progress.step}, "
                        "and the script caught the error"
                    )
            with self._guard, self._lock:  # so that nothing comes after the word of the end
                if not self.over:
                    self._sampler.sample_if_due()
            with self._guard:
                self.write_status()

    def _at_exit(self) -> None:
        if os.getpid() == self._process:  # and not a fork of it
            with self._guard:
                self.broken_off(
                    f"the script ended inside the training, at step {self.progress.step}"
                )


def start_script_run(
    home: Path,
    name: str | None,
    args: TrainingArguments,
    state: TrainerState,
    progress: Progress,
    guard: Guard,
    **training: Any,
) -> ScriptRun:
    """Make a run of the training that begins now, from what `on_train_begin` is told.

    Raises `InputError` or `OSError` if it cannot be written; then nothing of it is left.
    """
    name = name or args.run_name or _script_name() or Path(args.output_dir).name
    run = create_run_directory(home, name)
    try:
        status = Status(
            origin="script",
            state="running",
            name=name,
            data=_data_name(training["train_dataloader"].dataset),
            model=_model_name(training["model"]),
            started=time.time(),
            heartbeat=time.time(),
            total_steps=state.max_steps,
            epochs=planned_epochs(args, training["train_dataloader"]) or 0.0,
            **this_process(),
        )
        script_run = ScriptRun(run, status, progress, guard)
        with guard:
            write_whole(run.arguments, args.to_json_string())
            write_environment(run)
        write_status(run.status, status)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    script_run.begin()
    return script_run


def _script_name() -> str | None:
    """Return the name of the script that runs, None in a notebook."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return Path(file).stem if file else None


def _model_name(model: Any) -> str:
    config = getattr(model, "config", None)
    return str(getattr(config, "_name_or_path", "") or type(model).__name__)


def _data_name(dataset: Any) -> str:
    """Return the name of a dataset, else how many rows it has."""
    name = getattr(getattr(dataset, "info", None), "dataset_name", None)
    if name and name not in _FORMATS:
        return str(name)
    try:
        return f"{len(dataset)} rows"
    except TypeError:  # it comes as a stream
        return ""


class _LogFile(logging.FileHandler):
    """Writes what is logged during the training into a file; what the script prints is its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="replace")
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def attach(self) -> None:
        """Begin to listen; transformers does not pass its records on to the root."""
        for logger in _LISTENED:
            logging.getLogger(logger).addHandler(self)

    def detach(self) -> None:
        """Listen no more."""
        for logger in _LISTENED:
            logging.getLogger(logger).removeHandler(self)
        self.close()

    def say(self, text: str) -> None:
        """Write a line of our own."""
        print(text.rstrip(), file=self.stream, flush=True)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk is no reason to write into the script's output."""


_LISTENED = ("", "transformers")
