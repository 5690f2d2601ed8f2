"""Watching a run from outside, in the terminal."""

import time

from rich.console import Console
from rich.live import Live

from tui_finetune.console.progress_display import RunView
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import ACTIVE, read_status
from tui_finetune.text import clean

_POLL_SECONDS = 0.5


def follow(run: RunDirectory) -> None:
    """Show a run until it ends, past runs at once. Ctrl-C leaves it going."""
    view = RunView(run)
    console = Console()
    console.print(f"run {clean(run.id)}", markup=False, highlight=False)
    try:
        with Live(view.render(), console=console, auto_refresh=False) as live:
            while read_status(run.status).state in ACTIVE:
                time.sleep(_POLL_SECONDS)
                live.update(view.render(), refresh=True)
            live.update(view.render(), refresh=True)
    except KeyboardInterrupt:
        console.print(
            f"the run goes on; come back with: tui-finetune attach {clean(run.id)}", markup=False
        )


def wait_until_ended(run: RunDirectory) -> None:
    """Return when the run's process has ended."""
    while read_status(run.status).state in ACTIVE:
        time.sleep(_POLL_SECONDS)
