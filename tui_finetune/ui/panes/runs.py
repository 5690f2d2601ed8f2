"""The Runs pane: all runs of the home, the newest first, live ones updated in place."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable, Static
from textual.widgets.data_table import RowDoesNotExist

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.listing import RunLister, RunSummary, delete_run
from tui_finetune.text import clean
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import STATE_MARKS, ago, duration, figure, short_source, unreadable

# A table of 10,000 rows takes seconds to build.
NEWEST_SHOWN = 1000

# How often the list is looked at.
PAUSE_SECONDS = 1.0

# What can be done with some runs only.
_ACTIONS = ("predict", "evaluate", "resume", "delete")

# Rows added before the keyboard gets its turn.
_ROWS_AT_ONCE = 50

# As wide as 100/300.
_EPOCHS_WIDTH = 7

# Title, width, and whether it stands right. What is left over goes to the names.
_COLUMNS = (
    ("state", 13, False),
    ("name", 0, False),
    ("started", 10, False),
    ("data", 0, False),
    ("model", 0, False),
    ("epochs", _EPOCHS_WIDTH, True),
    ("val acc ↑", 9, True),
    ("test ↑", 6, True),
    ("took", 5, True),
)
_NAME, _DATA, _MODEL = 1, 3, 4
_PADDING = 2

_EMPTY = Content.assemble(
    ("No runs yet.\n\n", "bold"),
    ("F1", "bold $text-accent"), " choose the data     ",
    ("F2", "bold $text-accent"), " a model     ",
    ("F3", "bold $text-accent"), " tune and start",
)  # fmt: skip


class RunsPane(Vertical):
    """A table of runs to open, predict with, resume and delete."""

    DEFAULT_CSS = """
    RunsPane {
        & #runs-title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & DataTable {
            height: 1fr; background: transparent; scrollbar-size-vertical: 1;
            & > .datatable--header { background: transparent; color: $text-muted; }
        }
        & #runs-reason { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #runs-empty { height: 1fr; content-align: center middle; text-align: center; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "predict", "Predict"),
        Binding("e", "evaluate", "Evaluate"),
        Binding("r", "resume", "Resume"),
        Binding("d,delete", "delete", "Delete…"),
    ]

    @dataclass
    class Opened(Message):
        """The person wants to see this run in Watch."""

        run: RunDirectory

    @dataclass
    class PredictWanted(Message):
        """The person wants to try this run's model."""

        run: RunDirectory

    @dataclass
    class EvaluateWanted(Message):
        """The person wants to know how good this run's model is."""

        run: RunDirectory

    @dataclass
    class ResumeWanted(Message):
        """The person wants this run to go on."""

        run: RunDirectory

    def __init__(self, home: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._home = home
        self._lister = RunLister(home)
        self._runs: dict[str, RunSummary] = {}
        self._cells: dict[str, list[str]] = {}
        self._total = 0
        self._widths: list[int] = []
        self._offered: tuple[bool | None, ...] = ()
        self._wake = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out the title, the table and the line about the run under the cursor."""
        yield Static(id="runs-title", markup=False)
        yield _Table(cursor_type="row")
        yield Static(id="runs-reason", markup=False)
        yield _Hint(_EMPTY, id="runs-empty")

    def on_mount(self) -> None:
        """Begin to follow the list."""
        self.query_one("#runs-empty").display = False
        self.run_worker(self._follow(), group="follow", exclusive=True)

    def focus(self, scroll_visible: bool = True) -> "RunsPane":
        """Focus the table, or the hint while there is no run."""
        empty = self.query_one("#runs-empty")
        (empty if empty.display else self._table).focus(scroll_visible)
        return self

    @property
    def _table(self) -> "DataTable[Text]":
        return self.query_one(DataTable)

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        table = self._table
        if not table.row_count:
            return None
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        return self._runs.get(key or "")

    # --- following ---

    async def _follow(self) -> None:
        while True:
            self._wake.clear()
            if self.display:
                try:
                    runs = await asyncio.to_thread(self._read)
                except OSError as error:
                    say(self, "#runs-reason", unreadable("the runs", error))
                else:
                    await self._show(runs)
            try:
                await asyncio.wait_for(self._wake.wait(), PAUSE_SECONDS)
            except TimeoutError:
                continue

    def _read(self) -> list[RunSummary]:
        self._total = len(all_runs(self._home))
        return self._lister.update(NEWEST_SHOWN)

    def on_show(self) -> None:
        """Look at the runs at once when the pane comes into sight."""
        self._wake.set()

    def on_resize(self) -> None:
        """Show more columns where there is room."""
        self._wake.set()

    async def _show(self, runs: Sequence[RunSummary]) -> None:
        """Bring the table up to date: cells in place, all of it only if runs came or went."""
        widths = column_widths(self.size.width)
        now = time.time()
        same = widths == self._widths and [run.id for run in runs] == list(self._runs)
        before = self._cells
        self._runs = {run.id: run for run in runs}
        self._cells = {run.id: _row(run, now) for run in runs}
        say(self, "#runs-title", self._title())
        if same:
            self._update_cells(before)
        else:
            self._widths = widths
            await self._rebuild()
        say(self, "#runs-reason", self._about_selected())
        self._offer_keys()

    def _update_cells(self, before: dict[str, list[str]]) -> None:
        table = self._table
        for key, row in self._cells.items():
            if row == before[key]:
                continue
            for column, (old, new) in enumerate(zip(before[key], row, strict=True)):
                if old != new and self._widths[column]:
                    table.update_cell(key, str(column), self._cell(self._runs[key], column))

    async def _rebuild(self) -> None:
        table = self._table
        empty = not self._runs
        focus = self.has_focus_within
        selected = self.selected_key
        table.clear(columns=True)
        for column, (title, _, right) in enumerate(_COLUMNS):
            if width := self._widths[column]:
                label = Text(title, justify="right" if right else "left")
                table.add_column(label, width=width, key=str(column))
        columns = [column for column, width in enumerate(self._widths) if width]
        for number, (key, run) in enumerate(list(self._runs.items())):
            table.add_row(*[self._cell(run, column) for column in columns], key=key)
            if number % _ROWS_AT_ONCE == _ROWS_AT_ONCE - 1:
                await asyncio.sleep(0)
        table.display = not empty
        self.query_one("#runs-empty").display = empty
        if focus:
            self.focus()
        if selected is not None:
            try:
                table.move_cursor(row=table.get_row_index(selected))
            except RowDoesNotExist:
                table.move_cursor(row=0)

    @property
    def selected_key(self) -> str | None:
        """The id of the run under the cursor."""
        table = self._table
        if not table.row_count:
            return None
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value

    def _cell(self, run: RunSummary, column: int) -> Text:
        words = self._cells[run.id][column]
        style = ""
        if column == 0:
            colour = STATE_MARKS.get(run.state, ("", "$text-muted"))[1]
            style = str(self.app.stylesheet.parse_style(colour).rich_style)
        right = _COLUMNS[column][2]
        return Text(
            words,
            style=style,
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
        )

    def _title(self) -> Content:
        active = sum(run.active for run in self._runs.values())
        shown = len(self._runs)
        count = f" {self._total:,} run{'s' * (self._total != 1)}"
        if self._total > shown:
            count = f" the newest {shown:,} of {self._total:,} runs"
        going = f", {active} going on" if active else ""
        return Content.assemble((count, "bold"), (going, "$text-success")) if shown else Content("")

    def _about_selected(self) -> Content:
        run = self.selected
        if run is None:
            return Content("")
        about = f" {short_source(run.data)} ▸ {short_source(run.model)}   {clean(run.id)}"
        if run.reason:
            about = f" {clean(run.state, 20)}: {clean(run.reason, 300)}"
        return Content.styled(about, "$text-muted")

    # --- keys ---

    def _offer_keys(self) -> None:
        """Bring the line of keys up to date if they changed."""
        offered = tuple(self.check_action(action, ()) for action in _ACTIONS)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with the run under the cursor."""
        if action not in _ACTIONS:
            return True
        run = self.selected if self.is_mounted else None
        if run is None:
            return False
        if action == "resume":
            return run.resumable
        return not run.active if action == "delete" else run.run.has_model()

    def on_data_table_row_highlighted(self) -> None:
        """Say more about the run under the cursor, and offer its keys."""
        say(self, "#runs-reason", self._about_selected())
        self._offer_keys()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the run by Enter or a click on it."""
        event.stop()
        if run := self.selected:
            self.post_message(self.Opened(run.run))

    def action_predict(self) -> None:
        """Ask for the Predict pane with the run."""
        if run := self.selected:
            self.post_message(self.PredictWanted(run.run))

    def action_evaluate(self) -> None:
        """Ask for the Evaluate pane with the run."""
        if run := self.selected:
            self.post_message(self.EvaluateWanted(run.run))

    def action_resume(self) -> None:
        """Ask for the run to go on."""
        if run := self.selected:
            self.post_message(self.ResumeWanted(run.run))

    @work
    async def action_delete(self) -> None:
        """Delete the run, after a question that names it."""
        run = self.selected
        if run is None:
            return
        details = f"{clean(run.id)}: its figures, checkpoints and model are removed from the disk."
        question = Question(f"Delete the run {clean(run.name, 40)}?", details, "delete it")
        if not await self.app.push_screen_wait(question):
            return
        try:
            await asyncio.to_thread(delete_run, run.run)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
        self._wake.set()


class _Table(DataTable[Text]):
    """A table whose Enter is named in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "Open")]


class _Hint(Static, can_focus=True):
    """What to do while there is no run; focusable, so that the pane has its keys."""


def column_widths(width: int) -> list[int]:
    """Return the columns' widths in a pane of `width`; 0 leaves a column out."""
    widths = [column_width for _, column_width, _ in _COLUMNS]
    room = width - 1 - sum(fixed + _PADDING for fixed in widths if fixed) - _PADDING
    names = room - 2 * _PADDING
    if names >= 46:
        widths[_DATA] = widths[_MODEL] = min(names * 3 // 10, 24)
        room = names - 2 * widths[_DATA]
    widths[_NAME] = min(max(room, 8), 40)
    return widths


def _row(run: RunSummary, now: float) -> list[str]:
    """Return a run's cells as text, in the order of the columns."""
    mark, _ = STATE_MARKS.get(run.state, ("?", ""))
    took = None
    if run.started is not None:
        until = now if run.active else run.ended
        took = None if until is None else until - run.started
    return [
        f"{mark} {clean(run.state, 11)}",
        clean(run.name, 60),
        ago(run.started, now),
        short_source(run.data),
        short_source(run.model),
        _epochs(run),
        figure(run.validation_accuracy),
        figure(run.test_accuracy),
        duration(took),
    ]


def _epochs(run: RunSummary) -> str:
    if not run.epochs:
        return "—"
    whole = f"{run.epochs:g}"
    done = f"{int(run.epoch * 10) / 10:g}"
    if done == whole:
        return whole
    words = f"{done}/{whole}"
    return words if len(words) <= _EPOCHS_WIDTH else f"{int(run.epoch)}/{whole}"
