"""How far a long piece of work is, on stderr, so that stdout holds nothing but its result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tui_finetune.text import clean


@contextmanager
def progress_on_stderr() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function to call with `{"what", "done", "of"}`; shown only on a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        # A task for each thing that is done, so that its speed is its own.
        tasks: dict[str, TaskID] = {}

        def report(step: dict[str, Any]) -> None:
            what, done, of = clean(step["what"], 40), step["done"], step["of"] or None
            if what not in tasks:
                for task in tasks.values():
                    progress.update(task, visible=False)
                tasks[what] = progress.add_task(what, completed=done, total=of)
            progress.update(tasks[what], completed=done)

        yield report


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return the rows a second."""
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")
