"""The Predict pane: as a sentence is typed, each label's probability by the chosen run's model."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.picker import RunPicker
from tui_finetune.ui.panes.predict_file import PredictFileScreen
from tui_finetune.ui.panes.predict_live import LiveAnswers, Side, newest_model
from tui_finetune.ui.panes.predict_sides import OneSide, SideBySide
from tui_finetune.ui.panes.predict_words import head, past_line, waiting
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.widgets.sentence_input import SentenceInput

_REMEMBERED = 5

# A question that takes no longer than this is not worth a word.
_PATIENCE_SECONDS = 0.4

_TICK_SECONDS = 0.5

# How often it is looked whether there is a newer model.
_LOOK_SECONDS = 2.0


class PredictPane(Vertical):
    """Asks the engine for the predictions of the run that `show_run` names.

    `home` is where the runs are that can be chosen.
    """

    DEFAULT_CSS = """
    PredictPane {
        & #predict-run { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & Input { margin: 0; }
        & #predict-line { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #predict-line.-problem { height: auto; max-height: 3; text-wrap: wrap; }
        & #predict-result { height: auto; max-height: 60%; padding: 0 1; }
        & #predict-result { scrollbar-size-vertical: 1; }
        & #predict-text { height: auto; max-height: 3; }
        & SideBySide { display: none; }
        & #predict-past { height: auto; max-height: 7; padding: 0 1; margin-top: 1; }
        &.-beside SideBySide { display: block; }
        &.-beside OneSide { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "trace", "Trace"),
        Binding("ctrl+l", "beside_before", "Before/after"),
        Binding("ctrl+r", "beside_run", "Two runs"),
        Binding("ctrl+f", "file", "File…"),
        Binding("ctrl+o", "choose", "Another run…"),
        Binding("escape", "clear", "Clear"),
        Binding("pageup", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(1)", show=False),
    ]

    @dataclass
    class TraceWanted(Message):
        """The person wants to see how the run's model reads this text."""

        run: RunDirectory
        text: str

    def __init__(self, engine: EngineClient, home: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._engine = engine
        self._home = home
        self._run: RunDirectory | None = None
        self._beside: Side | None = None
        self._live = LiveAnswers(engine, self._answered)
        self._past: deque[Content] = deque(maxlen=_REMEMBERED)
        self._kept = ""
        self._keep_when_answered = False
        self._hint = False
        self._ready = False
        self._folders_shown: dict[Side, str] = {}

    def compose(self) -> ComposeResult:
        """Lay out the run, the input, the answer and the answers before."""
        yield Static(id="predict-run", markup=False)
        yield SentenceInput()
        yield Static(id="predict-line", markup=False)
        with VerticalScroll(id="predict-result", can_focus=False):
            yield Static(id="predict-text", markup=False)
            yield OneSide()
            yield SideBySide()
        yield Static(id="predict-past", markup=False)

    def on_mount(self) -> None:
        """Begin without an answer."""
        self._show_head()
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_interval(_LOOK_SECONDS, self._look)

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
        self._run, self._beside = run, None
        self._past.clear()
        self._set_sides()
        if self.is_mounted:  # else nothing is there yet that would have to go
            self._forget_kept()
            say(self, "#predict-past", Content(""))
            if self._in_sight:
                self._ask()

    def on_show(self) -> None:
        """Load the model, so that the first answer comes as fast as the others."""
        self._show_head()
        self._ask()

    @property
    def _in_sight(self) -> bool:
        return self.is_mounted and self.display

    # --- asking ---

    def _sides(self) -> list[Side]:
        if self._run is None:
            return []
        own = Side(self._run)
        return [own, self._beside] if self._beside is not None else [own]

    def _set_sides(self) -> None:
        self._live.set_sides(self._sides())
        if self.is_mounted:
            self.set_class(self._beside is not None, "-beside")
            self._show_head()
            self._answered()

    def _ask(self) -> None:
        """Let the newest text be answered, or the models be loaded while there is none."""
        self._ready = self._run is not None and newest_model(self._run) is not None
        if self._ready:
            self._live.load()
            if not self._live.running:
                self.run_worker(self._live.run(), group="predict")
        self._show_line()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value.strip()
        if text == self._live.text:
            return
        keys_change = bool(text) != bool(self._live.text)
        self._live.set_text(text)
        self._keep_when_answered = self._hint = False
        if text:
            self._kept = ""
            say(self, "#predict-text", Content(""))
            self._ask()
        else:
            if not self._kept:
                self._show_answers()
            self._show_line()
        if keys_change:  # to look through all of them takes as long as painting them
            self.refresh_bindings()

    def _answered(self) -> None:
        """Show what is new; keep it if that was asked for meanwhile."""
        if not self.is_mounted:
            return
        if self._live.text and any(self._live.answer(side) for side in self._sides()[:1]):
            self._show_answers()
        self._show_line()
        if not self._live.text:
            self.refresh_bindings()
        if self._live.folders != self._folders_shown:
            self._folders_shown = dict(self._live.folders)
            self._show_head()
        if self._keep_when_answered and self._live.complete:
            self._keep()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Keep the sentence and its answer in sight, and make room for the next."""
        event.stop()
        if self._run is None or not self._live.text:
            self._hint = True
            self._show_line()
        elif self._live.complete:
            self._keep()
        else:
            self._keep_when_answered = True
            self._ask()

    def _keep(self) -> None:
        answers = [self._live.answer(side) for side in self._sides()]
        if any(answer is None or answer.problem for answer in answers):
            return
        self._kept = text = self._live.text
        self._past.append(past_line([answer for answer in answers if answer], self.size.width))
        self._show_past()
        self.query_one(Input).clear()
        words = Content.assemble(("“", "$text-muted"), clean(text), ("”", "$text-muted"))
        say(self, "#predict-text", words)
        self.query_one("#predict-result").scroll_home(animate=False)

    def _forget_kept(self) -> None:
        self._kept = ""
        self._keep_when_answered = False
        say(self, "#predict-text", Content(""))
        self._show_answers()

    @on(SentenceInput.Cut)
    def _say_cut(self, event: SentenceInput.Cut) -> None:
        event.stop()
        self.notify(f"{event.left_out:,} characters too many were left out")

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        match action:
            case "clear":
                return bool(self._live.text or self._kept or self._live.asked)
            case "trace":
                return self._run is not None and bool(self._live.text or self._kept)
            case "beside_before" | "beside_run" | "file":
                return self._run is not None
            case _:
                return True

    def action_clear(self) -> None:
        """Empty the input, and take back what is asked."""
        self._live.give_up()
        self.query_one(Input).clear()
        self._forget_kept()
        self._show_line()
        self.refresh_bindings()

    def action_trace(self) -> None:
        """Let the present sentence be traced."""
        if self._run is not None:
            self.post_message(self.TraceWanted(self._run, self._live.text or self._kept))

    def action_beside_before(self) -> None:
        """Show or hide, beside the model, what it was before fine-tuning."""
        if self._run is not None:
            before = Side(self._run, "before")
            self._put_beside(None if self._beside == before else before)

    @work
    async def action_beside_run(self) -> None:
        """Show or hide another run beside this one."""
        if self._beside is not None and self._beside.version == "after":
            self._put_beside(None)
            return
        run = await self.app.push_screen_wait(RunPicker(self._home))
        if run == self._run:
            self.notify("That is the same run; ctrl+l shows it before fine-tuning.")
        elif run is not None:
            self._put_beside(Side(run))
        self.focus()

    def _put_beside(self, side: Side | None) -> None:
        self._beside = side
        if not self._live.text and self._kept:  # ask for the kept sentence again
            self._live.set_text(self._kept)
            line = self.query_one(Input)
            line.value, line.cursor_position = self._kept, len(self._kept)
            self._forget_kept()
        self._set_sides()
        self._ask()

    @work
    async def action_choose(self) -> None:
        """Let the person choose another run."""
        run = await self.app.push_screen_wait(RunPicker(self._home))
        if run is not None:
            self.show_run(run)
        self.focus()

    def action_scroll(self, pages: int) -> None:
        """Show more of many labels."""
        result = self.query_one("#predict-result")
        result.scroll_relative(y=pages * max(result.size.height - 1, 1), animate=False)

    def action_file(self) -> None:
        """Have a whole file predicted."""
        if self._run is not None:
            name = clean(summarise(self._run).name, 40)
            self.app.push_screen(PredictFileScreen(self._engine, self._run, name))

    # --- showing ---

    def _tick(self) -> None:
        """Say what is waited for."""
        if self._in_sight:
            self._show_line()

    def _look(self) -> None:
        """See how the run stands, and whether its first model is there."""
        if self._in_sight:
            self._show_head()
            if not self._ready:
                self._ask()

    def _show_answers(self) -> None:
        sides = self._sides()
        answers = [self._live.answer(side) for side in sides] if self._live.text else []
        scores = [(answer.scores or {}) if answer else {} for answer in answers]
        if self._beside is None:
            self.query_one(OneSide).show(scores[0] if scores else {})
        else:
            left, right = scores or ({}, {})
            titles = (self._title(sides[0]), self._title(sides[1]))
            self.query_one(SideBySide).show(titles, left, right)

    def _title(self, side: Side) -> str:
        if side.version == "before":
            return "before fine-tuning"
        if self._beside is not None and self._beside.version == "before":
            return "after fine-tuning"
        return clean(summarise(side.run).name, 40)

    def _show_past(self) -> None:
        if self._past:
            lines = Content("\n").join(reversed(self._past))
            title = Content.styled("earlier sentences\n", "$text-muted")
            say(self, "#predict-past", Content.assemble(title, lines))

    def _show_line(self) -> None:
        """Say what is wrong or waited for, or what to do after an Enter too early."""
        problem = self._problem()
        self._part("line").set_class(problem is not None, "-problem")
        say(self, "#predict-line", problem or self._waiting())

    def _problem(self) -> Content | None:
        if self._run is None:
            return None
        if newest_model(self._run) is None:
            words = "no model yet; the first checkpoint is saved at the end of the first epoch"
            return Content.styled(words, "$text-warning")
        for side in self._sides():
            answer = self._live.answer(side)
            if answer is not None and answer.problem:
                return Content.styled(clean(answer.problem, 500), "$text-error")
        return None

    def _waiting(self) -> Content:
        side = self._live.asked
        if side is not None:
            loaded = side in self._live.folders
            seconds = time.monotonic() - self._live.since
            if not loaded or seconds > _PATIENCE_SECONDS:
                return waiting(side, loaded, seconds)
        if self._hint and self._run is None:
            words = "No run is chosen yet: ctrl+o lists those that have a model."
            return Content.styled(words, "$text-warning")
        if self._hint:
            return Content.styled("Type a sentence first.", "$text-warning")
        if self._live.text:
            return Content.styled("Enter keeps it below", "$text-disabled")
        return Content("")

    def _part(self, name: str) -> Static:
        return self.query_one(f"#predict-{name}", Static)

    def _show_head(self) -> None:
        answering = self._live.folders.get(Side(self._run)) if self._run is not None else None
        say(self, "#predict-run", head(self._run, answering))
