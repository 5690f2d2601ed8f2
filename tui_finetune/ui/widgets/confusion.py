"""A confusion matrix as a heatmap with a cursor: true labels down, predicted ones across."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset, Size
from textual.message import Message
from textual.widget import Widget

from tui_finetune.text import clean
from tui_finetune.ui.widgets.shades import shade, sign
from tui_finetune.ui.words import counted

_LONGEST_LABEL = 24
_WIDEST_CELL = 16
_WISHED_CELL = 12
_TALL_CELL = 3

# Above the cells: what stands across, and the predicted labels.
_HEAD_LINES = 2

# From this share on dark figures are read better than light ones.
_LIGHT_GROUND = 0.62


class ConfusionMatrix(Widget, can_focus=True, inherit_bindings=False):
    """Counts on the shade of their share of the true label's rows, as many as there is room for."""

    DEFAULT_CSS = """
    ConfusionMatrix { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Its mistakes"),
        Binding("up", "move(-1, 0)", "Up", show=False),
        Binding("down", "move(1, 0)", "Down", show=False),
        Binding("left", "move(0, -1)", "Left", show=False),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("home", "edge(0)", "First label", show=False),
        Binding("end", "edge(-1)", "Last label", show=False),
    ]

    class Moved(Message):
        """The cursor is on another cell."""

    class Chosen(Message):
        """Enter or a click on the cell under the cursor."""

    class Left(Message):
        """The cursor was moved beyond the side of the matrix: -1 the left one, 1 the right one."""

        def __init__(self, side: int) -> None:
            super().__init__()
            self.side = side

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._labels: list[str] = []
        self._counts: Sequence[Sequence[int]] = []
        self._totals: list[int] = []
        self._longest = self._digits = 1
        self._row = self._column = 0
        self._first_row = self._first_column = 0

    @property
    def cell(self) -> tuple[int, int]:
        """The cell under the cursor: the numbers of the true and of the predicted label."""
        return self._row, self._column

    def show(self, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show a matrix of counts, rows true and columns predicted, in the order of the labels."""
        self._labels = [clean(label, 200).strip() for label in labels]
        self._counts = counts
        self._totals = [sum(row) for row in counts]
        # Kept, since a hundred labels have ten thousand counts to look through.
        self._longest = max((cell_len(label) for label in self._labels), default=1)
        self._digits = len(str(max((max(row) for row in counts), default=0)))
        self._row = self._column = self._first_row = self._first_column = 0
        self.refresh(layout=True)

    def move_to(self, row: int, column: int) -> None:
        """Put the cursor on a cell."""
        if (row, column) != self.cell:
            self._row, self._column = row, column
            self.post_message(self.Moved())
            self.refresh()

    # --- sizes ---

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines of the whole matrix, with tall cells if they leave room."""
        tall = _HEAD_LINES + _TALL_CELL * len(self._labels)
        return tall if tall <= container.height * 0.6 else _HEAD_LINES + len(self._labels)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Return the cells of the whole matrix as it is best read."""
        label = max(min(self._longest, _LONGEST_LABEL), 6) + 1
        return label + self._wished_cell * len(self._labels)

    @property
    def _label_width(self) -> int:
        return max(min(self._longest, _LONGEST_LABEL, self.size.width // 4), 6) + 1

    @property
    def _wished_cell(self) -> int:
        return min(max(self._longest + 2, _WISHED_CELL), _WIDEST_CELL)

    @property
    def _cell_width(self) -> int:
        room = (self.size.width - self._label_width) // max(len(self._labels), 1)
        return max(min(self._wished_cell, room), self._digits + 4, 7)

    @property
    def _cell_height(self) -> int:
        tall = self.size.height >= _HEAD_LINES + _TALL_CELL * len(self._labels)
        return _TALL_CELL if tall else 1

    @property
    def _rows_shown(self) -> int:
        return max((self.size.height - _HEAD_LINES) // self._cell_height, 1)

    @property
    def _columns_shown(self) -> int:
        return max((self.size.width - self._label_width) // self._cell_width, 1)

    def _bring_into_sight(self) -> None:
        self._first_row = _window(self._first_row, self._row, self._rows_shown, len(self._labels))
        self._first_column = _window(
            self._first_column, self._column, self._columns_shown, len(self._labels)
        )

    # --- drawing ---

    def render(self) -> Content:
        """Return the part of the matrix around the cursor."""
        if not self._labels:
            return Content("")
        self._bring_into_sight()
        rows = range(len(self._labels))[self._first_row :][: self._rows_shown]
        columns = range(len(self._labels))[self._first_column :][: self._columns_shown]
        lines = [self._caption(rows, columns), self._names(columns)]
        names = short_names(self._labels, self._label_width - 1)
        for row in rows:
            lines += self._row_lines(row, names[row], columns)
        return Content("\n").join(lines)

    def _caption(self, rows: range, columns: range) -> Content:
        whole = len(self._labels)
        parts = [
            f"{name} {shown.start + 1} to {shown.stop} of {whole}"
            for name, shown in (("rows", rows), ("columns", columns))
            if len(shown) < whole
        ]
        words = f"{'':{self._label_width}}predicted →   {', '.join(parts)}"
        return Content.styled(words, "$text-muted").truncate(self.size.width)

    def _names(self, columns: range) -> Content:
        parts = [Content.styled(fit("true ↓", self._label_width), "$text-muted")]
        names = short_names(self._labels, self._cell_width - 1)
        for column in columns:
            name = names[column].rstrip()
            left = (self._cell_width - cell_len(name)) // 2
            shown = set_cell_size(" " * left + name, self._cell_width)
            parts.append(Content.styled(shown, "bold" if column == self._column else ""))
        return Content("").join(parts)

    def _row_lines(self, row: int, name: str, columns: range) -> list[Content]:
        middle = self._cell_height // 2
        lines = []
        for line in range(self._cell_height):
            style = "bold" if row == self._row else ""
            shown = f"{name} " if line == middle else " " * self._label_width
            cells = [self._cell(row, column, line - middle) for column in columns]
            lines.append(Content("").join([Content.styled(shown, style), *cells]))
        return lines

    def _cell(self, row: int, column: int, line: int) -> Content:
        """Return a line of a cell; line 0 is the one with the count, 1 the one with the share."""
        count, whole = self._counts[row][column], self._totals[row]
        share = count / whole if whole else 0.0
        width = self._cell_width
        ink = "#14171c" if share > _LIGHT_GROUND else "#d3d7de"
        style = f"{ink} on {shade(share)}"
        if line:
            words = f"{share:.0%}" if line == 1 and count else ""
            return Content.styled(f"{words:^{width}}", style)
        number = f"{count or '·':^{width - 4}}"
        # The sign says the shade once more, for screens without colours.
        softly = f"{ink} 45% on {shade(share)}"
        if (row, column) == self.cell:
            style = f"bold {style}"
            ends = "bold $accent on #14171c" if self.has_focus else style
            return Content.assemble(
                ("[", ends), (f" {number}", style), (sign(share), softly), ("]", ends)
            )
        return Content.assemble(
            (f"  {number}", style if count else softly), (f"{sign(share)} ", softly)
        )

    def on_focus(self) -> None:
        """Mark the cursor as the one that moves."""
        self.refresh()

    def on_blur(self) -> None:
        """Mark the cursor as one that stands."""
        self.refresh()

    # --- keys and the mouse ---

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor, or leave at a side."""
        row, column = self._row + down, self._column + right
        if not 0 <= column < len(self._labels):
            self.post_message(self.Left(right))
        elif 0 <= row < len(self._labels):
            self.move_to(row, column)

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last predicted label."""
        if self._labels:
            self.move_to(self._row, range(len(self._labels))[end])

    def action_choose(self) -> None:
        """Tell that the cell is wanted."""
        if self._labels:
            self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """Move to the cell under the mouse; a click on the cursor's cell chooses it."""
        clicked = self._cell_at(event.get_content_offset(self))
        if clicked == self.cell:
            self.action_choose()
        elif clicked is not None:
            self.move_to(*clicked)

    def _cell_at(self, place: Offset | None) -> tuple[int, int] | None:
        if place is None or place.y < _HEAD_LINES or place.x < self._label_width:
            return None
        row = self._first_row + (place.y - _HEAD_LINES) // self._cell_height
        column = self._first_column + (place.x - self._label_width) // self._cell_width
        inside = row < len(self._labels) and column < len(self._labels)
        return (row, column) if inside else None

    def describe(self) -> Content:
        """Return in words what the cell under the cursor counts."""
        if not self._labels:
            return Content("")
        true, predicted = self._labels[self._row], self._labels[self._column]
        count, whole = self._counts[self._row][self._column], self._totals[self._row]
        share = f" ({count / whole:.1%})" if whole else ""
        verdict = ("right", "$text-success") if true == predicted else ("wrong", "$text-error")
        return Content.assemble(
            ("true ", "$text-muted"), (true, "bold"), (" predicted ", "$text-muted"),
            (predicted, "bold"), f": {count} of {counted(whole, 'row')}{share}  ", verdict,
        )  # fmt: skip


def fit(text: str, width: int) -> str:
    """Return clean text in exactly `width` cells, padded, or cut with an ellipsis."""
    if cell_len(text) > width > 0:
        text = set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)


def short_names(labels: Sequence[str], width: int) -> list[str]:
    """Return each label in `width` cells: its beginning, or its end where the beginnings are one.

    >>> short_names(["intent 1", "intent 2", "other"], 5)
    ['…nt 1', '…nt 2', 'other']
    """
    beginnings = [fit(label, width) for label in labels]
    seen = Counter(beginnings)
    return [
        "…" + fit(_ending(label, width - 1), width - 1) if seen[beginning] > 1 else beginning
        for label, beginning in zip(labels, beginnings, strict=True)
    ]


def _ending(label: str, width: int) -> str:
    """Return as much of the label's end as goes into `width` cells."""
    start = max(len(label) - width, 0)
    while cell_len(label[start:]) > width:
        start += 1
    return label[start:]


def _window(first: int, cursor: int, shown: int, whole: int) -> int:
    """Return the first of `shown` things such that the cursor is among them, moving little."""
    first = min(max(first, cursor - shown + 1), cursor)
    return max(min(first, whole - shown), 0)
