"""One row, whole, in a window of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.text import clean, clean_lines
from tui_finetune.ui.panes.data_asking import Asking
from tui_finetune.ui.widgets.dialog import Dialog
from tui_finetune.ui.widgets.say import say

# Nobody reads on in a terminal after so many characters of a cell.
_LONGEST_CELL = 20_000


@dataclass(frozen=True)
class RowPlace:
    """Where a row stands: in a split of the source, or in a part (train, validation, test)."""

    name: str
    row: int
    of_part: bool = False

    def question(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the method and the parameters that ask for it."""
        if self.of_part:
            return "rows_at", {"data": data, "part": self.name, "rows": [self.row]}
        asked = {"data": data, "split": self.name, "offset": self.row, "limit": 1}
        return "rows", {**asked, "cut": _LONGEST_CELL}


class RowScreen(Dialog[None]):
    """Shows one row after another, all cells whole.

    There are `count` of them; `place` says where one of them stands.
    """

    DEFAULT_CSS = """
    RowScreen {
        & > Vertical { width: 96%; max-width: 120; max-height: 96%; padding: 0 2 1 2; }
        & VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "Back"),
        Binding("left", "step(-1)", "Row before"),
        Binding("right", "step(1)", "Next row"),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
    ]

    def __init__(
        self,
        engine: EngineClient,
        data: dict[str, Any],
        count: int,
        place: Callable[[int], RowPlace],
        number: int = 0,
    ) -> None:
        super().__init__()
        self._data = data
        self._count = count
        self._place = place
        self._number = number
        method, _ = place(number).question(data)
        self._asking = Asking(self, engine, method, self._show)

    def compose(self) -> ComposeResult:
        """Lay out the title and the cells."""
        with Vertical():
            yield Static(id="row-title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(id="row-cells", markup=False)

    def on_mount(self) -> None:
        """Ask for the row."""
        self._ask()

    def _ask(self) -> None:
        self._asking.ask(self._place(self._number).question(self._data)[1])

    def _show(self) -> None:
        place = self._place(self._number)
        title = [
            (f"row {place.row + 1:,}", "bold"),
            (f" of {clean(place.name, 40)}", "$text-muted"),
        ]
        if self._count > 1:
            title.append((f"   {self._number + 1:,} of {self._count:,}   ← →", "$text-muted"))
        say(self, "#row-title", Content.assemble(*title, ("   Esc goes back", "$text-muted")))
        found = self._asking.finding
        if found.error:
            words = Content.styled(f"✗ {found.error}", "$text-error")
        elif found.result is None:
            words = Content.styled("asking the engine …", "$text-muted")
        elif not found.result["rows"]:
            words = Content.styled("this row is not there any more", "$text-warning")
        else:
            (row,) = found.result["rows"]
            words = cells_words(found.result["columns"], row[1] if place.of_part else row)
        say(self, "#row-cells", words)

    def action_step(self, step: int) -> None:
        """Show the row before or after this one."""
        number = self._number + step
        if 0 <= number < self._count:
            self._number = number
            self.query_one(VerticalScroll).scroll_home(animate=False)
            self._ask()

    def action_scroll(self, lines: int) -> None:
        """Scroll the cells."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


def cells_words(columns: Sequence[str], cells: Sequence[object]) -> Content:
    """Return the cells of a row under the names of their columns."""
    parts = []
    for name, value in zip(columns, cells, strict=True):
        words = clean_lines(value, _LONGEST_CELL) if isinstance(value, str) else clean(value)
        if value is None:
            words = "nothing stands here"
        style = "" if value not in (None, "") else "$text-muted"
        length = f"  {len(value):,} characters" if isinstance(value, str) else ""
        parts.append(
            Content.assemble(
                (clean(name, 100), "bold $text-accent"),
                (length, "$text-muted"),
                "\n",
                (words or "an empty text", style),
            )
        )
    return Content("\n\n").join(parts)
