"""The sixth stage of a trace: how much each token adds to a label's logit."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content
from textual.message import Message
from textual.timer import Timer

from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_stage import (
    LONGEST_TITLE,
    SIDE_BY_SIDE,
    Document,
    Place,
    beside,
    column,
    cursor_line,
    flow,
    heading,
    label_name,
    label_order,
    position,
    short,
    signed,
    signed_bar,
    token_names,
    token_width,
    window,
    wrapped,
)
from tui_finetune.ui.panes.trace_verdict import LABEL_KEYS, LabelStage
from tui_finetune.ui.widgets.bars import bar

_REST_SECONDS = 0.3
_PROGRESS_BAR = 24

# From this height on there is room for a blank line.
_TALL = 20

# Below this share of the largest value a token gets no sign.
_FAINT = 0.1

_GROUND, _FOR, _AGAINST = (Color.parse(code) for code in ("#1b1f26", "#4f86ad", "#b8545c"))


class AttributionStage(LabelStage):
    """Integrated gradients for the label under the cursor; each label is asked for once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "ask", "Ask"),
        *LABEL_KEYS,
        Binding("shift+down,j", "rank(1)", "Token", key_display="jk"),
        Binding("shift+up,k", "rank(-1)", "Token before", show=False),
    ]

    class Wanted(Message):
        """The attributions to this label's logit are wanted."""

        def __init__(self, label: str) -> None:
            super().__init__()
            self.label = label

    def __init__(self, place: Place, *, id: str) -> None:
        super().__init__(place, id=id)
        self._answers: dict[str, dict[str, Any]] = {}
        self._progress: dict[str, Any] | None = None
        self._failed = ""
        self._rest: Timer | None = None

    # --- asking ---

    def show(self, document: Document) -> None:
        """Show another trace; the attributions of the one before go."""
        self._answers, self._progress, self._failed = {}, None, ""
        super().show(document)

    def enter(self) -> None:
        """Ask for the present label's attributions."""
        super().enter()
        self._ask_soon()

    def move_label(self, number: int) -> None:
        """Go to a label, and ask for its attributions if the cursor rests."""
        super().move_label(number)
        self._failed = ""
        self._ask_soon()

    def action_ask(self) -> None:
        """Ask, after it was cancelled or failed."""
        self._ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to ask only for what is not there."""
        if action == "ask":
            return self.document is not None and self.label not in self._answers
        return True

    def _ask_soon(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST_SECONDS, self._ask)

    def _ask(self) -> None:
        if self.document is None or not self.display or self.label in self._answers:
            return
        self._failed, self._progress = "", {}
        self.post_message(self.Wanted(self.label))
        self.redraw()

    def show_progress(self, progress: dict[str, Any]) -> None:
        """Show how far it is."""
        self._progress = progress
        self.redraw()

    def show_attributions(self, label: str, answer: dict[str, Any]) -> None:
        """Show the attributions to a label's logit."""
        assert self.document is not None
        # One of the tokenizer's own tokens was hardly chosen: begin at the top.
        if not self._answers and self.document["tokens"][self.place.token]["special"]:
            self.move_token(_ranks(answer["values"])[0])
        self._answers[label] = answer
        self._progress, self._failed = None, ""
        self.redraw()
        self.refresh_bindings()

    def failed(self, reason: str) -> None:
        """Say why there are none."""
        self._progress, self._failed = None, clean(reason, 300)
        self.redraw()
        self.refresh_bindings()

    # --- drawing ---

    def lines(self, document: Document, width: int, height: int) -> list[Content]:
        """Return the sum, the tokens coloured, and the tokens sorted."""
        lines = [self._title(document)]
        answer = self._answers.get(self.label)
        if answer is None:
            return lines + self._waiting(width)
        lines += _sum_lines(answer, width)
        lines.append(_check_line(answer["check"], width))
        if height >= _TALL:
            lines.append(Content(""))
        room = height - len(lines)
        if width >= SIDE_BY_SIDE:
            left = width * 11 // 20
            list_width = width - left
            sorted_lines = self._sorted(document, answer, list_width, room, len(lines))
            return lines + beside(
                self._coloured(document, answer, left - 2, room), sorted_lines, left
            )
        coloured = self._coloured(document, answer, width, max(room // 3, 2))
        lines += coloured
        return lines + self._sorted(document, answer, width, room - len(coloured), len(lines))

    def _title(self, document: Document) -> Content:
        label = label_order(document)[self.place.label]
        return Content.assemble(
            ("what each token adds to the logit of ", "$text-muted"),
            (short(label_name(document, label), LONGEST_TITLE - 8), "bold $accent"),
            (f"  {self.place.label + 1} of {len(document['labels'])}   ↑ ↓ label", "$text-muted"),
        )

    def _waiting(self, width: int) -> list[Content]:
        if self._failed:
            again = Content.assemble(("a", "bold $accent"), (" asks again", "$text-muted"))
            return [*wrapped(self._failed, width, "$text-warning"), again]
        if self._progress is None:
            return [Content.assemble(("a", "bold $accent"), (" asks for it", "$text-muted"))]
        done, of = self._progress.get("done"), self._progress.get("of")
        far = bar(done / of, _PROGRESS_BAR) if done is not None and of else " " * _PROGRESS_BAR
        figures = f" {done:,} of {of:,}" if done is not None and of else ""
        what = clean(self._progress.get("what") or "integrated gradients", 40)
        line = Content.assemble(
            ("◐ ", "$accent"), what, "  ", (far, "$primary on $surface"), figures,
            ("   Esc cancels", "$text-muted"),
        )  # fmt: skip
        return [line]

    def _coloured(
        self, document: Document, answer: dict[str, Any], width: int, height: int
    ) -> list[Content]:
        values = answer["values"]
        largest = max((abs(value or 0.0) for value in values), default=0.0)
        pieces = []
        for number, name in enumerate(token_names(document)):
            share = (values[number] or 0.0) / largest if largest else 0.0
            mark = "" if abs(share) < _FAINT else "+" if share > 0 else "−"
            ground = _GROUND.blend(_FOR if share > 0 else _AGAINST, abs(share)).hex
            style = f"{'bold underline ' if number == self.place.token else ''}#e8ebf0 on {ground}"
            pieces.append(Content.assemble((name + mark, style), " "))
        return flow(pieces, width, height, self.place.token)

    def _sorted(
        self, document: Document, answer: dict[str, Any], width: int, height: int, first: int
    ) -> list[Content]:
        values = answer["values"]
        ranks = _ranks(values)
        names = token_names(document)
        tokens = token_width(names)
        largest = max((abs(value or 0.0) for value in values), default=0.0)
        cursor = ranks.index(self.place.token)
        shown = height - 1
        rows = window(cursor, shown, len(ranks))
        title = f"  {column('token', tokens)}{'adds':>8}"
        lines = [heading(title, position(cursor, shown, len(ranks)))]
        self.note_clickable(first + 1, [ranks[row] for row in rows])
        for row in rows:
            token = ranks[row]
            line = Content.assemble(
                column(names[token], tokens), f"{signed(values[token]):>8}  ",
                signed_bar(values[token], largest, min(width - tokens - 14, 51)),
            )  # fmt: skip
            lines.append(cursor_line(line, row == cursor, self.has_focus, width))
        return lines

    # --- keys and the mouse ---

    def action_rank(self, by: int) -> None:
        """Go to the token that is next by its value."""
        answer = self._answers.get(self.label) if self.document is not None else None
        if answer is not None:
            ranks = _ranks(answer["values"])
            rank = max(min(ranks.index(self.place.token) + by, len(ranks) - 1), 0)
            self.move_token(ranks[rank])

    def scrolled(self, by: int) -> None:
        """Go to the tokens further down."""
        self.action_rank(by)

    def clicked(self, number: int) -> None:
        """Go to the token."""
        self.move_token(number)


def _ranks(values: list[float | None]) -> list[int]:
    """Return the numbers of the tokens, the one that adds or takes most first."""
    return sorted(range(len(values)), key=lambda number: -abs(values[number] or 0.0))


def _sum_lines(answer: dict[str, Any], width: int) -> list[Content]:
    line = Content.assemble(
        (signed(answer["baseline_logit"]), "bold"), (" of the baseline  +  ", "$text-muted"),
        (signed(answer["sum"]), "bold"), (" of the tokens  ≈  ", "$text-muted"),
        (signed(answer["logit"]), "bold"), (" logit", "$text-muted"),
    )  # fmt: skip
    baseline = f"the baseline is {clean(answer['baseline'], 200)}; {answer['steps']} steps"
    return [line.truncate(width, ellipsis=True), *wrapped(baseline, width, "$text-muted")[:2]]


def _check_line(check: dict[str, Any], width: int) -> Content:
    mark, style = ("✓", "$text-success") if check["holds"] else ("✗", "bold $text-error")
    value = "no number" if check["value"] is None else f"{check['value']:.1e}"
    words = f"{mark} {clean(check['words'], 200)}: off by {value}, at most {check['tolerance']:.0e}"
    return Content.styled(words, style).truncate(width, ellipsis=True)
