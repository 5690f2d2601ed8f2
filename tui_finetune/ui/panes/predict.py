"""The Predict pane: as a sentence is typed, each label's probability by the chosen run's model."""

import time
from collections import deque
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.picker import RunPicker
from tui_finetune.ui.panes.predict_answers import PredictAnswers
from tui_finetune.ui.panes.predict_file import PredictFileScreen
from tui_finetune.ui.panes.predict_live import (
    LiveAnswers,
    Side,
    newest_model,
    reads_pairs,
    traceable,
)
from tui_finetune.ui.panes.predict_words import head, past_line, waiting
from tui_finetune.ui.panes.run_pane import RunPane
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.widgets.sentence_input import SentenceInput
from tui_finetune.ui.wishes import TraceWanted

_REMEMBERED = 5

# A question that takes no longer than this is not worth a word.
_PATIENCE_SECONDS = 0.4

_TICK_SECONDS = 0.5

# How often it is looked whether there is a newer model.
_LOOK_SECONDS = 2.0


class PredictPane(RunPane):
    """Asks the engine for the run's predictions, while the person types."""

    DEFAULT_CSS = """
    PredictPane {
        & #predict-run { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & Input { margin: 0; }
        & #predict-line { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #predict-line.-problem { height: auto; max-height: 3; text-wrap: wrap; }
        & #predict-pair { display: none; }
        &.-pairs #predict-pair { display: block; }
        & #predict-past { height: auto; max-height: 7; padding: 0 1; margin-top: 1; }
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

    def __init__(self, engine: EngineClient, home: Path, *, id: str | None = None) -> None:
        super().__init__(engine, home, id=id)
        self._beside: Side | None = None
        self._live = LiveAnswers(engine, self._answered)
        self._past: deque[Content] = deque(maxlen=_REMEMBERED)
        self._pairs = self._traceable = self._boxes_filled = False
        self._kept = self._kept_pair = ""
        self._keep_when_answered = False
        self._hint = False
        self._ready = False
        self._folders_shown: dict[Side, str] = {}

    def compose(self) -> ComposeResult:
        """Lay out the run, the input, the answer and the answers before."""
        yield Static(id="predict-run", markup=False)
        yield SentenceInput()
        yield SentenceInput(id="predict-pair", placeholder="the second text, then Enter")
        yield Static(id="predict-line", markup=False)
        yield PredictAnswers()
        yield Static(id="predict-past", markup=False)

    def on_mount(self) -> None:
        """Begin without an answer."""
        self._offer_boxes()
        self._show_head()
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_interval(_LOOK_SECONDS, self._look)

    def focus(self, scroll_visible: bool = True) -> "PredictPane":
        """Focus the input."""
        focus_now(self.query_one(Input), scroll_visible)
        return self

    def show_run(self, run: RunDirectory | None) -> None:
        """Predict with this run from now on; answers of the one before go."""
        if run == self._run:
            return
        self._run, self._beside = run, None
        self._traceable = run is not None and traceable(run)
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
    def _answers(self) -> PredictAnswers:
        return self.query_one(PredictAnswers)

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
        sides = self._sides()
        self._pairs = any(reads_pairs(side.run) for side in sides)
        self._live.set_sides(sides)
        if self.is_mounted:
            self._answers.set_class(self._beside is not None, "-beside")
            self._offer_boxes()
            self._take_texts()
            self._show_head()
            self._answered()

    def _offer_boxes(self) -> None:
        """Show as many boxes as the models read texts."""
        first, second = self.query(SentenceInput)
        if second.has_focus and not self._pairs:
            self.focus()
        self.set_class(self._pairs, "-pairs")
        first.placeholder = f"{'the first text' if self._pairs else 'type a sentence'}, then Enter"

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
        self._take_texts()

    def _take_texts(self) -> None:
        """Ask for what is typed from now on, if that is another text."""
        text, pair = self._typed_texts()
        typed, self._boxes_filled = self._boxes_filled, bool(text or pair)
        keys_change = typed != self._boxes_filled
        if self._pairs and not pair:
            text = ""  # half a pair is asked nobody
        if (text, pair) != (self._live.text, self._live.pair):
            keys_change = keys_change or bool(text) != bool(self._live.text)
            self._ask_for(text, pair)
        if keys_change:  # to look through all of them takes as long as painting them
            self.refresh_bindings()

    def _ask_for(self, text: str, pair: str) -> None:
        self._live.set_text(text, pair)
        self._keep_when_answered = self._hint = False
        if text:
            self._kept = self._kept_pair = ""
            self._answers.quote()
            self._ask()
        else:
            if not self._kept:
                self._show_answers()
            self._show_line()

    def _typed_texts(self) -> tuple[str, str]:
        """Return what stands in the two boxes; the second is only there for pairs."""
        first, second = (box.value.strip() for box in self.query(SentenceInput))
        return first, second if self._pairs else ""

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
        if self._pairs and event.input.id != "predict-pair" and event.value.strip():
            focus_now(self.query_one("#predict-pair"))
        elif self._run is None or not self._live.text:
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
        self._kept, self._kept_pair = self._live.text, self._live.pair
        self._past.append(past_line([answer for answer in answers if answer], self.size.width))
        self._show_past()
        self._clear_boxes()
        focus_now(self.query_one(Input))
        texts = [self._kept, self._kept_pair] if self._kept_pair else [self._kept]
        self._answers.quote(*texts)
        self._answers.scroll_home(animate=False)

    def _clear_boxes(self) -> None:
        for box in self.query(SentenceInput):
            box.clear()

    def _forget_kept(self) -> None:
        self._kept = self._kept_pair = ""
        self._keep_when_answered = False
        self._answers.quote()
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
                return bool(self._boxes_filled or self._kept or self._live.asked)
            case "trace":
                return self._traceable and bool(self._live.text or self._kept)
            case "beside_before" | "beside_run" | "file":
                return self._run is not None
            case _:
                return True

    def action_clear(self) -> None:
        """Empty the input, and take back what is asked."""
        self._live.give_up()
        self._clear_boxes()
        self._forget_kept()
        self._show_line()
        self.refresh_bindings()

    def action_trace(self) -> None:
        """Let the present sentence be traced."""
        if self._run is not None:
            self.post_message(TraceWanted(self._run, self._live.text or self._kept))

    def action_beside_before(self) -> None:
        """Show or hide, beside the model, what it was before fine-tuning."""
        if self._run is not None:
            before = Side(self._run, "before")
            self._put_beside(None if self._beside == before else before)

    def action_beside_run(self) -> None:
        """Show or hide another run beside this one."""
        if self._beside is not None and self._beside.version == "after":
            self._put_beside(None)
        else:
            self.app.push_screen(RunPicker(self._home), self._beside_chosen)

    def _beside_chosen(self, run: RunDirectory | None) -> None:
        if run == self._run:
            self.notify("That is the same run; ctrl+l shows it before fine-tuning.")
        elif run is not None:
            self._put_beside(Side(run))
        self.focus()

    def _put_beside(self, side: Side | None) -> None:
        self._beside = side
        if not self._live.text and self._kept:  # ask for the kept sentence again
            kept = (self._kept, self._kept_pair)
            self._live.set_text(*kept)
            for box, text in zip(self.query(SentenceInput), kept, strict=True):
                box.value, box.cursor_position = text, len(text)
            self._forget_kept()
        self._set_sides()
        self._ask()

    def action_scroll(self, pages: int) -> None:
        """Show more of many labels."""
        self._answers.show_pages(pages)

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
        self._answers.show(sides, answers)

    def _show_past(self) -> None:
        if self._past:
            lines = Content("\n").join(reversed(self._past))
            title = Content.styled("earlier sentences\n", "$text-muted")
            say(self, "#predict-past", Content.assemble(title, lines))

    def _show_line(self) -> None:
        """Say what is wrong or waited for, or what to do after an Enter too early."""
        problem = self._problem()
        self.query_one("#predict-line").set_class(problem is not None, "-problem")
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
        if self._hint and self._pairs:
            words = "Type both texts first: the model reads pairs."
            return Content.styled(words, "$text-warning")
        if self._hint:
            return Content.styled("Type a sentence first.", "$text-warning")
        if self._live.text:
            return Content.styled("Enter keeps it below", "$text-disabled")
        return Content("")

    def _show_head(self) -> None:
        answering = self._live.folders.get(Side(self._run)) if self._run is not None else None
        say(self, "#predict-run", head(self._run, answering))
