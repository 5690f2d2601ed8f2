"""The table of runs: only the lines in sight are drawn, so that 10,000 cost no more than ten."""

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from tui_finetune.runs.listing import RunSummary
from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.panes.runs_columns import COLUMNS, GAP, Column, columns_for, header, line

# Before each line stands the mark of the cursor.
_MARK = 2


class RunsTable(LineList):
    """Runs with a cursor, under a header whose columns can be clicked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open"),
        Binding("s", "sort", "Sort"),
        Binding("S", "turn", "Sort the other way", show=False),
    ]

    class Sorted(Message):
        """The runs are wanted in another order."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sort = "started"
        self.backwards = False
        self._runs: Sequence[RunSummary] = ()
        self._marked: frozenset[str] = frozenset()
        self._losses: Mapping[str, Sequence[float]] = {}
        self._drawn: dict[int, Content] = {}
        self._frame: tuple[object, ...] = ()

    @property
    def columns(self) -> list[tuple[Column, int]]:
        """The columns that there is room for, with their widths."""
        return columns_for(max(self.size.width - _MARK, 0))

    @property
    def run(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._runs[self._cursor] if self._cursor < len(self._runs) else None

    @property
    def in_sight(self) -> Sequence[RunSummary]:
        """The runs that are drawn."""
        self._bring_into_sight()
        first, end = self._in_sight()
        return self._runs[first:end]

    @property
    def place(self) -> tuple[int, int]:
        """The numbers of the first and the last line that are drawn, from 1."""
        self._bring_into_sight()
        first, end = self._in_sight()
        return first + 1, end

    def show_runs(
        self,
        runs: Sequence[RunSummary],
        marked: frozenset[str],
        losses: Mapping[str, Sequence[float]],
        cursor: int,
    ) -> None:
        """Show these runs, with the cursor on a line; what is drawn changes as little as it can."""
        self._runs, self._marked, self._losses = runs, marked, losses
        self._first += cursor - self._cursor  # a run stays on its line of the screen
        self._count, self._cursor = len(runs), cursor
        self._line, self._header = self._run_line, self._columns_header
        self._bring_into_sight()
        before, self._drawn = self._drawn, {}
        for number in range(*self._in_sight()):
            self._drawn[number] = self._run_line(number, 0)
        frame = cursor, self.sort, self.backwards, self.size.width, *self._drawn
        if frame != self._frame:
            self.refresh()
        else:
            rows = [n for n, drawn in self._drawn.items() if not drawn.is_same(before[n])]
            if rows:
                width, up = self.size.width, 1 - self._first
                self.refresh(*(Region(0, number + up, width, 1) for number in rows))
        self._frame = frame

    def _in_sight(self) -> tuple[int, int]:
        return self._first, min(self._first + self._shown, len(self._runs))

    def _run_line(self, number: int, width: int) -> Content:
        if number in self._drawn:
            return self._drawn[number]
        run = self._runs[number]
        marked = run.id in self._marked
        return line(run, self.columns, time.time(), marked, self._losses.get(run.id))

    def _place(self) -> str:
        return ""  # the title above says it

    def _columns_header(self, width: int) -> Content:
        return header(self.columns, self.sort, self.backwards)

    def on_click(self, event: events.Click) -> None:
        """Sort by the column whose title was clicked; elsewhere a click is one on the list."""
        place = event.get_content_offset(self)
        if place is None or place.y > 0:
            return  # the list's own handler comes next
        event.prevent_default()
        end = _MARK
        for column, width in self.columns:
            end += width + GAP
            if place.x < end:
                self._sort_by(column, column.key == self.sort and not self.backwards)
                return

    def action_sort(self) -> None:
        """Sort by the next column that is in sight."""
        columns = [column for column, _ in self.columns if column.order is not None]
        keys = [column.key for column in columns]
        present = keys.index(self.sort) if self.sort in keys else -1
        self._sort_by(columns[(present + 1) % len(columns)], False)

    def action_turn(self) -> None:
        """Turn the order round."""
        self._sort_by(COLUMNS[self.sort], not self.backwards)

    def _sort_by(self, column: Column, backwards: bool) -> None:
        if column.order is not None:
            self.sort, self.backwards = column.key, backwards
            self.post_message(self.Sorted())
