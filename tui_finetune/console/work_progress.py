"""How far a long piece of work is, on stderr, so that stdout holds nothing but its result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
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
    """Give a function to call with `{"what", "done", "of"}`; shown only on a terminal.

    With `"unit": "bytes"` these are bytes, else whatever is done: rows, steps, files.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Done(),
        _Rate(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        # A task for each thing that is done, so that its speed is its own; some come by turns.
        tasks: dict[str, TaskID] = {}

        def report(step: dict[str, Any]) -> None:
            what, done, of = clean(step["what"], 40), step["done"], step["of"] or None
            if what not in tasks:
                tasks[what] = progress.add_task(
                    what, completed=done, total=of, in_bytes=step.get("unit") == "bytes"
                )
            for name, task in tasks.items():
                progress.update(task, visible=name == what)
            progress.update(tasks[what], completed=done, total=of)

        yield report


class _Done(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return how many are done of how many."""
        done, of = int(task.completed), None if task.total is None else int(task.total)
        if task.fields["in_bytes"]:
            return Text(f"{decimal(done)} of {'?' if of is None else decimal(of)}")
        return Text(f"{done}/{'?' if of is None else of}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return how much is done a second."""
        if not task.speed:
            return Text("")
        if task.fields["in_bytes"]:
            return Text(f"{decimal(int(task.speed))}/s")
        return Text(f"{task.speed:,.0f}/s" if task.speed >= 10 else f"{task.speed:.2g}/s")
