"""Choosing the runs to compare, among the newest."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui_finetune.runs.comparison import FEWEST, MOST
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.index import RunIndex
from tui_finetune.runs.listing import RunSummary
from tui_finetune.runs.telling import short_name
from tui_finetune.text import clean
from tui_finetune.ui.panes.compare_text import shorten_middle
from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import ago, loss_figure, short_source, state_mark, unreadable

# So many of the newest runs can be chosen from; the Runs pane has all of them.
NEWEST_OFFERED = 200


class ChoicePage(Vertical):
    """Lets the person mark two to ten of the newest runs, while none are compared."""

    DEFAULT_CSS = """
    ChoicePage {
        & #choice-title { height: auto; padding: 1 1 1 1; }
        & LineList { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark"),
        Binding("enter", "compare", "Compare", priority=True),
        Binding("escape", "back", "Back", show=False),
    ]

    class Compared(Message):
        """These runs are wanted side by side."""

        def __init__(self, runs: list[RunDirectory]) -> None:
            super().__init__()
            self.runs = runs

    class Cancelled(Message):
        """The runs that were compared before are wanted back."""

    def __init__(self, home: Path, *, id: str) -> None:
        super().__init__(id=id)
        self._index = RunIndex(home)
        self._offered: list[RunSummary] = []
        self._marked: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay out what to do, and the runs."""
        yield Static(id="choice-title", markup=False)
        yield LineList()

    def focus(self, scroll_visible: bool = True) -> "ChoicePage":
        """Focus the list."""
        self.query_one(LineList).focus(scroll_visible)
        return self

    def mark(self, runs: Sequence[RunDirectory]) -> None:
        """Mark these runs and no others."""
        self._marked = [run.id for run in runs]

    async def read(self) -> None:
        """Read the newest runs and show them."""
        try:
            offered = await asyncio.to_thread(self._look)
        except OSError as error:
            say(self, "#choice-title", unreadable("the runs", error))
            return
        if not self.is_mounted or (offered and offered == self._offered):
            return
        self._offered = offered
        lines, now = self.query_one(LineList), time.time()
        cursor = lines.cursor
        lines.show(
            len(offered),
            lambda number, width: self._line(offered[number], width, now),
            lambda width: Content(""),
        )
        lines.move_to(cursor or 0)
        self._say_what_to_do()

    def _look(self) -> list[RunSummary]:
        self._index.look(at_most=NEWEST_OFFERED)
        return self._index.runs()[:NEWEST_OFFERED]

    def _say_what_to_do(self) -> None:
        if len(self._offered) < FEWEST:
            there = "No runs yet" if not self._offered else "Only one run yet"
            text = Content.assemble(
                (f"{there}: two are needed to compare.  ", "bold"),
                ("F3", "bold $text-accent"), " tune and start one",
            )  # fmt: skip
        else:
            text = Content.assemble(
                ("Which runs?  ", "bold"), ("space", "bold $text-accent"), " marks one, ",
                ("enter", "bold $text-accent"), " compares them.  ",
                (f"{len(self._marked)} marked ({FEWEST} to {MOST})", "bold"),
                ("\nWith a filter: ", "$text-muted"), ("F5", "bold $text-accent"),
                (" Runs, where space marks too and v compares.", "$text-muted"),
            )  # fmt: skip
        say(self, "#choice-title", text)

    def _line(self, run: RunSummary, width: int, now: float) -> Content:
        box = Content.styled("[x] ", "bold $accent") if run.id in self._marked else Content("[ ] ")
        name = shorten_middle(clean(run.name), 26)
        told = run.told("validation")
        return Content.assemble(
            box, Content(name).truncate(26, pad=True), "  ", state_mark(run.state),
            " " * max(13 - len(run.state), 1), (f"{ago(run.started, now):>11}  ", "$text-muted"),
            f"{'' if told is None else clean(short_name(told[0]), 8):>8} ",
            f"{loss_figure(told and told[1]):>6}",
            (f"  {clean(run.id)[-4:]}  {short_source(run.data)}", "$text-muted"),
        )  # fmt: skip

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        lines = self.query_one(LineList)
        if lines.cursor is None:
            return
        run = self._offered[lines.cursor].id
        if run in self._marked:
            self._marked.remove(run)
        elif len(self._marked) < MOST:
            self._marked.append(run)
        else:
            self.notify(f"{MOST} runs are the most that can be compared", severity="warning")
        lines.action_move(1)
        lines.refresh()
        self._say_what_to_do()

    def action_compare(self) -> None:
        """Compare the runs that are marked, in the order of their marks."""
        if len(self._marked) < FEWEST:
            self.notify("Mark two runs or more with the space bar", severity="warning")
            return
        known = {run.id: run.run for run in self._offered}
        home = next(iter(known.values())).path.parent
        self.post_message(self.Compared([RunDirectory(home / run) for run in self._marked]))

    def action_back(self) -> None:
        """Go back to the runs that were compared before."""
        self.post_message(self.Cancelled())
