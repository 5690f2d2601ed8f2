"""The Trace pane: one prediction of the chosen run, taken apart stage by stage."""

import time
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.run_pane import RunPane
from tui_finetune.ui.panes.trace_compare import Comparison
from tui_finetune.ui.panes.trace_dialogs import ChecksScreen, ExportScreen
from tui_finetune.ui.panes.trace_stage import Document
from tui_finetune.ui.panes.trace_view import TraceView
from tui_finetune.ui.panes.trace_words import start_words, verdict_words
from tui_finetune.ui.widgets.busy import busy_line
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.widgets.sentence_input import SentenceInput, fit_for_input
from tui_finetune.ui.words import state_mark

_TICK_SECONDS = 0.5


class TracePane(RunPane):
    """Asks the engine for traces of the run's predictions, and shows them."""

    DEFAULT_CSS = """
    TracePane {
        & #trace-head { height: 1; padding: 0 1; }
        & #trace-run { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
        & #trace-verdict {
            width: auto; max-width: 65%; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & #trace-text { margin: 0 1; background: $surface; }
        & #trace-text:focus { background: $primary 25%; }
        & #trace-line { height: auto; max-height: 3; padding: 0 1; display: none; }
        & #trace-start { height: 1fr; content-align: center middle; text-align: center; }
        & TraceView, & Comparison { display: none; height: 1fr; }
        &.-saying #trace-line { display: block; }
        &.-traced #trace-start { display: none; }
        &.-traced TraceView { display: block; }
        &.-compared TraceView { display: none; }
        &.-compared Comparison { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+t", "compare", "Compare with the text before"),
        Binding("slash,e", "edit", "Text", key_display="/"),
        Binding("w", "change_words", "Change words"),
        Binding("b", "before", "Compare before"),
        Binding("c", "checks", "Checks"),
        Binding("x", "export", "Export…"),
        Binding("m", "model", "Swap model"),
        Binding("ctrl+o", "choose", "Another run…"),
    ]

    def __init__(self, engine: EngineClient, home: Path, *, id: str | None = None) -> None:
        super().__init__(engine, home, id=id)
        self._document: Document | None = None
        self._asked: dict[str, Any] = {}
        self._given: tuple[str, str | None] = ("", None)
        self._changing = False
        self._busy: tuple[float, dict[str, Any]] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the run and its verdict, the text, what goes on, and the trace."""
        with Horizontal(id="trace-head"):
            yield Static(id="trace-run", markup=False)
            yield Static(id="trace-verdict", markup=False)
        yield SentenceInput(select_on_focus=False, compact=True, id="trace-text")
        yield Static(id="trace-line", markup=False)
        yield Static(id="trace-start", markup=False)
        yield TraceView(self._engine)
        yield Comparison()

    def on_mount(self) -> None:
        """Say what can be done."""
        self._show_head()
        self.set_interval(_TICK_SECONDS, self._tick)

    def focus(self, scroll_visible: bool = True) -> "TracePane":
        """Focus what is shown of a trace; the text as long as there is none."""
        if self._document is None or self._changing:
            focus_now(self.query_one(SentenceInput), scroll_visible)
        elif self.has_class("-compared"):
            self.query_one(Comparison).focus(scroll_visible)
        else:
            self.query_one(TraceView).focus(scroll_visible)
        return self

    def show_run(self, run: RunDirectory | None) -> None:
        """Trace predictions of this run from now on; the trace of the one before goes."""
        if run == self._run:
            return
        self._run = run
        self._document, self._asked, self._changing = None, {}, False
        self._given = ("", None)
        if self.is_mounted:  # else nothing is there yet that would have to go
            focused = self.has_focus_within
            self._give_up()
            self.query_one(TraceView).cancel()
            self._say("")
            self._arrange("", focused)

    def trace(self, run: RunDirectory, text: str, true: str | None = None) -> None:
        """Trace this text with this run's model; `true` is its true label, if it is known."""
        self.show_run(run)
        self.query_one(SentenceInput).value = text
        self._given, self._changing = (text, true), False
        self._begin(text, "after")

    def on_show(self) -> None:
        """Show the run's state as it is now."""
        self._show_head()

    # --- tracing ---

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Trace the text, or compare it with the one before."""
        event.stop()
        if self._changing:
            self.action_compare()
        else:
            self._begin(self._text(), self._asked.get("version", "after"))

    def _text(self) -> str:
        """Return what is typed; a text given from elsewhere whole, as long as it stands there."""
        typed, given = self.query_one(SentenceInput).value, self._given[0]
        return given if typed == fit_for_input(given) else typed.strip()

    def _typing_on(self, text: str) -> bool:
        """Return whether the text that was asked about is already being changed into another."""
        return self.query_one(SentenceInput).has_focus and self._text() != text

    def _begin(self, text: str, version: str) -> None:
        if self._run is None:
            words = "No run is chosen yet: ctrl+o lists those that have a model."
            self._say(words, "$text-warning")
        elif not text.strip():
            self._say("Type a sentence first.", "$text-warning")
        else:
            # The true label belongs to the text that it was given with.
            true = self._given[1] if text == self._given[0] else None
            asked = {"run": self._run.id, "version": version, "text": text, "true": true}
            self._give_up()
            self._wait()
            self._trace(self._run, asked)

    @work(exclusive=True, group="trace")
    async def _trace(self, run: RunDirectory, asked: dict[str, Any]) -> None:
        try:
            run.require_model()
            document = await self._engine.request("trace", asked, self._note_progress)
        except (InputError, EngineError) as error:
            self._failed(error)
        else:
            self._document, self._asked = document, asked
            self._done()
            self.query_one(TraceView).show(document, asked)
            self._arrange("-traced", self.has_focus_within and not self._typing_on(asked["text"]))

    @work(exclusive=True, group="trace")
    async def _compare(self, other: dict[str, Any]) -> None:
        asked = {**self._asked, "other": other}
        try:
            answer = await self._engine.request("trace_compare", asked, self._note_progress)
        except (InputError, EngineError) as error:
            self._failed(error)
        else:
            typing_on = self._typing_on(other["text"])
            self._changing = self._changing and typing_on
            self._done()
            self.query_one(Comparison).show(answer)
            self._arrange("-compared", self.has_focus_within and not typing_on)

    @work(exclusive=True, group="trace")
    async def _export(self, path: str, attributions: bool) -> None:
        asked = {**self._asked, "path": path, "attributions": attributions}
        try:
            answer = await self._engine.request("trace_export", asked, self._note_progress)
        except (InputError, EngineError) as error:
            self._failed(error)
        else:
            self._done()
            self._say(f"written to {clean(answer['path'], 300)}", "$text-success")

    # --- what goes on ---

    def _give_up(self) -> None:
        self.workers.cancel_group(self, "trace")
        self.query_one(TraceView).cancel_attributions()
        self._busy = None

    @property
    def _attributing(self) -> bool:
        return self.is_mounted and self.query_one(TraceView).attributing

    def _wait(self) -> None:
        self._busy = (time.monotonic(), {})
        self._tick()
        self.refresh_bindings()

    def _done(self) -> None:
        self._busy = None
        self._say("")

    def _failed(self, error: Exception) -> None:
        self._busy = None
        self._say(clean(error, 500), "$text-error")
        self.refresh_bindings()

    def _note_progress(self, progress: dict[str, Any]) -> None:
        if self._busy is not None:
            self._busy = (self._busy[0], progress)
            self._tick()

    def _tick(self) -> None:
        if self._busy is not None:
            since, progress = self._busy
            self._show_line(busy_line(progress, time.monotonic() - since))

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        traced = self._document is not None
        typing = self.is_mounted and self.query_one(SentenceInput).has_focus
        match action:
            case "back":
                going_on = self._busy is not None or self._attributing
                return going_on or self.has_class("-compared") or (traced and typing)
            case "edit":
                return not typing
            case "change_words" | "before" | "model" | "checks" | "export":
                return traced and not typing and self._busy is None
            case "compare":
                return traced and typing
            case _:
                return True

    def action_back(self) -> None:
        """Give up what goes on, else leave the text or the comparison."""
        if self._busy is not None:
            self._give_up()
            self._say("cancelled", "$text-muted")
            self.refresh_bindings()
        elif self.query_one(SentenceInput).has_focus:
            self._changing = False
            self._say("")
            self.focus()
        elif self._attributing:
            self.query_one(TraceView).cancel_attributions()
        else:
            self._arrange("-traced", True)

    def action_edit(self) -> None:
        """Go into the text; typing begins another one."""
        self._changing = False
        focus_now(self.query_one(SentenceInput))
        self.query_one(SentenceInput).select_all()

    def action_change_words(self) -> None:
        """Go into the text to change words and see what that changes."""
        self._changing = True
        focus_now(self.query_one(SentenceInput))
        self._say("Change words; Enter compares with the text before, Esc leaves.", "$text-accent")

    def action_compare(self) -> None:
        """Compare the text as it stands with the one that is traced."""
        text = self._text()
        if not text or text == self._asked["text"]:
            words = "The text is still the same: change a word, then compare."
            self._say(words, "$text-warning")
            return
        self._wait()
        self._compare({**self._asked, "text": text, "true": None})

    def action_before(self) -> None:
        """Compare the fine-tuned model with the one before fine-tuning, on the same text."""
        others = {"after": "before", "before": "after"}
        self._wait()
        self._compare({**self._asked, "version": others[self._asked["version"]]})

    def action_model(self) -> None:
        """Trace the same text with the model before fine-tuning, or after it again."""
        others = {"after": "before", "before": "after"}
        self._begin(self._asked["text"], others[self._asked["version"]])

    def action_checks(self) -> None:
        """Show what was checked."""
        assert self._document is not None
        self.app.push_screen(ChecksScreen(self._document["checks"]))

    def action_export(self) -> None:
        """Ask where to, and write the trace there."""
        self.app.push_screen(ExportScreen("trace.html"), self._begin_export)

    def _begin_export(self, wanted: tuple[str, bool] | None) -> None:
        if wanted is not None:
            self._wait()
            self._export(*wanted)

    def on_descendant_focus(self) -> None:
        """Offer the keys that fit."""
        self.refresh_bindings()

    # --- showing ---

    def _arrange(self, shown: str, focused: bool) -> None:
        """Show a trace (-traced), a comparison (-compared), or what to do where there is none."""
        if focused:
            # A focused widget that gets hidden takes the focus away later, maybe from the next one.
            self.screen.set_focus(None)
        self.set_class(self._document is not None, "-traced")
        self.set_class(shown == "-compared", "-compared")
        self._show_head()
        self.refresh_bindings()
        if focused:
            self.focus()

    def _say(self, words: str, style: str = "") -> None:
        self._show_line(Content.styled(words, style))

    def _show_line(self, content: Content) -> None:
        self.set_class(bool(content), "-saying")
        say(self, "#trace-line", content)

    @on(TraceView.Checked)
    def _count_check(self, event: TraceView.Checked) -> None:
        """Add the check of the attributions, in the place of one made for another label."""
        event.stop()
        if self._document is not None:
            others = [one for one in self._document["checks"] if one["name"] != event.check["name"]]
            self._document["checks"] = [*others, event.check]
            self._show_head()

    def _show_head(self) -> None:
        say(self, "#trace-run", self._head())
        verdict = Content("") if self._document is None else verdict_words(self._document)
        self.query_one("#trace-verdict", Static).update(verdict)
        say(self, "#trace-start", start_words(self._run))

    def _head(self) -> Content:
        if self._run is None:
            return Content.styled("No run is chosen.", "bold")
        run = summarise(self._run)
        parts = [Content.styled(clean(run.name, 30), "bold"), state_mark(run.state)]
        if self._asked.get("version") == "before":
            parts.append(Content.styled("its model before fine-tuning", "bold $accent"))
        elif self._document is None:
            parts.append(Content.styled(clean(run.id), "$text-muted"))
        return Content("  ").join(parts)
