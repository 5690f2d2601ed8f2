"""The menu that stops a run: after the epoch, saved and now, or at once."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_finetune.errors import InputError
from tui_finetune.runs.control import kill_run, request_stop
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.text import clean
from tui_finetune.ui.panes.question import Question


class StopMenu(ModalScreen[None]):
    """Lets the person choose how a run stops, and asks the run to do it.

    `checkpoint` is the step of its last checkpoint, None if there is none.
    """

    DEFAULT_CSS = """
    StopMenu {
        align: center middle;
        & > Vertical {
            width: 74; max-width: 96%; height: auto;
            padding: 1 2; background: $surface; border: round $warning;
        }
        & Static { height: auto; }
        & OptionList { height: auto; margin: 1 0; padding: 0; border: none; background: $surface; }
        & OptionList:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Let it run"),
        Binding("e", "choose('epoch')", "After this epoch"),
        Binding("n", "choose('now')", "Save and stop now"),
        Binding("k", "choose('kill')", "Kill"),
    ]

    def __init__(self, run: RunDirectory, name: str, checkpoint: int | None) -> None:
        super().__init__()
        self._stopped = run
        self._run_name = clean(name, 40)
        self._checkpoint = checkpoint

    def compose(self) -> ComposeResult:
        """Lay out the choices in words."""
        with Vertical():
            yield Static(Content.assemble(("Stop ", "bold"), (self._run_name, "bold"), "?"))
            yield OptionList(
                _choice("epoch", "e", "After this epoch", "finish it, evaluate, save, stop"),
                _choice("now", "n", "Save and stop now", "write a checkpoint, then stop"),
                _choice("kill", "k", "Kill at once", self._lost()),
            )
            yield Static(
                Content.styled("Enter chooses · Esc lets it run on", "$text-muted"), id="hint"
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do what was chosen."""
        self.action_choose(event.option.id or "")

    def action_close(self) -> None:
        """Let the run go on."""
        self.dismiss(None)

    def action_choose(self, choice: str) -> None:
        """Ask the run to stop in the chosen way."""
        if choice == "kill":
            self._kill()
        else:
            self._ask_to_stop(choice)

    def _ask_to_stop(self, choice: str) -> None:
        after_epoch = choice == "epoch"
        try:
            request_stop(self._stopped, "stop-after-epoch" if after_epoch else "stop-now")
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            words = "after this epoch, with its evaluation" if after_epoch else "after this step"
            self.notify(f"{self._run_name} was asked to save and stop {words}", markup=False)
        self.dismiss(None)

    @work
    async def _kill(self) -> None:
        question = Question(f"Kill {self._run_name} now?", f"{self._lost()}.", "kill it")
        if not await self.app.push_screen_wait(question):
            return
        try:
            kill_run(self._stopped)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
        self.dismiss(None)

    def _lost(self) -> str:
        if self._checkpoint is None:
            return "nothing is saved yet: all of it is lost"
        return f"what came after checkpoint {self._checkpoint} is lost"


def _choice(name: str, key: str, title: str, meaning: str) -> Option:
    return Option(
        Content.assemble((f" {key} ", "bold $text-accent"), (f" {title:<20}", "bold"), meaning),
        id=name,
    )
