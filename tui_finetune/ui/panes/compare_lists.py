"""The lists of the Compare pane: the runs, and tables with a column for each of them."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from tui_finetune.runs.comparison import Comparison, Group
from tui_finetune.ui.panes import compare_tables as tables
from tui_finetune.ui.panes.evaluate_list import Header, Line, LineList, ListPage

# A table of names has at most this many cells for them.
_LONGEST_NAME = 40


class LiveLines(LineList):
    """Lines that are shown again and again: the cursor stays, and only changes are painted."""

    def show(self, count: int, line: Line, header: Header) -> None:
        """Show these lines from now on."""
        width = max(self.size.width - 2, 1)
        lines = [header(width), *(line(number, width) for number in range(count))]
        shown = [content.markup for content in lines]
        if shown == self._shown_before and self.size.width == self._width_before:
            self._line, self._header = line, header
            return
        self._shown_before, self._width_before = shown, self.size.width
        cursor = self.cursor
        super().show(count, line, header)
        self.move_to(cursor or 0, tell=False)

    _shown_before: Sequence[str] = ()
    _width_before = 0


class RunLines(LiveLines):
    """The runs that are compared: at once the legend and the table. Enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Open the run")]

    class LeftUpwards(Message):
        """The cursor was on the first line and is wanted above it."""

    def action_move(self, lines: int) -> None:
        """Move the cursor; from the first line up to what is above the list."""
        if lines < 0 and not self.cursor:
            self.post_message(self.LeftUpwards())
        else:
            super().action_move(lines)


class AcrossPage(ListPage):
    """A table with a column for each run; the arrows to the sides bring other columns in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "columns(1)", "Runs", key_display="← →"),
        Binding("left", "columns(-1)", "Runs before", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(LiveLines(), id=id)
        self._first = 0
        self._columns: Callable[[int], tables.AcrossColumns] | None = None

    def show_lines(
        self,
        title: Content,
        comparison: Comparison,
        groups: Sequence[Group],
        shown: Sequence[tables.AcrossLine],
    ) -> None:
        """Show other lines, with a column for each run and group, the cursor where it was."""
        longest = max((len(line.name) for line in shown if line.cells), default=0) + 2

        def columns(width: int) -> tables.AcrossColumns:
            names = min(longest, _LONGEST_NAME, width * 2 // 5)
            return tables.AcrossColumns(comparison, groups, names, self._first, width)

        self._columns = columns
        self.show(
            title,
            len(shown),
            lambda number, width: tables.across_line(columns(width), shown[number]),
            lambda width: tables.across_header(columns(width)),
            lambda number: shown[number].detail,
        )

    def action_columns(self, direction: int) -> None:
        """Bring the column beside those in sight into sight."""
        if self._columns is None:
            return
        columns = self._columns(self.lines.size.width - 2)
        self._first = min(max(self._first + direction, 0), columns.count - columns.shown)
        self.lines.refresh()
