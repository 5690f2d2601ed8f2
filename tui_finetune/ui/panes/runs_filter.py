"""Where the filter of the runs is written, and what it means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from tui_finetune.errors import InputError
from tui_finetune.runs.listing import RunSummary
from tui_finetune.text import clean
from tui_finetune.ui.panes.runs_dialogs import CleanInput
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say

if TYPE_CHECKING:
    from tui_finetune.runs.query_keys import Query, Vocabulary

_EXAMPLES = "such as  state:failed   accuracy>0.9   learning_rate>=1e-4   not tag:old"


class RunsFilter(Vertical):
    """A line for the query, and one that says how many runs it means, or what is wrong with it."""

    DEFAULT_CSS = """
    RunsFilter {
        height: 2; display: none;
        &.-shown { display: block; }
        & Horizontal { height: 1; }
        & Label { width: 3; color: $text-accent; text-align: center; }
        & Input { width: 1fr; }
        & #runs-answer { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    class Changed(Message):
        """Other runs may be meant."""

    class Done(Message):
        """The filter is written; now for the runs."""

    def __init__(self) -> None:
        super().__init__()
        self._query: Query | None = None
        self._vocabulary: Vocabulary | None = None

    def compose(self) -> ComposeResult:
        """Lay out both lines."""
        with Horizontal():
            yield Label("/", markup=False)
            yield _QueryInput(compact=True)
        yield Static(id="runs-answer", markup=False)

    @property
    def shown(self) -> bool:
        """Whether it is in sight."""
        return self.has_class("-shown")

    def open(self) -> None:
        """Let the query be written."""
        self.add_class("-shown")
        focus_now(self.query_one(Input))

    def close(self) -> None:
        """Take the query away: all runs are meant."""
        self.remove_class("-shown")
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""

    def forget(self) -> None:
        """Take note that the runs are others: they may have other figures and settings."""
        self._vocabulary = None

    def apply(self, runs: Sequence[RunSummary]) -> list[RunSummary]:
        """Return the runs that are meant; a query with a mistake in it means the same as before."""
        text = self.query_one(Input).value
        if not text.strip():
            self._query = None
            self._say(_EXAMPLES, "$text-muted")
            return list(runs)
        from tui_finetune.runs.query import parse_query  # after the first paint
        from tui_finetune.runs.query_keys import Vocabulary

        self._vocabulary = self._vocabulary or Vocabulary.of(runs)
        try:
            query = self._query = parse_query(text, self._vocabulary)
        except InputError as error:
            self._say(clean(error, 300), "$text-error")
            return list(runs) if self._query is None else [run for run in runs if self._query(run)]
        meant = [run for run in runs if query(run)]
        self._say(f"{len(meant):,} of {len(runs):,} runs", "$text-muted")
        return meant

    def _say(self, words: str, style: str) -> None:
        say(self, "#runs-answer", Content.styled(words, style))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Done())


class _QueryInput(CleanInput):
    """Leads down to the runs that were found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "screen.focus_next", "To the runs", show=False)
    ]
