"""The tokens view: what the model gets of a row or of a typed sentence."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.data_asking import Asking
from tui_finetune.ui.panes.data_token_words import token_words
from tui_finetune.ui.panes.evaluate_views import Page
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.sentence_input import SentenceInput

_TICK_SECONDS = 0.5

# More rows than these say no more about padding.
_MOST_IN_BATCH = 32

_ONE_TEXT = "a sentence, or the number of a row, then Enter"
_FIRST_TEXT = "the first text, or the number of a row, then Enter"
_SECOND_TEXT = "the second text, then Enter"


class TokensView(Vertical):
    """Asks for the tokens of a sentence or a pair, or of a row with the batch that begins at it."""

    DEFAULT_CSS = """
    TokensView {
        & SentenceInput { margin: 0; }
        & Page { height: 1fr; padding: 0; }
        & #sentence-pair { display: none; }
        &.-pairs #sentence-pair { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("comma", "step(-1)", "Row before", key_display=","),
        Binding("full_stop", "step(1)", "Next row", key_display="."),
    ]

    def __init__(self, draft: Draft, engine: EngineClient, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._place: tuple[str, int] | None = None
        self._asking = Asking(self, engine, "tokens", self._show)

    def compose(self) -> ComposeResult:
        """Lay out the sentence, that of a pair below it, and what becomes of them."""
        yield SentenceInput(placeholder=_ONE_TEXT, compact=True, id="sentence")
        yield SentenceInput(placeholder=_SECOND_TEXT, compact=True, id="sentence-pair")
        yield Page(id="token-page")

    def on_mount(self) -> None:
        """Say what to do."""
        self._offer_pair()
        self._show()
        self.set_interval(_TICK_SECONDS, self._tick)

    def focus(self, scroll_visible: bool = True) -> "TokensView":
        """Focus the sentence, or what became of it."""
        found = self._asking.finding.result is not None
        focus_now(self.query_one("#token-page" if found else "#sentence"), scroll_visible)
        return self

    @property
    def waiting(self) -> bool:
        """Whether an answer is waited for."""
        return self._asking.finding.busy

    def take_back(self) -> None:
        """Give up waiting."""
        self._asking.take_back()

    def show_row(self, part: str, row: int) -> None:
        """Show what the model gets of a row of train, validation or test."""
        self._place = (part, row)
        self.query_one("#sentence", Input).value = str(row + 1)
        self.query_one("#sentence-pair", Input).clear()
        rows = self._rows(part)
        size = self._draft.content["train"]["per_device_train_batch_size"]
        end = row + min(size, _MOST_IN_BATCH)
        batch = [[part, number] for number in range(row, end if rows is None else min(end, rows))]
        data = self._draft.content["data"]
        self._ask({"data": data, "row": [part, row], "batch": batch})

    def follow(self) -> None:
        """Ask anew if the model, the longest length or the data became another."""
        self._offer_pair()
        asked = self._asking.params
        if asked is None:
            return
        wanted = {**asked, **self._sections()}
        if not self._pairs:
            wanted.pop("text_pair", None)
        if "data" in asked:
            wanted["data"] = self._draft.content["data"]
        if wanted != asked:
            self._asking.ask(wanted)

    @property
    def _pairs(self) -> bool:
        """Whether the model is to get two texts at once."""
        return bool((self._draft.data.result or {}).get("text_pair"))

    def _offer_pair(self) -> None:
        self.set_class(self._pairs, "-pairs")
        words = _FIRST_TEXT if self._pairs else _ONE_TEXT
        self.query_one("#sentence", Input).placeholder = words

    def _sections(self) -> dict[str, Any]:
        profile = self._draft.data.result or {}
        labels = len(profile.get("labels") or {}) or None
        if profile.get("problem_type") == "regression":
            labels = 1
        return {
            "model": self._draft.content["model"],
            "tokens": self._draft.content["tokens"],
            "label_count": labels,
        }

    def _ask(self, params: dict[str, Any]) -> None:
        self._asking.ask({**params, **self._sections()})
        self.refresh_bindings()

    def _rows(self, part: str) -> int | None:
        profile = self._draft.data.result or {}
        rows: int | None = (profile.get("rows_by_part") or {}).get(part)
        return rows

    @on(Input.Submitted, "#sentence")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        written = event.value.strip()
        if not written:
            return
        if written.isascii() and written.isdigit() and int(written) and self._draft.data.result:
            rows = self._rows("train")
            row = int(written) - 1
            self.show_row("train", row if rows is None else min(row, rows - 1))
            focus_now(self.query_one(Page))
        elif self._pairs:
            focus_now(self.query_one("#sentence-pair"))
        else:
            self._ask_typed({"text": written})

    @on(Input.Submitted, "#sentence-pair")
    def _pair_entered(self, event: Input.Submitted) -> None:
        event.stop()
        first, second = (box.value.strip() for box in self.query(SentenceInput))
        if first and second:
            self._ask_typed({"text": first, "text_pair": second})
        elif second:
            focus_now(self.query_one("#sentence"))

    def _ask_typed(self, texts: dict[str, str]) -> None:
        self._place = None
        self._ask(texts)
        focus_now(self.query_one(Page))

    def _tick(self) -> None:
        if self.waiting:
            self._show()

    def _show(self) -> None:
        if not self.is_attached:
            return
        found = self._asking.finding
        page = self.query_one(Page)
        if found.busy:
            words = self._asking.busy_words()
        elif found.error:
            words = Content.styled(f"✗ {found.error}", "$text-error")
        elif found.result is None:
            words = Content.assemble(
                ("What does the model get of a text?\n\n", "bold"),
                "Type a sentence above, ",
                "both texts of a pair, " if self._pairs else "",
                "or the number of a row, then ",
                ("Enter", "bold $text-accent"), ".\n",
                ("A row is shown with its batch: what is text in it, and what is padding.",
                 "$text-muted"),
            )  # fmt: skip
        else:
            page.show(lambda width: token_words(found.result, width))
            self.refresh_bindings()
            return
        page.show(lambda width: words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the rows beside this one only if it is a row."""
        return action != "step" or self._place is not None

    def action_step(self, step: int) -> None:
        """Show the row before or after this one."""
        if self._place is not None:
            part, row = self._place
            rows = self._rows(part)
            if row + step >= 0 and (rows is None or row + step < rows):
                self.show_row(part, row + step)
