"""The preflight: what is wrong with the recipe and what the run takes, before it is started."""

import time
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static
from textual.worker import Worker

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.check import Check
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.inspection import check_recipe, look_again, look_at_changed
from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.panes.preflight_words import (
    cost_words,
    counts_words,
    finding_detail,
    finding_header,
    finding_line,
    is_set,
)
from tui_finetune.ui.widgets.busy import busy_line
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.say import say

_TICK_SECONDS = 0.5


class Answer(NamedTuple):
    """How a person left the preflight: to start, to go to a field of the recipe, or just so."""

    start: bool = False
    field: str | None = None


class PreflightScreen(ModalScreen[Answer]):
    """Lists what a preflight finds, and mends what it can on a key.

    `before_start`: a start was wanted and something was found; nothing is measured then unless it
    is asked for.
    """

    DEFAULT_CSS = """
    PreflightScreen {
        background: $background;
        & > Vertical { padding: 0 1; }
        & #title-line, & #state { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & LineList { max-height: 50%; margin: 1 0; }
        & #detail { height: 1fr; padding: 0 1 0 2; scrollbar-size-vertical: 1; }
        & #detail Static { height: auto; }
        & #go { height: 1; }
        & #start-anyway { min-width: 20; margin: 0 2 0 0; }
        & #verdict { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("f", "mend", "Mend it"),
        Binding("g", "go_to_field", "To the field"),
        Binding("r", "again", "Check again"),
        Binding("ctrl+s", "start", "Start"),
        Binding("ctrl+z", "undo", "Undo"),
        Binding("ctrl+y", "redo", "Redo", show=False),
        Binding("shift+up", "scroll_detail(-1)", "Text below the list up", show=False),
        Binding("shift+down", "scroll_detail(1)", "Text below the list down", show=False),
    ]

    def __init__(self, draft: Draft, engine: EngineClient, before_start: bool = False) -> None:
        super().__init__()
        self._draft = draft
        self._engine = engine
        self._before_start = before_start
        self._check: Check | None = draft.checks.of(draft.content)
        self._shown: list[dict[str, Any]] = []
        self._worker: Worker[None] | None = None
        self._progress: dict[str, Any] = {}
        self._since = 0.0
        self._failed = ""

    def compose(self) -> ComposeResult:
        """Lay out the list, all about one finding, and the start."""
        with Vertical():
            yield Static(id="title-line", markup=False)
            yield Static(id="state", markup=False)
            yield LineList()
            with VerticalScroll(id="detail", can_focus=False):
                yield Static(id="about", markup=False)
            with Horizontal(id="go"):
                yield Button("", id="start-anyway", variant="success", compact=True)
                yield Static(id="verdict", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Follow the draft, and look unless that was done just now."""
        self._forget = self._draft.on_change(self._show)
        self.set_interval(_TICK_SECONDS, self._tick)
        if not self._before_start:
            self._look(again=False)
        self._show()

    def on_unmount(self) -> None:
        """Follow the draft no more."""
        self._forget()

    # --- asking ---

    @property
    def _busy(self) -> bool:
        return self._worker is not None

    def _look(self, again: bool) -> None:
        self._failed, self._progress, self._since = "", {}, time.monotonic()
        ask = partial(self._ask, again)
        self._worker = self.run_worker(ask, group="preflight", exclusive=True)
        self._show()

    async def _ask(self, again: bool) -> None:
        """Ask for what needs no measuring, then, unless that is known, for what is measured."""
        try:
            self._check = await check_recipe(self._draft, self._engine, False, self._note)
            self._show()
            if not self._check.of("error") and (again or self._check.measured is None):
                self._check = await check_recipe(self._draft, self._engine, True, self._note)
        except (InputError, EngineError) as error:
            self._failed = clean(error)
        self._worker = None
        self._show()

    def _take_back(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
            self._show()

    def _note(self, progress: dict[str, Any]) -> None:
        self._progress = progress

    def _tick(self) -> None:
        if self._busy:
            self._show_state()

    # --- what the person does ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what the finding under the cursor allows."""
        finding = self._finding() if self.is_mounted else None
        match action:
            case "mend":
                return bool(finding and finding["fix"] and not is_set(finding, self._draft))
            case "go_to_field":
                return bool(finding and finding["field"])
            case "start":
                return self._may_start
            case _:
                return True

    def action_back(self) -> None:
        """Give up waiting, else go back."""
        if self._busy:
            self._take_back()
        else:
            self.dismiss(Answer())

    def action_again(self) -> None:
        """Look at the recipe as it is now, and measure it."""
        self._take_back()
        self._look(again=True)

    @on(LineList.Chosen)
    def action_mend(self) -> None:
        """Change the recipe so that it is mended."""
        finding = self._finding()
        if finding is None or not finding["fix"] or is_set(finding, self._draft):
            return
        self._take_back()  # it was about another recipe
        if problem := self._draft.change(finding["fix"]):
            self.notify(clean(problem, 300), severity="error", markup=False)
        else:
            look_at_changed(self._draft, self._engine, self.app, finding["fix"])

    def action_go_to_field(self) -> None:
        """Leave for where the field is set."""
        finding = self._finding()
        if finding is not None:
            self.dismiss(Answer(field=finding["field"]))

    @on(Button.Pressed)
    def action_start(self) -> None:
        """Start; what is shown here keeps nobody from it any more."""
        if not self._may_start:
            return
        if self._present and self._check is not None:
            self._draft.checks.confirm(self._check)
        self.dismiss(Answer(start=True))

    def action_undo(self) -> None:
        """Take the last change of the recipe back."""
        self._changed_back(self._draft.undo())

    def action_redo(self) -> None:
        """Make it again."""
        self._changed_back(self._draft.redo())

    def _changed_back(self, changed: bool) -> None:
        if changed:
            self._take_back()
            look_again(self._draft, self._engine, self.app)

    @on(LineList.Moved)
    def _moved(self) -> None:
        self.query_one("#detail").scroll_home(animate=False)
        self._show_detail()

    def action_scroll_detail(self, lines: int) -> None:
        """Scroll what is said about the finding."""
        self.query_one("#detail").scroll_relative(y=lines, animate=False)

    # --- what is shown ---

    @property
    def _present(self) -> bool:
        """Whether what is shown is about the recipe as it is now."""
        return self._check is not None and self._check.content == self._draft.content

    @property
    def _may_start(self) -> bool:
        """Whether a start may be tried: of a recipe that was changed nothing is known yet."""
        return self._check is not None and not (self._present and self._check.of("error"))

    def _finding(self) -> dict[str, Any] | None:
        cursor = self.query_one(LineList).cursor
        return self._shown[cursor] if cursor is not None else None

    def _show(self) -> None:
        if not self.is_attached or not self.query(LineList) or not self.query("#start-anyway"):
            return  # the screen is being taken apart, and an answer still came
        lines = self.query_one(LineList)
        findings = self._check.findings if self._check is not None else []
        if findings != self._shown:
            before = self._finding()
            self._shown = findings
            lines.show(len(findings), lambda n, _: self._line(n), finding_header)
            titles = [finding["title"] for finding in findings]
            if before is not None and before["title"] in titles:
                lines.move_to(titles.index(before["title"]), tell=False)
        lines.styles.height = len(findings) + 1
        lines.refresh()  # a mark may be another
        self._show_state()
        self._show_detail()

    def _line(self, number: int) -> Content:
        return finding_line(self._shown[number], self._draft)

    def _show_detail(self) -> None:
        finding = self._finding()
        words = Content("") if finding is None else finding_detail(finding, self._draft)
        say(self, "#about", words)
        self.refresh_bindings()

    def _show_state(self) -> None:
        say(self, "#title-line", self._head())
        say(self, "#state", self._state())
        button = self.query_one("#start-anyway", Button)
        anyway = self._present and self._check is not None and self._check.of("warning")
        label = Content("▶ Start anyway" if anyway else "▶ Start training")
        if button.label != label:
            button.label = label
        button.disabled = not self._may_start
        say(self, "#verdict", self._verdict())

    def _head(self) -> Content:
        title = ("Before it starts" if self._before_start else "Check of the recipe", "bold")
        if self._check is None:
            return Content.assemble(title)
        style = "$text-success"
        for severity, colour in (("warning", "$text-warning"), ("error", "$text-error")):
            style = colour if self._check.of(severity) else style
        return Content.assemble(title, " · ", (counts_words(self._check), style))

    def _state(self) -> Content:
        if self._busy:
            return busy_line(self._progress, time.monotonic() - self._since)
        if self._failed:
            return Content.styled(f"✗ {self._failed}", "$text-error")
        if self._check is None:
            return Content("not checked; r checks it")
        if self._check.measured is None:
            if self._check.of("error"):
                words = "not measured: what cannot be started cannot be measured"
            else:
                words = "not measured: r trains some real steps, and says time and memory"
            return Content.styled(words, "$text-muted")
        cost = cost_words(self._check) or "not as it is; the error says why"
        return Content.assemble(("measured: ", "$text-muted"), cost)

    def _verdict(self) -> Content:
        if self._check is None:
            return Content("")
        if not self._present:
            words = "the recipe was changed since: r checks it again"
            return Content.styled(words, "$text-accent")
        if self._check.of("error"):
            return Content.styled("an error is in the way of the start", "$text-error")
        return Content.styled("ctrl+s starts it", "$text-muted")
