"""A list that draws only the lines in sight, so that ten thousand cost no more than ten."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui_finetune.ui.widgets.say import say

# Given the width in cells; and the number of a line and the width.
Header = Callable[[int], Content]
Line = Callable[[int, int], Content]

_WHEEL_LINES = 3

# From this height on the line under the cursor gets more room.
_TALL = 24


class LineList(Widget, can_focus=True, inherit_bindings=False):
    """Lines with a cursor, under a header that stays."""

    DEFAULT_CSS = """
    LineList { height: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Choose", show=False),
        Binding("up", "move(-1)", "Line above", show=False),
        Binding("down", "move(1)", "Line below", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(0)", "First line", show=False),
        Binding("end", "edge(-1)", "Last line", show=False),
    ]

    class _About(Message):
        def __init__(self, lines: "LineList") -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> "LineList":
            """The list."""
            return self.lines

    class Moved(_About):
        """The cursor is on another line."""

    class Chosen(_About):
        """Enter or a click on the line under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._count = 0
        self._header: Header = lambda width: Content("")
        self._line: Line = lambda number, width: Content("")
        self._cursor = self._first = 0

    @property
    def cursor(self) -> int | None:
        """The number of the line under the cursor; None in an empty list."""
        return self._cursor if self._count else None

    def show(self, count: int, line: Line, header: Header) -> None:
        """Show `count` lines from now on, the cursor on the first."""
        self._count, self._line, self._header = count, line, header
        self._cursor = self._first = 0
        self.refresh()

    def move_to(self, number: int, tell: bool = True) -> None:
        """Put the cursor on a line, as near as there is one."""
        number = min(max(number, 0), self._count - 1)
        if self._count and number != self._cursor:
            self._cursor = number
            self.refresh()
            if tell:
                self.post_message(self.Moved(self))

    @property
    def _shown(self) -> int:
        return max(self.size.height - 1, 1)

    def _bring_into_sight(self) -> None:
        first = min(max(self._first, self._cursor - self._shown + 1), self._cursor)
        self._first = max(min(first, self._count - self._shown), 0)

    def _place(self) -> str:
        """Return what stands at the end of the header."""
        return f" {self._cursor + 1:,} of {self._count:,} " if self._count > self._shown else ""

    def render(self) -> Content:
        """Return the header and the lines in sight."""
        self._bring_into_sight()
        width = self.size.width
        place = self._place()
        header = self._header(width - 2).truncate(width - 2 - len(place), pad=True)
        lines = [Content.assemble("  ", header, (place, "$text-muted"))]
        for number in range(self._count)[self._first :][: self._shown]:
            here = number == self._cursor
            line = self._line(number, width - 2).truncate(width - 2, ellipsis=True, pad=True)
            line = Content.assemble(("▸ " if here else "  ", "bold $accent"), line)
            ground = "$block-cursor-background" if self.has_focus else "$surface"
            lines.append(line.stylize_before(f"on {ground}") if here else line)
        return Content("\n").join(lines)

    def on_focus(self) -> None:
        """Mark the cursor as the one that moves."""
        self.refresh()

    def on_blur(self) -> None:
        """Mark the cursor as one that stands."""
        self.refresh()

    # --- keys and the mouse ---

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self.move_to(self._cursor + lines)

    def action_page(self, direction: int) -> None:
        """Move the cursor by as many lines as are in sight."""
        self.move_to(self._cursor + direction * self._shown)

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last line."""
        self.move_to(end % max(self._count, 1))

    def action_choose(self) -> None:
        """Tell that the line is wanted."""
        if self._count:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """Move to the line under the mouse; a click on the cursor's line chooses it."""
        place = event.get_content_offset(self)
        number = self._first + (place.y if place is not None else 0) - 1
        if not self._first <= number < self._count:
            return
        if number == self._cursor:
            self.action_choose()
        else:
            self.move_to(number)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go down."""
        event.stop()
        self.move_to(self._cursor + _WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go up."""
        event.stop()
        self.move_to(self._cursor - _WHEEL_LINES)


class ListPage(Vertical):
    """A list under a title, with all about the line under the cursor below it."""

    DEFAULT_CSS = """
    ListPage {
        & .title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & .detail {
            height: auto; max-height: 5; padding: 0 1 0 2; background: $surface;
            scrollbar-size-vertical: 1;
        }
        & .detail Static { height: auto; }
        &.-tall .detail { max-height: 12; margin-top: 1; }
        &.-whole LineList { height: 2; }
        &.-whole .detail { height: 1fr; max-height: 100%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "scroll_detail(-1)", "Text below the list up", show=False),
        Binding("shift+down", "scroll_detail(1)", "Text below the list down", show=False),
    ]

    def __init__(self, lines: LineList, *, id: str) -> None:
        super().__init__(id=id)
        self.lines = lines
        self._detail: Callable[[int], Content] = lambda number: Content("")

    def compose(self) -> ComposeResult:
        """Lay out the title, the list and the detail."""
        yield Static(classes="title", markup=False)
        yield self.lines
        with VerticalScroll(classes="detail", can_focus=False):
            yield Static(classes="about", markup=False)

    def show(
        self,
        title: Content,
        count: int,
        line: Line,
        header: Header,
        detail: Callable[[int], Content],
    ) -> None:
        """Show other lines; `detail` says all about one of them."""
        self._detail = detail
        say(self, ".title", title)
        self.lines.show(count, line, header)
        self.show_detail()

    def on_resize(self) -> None:
        """Give the detail more room where there is some."""
        self.set_class(self.size.height >= _TALL, "-tall")

    def on_line_list_moved(self) -> None:
        """Say all about the line under the cursor."""
        self.show_detail()

    def show_detail(self) -> None:
        """Say anew all about the line under the cursor."""
        cursor = self.lines.cursor
        self.query_one(".detail").display = cursor is not None
        self.query_one(".detail").scroll_home(animate=False)
        say(self, ".about", Content("") if cursor is None else self._detail(cursor))

    def action_scroll_detail(self, lines: int) -> None:
        """Scroll the detail."""
        self.query_one(".detail").scroll_relative(y=lines, animate=False)


class TextListPage(ListPage):
    """A list of texts, which may be longer than there is room for below it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "whole", "Whole text")]

    def action_whole(self) -> None:
        """Give the text all the room, or the list again."""
        self.toggle_class("-whole")
