"""The views of an evaluation: their names in a line, and the pages that are no lists."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.panes.evaluate_rows import Row, cell_header, cell_line
from tui_finetune.ui.widgets.confusion import ConfusionMatrix
from tui_finetune.ui.widgets.say import say

# From this width on there is room for two things side by side.
_WIDE = 120


class ViewLine(Widget):
    """Names of views, the present one marked; a click chooses one."""

    DEFAULT_CSS = "ViewLine { height: 1; text-wrap: nowrap; text-overflow: clip; }"

    present: reactive[str] = reactive("")

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def __init__(self, views: Mapping[str, str]) -> None:
        super().__init__()
        self._views = views

    def offer(self, views: Mapping[str, str]) -> None:
        """Offer other views."""
        self._views = views
        self.refresh()

    def render(self) -> Content:
        """Return the line."""
        # Reverse video, not only a colour: it must be seen without colours too.
        names = [
            Content.styled(f" {title} ", "bold reverse" if view == self.present else "$text-muted")
            for view, title in self._views.items()
        ]
        return Content(" ").join(names)

    def on_click(self, event: events.Click) -> None:
        """Find the name under the mouse."""
        offset = event.get_content_offset(self)
        end = 0
        for view, title in self._views.items():
            end += len(title) + 3
            if offset is not None and offset.x < end:
                self.post_message(self.Chosen(view))
                return


class Page(VerticalScroll, can_focus=True, inherit_bindings=False):
    """A text that scrolls up and down; the other two arrows are left to the pane.

    `text` makes it for a width in cells.
    """

    DEFAULT_CSS = """
    Page { scrollbar-size-vertical: 1; padding: 0 1; }
    Page Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up", show=False),
        Binding("down", "scroll_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home", "scroll_home", "Top", show=False),
        Binding("end", "scroll_end", "Bottom", show=False),
    ]

    def __init__(self, *below: Widget, id: str) -> None:
        super().__init__(Static(classes="text", markup=False), *below, id=id)
        self._text: Callable[[int], Content] = lambda width: Content("")

    def show(self, text: Callable[[int], Content]) -> None:
        """Show another text, from its top."""
        self._text = text
        self.on_resize()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Fit the text to the new width."""
        if self.size.width:  # it has none before it is shown for the first time
            # One cell for a scrollbar that may come.
            say(self, ".text", self._text(self.size.width - 1))


class ConfusionPage(Vertical):
    """The matrix, the cell under its cursor in words, and the mistakes of all cells in order."""

    DEFAULT_CSS = """
    ConfusionPage {
        padding: 0 1;
        & #confusion-parts { layout: vertical; height: 1fr; }
        & ConfusionMatrix { max-height: 65%; }
        & LineList { margin-top: 1; }
        & #confusion-cell { height: 1; margin-top: 1; text-overflow: ellipsis; text-wrap: nowrap; }
        &.-wide {
            & #confusion-parts { layout: horizontal; }
            & ConfusionMatrix { width: auto; max-width: 62%; height: 100%; max-height: 100%; }
            & LineList { width: 1fr; max-width: 70; height: 100%; margin: 0 0 0 3; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next(1)", "Next mistake"),
        Binding("N", "next(-1)", "Mistake before", show=False),
    ]

    class Wanted(Message):
        """The mistakes of this cell are wanted; the numbers are those of the labels."""

        def __init__(self, true: int, predicted: int) -> None:
            super().__init__()
            self.true = true
            self.predicted = predicted

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._cells: list[Row] = []
        self._places: list[tuple[int, int]] = []
        self._numbers: dict[tuple[int, int], int] = {}

    def compose(self) -> ComposeResult:
        """Lay out the matrix, the words and the cells."""
        with Container(id="confusion-parts"):
            yield ConfusionMatrix()
            yield LineList(id="confusion-cells")
        yield Static(id="confusion-cell", markup=False)

    def on_resize(self) -> None:
        """Put the cells beside the matrix where there is room."""
        self.set_class(self.size.width >= _WIDE, "-wide")

    @property
    def matrix(self) -> ConfusionMatrix:
        """The matrix."""
        return self.query_one(ConfusionMatrix)

    def show(self, labels: list[str], counts: list[list[int]], cells: list[Row]) -> None:
        """Show another matrix, its cursor on the most frequent mistake."""
        number_of = {label: number for number, label in enumerate(labels)}
        self._cells = cells
        self._places = [(number_of[cell["true"]], number_of[cell["predicted"]]) for cell in cells]
        self._numbers = {place: number for number, place in enumerate(self._places)}
        self.matrix.show(labels, counts)
        self.query_one(LineList).show(
            len(cells), lambda number, width: cell_line(cells[number], width), cell_header
        )
        if cells:
            self.matrix.move_to(*self._places[0])
        self._describe()

    def _describe(self) -> None:
        words = self.matrix.describe()
        if not self._cells:
            words = Content.styled("No mistakes: every row is right.", "$text-success")
        say(self, "#confusion-cell", words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the next mistake only where there are some."""
        return action != "next" or bool(self._cells)

    def action_next(self, direction: int) -> None:
        """Go to the next cell with mistakes, in the order of their number."""
        lines = self.query_one(LineList)
        last = lines.cursor or 0
        here = self._numbers.get(self.matrix.cell) == last
        lines.move_to(last + direction if here else last, tell=False)
        self._follow_list()

    @on(LineList.Moved)
    def _follow_list(self) -> None:
        cursor = self.query_one(LineList).cursor
        if cursor is not None:
            self.matrix.move_to(*self._places[cursor])

    @on(ConfusionMatrix.Moved)
    def _follow_matrix(self) -> None:
        number = self._numbers.get(self.matrix.cell)
        if number is not None:
            self.query_one(LineList).move_to(number, tell=False)
        self._describe()

    @on(LineList.Chosen)
    @on(ConfusionMatrix.Chosen)
    def _choose(self) -> None:
        true, predicted = self.matrix.cell
        if true == predicted:
            right = "These rows are right: choose a cell beside the diagonal (n goes to one)."
            say(self, "#confusion-cell", Content.styled(right, "$text-warning"))
        else:
            self.post_message(self.Wanted(true, predicted))


def only(shown: int, whole: int, noun: str) -> str:
    """Return how many of how many are shown: 12 of 1,040 mistakes, or 1,040 mistakes."""
    all_of_them = f"{whole:,} {noun}{'s' * (whole != 1)}"
    return all_of_them if shown == whole else f"{shown:,} of {all_of_them}"
