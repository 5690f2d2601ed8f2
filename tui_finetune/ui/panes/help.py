"""The keys that work at the moment."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

# Moving about and editing work as everywhere and would fill the page.
_COMMON = ("cursor_", "scroll_", "page_", "delete_", "select_all", "cut", "copy", "paste")


class HelpScreen(ModalScreen[None]):
    """Lists keys with what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Back")
    ]

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 64; max-width: 100%; height: auto; max-height: 90%; padding: 1 2;
        background: $panel;
    }
    HelpScreen Static { height: auto; }
    """

    def __init__(self, bindings: Iterable[Binding]) -> None:
        super().__init__()
        self._shown = list(bindings)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with VerticalScroll():
            yield Static(help_text(self._shown, self.app.get_key_display))


def help_text(bindings: Iterable[Binding], display: Callable[[Binding], str]) -> Content:
    """Return a line for each thing that a key does, with all its keys."""
    keys: dict[tuple[str, str], list[str]] = {}
    for binding in bindings:
        action = binding.action.rpartition(".")[2]
        if binding.description and not action.startswith(_COMMON):
            keys.setdefault((binding.description, action), []).append(display(binding))
    lines = [Content.styled("Keys that work here", "bold"), Content("")]
    lines += [
        Content.assemble((f"{', '.join(shown):<16}", "$text-accent"), description)
        for (description, _), shown in keys.items()
    ]
    lines += [
        Content(""),
        Content.styled("The mouse works everywhere. Escape goes back.", "$text-muted"),
    ]
    return Content("\n").join(lines)
