"""The first two stages of a trace: the text cut into tokens, and each token made a vector."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.timer import Timer

from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_stage import (
    SIDE_BY_SIDE,
    Document,
    Place,
    Stage,
    beside,
    column,
    cursor_line,
    flow,
    heading,
    missing_lines,
    position,
    stage_of,
    token_name,
    token_names,
    token_width,
    window,
)
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.words import figure

# A cursor that only passes by asks for nothing.
_REST_SECONDS = 0.25

_NEIGHBOURS_WIDTH = 38

TOKEN_KEYS: list[BindingType] = [
    Binding("up,left", "token(-1)", "Token before", show=False),
    Binding("down,right", "token(1)", "Next token", show=False),
    Binding("shift+up", "token(-10)", "Ten tokens back", show=False),
    Binding("shift+down", "token(10)", "Ten tokens on", show=False),
    Binding("home", "token_edge(0)", "First token", show=False),
    Binding("end", "token_edge(-1)", "Last token", show=False),
]


class TokenizeStage(Stage):
    """The text with the present token lit up, above the table of all tokens."""

    BINDINGS: ClassVar[list[BindingType]] = TOKEN_KEYS

    def lines(self, document: Document, width: int, height: int) -> list[Content]:
        """Return the text and the table."""
        above = text_lines(document, self.place.token, width, max(height // 3, 2))
        above.append(Content(""))
        names = token_names(document)
        room = height - len(above) - 1
        rows = window(self.place.token, room, len(names))
        tokens = token_width(names)
        title = f"  {'':>5}  {column('token', tokens)}  {'id':>7}  {'characters':>11}"
        above.append(heading(title, position(self.place.token, room, len(names))))
        self.note_clickable(len(above), rows)
        for row in rows:
            line = _token_line(document["tokens"][row], row, names[row], tokens)
            above.append(cursor_line(line, row == self.place.token, self.has_focus, width))
        return above

    def clicked(self, number: int) -> None:
        """Go to the token."""
        self.move_token(number)


def _token_line(token: dict[str, Any], row: int, name: str, width: int) -> Content:
    start, end = token["start"], token["end"]
    place = f"{start + 1} to {end}" if start is not None else "—"
    kind = ""
    if token["unknown"]:
        kind = "unknown: the vocabulary has no token for this"
    elif token["special"]:
        kind = "special: added by the tokenizer"
    style = "bold $text-error" if token["unknown"] else "$text-muted" if token["special"] else ""
    return Content.assemble(
        (f"{row + 1:>5}  ", "$text-muted"), (column(name, width), style or "bold"),
        f"  {token['id']:>7}  {place:>11}  ", (kind, style),
    )  # fmt: skip


def text_lines(document: Document, token: int, width: int, height: int) -> list[Content]:
    """Return the text around a token, at most `height` lines; what is cut off is dimmed."""
    tokens, cut = document["tokens"], document["cut"]
    lit = tokens[token] if tokens else {}
    begin, stop = lit.get("start"), lit.get("end")
    notes = _cut_words(cut)
    if tokens and all(one["start"] is None for one in tokens):
        words = "This tokenizer does not tell where its tokens stand in the text."
        notes.append(Content.styled(words, "$text-warning"))
    text = clean(document["text"])  # a character for a character, so that places stay
    spans = line_spans(text, width)
    at = _line_at(spans, begin or 0)
    lines = []
    for number in window(at, max(height - len(notes), 1), len(spans)):
        start, end = spans[number]
        line = Content(text[start:end])
        if cut["from"] is not None and cut["from"] < end:
            line = line.stylize("dim strike $text-disabled", max(cut["from"] - start, 0))
        if begin is not None and stop is not None and begin < end and stop > start:
            line = line.stylize("bold reverse $accent", max(begin - start, 0), stop - start)
        lines.append(line)
    return lines + notes


def _cut_words(cut: dict[str, Any]) -> list[Content]:
    if cut["tokens"] == 0:
        return []
    many = "some tokens" if cut["tokens"] is None else f"{cut['tokens']:,} tokens"
    since = "" if cut["from"] is None else f" from character {cut['from'] + 1:,} on"
    words = f"{many} cut off{since}: the model is given {cut['max_length']:,} at most"
    return [Content.styled(words, "$text-warning")]


@lru_cache(maxsize=2)
def line_spans(text: str, width: int) -> list[tuple[int, int]]:
    """Return where lines of at most `width` cells begin and end, broken after a blank if any."""
    spans = []
    start = 0
    while start < len(text):
        end, used, blank = start, 0, None
        while end < len(text) and used + (cells := cell_len(text[end])) <= width:
            used += cells
            end += 1
            if text[end - 1] == " ":
                blank = end
        if end < len(text) and blank is not None:
            end = blank
        end = max(end, start + 1)
        spans.append((start, end))
        start = end
    return spans or [(0, 0)]


def _line_at(spans: Sequence[tuple[int, int]], place: int) -> int:
    return next((number for number, (_, end) in enumerate(spans) if place < end), 0)


class EmbedStage(Stage):
    """Each token's vector: how long its parts are, and what other tokens lie near it."""

    BINDINGS: ClassVar[list[BindingType]] = TOKEN_KEYS

    class NeighboursWanted(Message):
        """The nearest tokens of the vocabulary are wanted for this token."""

        def __init__(self, token: int) -> None:
            super().__init__()
            self.token = token

    def __init__(self, place: Place, *, id: str) -> None:
        super().__init__(place, id=id)
        self._near: dict[int, list[dict[str, Any]]] = {}
        self._failed = ""
        self._rest: Timer | None = None

    def show(self, document: Document) -> None:
        """Show another trace; the tokens near those before go."""
        self._near, self._failed = {}, ""
        super().show(document)

    def enter(self) -> None:
        """Ask for the tokens near the present one."""
        super().enter()
        self._ask_soon()

    def show_neighbours(self, token: int, near: list[dict[str, Any]]) -> None:
        """Show the tokens near this one."""
        self._near[token] = near
        self._failed = ""
        self.redraw()

    def neighbours_failed(self, reason: str) -> None:
        """Say why there are none."""
        self._failed = clean(reason, 200)
        self.redraw()

    def move_token(self, number: int) -> None:
        """Go to the token, and ask for those near it if the cursor rests."""
        super().move_token(number)
        self._ask_soon()

    def clicked(self, number: int) -> None:
        """Go to the token."""
        self.move_token(number)

    def _ask_soon(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST_SECONDS, self._ask)

    def _ask(self) -> None:
        if self.document is not None and self.display and self.place.token not in self._near:
            self.post_message(self.NeighboursWanted(self.place.token))

    def lines(self, document: Document, width: int, height: int) -> list[Content]:
        """Return the table, and the near tokens below it or at its side."""
        if width < SIDE_BY_SIDE:
            near = self._near_lines(document, width)
            return [*self._table(document, width, height - len(near)), *near]
        left = width - _NEIGHBOURS_WIDTH
        table = self._table(document, left - 2, height)
        return beside(table, self._near_list(document), left)

    def _table(self, document: Document, width: int, height: int) -> list[Content]:
        stage = stage_of(document, "embed")
        lines = [] if stage["parts"] else missing_lines(document, width)
        parts = [*stage["parts"], {"name": "after", "norms": stage["norms"]}]
        names = token_names(document)
        tokens = token_width(names)
        room = max(min((width - tokens - 3) // len(parts) - 2, 34), 10)
        title = "".join(column("norm " + clean(part["name"]), room) + " " for part in parts)
        shown = height - len(lines) - 1
        lines.append(
            heading(f"  {column('token', tokens)}{title}".rstrip(),
                    position(self.place.token, shown, len(names)))
        )  # fmt: skip
        # The parts on one scale, so that they can be compared; their sum passed on on its own.
        top = max((norm or 0.0 for part in stage["parts"] for norm in part["norms"]), default=0.0)
        tops = [top] * len(stage["parts"]) + [max(norm or 0.0 for norm in stage["norms"])]
        rows = window(self.place.token, shown, len(names))
        self.note_clickable(len(lines), rows)
        for row in rows:
            figures = [
                Content.assemble(
                    (bar((part["norms"][row] or 0.0) / top if top else 0.0, room - 7),
                     "$accent" if part is parts[-1] else "$primary"),
                    f" {figure(part['norms'][row], 2):>6}  ",
                )
                for part, top in zip(parts, tops, strict=True)
            ]  # fmt: skip
            line = Content("").join([Content(column(names[row], tokens)), *figures])
            lines.append(cursor_line(line, row == self.place.token, self.has_focus, width))
        return lines

    def _near_lines(self, document: Document, width: int) -> list[Content]:
        """Return the near tokens below a title."""
        lines = [heading(self._near_title(document))]
        near = self._near.get(self.place.token)
        if near is None:
            return [*lines, self._waiting(), Content("")]
        pieces = [
            Content.assemble(
                token_name(one["token"]), (f" {figure(one['cosine'], 2)}   ", "$text-muted")
            )
            for one in near
        ]
        found = flow(pieces, width, 2, None)
        return lines + found + [Content("")] * (2 - len(found))

    def _near_title(self, document: Document) -> str:
        name = token_names(document)[self.place.token]
        return f"nearest in the vocabulary to {name} (cosine)"

    def _waiting(self) -> Content:
        return Content.styled(self._failed or "…", "$text-warning" if self._failed else "")

    def _near_list(self, document: Document) -> list[Content]:
        name = token_names(document)[self.place.token]
        lines = [heading("nearest in the vocabulary to ", (name, "bold $foreground"))]
        near = self._near.get(self.place.token)
        if near is None:
            return [*lines, self._waiting()]
        for one in near:
            cosine = one["cosine"] or 0.0
            name = column(token_name(one["token"]), 14)
            share = f" {figure(one['cosine'], 2):>6}"
            lines.append(Content.assemble(name, (bar(cosine, 12), "$primary"), share))
        return [*lines, Content(""), heading("cosine of the word vectors")]
