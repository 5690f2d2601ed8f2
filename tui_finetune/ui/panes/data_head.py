"""The head of the Data pane: what the source is, and what of it is learnt from what."""

import time
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Label, Select, Static

from tui_finetune.recipe import source_words
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.data_source import shortened
from tui_finetune.ui.panes.data_words import role_words, summary
from tui_finetune.ui.widgets.busy import busy_line
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import UNKNOWN

_TICK_SECONDS = 0.5

_ROLES = {"text": "text", "pair": "text_pair", "label": "label"}


class DataHead(Vertical):
    """Says what the draft's source is, and lets its columns be chosen.

    `sample` is the recipe that is offered while there is no source.
    """

    DEFAULT_CSS = """
    DataHead {
        height: auto;
        #busy, #roles { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #summary { height: auto; max-height: 5; }
        #sample { margin: 1 0 0 0; width: auto; }
        #columns Select { width: 1fr; max-width: 24; margin: 0 1 0 0; }
        #drop { width: auto; min-width: 1; padding: 0; background: $background; }
    }
    """

    class Decided(Message):
        """The draft takes other columns, or other rows of them."""

    def __init__(self, draft: Draft, sample: Path | None) -> None:
        super().__init__()
        self._draft = draft
        self._sample = sample
        self._shown: Finding | None = None
        self._known: object = None
        """The source whose columns are shown."""
        self._busy_since = 0.0

    def compose(self) -> ComposeResult:
        """Lay out the summary and the columns."""
        yield Static(id="busy", markup=False)
        yield Static(id="summary", markup=False)
        yield Button("", id="sample", compact=True, classes="-hidden")
        with Horizontal(id="columns", classes="row"):
            for name in _ROLES:
                yield Label(name.capitalize())
                yield Select[str]([], id=name, compact=True, prompt=UNKNOWN)
            yield Button("", id="drop", compact=True)
        yield Static(id="roles", markup=False)

    def on_mount(self) -> None:
        """Offer the sample, and count the seconds of what is waited for."""
        self.query_one("#drop").tooltip = "leave out rows with an empty text or label"
        if self._sample is not None:
            self.query_one("#sample", Button).label = Content(
                f"▶ Load {shortened(self._sample)}   (Enter)"
            )
        self.set_interval(_TICK_SECONDS, self._show_busy)

    @on(Select.Changed)
    def _column_chosen(self, event: Select.Changed) -> None:
        event.stop()
        value = None if event.value is Select.NULL else event.value
        role = _ROLES[str(event.select.id)]
        if role == "text_pair" and value is None and self._draft.value("data.columns.text") is None:
            # A pair that was found by its names is given up by naming the one text.
            role, value = "text", (self._draft.data.result or {}).get("text")
        self._set(f"data.columns.{role}", value)

    @on(Button.Pressed, "#drop")
    def _drop_pressed(self) -> None:
        self._set("data.drop_empty", not self._draft.value("data.drop_empty"))

    def _set(self, key: str, value: object) -> None:
        if self._draft.value(key) != value and self._draft.set(key, value) is None:
            self.post_message(self.Decided())

    # --- what is shown ---

    def show(self, page: dict[str, Any] | None) -> None:
        """Show what is known of the source; `page` are its first rows, if they are there."""
        finding, source = self._draft.data, self._draft.content["data"]["source"]
        chosen = bool(source)
        if finding.busy and not (self._shown or Finding()).busy:
            self._busy_since = time.monotonic()
        self._show_busy()
        self.query_one("#sample").set_class(chosen or self._sample is None, "-hidden")
        if finding.result is not None:
            self._known = source
        # They stay while the same is looked at anew: what is hidden loses the focus.
        unknown = finding.result is None and not (finding.busy and source == self._known)
        for name in ("columns", "roles"):
            self.query_one(f"#{name}").set_class(unknown, "-hidden")
        say(self, "#summary", summary(finding, chosen, page))
        if finding is not self._shown:
            self._shown = finding
            if finding.result is not None:
                self._show_columns(finding.result)

    def _show_busy(self) -> None:
        busy = self._draft.data.busy
        self.query_one("#busy").set_class(not busy, "-hidden")
        if busy:
            name = clean(Path(source_words(self._draft.content["data"]["source"])).name, 60)
            progress = self._draft.data_progress or {"what": f"reading {name}"}
            say(self, "#busy", busy_line(progress, time.monotonic() - self._busy_since))

    def _show_columns(self, profile: dict[str, Any]) -> None:
        names = [str(column["name"]) for column in profile["columns"]]
        for kind, role in _ROLES.items():
            select = self.query_one(f"#{kind}", Select)
            with self.prevent(Select.Changed):
                # Text, not str: a column name is no markup.
                select.set_options([(Text(clean(name, 60)), name) for name in names])
                chosen = profile.get("text_pair") if role == "text_pair" else profile[role]
                select.value = chosen if chosen in names else Select.NULL
        # A sign of its own for each state: Textual's checkbox differs in its colour only.
        sign = "[x]" if self._draft.value("data.drop_empty") else "[ ]"
        self.query_one("#drop", Button).label = Content(f"{sign} leave out empty")
        say(self, "#roles", role_words(profile))
