"""A table of one page of rows, however many there are; pages further on are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui_finetune.text import clean
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN

Page = Mapping[str, Any]

_LONGEST_CELL = 300
_WIDEST_COLUMN = 24
_WIDEST_NAME = 16
_WHEEL_ROWS = 3

# Rows to ask for before anybody knows how many there is room for.
_ROWS_AT_FIRST = 20


class RowTable(Widget, can_focus=True, inherit_bindings=False):
    """Shows a page with a cursor. Rows are told by their number in the whole, from 0 on."""

    DEFAULT_CSS = """
    RowTable { height: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Whole row"),
        Binding("up", "move(-1)", "Row above", show=False),
        Binding("down", "move(1)", "Row below", show=False),
        Binding("pageup", "page(-1)", "Page before", show=False),
        Binding("pagedown", "page(1)", "Page", key_display="PgUp PgDn"),
        Binding("home", "go(0)", "First row", show=False),
        Binding("end", "last", "Last row", show=False),
        Binding("shift+left", "scroll_columns(-1)", "Columns to the left", show=False),
        Binding("shift+right", "scroll_columns(1)", "Columns", key_display="shift+← →"),
    ]

    class Wanted(Message):
        """The rows from `offset` on are wanted, the cursor on `row`; None: the last ones."""

        def __init__(self, offset: int | None, row: int | None) -> None:
            super().__init__()
            self.offset = offset
            self.row = row

    class Chosen(Message):
        """A row is wanted whole."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    class Moved(Message):
        """The cursor is on another row, or other columns are in sight."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._page: Page | None = None
        self._used: tuple[str, ...] = ()
        self._cells: list[list[str]] = []
        self._row = self._top = 0
        self._column = 0
        self._awaited: tuple[int, int] | None = None

    def show(self, page: Page | None, row: int = 0) -> None:
        """Show another page with the cursor on `row`; None: there is nothing."""
        if page is None or self._page is None or page["columns"] != self._page["columns"]:
            self._column = 0
        self._page, self._awaited = page, None
        rows = page["rows"] if page else []
        self._row = min(max(row, self._offset), self._offset + max(len(rows) - 1, 0))
        self._top = self._offset
        self._cells = [[_cell(value) for value in cells] for cells in rows]
        self.refresh()
        self.post_message(self.Moved())

    def use(self, columns: Sequence[str | None]) -> None:
        """Let these columns be the first."""
        used = tuple(name for name in columns if name is not None)
        if used != self._used:
            self._used = used
            self.refresh()

    @property
    def row(self) -> int | None:
        """The row under the cursor; None if there is none."""
        return self._row if self._cells else None

    @property
    def room(self) -> int:
        """How many rows there is room for."""
        return max(self.size.height - 1, 1) if self.size.height else _ROWS_AT_FIRST

    @property
    def lacks_rows(self) -> bool:
        """Whether there is room for more rows than the page has, and there are more."""
        held = len(self._cells)
        return self._page is not None and held < self.room and self._offset + held < self._most

    def columns_words(self) -> str:
        """Return which columns are in sight, if not all."""
        shown, whole = len(self._widths()), len(self._names())
        if not shown or (shown == whole and not self._column):
            return ""
        return f"columns {self._column + 1} to {self._column + shown} of {whole}"

    # --- drawing ---

    @property
    def _offset(self) -> int:
        return int(self._page["offset"]) if self._page else 0

    @property
    def _most(self) -> int:
        """The number of all rows; where nobody knows it, more than any."""
        total = self._page["total"] if self._page else 0
        return 2**62 if total is None else int(total)

    def _names(self) -> list[str]:
        names: list[str] = list(self._page["columns"]) if self._page else []
        first = [name for name in self._used if name in names]
        # What is learnt comes first: a long text leaves no room behind it.
        return first + [name for name in names if name not in first]

    def _places(self) -> dict[str, int]:
        names = self._page["columns"] if self._page else []
        return {name: number for number, name in enumerate(names)}

    def _widths(self) -> dict[str, int]:
        """Return the columns in sight with their widths; the last one has what is left."""
        room = self.size.width - 2 - self._digits
        names = self._names()[self._column :]
        place = self._places()
        widths: dict[str, int] = {}
        for name in names:
            longest = max((cell_len(cells[place[name]]) for cells in self._cells), default=0)
            wished = max(longest, min(cell_len(clean(name)), _WIDEST_NAME), 3)
            if name is not names[-1]:
                wished = min(wished, max(_WIDEST_COLUMN, room // 2))
            if widths and room < min(wished, _WIDEST_COLUMN) + 2:
                break
            widths[name] = min(wished, room - 2)
            room -= widths[name] + 2
        if widths and room > 0:
            widths[list(widths)[-1]] += room
        return widths

    @property
    def _digits(self) -> int:
        return max(len(f"{self._offset + len(self._cells):,}"), 3)

    def render(self) -> Content:
        """Return the names of the columns and the rows."""
        if self._page is None:
            return Content("")
        widths = self._widths()
        place = self._places()
        header = [Content.styled("  " + "row".rjust(self._digits), "$text-muted")]
        for name, width in widths.items():
            style = "bold $text-accent" if name in self._used else "$text-muted"
            header.append(Content.styled("  " + fit(clean(name, 200), width), style))
        lines = [Content("").join(header).truncate(self.size.width)]
        self._bring_into_sight()
        held = self._cells[self._top - self._offset :]
        for number, cells in enumerate(held[: self.room], self._top):
            here = number == self._row
            line = Content.assemble(
                ("▸ " if here else "  ", "bold $accent"),
                (f"{number + 1:,}".rjust(self._digits), "$text-muted"),
                *(
                    ("  " + fit(cells[place[name]], width), _style(cells[place[name]]))
                    for name, width in widths.items()
                ),
            ).truncate(self.size.width, pad=True)
            ground = "$block-cursor-background" if self.has_focus else "$surface"
            lines.append(line.stylize_before(f"on {ground}") if here else line)
        if not self._cells:
            lines.append(Content.styled("  no rows", "$text-muted"))
        return Content("\n").join(lines)

    def _bring_into_sight(self) -> None:
        """Move the first row in sight so that the cursor's is in sight too."""
        last = self._offset + max(len(self._cells) - self.room, 0)
        top = min(max(self._top, self._row - self.room + 1), self._row, last)
        self._top = max(top, self._offset)

    def on_resize(self) -> None:
        """Tell that other columns may be in sight."""
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """Mark the cursor as the one that moves."""
        self.refresh()

    def on_blur(self) -> None:
        """Mark the cursor as one that stands."""
        self.refresh()

    # --- keys and the mouse ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer other columns only if there are some out of sight."""
        return action != "scroll_columns" or bool(self.columns_words())

    def action_move(self, rows: int) -> None:
        """Move the cursor; beyond the page, go to the next one."""
        _, row = self._awaited or (self._top, self._row)
        target = min(max(row + rows, 0), self._most - 1)
        if self._awaited is None and 0 <= target - self._offset < len(self._cells):
            self._row = target
            self._bring_into_sight()
            self.refresh()
            self.post_message(self.Moved())
        elif target != row:
            self._want(target if rows > 0 else target - self.room + 1, target)

    def action_page(self, direction: int) -> None:
        """Go on by a page."""
        offset, row = self._awaited or (self._top, self._row)
        step = direction * self.room
        self._want(offset + step, row + step)

    def action_go(self, row: int) -> None:
        """Go to a row."""
        if row == 0:
            self._want(0, 0)
        else:
            self._want(row - self.room // 2, row)

    def action_last(self) -> None:
        """Go to the last row; where nobody knows which it is, the whole must be read first."""
        if self._page is not None and self._page["total"] is None:
            self.post_message(self.Wanted(None, None))
        else:
            self._want(self._most, self._most)

    def action_scroll_columns(self, columns: int) -> None:
        """Show columns further to the right or the left."""
        whole, shown = len(self._names()), len(self._widths())
        most = self._column if self._column + shown >= whole else whole - 1
        self._column = min(max(self._column + columns, 0), most)
        self.refresh()
        self.post_message(self.Moved())

    def action_choose(self) -> None:
        """Tell that the row is wanted."""
        if self._cells:
            self.post_message(self.Chosen(self._row))

    def _want(self, offset: int, row: int) -> None:
        if self._page is None:
            return
        offset = max(min(offset, self._most - self.room), 0)
        row = min(max(row, offset), self._most - 1, offset + self.room - 1)
        stop = min(offset + self.room, self._most)
        held = range(self._offset, self._offset + len(self._cells))
        if self._awaited is None and offset in held and stop - 1 in held:
            self._top = offset
            self.action_move(row - self._row)
        else:
            self._awaited = (offset, row)
            self.post_message(self.Wanted(offset, row))

    def on_click(self, event: events.Click) -> None:
        """Move to the row under the mouse; a click on the cursor's row chooses it."""
        place = event.get_content_offset(self)
        row = self._top + (place.y if place is not None else 0) - 1
        if not 0 <= row - self._offset < len(self._cells):
            return
        if row == self._row:
            self.action_choose()
        else:
            self.action_move(row - self._row)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go down."""
        event.stop()
        self.action_move(_WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go up."""
        event.stop()
        self.action_move(-_WHEEL_ROWS)


def _cell(value: object) -> str:
    """Return a cell as it is shown; an empty text differs from none at all."""
    if value is None:
        return UNKNOWN
    return '""' if value == "" else clean(value, _LONGEST_CELL)


def _style(cell: str) -> str:
    return "$text-muted" if cell in (UNKNOWN, '""') else ""
