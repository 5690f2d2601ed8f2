"""What a trace asks and answers in a window of its own: its checks, and where it is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Static

from tui_finetune.text import clean
from tui_finetune.ui.widgets.focus import focus_now

ENDINGS = (".html", ".json")

_WINDOW = """
    align: center middle;
    & > Vertical {
        width: 78; max-width: 96%; height: auto; max-height: 90%;
        padding: 1 2; background: $surface; border: round $primary;
    }
    & Static { height: auto; }
"""


class ChecksScreen(ModalScreen[None]):
    """All checks of a trace: what was compared, by how much it is off, and what is allowed."""

    DEFAULT_CSS = (
        "ChecksScreen {"
        + _WINDOW
        + """
        & VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    }"""
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,c,enter", "close", "Back")]

    def __init__(self, checks: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self._checks = checks

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(), VerticalScroll():
            yield Static(checks_content(self._checks), markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


def checks_content(checks: Sequence[dict[str, Any]]) -> Content:
    """Return each check with its words and figures, those that fail in red."""
    lines = [Content.styled("Is what is shown true? Each figure was computed twice.", "bold")]
    for check in checks:
        mark, style = ("✓", "$text-success") if check["holds"] else ("✗", "bold $text-error")
        value = "no number" if check["value"] is None else f"{check['value']:.1e}"
        lines += [
            Content(""),
            Content.assemble(
                (f"{mark} {clean(check['name'], 30)}", style),
                (f"   off by {value}, at most {check['tolerance']:.0e}", "$text-muted"),
            ),
            Content(f"  {clean(check['words'], 300)}"),
        ]
    if not checks:
        lines += [Content(""), Content("No check could be made for this architecture.")]
    return Content("\n").join(lines)


class Choice(Checkbox):
    """A box that is empty while it is off; Textual's own says that by its colour alone."""

    BUTTON_INNER = " "

    def watch_value(self) -> None:
        """Fill the box, or empty it."""
        self.BUTTON_INNER = "X" if self.value else " "
        super().watch_value()


class ExportScreen(ModalScreen[tuple[str, bool] | None]):
    """Asks where a trace is written; answers with the path, and whether with attributions."""

    DEFAULT_CSS = (
        "ExportScreen {"
        + _WINDOW
        + """
        & Input { margin: 1 0; }
        & Checkbox { margin-bottom: 1; }
        & #export-line { color: $text-warning; }
    }"""
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Back")]

    def __init__(self, suggested: str) -> None:
        super().__init__()
        self._suggested = suggested

    def compose(self) -> ComposeResult:
        """Lay out the path and the choice."""
        with Vertical():
            words = "a page to look at (.html) or its figures (.json); Enter writes, Esc goes back"
            yield Static(
                Content.assemble(("Write this trace to a file\n", "bold"), (words, "$text-muted")),
                markup=False,
            )
            yield Input(self._suggested, compact=True)
            yield Choice("with the attributions to the predicted label", compact=True)
            yield Static(id="export-line", markup=False)

    def on_mount(self) -> None:
        """Begin at the path."""
        focus_now(self.query_one(Input))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, if the path can be meant."""
        event.stop()
        written = event.value.strip()
        path = Path(written).expanduser()
        if path.suffix.lower() not in ENDINGS:
            self._say("The path must end in .html or .json.")
        elif not path.absolute().parent.is_dir():
            self._say(f"There is no folder {clean(path.absolute().parent, 200)}; name another.")
        else:
            self.dismiss((str(path.absolute()), self.query_one(Checkbox).value))

    def _say(self, words: str) -> None:
        self.query_one("#export-line", Static).update(Content(words))

    def action_close(self) -> None:
        """Go back without writing."""
        self.dismiss(None)
