"""Attention as a heatmap: rows look at columns; as much of it as there is room for."""

from collections.abc import Sequence
from functools import cache

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.widgets.shades import shade, sign
from tui_finetune.ui.words import loss_figure

_LONGEST_NAME = 12

# Cells for a column: without a name, with a short one, with room for sign and figure, and at most.
_BARE, _NAMED, _ROOMY, _WIDEST = 2, 4, 6, 9

# From this share on dark ink is read better than light ink.
_LIGHT_GROUND = 0.8

# Below this shade, a tenth of the largest weight, a cell has no figure.
_FAINT = 0.3

_DARK, _LIGHT = "#14171c", "#d3d7de"
_SOFT = "25%"

# Shades that are told apart; mixing a colour for each cell anew would take half a second.
_SHADES = 40

# Lines of a row where there is room for all of them.
_TALL = 2

# Above the map the columns' names, below it the legend and the crosshair in words.
_LINES_AROUND = 3


class AttentionMap(Widget):
    """A map (tokens, tokens) with a crosshair; a click moves it."""

    DEFAULT_CSS = """
    AttentionMap { height: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """

    class Moved(Message):
        """A cell was clicked."""

        def __init__(self, row: int, column: int) -> None:
            super().__init__()
            self.row = row
            self.column = column

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names: Sequence[str] = []
        self._rows: Sequence[Sequence[float | None]] = []
        self._sums: Sequence[float | None] = []
        self._cell = (0, 0)
        self._largest, self._longest = 0.0, 0
        self._instead = "…"

    def show(
        self,
        names: Sequence[str],
        rows: Sequence[Sequence[float | None]],
        sums: Sequence[float | None],
    ) -> None:
        """Show the map of tokens with these names, which are clean; `sums` are those of the rows.

        `rows` are empty as long as they are not known.
        """
        self._names, self._rows, self._sums = names, rows, sums
        self._instead = "…"
        # Kept, since 512 tokens have a quarter of a million weights to look through.
        self._longest = max(map(cell_len, names), default=0)
        self._largest = max((weight or 0.0 for row in rows for weight in row), default=0.0)
        self.refresh()

    def say(self, words: str) -> None:
        """Show words, which are clean, instead of a map."""
        self._rows, self._instead = [], words
        self.refresh()

    def move_to(self, row: int, column: int) -> None:
        """Put the crosshair on a cell."""
        self._cell = (row, column)
        self.refresh()

    # --- sizes ---

    @property
    def _name_width(self) -> int:
        return max(min(self._longest, _LONGEST_NAME), 3) + 2

    @property
    def _cell_width(self) -> int:
        room = (self.size.width - self._name_width) // max(len(self._names), 1)
        if room < _NAMED:
            return _BARE
        return min(room, max(self._longest + 1, _NAMED), _WIDEST)

    @property
    def _cell_height(self) -> int:
        room = self.size.height - _LINES_AROUND
        tall = self._cell_width > _BARE and _TALL * len(self._names) <= room
        return _TALL if tall else 1

    def _in_sight(self) -> tuple[range, range]:
        across = (self.size.width - self._name_width) // self._cell_width
        down = (self.size.height - _LINES_AROUND) // self._cell_height
        row, column = self._cell
        whole = len(self._names)
        return _around(row, max(down, 1), whole), _around(column, max(across, 1), whole)

    # --- drawing ---

    def render(self) -> Content:
        """Return the part of the map around the crosshair."""
        if not self._names:
            return Content("")
        if not self._rows:
            return Content.styled(self._instead, "$text-warning")
        rows, columns = self._in_sight()
        lines = [self._head(columns)]
        for row in rows:
            lines += [self._row(row, columns, line) for line in range(self._cell_height)]
        lines += [self._legend(rows, columns), self._words()]
        return Content("\n").join(lines)

    def _head(self, columns: range) -> Content:
        width, cell = self._name_width, self._cell_width
        if cell == _BARE:
            before = (self._cell[1] - columns.start) * cell
            name = f"▾ {self._names[self._cell[1]]}"
            # At the right end the name goes left of its column.
            if before + cell_len(name) > self.size.width - width:
                name = f"{self._names[self._cell[1]]} ▾"
                before = max(before + 1 - cell_len(name) + 1, 0)
            return Content.assemble(" " * (width + before), (name, "bold"))
        parts = [Content(" " * width)]
        for number in columns:
            name = fit(self._names[number], cell - 1) + " "
            style = "bold" if number == self._cell[1] else "$text-muted"
            parts.append(Content.styled(name, style))
        return Content("").join(parts)

    def _row(self, row: int, columns: range, line: int) -> Content:
        """Return a line of a row; the first one has the name and the figures."""
        here = row == self._cell[0]
        name = ("▸" if here else " ") + fit(self._names[row], self._name_width - 2) + " "
        shown = name if line == 0 else " " * self._name_width
        parts = [(shown, "bold" if here else "$text-muted")]
        width = self._cell_width
        for number in columns:
            parts += self._draw(row, number, line, width)
        return Content.assemble(*parts)

    def _draw(self, row: int, column: int, line: int, width: int) -> list[tuple[str, str]]:
        weight = self._rows[row][column] or 0.0
        # the root, or one token that all look at would leave the others dark
        share = (weight / self._largest) ** 0.5 if self._largest else 0.0
        style, softly = _styles(int(share * _SHADES + 0.5))
        if (row, column) == self._cell and line == 0:
            words = _short(weight) if width >= _ROOMY and share >= _FAINT else ""
            ends = f"bold $accent on {_DARK}"
            return [("[", ends), (f"{words:^{width - 2}}", style), ("]", ends)]
        if line or width == _BARE or share < _FAINT:
            return [(sign(share) * width, softly)]
        room = width - 3
        left = room - room // 2
        return [
            (sign(share) * left, softly),
            (_short(weight), style),
            (sign(share) * (room - left), softly),
        ]

    def _legend(self, rows: range, columns: range) -> Content:
        whole = len(self._names)
        parts: list[tuple[str, str]] = [("rows look at columns  ", "$text-muted"), ("0 ", "")]
        for step in (0.0, 0.25, 0.5, 0.75, 1.0):
            parts.append((sign(step) * 2, _styles(int(step * _SHADES))[1]))
        parts.append((f" {loss_figure(self._largest)}", ""))
        parts.append(("  shades by the root", "$text-muted"))
        if len(rows) < whole:
            parts.append((f"  rows {rows.start + 1} to {rows.stop}", "$text-muted"))
        if len(columns) < whole:
            words = f"  columns {columns.start + 1} to {columns.stop} of {whole}"
            parts.append((words, "$text-muted"))
        return Content.assemble(*parts).truncate(self.size.width)

    def _words(self) -> Content:
        row, column = self._cell
        return Content.assemble(
            (fit(self._names[row], min(cell_len(self._names[row]), 16)), "bold"), " → ",
            (fit(self._names[column], min(cell_len(self._names[column]), 16)), "bold"),
            (f"  {loss_figure(self._rows[row][column])}", "bold $accent"),
            (f"   the row sums to {loss_figure(self._sums[row])}", "$text-muted"),
        ).truncate(self.size.width)  # fmt: skip

    # --- the mouse ---

    def on_click(self, event: events.Click) -> None:
        """Tell which cell is under the mouse."""
        place = event.get_content_offset(self)
        if place is None or not self._rows:
            return
        rows, columns = self._in_sight()
        down, right = (
            (place.y - 1) // self._cell_height,
            (place.x - self._name_width) // self._cell_width,
        )
        if 0 <= down < len(rows) and 0 <= right < len(columns) and place.x >= self._name_width:
            self.post_message(self.Moved(rows[down], columns[right]))


@cache
def _styles(level: int) -> tuple[str, str]:
    """Return the styles of a figure and of a sign in the shade of a level up to `_SHADES`.

    A sign says the shade once more, for screens without colours; with them it is hardly seen.
    """
    share = level / _SHADES
    ink = _DARK if share > _LIGHT_GROUND else _LIGHT
    return f"{ink} on {shade(share)}", f"{ink} {_SOFT} on {shade(share)}"


def _short(weight: float) -> str:
    """Return a weight in three cells."""
    return f"{weight:.2f}".removeprefix("0")[:3]


def _around(cursor: int, shown: int, whole: int) -> range:
    first = max(min(cursor - shown // 2, whole - shown), 0)
    return range(first, min(first + shown, whole))
