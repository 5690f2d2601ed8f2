"""The start of a training, and in a line beside it what is known of the recipe or in the way."""

from typing import Any, Literal

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.preflight_words import check_words
from tui_finetune.ui.widgets.say import say

# With as many columns there is room for whole sentences.
_WIDE = 140

Stage = Literal["", "checking", "starting"]

_UNDER_WAY = {
    "checking": "◐ starting: the recipe is checked …   Esc gives up",
    "starting": "◐ starting: the data is read, the model is loaded …",
}


class StartLine(Horizontal):
    """The button that starts what the draft holds, off while something is in the way."""

    DEFAULT_CSS = """
    StartLine {
        height: 1;
        & #start { min-width: 20; }
        & #reason { width: 1fr; padding: 0 0 0 2; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(self, draft: Draft, id: str) -> None:
        super().__init__(id=id)
        self._draft = draft
        self.stage: Stage = ""
        """What of a start is under way."""
        self._refused: tuple[str, dict[str, Any]] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the button and the line."""
        yield Button("▶ Start training", id="start", variant="success", compact=True)
        yield Static(id="reason", markup=False)

    @property
    def button(self) -> Button:
        """The button."""
        return self.query_one("#start", Button)

    def turn_to(self, stage: Stage, refused: str | None) -> None:
        """Show how far a start is; why it was refused, until the recipe is another."""
        self.stage = stage
        self._refused = (refused, self._draft.content) if refused else None
        self.show()

    def show(self) -> None:
        """Show the draft as it is now."""
        obstacle = self._draft.obstacle()
        # While it starts the button stays on: one that is switched off loses the focus.
        self.button.disabled = obstacle is not None
        say(self, "#reason", self._reason(obstacle))

    def _reason(self, obstacle: str | None) -> Content:
        if self.stage:
            return Content.styled(_UNDER_WAY[self.stage], "$text-accent")
        if obstacle:
            return Content.styled(obstacle, "$text-warning")
        if self._refused and self._refused[1] == self._draft.content:
            return Content.styled(f"✗ {clean(self._refused[0])}", "$text-error")
        wide = self.app.size.width >= _WIDE
        keys = "Enter or ctrl+s starts it" + ("; quitting leaves it running" if wide else "")
        check = self._draft.checks.of(self._draft.content)
        if check is None:
            return Content.styled(f"{keys} · not checked yet: ctrl+k", "$text-muted")
        words = check_words(check)
        return Content.assemble(words, (f" · {keys}", "$text-muted")) if wide else words
