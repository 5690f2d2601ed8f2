"""The Predict pane: a sentence in, each label's probability out, with the chosen run's model."""

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.picker import RunPicker
from tui_finetune.ui.widgets.bars import Probabilities
from tui_finetune.ui.words import UNKNOWN, duration, state_mark

_REMEMBERED = 5

# Far more than a model reads; a whole file pasted by mistake must not go through the pipe.
_LONGEST_TEXT = 20_000


class PredictPane(Vertical):
    """Asks the engine for the predictions of the run that `show_run` names.

    `home` is where the runs are that can be chosen.
    """

    DEFAULT_CSS = """
    PredictPane {
        & #predict-run { height: 1; text-wrap: nowrap; text-overflow: ellipsis; margin-bottom: 1; }
        & Input { margin: 0; }
        & #predict-line { height: auto; max-height: 3; padding: 0 1; }
        & #predict-result { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        & #predict-text { height: auto; max-height: 4; margin-bottom: 1; }
        & #predict-past { height: auto; max-height: 7; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "choose", "Another run…"),
        Binding("escape", "cancel", "Cancel"),
    ]

    def __init__(self, engine: EngineClient, home: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._engine = engine
        self._home = home
        self._run: RunDirectory | None = None
        self._past: deque[Content] = deque(maxlen=_REMEMBERED)
        self._since: float | None = None
        self._progress = ""
        self._asking: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the run, the input, the answer and the answers before."""
        yield Static(id="predict-run", markup=False)
        yield Input(placeholder="a sentence, then Enter", max_length=_LONGEST_TEXT)
        yield Static(id="predict-line", markup=False)
        with VerticalScroll(id="predict-result"):
            yield Static(id="predict-text", markup=False)
            yield Probabilities()
        yield Static(id="predict-past", markup=False)

    def on_mount(self) -> None:
        """Begin without an answer."""
        self._show_head()
        self.set_interval(0.5, self._tick)

    def focus(self, scroll_visible: bool = True) -> "PredictPane":
        """Focus the input."""
        self.query_one(Input).focus(scroll_visible)
        return self

    @property
    def run_shown(self) -> RunDirectory | None:
        """The run that predicts, if one is chosen."""
        return self._run

    def show_run(self, run: RunDirectory | None) -> None:
        """Predict with this run from now on; answers of the one before go."""
        if run == self._run:
            return
        self._run = run
        self._past.clear()
        if self._asking is not None:
            self._asking.cancel()
        if self.children:  # else nothing is there yet that would have to go
            self._show_head()
            self._say("")
            self._part("text").update("")
            self._part("past").update("")
            self.query_one(Probabilities).show({})

    def on_show(self) -> None:
        """Show the run's state as it is now."""
        self._show_head()

    # --- asking ---

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask for the probabilities of the sentence."""
        event.stop()
        text = event.value.strip()
        if self._run is None:
            self._say(
                "No run is chosen yet: ctrl+o lists those that have a model.", "$text-warning"
            )
        elif not text:
            self._say("Type a sentence first.", "$text-warning")
        else:
            self._asking = self._ask(self._run, text)

    @work(exclusive=True, group="predict")
    async def _ask(self, run: RunDirectory, text: str) -> None:
        try:
            run.require_model()
            self._since, self._progress = time.monotonic(), ""
            self._tick()
            answer = await self._engine.request(
                "predict", {"run": run.id, "texts": [text]}, self._note_progress
            )
        except (InputError, EngineError) as error:
            self._say(clean(error, 500), "$text-error")
        else:
            self._say("")
            self._show_answer(answer["predictions"][0])
        finally:
            self._since = None

    def _note_progress(self, progress: dict[str, Any]) -> None:
        words = next((value for value in progress.values() if isinstance(value, str)), "")
        self._progress = clean(words, 100)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Offer to cancel as long as there is something to cancel."""
        if event.worker.group == "predict":
            self._asking = event.worker if event.state == WorkerState.RUNNING else None
            self.refresh_bindings()

    def _tick(self) -> None:
        """Say what is waited for, and how long already."""
        if self._since is None:
            return
        seconds = time.monotonic() - self._since
        words = self._progress or "asking the model; the first time it has to be loaded"
        gone = f"  {duration(seconds)}" if seconds >= 1 else ""
        self._say(f"{words} …{gone}   Esc cancels", "$text-muted")

    def _show_answer(self, prediction: Mapping[str, Any]) -> None:
        text, label = clean(prediction["text"]), clean(prediction["label"], 30)
        score = prediction["score"]
        share = f"{UNKNOWN:>6}" if score is None else f"{score:6.1%}"
        self._part("text").update(
            Content.assemble(("“", "$text-muted"), text, ("”", "$text-muted"))
        )
        self.query_one(Probabilities).show(prediction["scores"])
        before = Content("\n").join(reversed(self._past))
        title = Content.styled("before\n", "$text-muted") if self._past else Content("")
        self._part("past").update(Content.assemble(title, before))
        room = max(self.size.width - 2 - 8 - len(label) - 4, 10)
        self._past.append(
            Content.assemble(
                (f"{share}  ", "$text-muted"), label, ("  " + clean(text, room), "$text-muted")
            )
        )
        self.query_one("#predict-result").scroll_home(animate=False)
        self.query_one(Input).clear()

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Esc to others while nothing is asked."""
        return action != "cancel" or self._asking is not None

    @work
    async def action_choose(self) -> None:
        """Let the person choose another run."""
        run = await self.app.push_screen_wait(RunPicker(self._home))
        if run is not None:
            self.show_run(run)
        self.focus()

    async def action_cancel(self) -> None:
        """Give up the present question; the engine starts anew at the next one."""
        if self._asking is not None:
            self._asking.cancel()
            await self._engine.cancel()
            self._say("cancelled", "$text-muted")

    # --- showing ---

    def _part(self, name: str) -> Static:
        return self.query_one(f"#predict-{name}", Static)

    def _say(self, words: str, style: str = "") -> None:
        self._part("line").update(Content.styled(words, style))

    def _show_head(self) -> None:
        if self._run is None:
            head = Content.assemble(
                (" No run is chosen.  ", "bold"),
                ("ctrl+o", "bold $text-accent"),
                (" chooses one that has a model", "$text-muted"),
            )
        else:
            run = summarise(self._run)
            head = Content.assemble(
                " ",
                (clean(run.name, 30), "bold"),
                "  ",
                state_mark(run.state),
                (f"  {clean(run.id)}", "$text-muted"),
            )
        self._part("run").update(head)
