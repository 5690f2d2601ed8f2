"""What a person writes about a run, a line at a time: its name, its tags, a note."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui_finetune.errors import InputError
from tui_finetune.runs.about import change_about, parse_tags
from tui_finetune.runs.listing import RunSummary
from tui_finetune.text import clean
from tui_finetune.ui.widgets.focus import focus_now

# A note, a long one.
LONGEST_LINE = 2000


class CleanInput(Input):
    """One line that holds no character which the terminal would obey."""

    def validate_value(self, value: str) -> str:
        """Keep control characters out of what is typed, pasted or given."""
        return clean(value)


class AskLine(ModalScreen[str | None]):
    """Asks for a line and lets `save` take it; answers with it, or None if nothing was saved.

    What `save` refuses by an `InputError` is said, and can be mended.
    """

    DEFAULT_CSS = """
    AskLine {
        align: center middle;
        & > Vertical {
            width: 70; max-width: 96%; height: auto;
            padding: 1 2; background: $surface; border: round $primary;
        }
        & Static { height: auto; }
        & Input { margin: 1 0; background: $panel; }
        & #ask-wrong { color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Back")]

    def __init__(self, title: str, hint: str, value: str, save: Callable[[str], None]) -> None:
        super().__init__()
        self._title, self._hint, self._value, self._save = title, hint, value, save

    def compose(self) -> ComposeResult:
        """Lay out the question and the line."""
        with Vertical():
            words = ((clean(self._title, 60), "bold"), "\n", (self._hint, "$text-muted"))
            yield Static(Content.assemble(*words), markup=False)
            yield CleanInput(
                clean(self._value, LONGEST_LINE), compact=True, max_length=LONGEST_LINE
            )
            yield Static(id="ask-wrong", markup=False)

    def on_mount(self) -> None:
        """Begin at the end of what is there."""
        focus_now(self.query_one(Input))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save, or say why not."""
        event.stop()
        line = event.value.strip()
        try:
            self._save(line)
        except InputError as error:
            self.query_one("#ask-wrong", Static).update(Content(clean(error, 200)))
        else:
            self.dismiss(line)

    def action_close(self) -> None:
        """Go back and leave all as it was."""
        self.dismiss(None)


def ask_name(run: RunSummary) -> AskLine:
    """Return the window that gives a run another name."""
    hint = "Enter saves, Esc goes back; empty: the run's own name again"
    return _ask("Name", hint, run, run.name, lambda line: {"name": line or None})


def ask_tags(run: RunSummary) -> AskLine:
    """Return the window in which a run's tags are written."""
    hint = "set apart by blanks; Enter saves, Esc goes back. The filter tag:… finds them."
    return _ask("Tags", hint, run, " ".join(run.tags), lambda line: {"tags": parse_tags(line)})


def ask_note(run: RunSummary) -> AskLine:
    """Return the window in which a note on a run is written."""
    hint = "what to remember of it; Enter saves, Esc goes back"
    return _ask("Note", hint, run, run.note, lambda line: {"note": line})


def _ask(
    what: str, hint: str, run: RunSummary, present: str, changes: Callable[[str], dict[str, Any]]
) -> AskLine:
    def save(line: str) -> None:
        change_about(run.run, **changes(line))

    return AskLine(f"{what} of {clean(run.name, 40)}", hint, present, save)
