"""Watching a run from outside, in the terminal."""

import time
from pathlib import Path

from rich.console import Console
from rich.live import Live

from tui_finetune.console.progress_display import RunView
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.newest import NewestRun
from tui_finetune.runs.status import ACTIVE, read_status
from tui_finetune.text import clean

_POLL_SECONDS = 0.5


def follow(run: RunDirectory, home: Path | None = None) -> None:
    """Show a run until it ends, past runs at once. Ctrl-C leaves it going.

    With `home`, go over to a newer run of it as soon as one starts, until the newest has ended.
    """
    console = Console()
    newest = NewestRun(home) if home is not None else None
    if newest:
        newest.newer()
    try:
        while (newer := _show(run, console, newest)) is not None:
            run = newer
    except KeyboardInterrupt:
        console.print(
            f"the run goes on; come back with: tui-finetune attach {clean(run.id)}", markup=False
        )


def _show(run: RunDirectory, console: Console, newest: NewestRun | None) -> RunDirectory | None:
    """Show a run until it ends or a newer one starts; return that one."""
    console.print(f"run {clean(run.id)}", markup=False, highlight=False)
    view = RunView(run)
    with Live(view.render(), console=console, auto_refresh=False) as live:
        while True:
            going = read_status(run.status).state in ACTIVE
            live.update(view.render(), refresh=True)
            newer = newest.newer() if newest else None
            if newer is not None or not going:
                return newer
            time.sleep(_POLL_SECONDS)


def wait_until_ended(run: RunDirectory) -> None:
    """Return when the run's process has ended."""
    while read_status(run.status).state in ACTIVE:
        time.sleep(_POLL_SECONDS)
