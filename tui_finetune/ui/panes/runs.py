"""The Runs pane: all runs of the home to search, sort, name, compare and start again."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.message import Message
from textual.widgets import Static

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.index import RunIndex
from tui_finetune.runs.listing import RunSummary, delete_run
from tui_finetune.text import clean
from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.runs_columns import sorted_runs
from tui_finetune.ui.panes.runs_dialogs import AskLine, ask_name, ask_note, ask_tags
from tui_finetune.ui.panes.runs_filter import RunsFilter
from tui_finetune.ui.panes.runs_losses import Losses
from tui_finetune.ui.panes.runs_table import RunsTable
from tui_finetune.ui.panes.runs_words import EMPTY, Found, about_run, title
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.wishes import (
    CompareWanted,
    EvaluateWanted,
    ImportWanted,
    PredictWanted,
    RecipeWanted,
    ResumeWanted,
    WatchWanted,
)
from tui_finetune.ui.words import unreadable

# How often the list is looked at, and how many runs that are not in sight each time.
PAUSE_SECONDS = 1.0
_LOOKED_AT = 500

# While there are unread runs: how many are read first, and then at once.
_FIRST = 60
_AT_ONCE = 200

# How often the table shows what was read meanwhile.
_SHOW_SECONDS = 0.3

FEWEST_COMPARED, MOST_COMPARED = 2, 10

# What is not always possible.
_ACTIONS = (
    "filter", "clear", "compare", "mark", "rename", "tag", "note", "predict",
    "evaluate", "resume", "delete", "copy",
)  # fmt: skip


class RunsPane(Vertical):
    """A table of all runs, and what can be done with them."""

    DEFAULT_CSS = """
    RunsPane {
        & #runs-title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #runs-about { height: 2; text-wrap: nowrap; text-overflow: ellipsis; }
        & #runs-empty { height: 1fr; content-align: center middle; text-align: center; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("escape", "clear", "Clear"),
        Binding("p", "predict", "Predict"),
        Binding("e", "evaluate", "Evaluate"),
        Binding("r", "resume", "Resume"),
        Binding("space", "mark", "Mark"),
        Binding("v", "compare", "Compare"),
        Binding("c", "copy", "Copy recipe"),
        Binding("n", "rename", "Name…"),
        Binding("t", "tag", "Tags…"),
        Binding("o", "note", "Note…"),
        Binding("d,delete", "delete", "Delete…"),
        Binding("i", "import", "Import…"),
    ]

    def __init__(self, home: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        # Kept: a thread may answer when the pane is being taken apart.
        self._filter = RunsFilter()
        self._table = RunsTable()
        self._index = RunIndex(home)
        self._losses = Losses()
        self._runs: list[RunSummary] = []
        self._listed: list[RunSummary] = []
        self._marked: dict[str, None] = {}
        self._offered: tuple[bool | None, ...] = ()
        self._wake = asyncio.Event()
        self._other_lines = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out the title, the filter, the table and the lines about the run under the cursor."""
        yield Static(id="runs-title", markup=False)
        yield self._filter
        yield self._table
        yield Static(id="runs-about", markup=False)
        yield _Hint(EMPTY, id="runs-empty")

    def on_mount(self) -> None:
        """Begin to follow the runs."""
        self.query_one("#runs-empty").display = False
        self.run_worker(self._follow(), group="follow", exclusive=True)
        self.run_worker(self._follow_losses(), group="losses", exclusive=True)

    def focus(self, scroll_visible: bool = True) -> "RunsPane":
        """Focus the table, or the hint while there is no run."""
        empty = self.query_one("#runs-empty")
        focus_now(empty if empty.display else self._table, scroll_visible)
        return self

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._table.run

    # --- following ---

    async def _follow(self) -> None:
        """Read the newest runs and show them, then the others; then look at them in turn."""
        changed, shown = False, 0.0
        while True:
            self._wake.clear()
            if self.display:
                try:
                    changed |= await self._look()
                except OSError as error:
                    say(self, "#runs-about", unreadable("the runs", error))
                else:
                    reading = self._index.unread > 0
                    if not reading or time.monotonic() - shown > _SHOW_SECONDS:
                        with suppress(NoMatches):  # the pane is being taken apart
                            self._show(changed)
                        changed, shown = False, time.monotonic()
                    if reading:
                        continue
            try:
                await asyncio.wait_for(self._wake.wait(), PAUSE_SECONDS)
            except TimeoutError:
                continue

    async def _look(self) -> bool:
        in_sight = [run.id for run in self._table.in_sight]
        some = _LOOKED_AT if not self._index.unread else _AT_ONCE
        return await asyncio.to_thread(self._index.look, in_sight, some if self._runs else _FIRST)

    async def _follow_losses(self) -> None:
        """Read the courses of the losses of the runs in sight, whenever those may be others."""
        while True:
            await self._other_lines.wait()
            self._other_lines.clear()
            if not any(column.key == "loss" for column, _ in self._table.columns):
                continue
            for run in list(self._table.in_sight):
                if await asyncio.to_thread(self._losses.read, run.run, run.active):
                    self._draw()

    def on_show(self) -> None:
        """Look at the runs at once when the pane comes into sight."""
        self._wake.set()

    def on_resize(self) -> None:
        """Show more columns where there is room."""
        self._wake.set()

    # --- what is shown ---

    def _show(self, changed: bool) -> None:
        if changed:
            self._filter.forget()
            self._sort()
            self._arrange()
        else:
            self._draw()
        self._show_or_hide()

    def _sort(self) -> None:
        self._runs = sorted_runs(self._index.runs(), self._table.sort, self._table.backwards)
        if self._marked:
            there = {run.id for run in self._runs}
            self._marked = {run_id: None for run_id in self._marked if run_id in there}

    def _show_or_hide(self) -> None:
        """Show the table, or what to do while there is no run."""
        empty = self.query_one("#runs-empty")
        if empty.display != (self._index.total == 0):
            focus = self.has_focus_within
            empty.display = self._index.total == 0
            self._table.display = not empty.display
            if focus:
                self.focus()

    def _arrange(self, to_the_top: bool = False) -> None:
        """Filter the runs anew; the cursor stays on its run, unless told otherwise."""
        table, before = self._table, self.selected
        self._listed = self._filter.apply(self._runs)
        cursor = table.cursor or 0
        first_of_some = cursor == 0 and self._index.unread > 0
        if to_the_top or before is None or first_of_some:
            cursor = 0
        else:
            places = (n for n, run in enumerate(self._listed) if run.id == before.id)
            cursor = next(places, min(cursor, max(len(self._listed) - 1, 0)))
        self._draw(cursor)

    def _draw(self, cursor: int | None = None) -> None:
        table = self._table
        here = (table.cursor or 0) if cursor is None else cursor
        table.show_runs(self._listed, frozenset(self._marked), self._losses.courses, here)
        self._say_place()

    @on(LineList.Moved)
    def _say_place(self) -> None:
        """Say what is shown, and more about the run under the cursor; offer its keys."""
        index = self._index
        found = Found(index.total, index.unread, index.active, len(self._listed))
        say(self, "#runs-title", title(found, self._table, len(self._marked)))
        say(self, "#runs-about", about_run(self.selected))
        self._other_lines.set()
        offered = tuple(self.check_action(action, ()) for action in _ACTIONS)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    # --- the filter ---

    def action_filter(self) -> None:
        """Let the filter be written."""
        self._filter.open()

    @on(RunsFilter.Changed)
    def _filter_changed(self) -> None:
        self._arrange(to_the_top=True)

    @on(RunsTable.Sorted)
    def _order_changed(self) -> None:
        self._sort()
        self._arrange(to_the_top=True)

    @on(RunsFilter.Done)
    def _filter_done(self) -> None:
        focus_now(self._table)

    def action_clear(self) -> None:
        """Take the filter away, or if there is none, the marks."""
        if self._filter.shown:
            focus_now(self._table)
            self._filter.close()
        else:
            self._marked = {}
        self._arrange()

    # --- what can be done with a run ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with the run under the cursor."""
        if action not in _ACTIONS:
            return True
        run = self.selected if self.is_mounted else None
        match action:
            case "filter":
                return bool(self._runs)
            case "clear":
                return self._filter.shown or bool(self._marked)
            case "compare":
                return len(self._marked) >= FEWEST_COMPARED
            case _ if run is None:
                return False
            case "predict" | "evaluate":
                return run.run.has_model()
            case "resume":
                return run.resumable
            case "delete":
                return not run.active
            case "copy":
                return not run.origin and bool(run.settings)
            case _:
                return True

    @on(LineList.Chosen)
    def _chosen(self) -> None:
        """Open the run by Enter or a click on it."""
        self._post(WatchWanted)

    def action_predict(self) -> None:
        """Ask for the Predict pane with the run."""
        self._post(PredictWanted)

    def action_evaluate(self) -> None:
        """Ask for the Evaluate pane with the run."""
        self._post(EvaluateWanted)

    def action_resume(self) -> None:
        """Ask for the run to go on."""
        self._post(ResumeWanted)

    def action_copy(self) -> None:
        """Ask for the run's recipe in the panes, to be changed and started."""
        self._post(RecipeWanted)

    def _post(self, message: Callable[[RunDirectory], Message]) -> None:
        if run := self.selected:
            self.post_message(message(run.run))

    def action_import(self) -> None:
        """Ask for the runs of another program."""
        self.post_message(ImportWanted())

    def action_mark(self) -> None:
        """Mark the run for a comparison, or unmark it, and go on to the next line."""
        run = self.selected
        if run is None:
            return
        if run.id in self._marked:
            del self._marked[run.id]
        elif len(self._marked) < MOST_COMPARED:
            self._marked[run.id] = None
        else:
            self.notify(f"At most {MOST_COMPARED} runs are compared at once.", markup=False)
            return
        self._draw(min((self._table.cursor or 0) + 1, len(self._listed) - 1))

    def action_compare(self) -> None:
        """Ask for the marked runs side by side, in the order in which they were marked."""
        known = {run.id: run.run for run in self._runs}
        self.post_message(CompareWanted([known[run_id] for run_id in self._marked]))

    def action_rename(self) -> None:
        """Give the run another name."""
        self._write(ask_name)

    def action_tag(self) -> None:
        """Write the run's tags."""
        self._write(ask_tags)

    def action_note(self) -> None:
        """Write a note on the run."""
        self._write(ask_note)

    def _write(self, ask: Callable[[RunSummary], AskLine]) -> None:
        if run := self.selected:
            self.app.push_screen(ask(run), lambda _: self._wake.set())

    def action_delete(self) -> None:
        """Delete the run, after a question that names it."""
        run = self.selected
        if run is None:
            return
        details = f"{clean(run.id)}: its figures, checkpoints and model are removed from the disk."
        question = Question(f"Delete the run {clean(run.name, 40)}?", details, "delete it")

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._delete(run.run))

        # At once, not from a worker: a second press of the key is one for the question.
        self.app.push_screen(question, answered)

    async def _delete(self, run: RunDirectory) -> None:
        try:
            await asyncio.to_thread(delete_run, run)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
        self._wake.set()


class _Hint(Static, can_focus=True):
    """What to do while there is no run; focusable, so that the pane has its keys."""
