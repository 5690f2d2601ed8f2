"""The question before leaving while a run goes on."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui_finetune.runs.about import name_of
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import read_status
from tui_finetune.text import clean


class LeaveScreen(ModalScreen[bool]):
    """Says that the run goes on without the dashboard; True: leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q,y", "leave", "Leave"),
        Binding("escape,n", "stay", "Stay"),
    ]

    DEFAULT_CSS = """
    LeaveScreen { align: center middle; background: $background 60%; }
    LeaveScreen > Vertical {
        width: 62; max-width: 100%; height: auto; padding: 1 2; background: $panel;
    }
    LeaveScreen Static { height: auto; margin: 0 0 1 0; }
    LeaveScreen Button { width: auto; min-width: 34; }
    """

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        """Lay out the text and the two answers."""
        status = read_status(self._run.status)
        with Vertical():
            yield Static(
                Content.assemble(
                    (clean(name_of(self._run, status), 50), "bold"),
                    f" is {clean(status.state)} and goes on without the dashboard.\n",
                    ("Come back with: tui-finetune", "$text-muted"),
                )
            )
            yield Button("Leave, let it go on (Enter)", id="leave", compact=True, variant="primary")
            yield Button("Stay (Escape)", id="stay", compact=True)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Leave."""
        self.dismiss(True)

    @on(Button.Pressed, "#stay")
    def action_stay(self) -> None:
        """Stay."""
        self.dismiss(False)
