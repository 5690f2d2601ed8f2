"""What the stages of a trace have in common: where the person looks, and how lines are put up."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui_finetune.text import clean
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.widgets.confusion import fit

# A trace as the engine answers it; see `tui_finetune.tracing.document`.
Document = dict[str, Any]

LONGEST_LABEL = 18
LONGEST_TITLE = 36
_LONGEST_TOKEN = 14

# From this width on a stage puts two things side by side.
SIDE_BY_SIDE = 110


@dataclass
class Place:
    """Where the person looks. All stages share it, and the next trace keeps what it can of it."""

    token: int = 0
    to: int = 0
    """The token that is looked at by `token`, in an attention map."""
    label: int = 0
    """Place in `label_order`, 0 for the likeliest."""
    layer: int = 1
    head: int = 0
    """Place among the choices of heads: the mean, the rollout, then each head."""

    def fit_into(self, document: Document) -> None:
        """Move to what there is in this trace; labels begin at the likeliest."""
        tokens, layers = len(document["tokens"]), stage_of(document, "layers")
        self.token = max(min(self.token, tokens - 1), 0)
        self.to = max(min(self.to, tokens - 1), 0)
        self.label = 0
        self.layer = max(min(self.layer, len(layers["moved"])), 1)
        self.head = min(self.head, (layers["heads"] or 0) + 1)


class Stage(Widget, can_focus=True, inherit_bindings=False):
    """One stage of a trace, drawn as lines for its width and height."""

    DEFAULT_CSS = """
    Stage { height: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: clip; }
    """

    class TokenMoved(Message):
        """Another token is looked at."""

    def __init__(self, place: Place, *, id: str) -> None:
        super().__init__(id=id)
        self.place = place
        self.document: Document | None = None
        self.clickable: dict[int, int] = {}
        """What stands in which line, for the mouse: the numbers of tokens or labels."""

    def show(self, document: Document) -> None:
        """Show another trace."""
        self.document = document
        self.redraw()

    def redraw(self) -> None:
        """Draw anew, after the place or an answer changed."""
        self.refresh()

    def enter(self) -> None:
        """Get ready to be looked at."""
        self.redraw()

    def render(self) -> Content:
        """Return the lines."""
        self.clickable = {}
        if self.document is None or not self.size.width or not self.size.height:
            return Content("")
        return Content("\n").join(self.lines(self.document, self.size.width, self.size.height))

    def lines(self, document: Document, width: int, height: int) -> list[Content]:
        """Return at most `height` lines of at most `width` cells."""
        raise NotImplementedError

    def clicked(self, number: int) -> None:
        """Go to the token or label with this number."""

    def on_click(self, event: events.Click) -> None:
        """Find what stands under the mouse."""
        place = event.get_content_offset(self)
        if place is not None and place.y in self.clickable:
            self.clicked(self.clickable[place.y])

    def scrolled(self, by: int) -> None:
        """Follow the wheel: here to the tokens further on."""
        self.action_token(by)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go down."""
        event.stop()
        self.scrolled(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go up."""
        event.stop()
        self.scrolled(-1)

    def note_clickable(self, first_line: int, numbers: Sequence[int]) -> None:
        """Remember what stands in the lines from `first_line` on."""
        self.clickable |= {first_line + index: number for index, number in enumerate(numbers)}

    def move_token(self, number: int) -> None:
        """Look at another token, as near as there is one."""
        if self.document is None:
            return
        number = max(min(number, len(self.document["tokens"]) - 1), 0)
        if number != self.place.token:
            self.place.token = number
            self.post_message(self.TokenMoved())
            self.redraw()

    def action_token(self, by: int) -> None:
        """Look at the token `by` further on."""
        self.move_token(self.place.token + by)

    def action_token_edge(self, end: int) -> None:
        """Look at the first (0) or the last (-1) token."""
        if self.document is not None:
            self.move_token(end % max(len(self.document["tokens"]), 1))


# --- a trace's parts ---


def stage_of(document: Document, name: str) -> dict[str, Any]:
    """Return the stage with this name."""
    found: dict[str, Any] = next(stage for stage in document["stages"] if stage["name"] == name)
    return found


def label_order(document: Document) -> list[int]:
    """Return the numbers of the labels, the likeliest first."""
    shares = stage_of(document, "predict")["probabilities"]
    return sorted(range(len(shares)), key=lambda label: -(shares[label] or 0.0))


def label_name(document: Document, label: int) -> str:
    """Return a label fit for the screen."""
    return clean(document["labels"][label], 200)


def token_name(token: str | None) -> str:
    """Return a token fit for the screen, the blanks at its ends made visible."""
    if token is None:
        return "—"
    name = clean(token, 60)
    inner = name.strip(" ")
    if not inner:
        return "␣" * len(name) or "''"
    left = len(name) - len(name.lstrip(" "))
    return "␣" * left + inner + "␣" * (len(name) - left - len(inner))


def token_names(document: Document) -> list[str]:
    """Return the tokens fit for the screen."""
    return [token_name(token["token"]) for token in document["tokens"]]


def token_width(names: Sequence[str]) -> int:
    """Return the cells for a column of tokens."""
    return max(min(max(map(cell_len, names), default=0), _LONGEST_TOKEN), 5)


# --- lines ---


def window(cursor: int, shown: int, whole: int) -> range:
    """Return which of `whole` lines are in sight around the cursor, at most `shown`."""
    first = max(min(cursor - shown // 2, whole - shown), 0)
    return range(first, min(first + max(shown, 0), whole))


def position(cursor: int, shown: int, whole: int) -> str:
    """Return which line it is, if not all are in sight."""
    return f"  {cursor + 1:,} of {whole:,}" if whole > shown else ""


def cursor_line(line: Content, here: bool, focus: bool, width: int) -> Content:
    """Return a line of a list, marked if the cursor is on it."""
    line = Content.assemble(("▸ " if here else "  ", "bold $accent"), line)
    line = line.truncate(width, ellipsis=True, pad=True)
    ground = "$block-cursor-background" if focus else "$surface"
    return line.stylize_before(f"on {ground}") if here else line


def signed_bar(value: float | None, largest: float, width: int) -> Content:
    """Return a bar to the left (negative) or right of an axis, `width` cells in all."""
    half = (width - 1) // 2
    share = abs(value or 0.0) / largest if largest else 0.0
    if (value or 0.0) >= 0:
        return Content.assemble(" " * half, ("│", "$text-disabled"), (bar(share, half), "$primary"))
    # From the right only halves of a cell can be drawn.
    halves = max(int(share * half * 2 + 0.5), 1)
    drawn = ("▐" if halves % 2 else "") + "█" * (halves // 2)
    return Content.assemble((f"{drawn:>{half}}", "$error"), ("│", "$text-disabled"), " " * half)


def signed(value: float | None, digits: int = 3) -> str:
    """Return a number with its sign, a dash if it is not known."""
    return "—" if value is None else f"{value:+.{digits}f}"


def beside(left: list[Content], right: list[Content], left_width: int) -> list[Content]:
    """Return lines in two columns, the left one `left_width` cells wide, gap included."""
    rows = max(len(left), len(right))
    filled = [lines + [Content("")] * (rows - len(lines)) for lines in (left, right)]
    gap = Content("  ")
    return [
        one.truncate(left_width - 2, pad=True) + gap + other
        for one, other in zip(*filled, strict=True)
    ]


def heading(*parts: str | Content | tuple[str, str]) -> Content:
    """Return a quiet line above others."""
    return Content.assemble(*parts).stylize_before("$text-muted")


def wrapped(text: str, width: int, style: str = "") -> list[Content]:
    """Return clean text in lines of at most `width` characters."""
    return [Content.styled(line, style) for line in wrap(clean(text), max(width, 10))]


def missing_lines(document: Document, width: int) -> list[Content]:
    """Return what cannot be shown of this architecture, where its view would be."""
    lines = [Content.styled("not shown here:", "$text-warning")]
    for sentence in document["missing"] or ["the engine gave no figures for it"]:
        lines += wrapped(sentence, width)
    return lines


def flow(pieces: Sequence[Content], width: int, height: int, cursor: int | None) -> list[Content]:
    """Return pieces one after another in lines; of too many lines those around the cursor's."""
    lines: list[list[Content]] = [[]]
    line_of: list[int] = []
    used = 0
    for piece in pieces:
        if used and used + piece.cell_length > width:
            lines.append([])
            used = 0
        lines[-1].append(piece.truncate(width))
        used += piece.cell_length
        line_of.append(len(lines) - 1)
    at = line_of[cursor] if cursor is not None and line_of else 0
    return [Content("").join(lines[number]) for number in window(at, height, len(lines))]


def short(text: str, width: int) -> str:
    """Return clean text in at most `width` cells."""
    return fit(text, min(cell_len(text), width))


def column(text: str, width: int) -> str:
    """Return text in exactly `width` cells and one blank."""
    return fit(text, width) + " "
