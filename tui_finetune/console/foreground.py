"""Training in the foreground: the worker runs in this process, with a display of its progress."""

import signal
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from tui_finetune.console.progress_display import RunView
from tui_finetune.runs.directory import RunDirectory

if TYPE_CHECKING:
    from tui_finetune.training.start import Start


def train_in_foreground(make: "Callable[[], Start]", as_json: bool) -> RunDirectory:
    """Make a run and train it to its end, showing its progress on stdout if that is a terminal.

    What libraries print goes to the run's log. A hangup takes away the display and nothing else:
    the run goes on. Raises `InputError` before anything is written.
    """
    from tui_finetune.training.supervisor import output_to, run_training

    start = make()
    with output_to(start.run.log) as terminal:
        display = None if as_json or not terminal.isatty() else _Display(start.run, terminal)
        if display is None:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            run_training(start)
        else:
            signal.signal(signal.SIGHUP, display.hang_up)
            run_training(start, on_tick=display.update)
            display.close()
    return start.run


class _Display:
    """The live picture of the run on the terminal, as long as there is one."""

    def __init__(self, run: RunDirectory, terminal: IO[str]) -> None:
        console = Console(file=terminal)
        console.print(
            f"run {run.id}   Ctrl-C saves a checkpoint and stops", markup=False, highlight=False
        )
        self._view = RunView(run)
        # What libraries print belongs into the log and not above the picture.
        self._live = Live(
            console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._there = True
        self._live.start()

    def hang_up(self, *_: object) -> None:
        """Never touch the terminal again. Only a flag: this may interrupt the drawing."""
        self._there = False

    def update(self) -> None:
        """Show the present state."""
        if self._there:
            with suppress(OSError):  # a write that is under way when the terminal goes
                self._live.update(self._view.render(), refresh=True)

    def close(self) -> None:
        """Stop drawing."""
        if self._there:
            with suppress(OSError):
                self._live.stop()
