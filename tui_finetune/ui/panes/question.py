"""A question before something that cannot be taken back."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui_finetune.ui.widgets.focus import focus_now


class Question(ModalScreen[bool]):
    """Asks; True is the answer only if the button `yes` or the key y was pressed.

    `title`, `details` and `yes` are shown as they are: clean text from elsewhere first.
    """

    DEFAULT_CSS = """
    Question {
        align: center middle;
        & > Vertical {
            width: 64; max-width: 90%; height: auto;
            padding: 1 2; background: $surface; border: round $error;
        }
        & Static { height: auto; }
        & Horizontal { height: auto; align-horizontal: right; margin-top: 1; }
        & Button { margin-left: 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, details: str, yes: str) -> None:
        super().__init__()
        self._words = (title, details, yes)

    def compose(self) -> ComposeResult:
        """Lay out the question, with the harmless answer first."""
        title, details, yes = self._words
        with Vertical():
            yield Static(Content.assemble((title, "bold"), "\n", (details, "$text-muted")))
            with Horizontal():
                yield Button("no (Esc)", id="no", compact=True)
                yield Button(Content(f"{yes} (y)"), id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        """Begin at the harmless answer."""
        focus_now(self.query_one("#no"))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer as the button says."""
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer by a key."""
        self.dismiss(answer)
