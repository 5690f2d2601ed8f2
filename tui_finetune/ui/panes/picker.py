"""A small list of the runs that have a model, to choose one."""

import asyncio
import time
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.listing import RunSummary, summarise
from tui_finetune.runs.telling import short_name
from tui_finetune.text import clean
from tui_finetune.ui.widgets.dialog import Dialog
from tui_finetune.ui.words import ago, loss_figure, state_mark

MOST_SHOWN = 200


class RunPicker(Dialog[RunDirectory | None]):
    """Lets the person choose among the newest runs that have a model."""

    DEFAULT_CSS = """
    RunPicker {
        & > Vertical { max-height: 80%; }
        & OptionList { max-height: 14; margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Back")]

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._runs: list[RunSummary] = []

    def compose(self) -> ComposeResult:
        """Lay out the list, which fills as soon as the runs are read."""
        with Vertical():
            yield Static("Which run?", id="picker-title", markup=False)
            yield OptionList()

    def on_mount(self) -> None:
        """Begin to read the runs."""
        self.run_worker(self._read())

    async def _read(self) -> None:
        title = self.query_one("#picker-title", Static)
        try:
            self._runs = await asyncio.to_thread(runs_with_model, self._home)
        except OSError as error:
            title.update(f"cannot read the runs ({clean(error.strerror or error, 100)})")
            return
        options = self.query_one(OptionList)
        now = time.time()
        options.add_options([Option(_line(run, now)) for run in self._runs])
        if self._runs:
            options.highlighted = 0
        else:
            title.update("No run has a model yet. F3 starts one; its first checkpoint will do.")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the chosen run."""
        self.dismiss(self._runs[event.option_index].run)

    def action_close(self) -> None:
        """Answer with none."""
        self.dismiss(None)


def runs_with_model(home: Path, most: int = MOST_SHOWN) -> list[RunSummary]:
    """Return the newest runs that can predict, at most `most`."""
    with_model = (run for run in all_runs(home) if run.has_model())
    return [summarise(run) for run in islice(with_model, most)]


def _line(run: RunSummary, now: float) -> Content:
    name = clean(run.name, 22)
    metric, value = run.told("validation") or ("", None)
    return Content.assemble(
        f" {name:<22}  ",
        state_mark(run.state),
        " " * (13 - len(run.state)),
        (f"{ago(run.started, now):>11}", "$text-muted"),
        (f"  {clean(short_name(metric), 8):>8} ", "$text-muted"),
        loss_figure(value),
    )
