"""The Evaluate pane: how good the chosen run's model is, on its test rows or on other data."""

import time
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.evaluate_results import EvaluationResults
from tui_finetune.ui.panes.predict_live import traceable
from tui_finetune.ui.panes.run_pane import RunPane
from tui_finetune.ui.widgets.busy import busy_line
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.path_input import PathInput
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.wishes import TraceWanted
from tui_finetune.ui.words import counted, state_mark

_TICK_SECONDS = 0.5


class EvaluatePane(RunPane):
    """Asks the engine how good the run is, and shows what it answers."""

    DEFAULT_CSS = """
    EvaluatePane {
        & #evaluate-run { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #evaluate-path { display: none; margin: 0; }
        & #evaluate-line { height: auto; max-height: 3; padding: 0 1; display: none; }
        & #evaluate-start { height: 1fr; content-align: center middle; text-align: center; }
        & EvaluationResults { height: 1fr; display: none; }
        &.-asking-path #evaluate-path { display: block; }
        &.-saying #evaluate-line { display: block; }
        &.-filled EvaluationResults { display: block; }
        &.-filled #evaluate-start { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "evaluate", "Evaluate"),
        Binding("e", "again", "Evaluate again"),
        Binding("escape", "cancel", "Cancel"),
        Binding("o", "other_data", "Another file…"),
        Binding("ctrl+o", "choose", "Another run…"),
    ]

    def __init__(self, engine: EngineClient, home: Path, *, id: str | None = None) -> None:
        super().__init__(engine, home, id=id)
        self._ready = False
        self._document: dict[str, Any] | None = None
        self._asking: Worker[None] | None = None
        self._since = 0.0
        self._progress: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """Lay out the run, the path of other data, what goes on, and the results."""
        yield Static(id="evaluate-run", markup=False)
        yield PathInput(placeholder="another labelled file, then Enter", id="evaluate-path")
        yield Static(id="evaluate-line", markup=False)
        yield _Start(id="evaluate-start", markup=False)
        yield EvaluationResults()

    def on_mount(self) -> None:
        """Say what can be done."""
        self._show_head()
        self.set_interval(_TICK_SECONDS, self._tick)

    def focus(self, scroll_visible: bool = True) -> "EvaluatePane":
        """Focus the path while it is asked for, else the results, or the hint without any."""
        if self.has_class("-asking-path"):
            focus_now(self.query_one(PathInput), scroll_visible)
        elif self._document is not None:
            self.query_one(EvaluationResults).focus(scroll_visible)
        else:
            focus_now(self.query_one(_Start), scroll_visible)
        return self

    def show_run(self, run: RunDirectory | None) -> None:
        """Evaluate this run from now on; the results of the one before go."""
        if run == self._run:
            return
        self._run = run
        self._document = None
        self._give_up()
        if self.is_mounted:  # else nothing is there yet that would have to go
            focused = self.has_focus_within
            self._say("")
            self._ask_for_path(False)
            self._fill(focused)

    def on_show(self) -> None:
        """Show the run's state as it is now."""
        self._show_head()

    # --- asking ---

    def action_evaluate(self) -> None:
        """Evaluate the run on its own test rows."""
        self._begin(None)

    def action_again(self) -> None:
        """Evaluate the run on its own test rows once more."""
        self._begin(None)

    @on(Input.Submitted, "#evaluate-path")
    def _path_entered(self, event: Input.Submitted) -> None:
        event.stop()
        if written := event.value.strip():
            place = Path(written).expanduser()
            self._begin(str(place.absolute() if place.exists() else place))
            self._close_path()

    def _begin(self, data: str | None) -> None:
        if self._run is not None:
            self._since, self._progress = time.monotonic(), {}
            self._asking = self._ask(self._run, data)
            self._tick()
            self.refresh_bindings()

    @work(exclusive=True, group="evaluate")
    async def _ask(self, run: RunDirectory, data: str | None) -> None:
        try:
            run.require_model()
            document = await self._engine.request(
                "evaluate", {"run": run.id, "data": data, "before": True}, self._note_progress
            )
        except (InputError, EngineError) as error:
            self._end(clean(error, 500), "$text-error")
        else:
            self._document = document
            self._end("")
            self._fill(self.has_focus_within)

    def _end(self, words: str, style: str = "") -> None:
        # At once: the next tick must not find anything that is waited for.
        self._asking = None
        self._say(words, style)
        self.refresh_bindings()

    def _give_up(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
            self.refresh_bindings()

    def _note_progress(self, progress: dict[str, Any]) -> None:
        self._progress = progress
        self._tick()

    def _tick(self) -> None:
        """Say what is waited for, how far it is, and for how long already."""
        if self._run is not None and not self._ready and self._run.has_model():
            self._show_head()
        if self._asking is not None:
            self._show_line(busy_line(self._progress, time.monotonic() - self._since))

    # --- showing ---

    def _fill(self, focused: bool) -> None:
        """Show the results, or what to do where there are none."""
        # A path that is being typed keeps the focus: getting it anew would select all of it.
        focused = focused and not self.has_class("-asking-path")
        if focused:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
        self.set_class(self._document is not None, "-filled")
        if self._document is not None:
            can_trace = self._run is not None and traceable(self._run)
            self.query_one(EvaluationResults).show(self._document, can_trace)
        self._show_head()
        if focused:
            self.focus()

    def _say(self, words: str, style: str = "") -> None:
        self._show_line(Content.styled(words, style))

    def _show_line(self, content: Content) -> None:
        self.set_class(bool(content), "-saying")
        say(self, "#evaluate-line", content)

    def _show_head(self) -> None:
        self._ready = self._run is not None and self._run.has_model()
        say(self, "#evaluate-run", self._head())
        say(self, "#evaluate-start", start_words(self._run, self._ready))
        self.refresh_bindings()

    def _head(self) -> Content:
        if self._run is None:
            return Content.styled(" No run is chosen.", "bold")
        run = summarise(self._run)
        parts = [Content.styled(f" {clean(run.name, 30)}", "bold"), state_mark(run.state)]
        if self._document is not None:
            # The path comes last, because it may be too long.
            rows = counted(self._document["rows"], "row")
            parts.append(Content(f"{rows}: {clean(self._document['data'], 300)}"))
        else:
            parts.append(Content.styled(clean(run.id), "$text-muted"))
        return Content("  ").join(parts)

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        match action:
            case "cancel":
                return self._asking is not None or self.has_class("-asking-path")
            case "evaluate" | "again":
                possible = self._ready and self._asking is None
                return possible and (action == "again") == (self._document is not None)
            case "other_data":
                return self._ready and not self.has_class("-asking-path")
            case _:
                return True

    def action_other_data(self) -> None:
        """Ask for the path of other data."""
        self._ask_for_path(True)
        self.focus()

    def _ask_for_path(self, wanted: bool) -> None:
        self.set_class(wanted, "-asking-path")
        self.refresh_bindings()

    def _close_path(self) -> None:
        self.screen.set_focus(None)
        self._ask_for_path(False)
        self.focus()

    def action_cancel(self) -> None:
        """Leave the path, or give up what goes on."""
        if self.has_class("-asking-path"):
            self._close_path()
        elif self._asking is not None:
            self._give_up()
            self._say("cancelled", "$text-muted")

    @on(EvaluationResults.TraceWanted)
    def _trace(self, event: EvaluationResults.TraceWanted) -> None:
        if self._run is not None:
            self.post_message(TraceWanted(self._run, event.text, event.true))


class _Start(Static, can_focus=True):
    """What to do while there are no results; focusable, so that the pane has its keys."""


def start_words(run: RunDirectory | None, ready: bool) -> Content:
    """Return what to do in a pane without results."""
    if run is None:
        return Content.assemble(
            ("No run to evaluate yet.\n\n", "bold"),
            ("ctrl+o", "bold $text-accent"), " chooses one that has a model\n",
            ("F3", "bold $text-accent"), " Tune starts one",
        )  # fmt: skip
    if not ready:
        return Content.assemble(
            ("This run has no model yet.\n\n", "bold"),
            "Its first checkpoint, at the end of the first epoch, will do.\n",
            ("ctrl+o", "bold $text-accent"), " chooses another run",
        )  # fmt: skip
    return Content.assemble(
        ("How good is this model, and where does it fail?\n\n", "bold"),
        ("Enter", "bold $text-accent"), " evaluates it on the test rows of its own data,\n",
        "beside the model before fine-tuning and one that never reads the text\n\n",
        ("o", "bold $text-accent"), " takes another labelled file     ",
        ("ctrl+o", "bold $text-accent"), " another run",
    )  # fmt: skip
