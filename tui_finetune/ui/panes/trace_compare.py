"""Two traces side by side: their tokens, how far their vectors lie apart, and their verdicts."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_stage import (
    LONGEST_LABEL,
    Document,
    beside,
    column,
    heading,
    short,
    signed,
    signed_bar,
    token_name,
    wrapped,
)
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.widgets.lens import MARKS, leading_labels, stacked_bar
from tui_finetune.ui.words import UNKNOWN, figure

_ONE, _OTHER = "$primary", "$accent"
_SHOWN_LOGITS = 12
_LONGEST_TOKEN = 12

# From this width on the logits stand beside the layers.
_SIDE_BY_SIDE = 150

# Cells of the bar of a distance, and of what is said beside a layer.
_APART, _NOTE = 10, 13


class Comparison(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Scrolls through what is the same and what differs in two traces."""

    DEFAULT_CSS = """
    Comparison { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    Comparison Static { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll_down", "Down", key_display="↑↓"),
        Binding("up", "scroll_up", "Up", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home", "scroll_home", "Top", show=False),
        Binding("end", "scroll_end", "Bottom", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(Static(markup=False))
        self._document: Document | None = None

    def show(self, document: Document) -> None:
        """Show another comparison, from its top."""
        self._document = document
        self._draw()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self._draw()

    def _draw(self) -> None:
        if self._document is not None:
            # One for a scrollbar that may come.
            lines = comparison_lines(self._document, max(self.size.width - 1, 40))
            self.query_one(Static).update(Content("\n").join(lines))


def comparison_lines(document: Document, width: int) -> list[Content]:
    """Return a comparison as lines of at most `width` cells."""
    if width >= _SIDE_BY_SIDE:
        left = width * 3 // 5
        middle = beside(_layers(document, left - 2), _logits(document, width - left), left)
    else:
        middle = [*_layers(document, width), Content(""), *_logits(document, width)]
    return [
        _end_line("one  ", document["one"], _ONE, width),
        _end_line("other", document["other"], _OTHER, width),
        *wrapped(document["words"], width, "bold")[:2],
        Content(""),
        *middle,
        Content(""),
        *_tokens(document, width),  # they may be many, so they come last
    ]


def _end_line(name: str, end: dict[str, Any], style: str, width: int) -> Content:
    label = short(clean(end["label"]), LONGEST_LABEL)
    share = figure(end["probabilities"][end["label"]], 2)
    room = max(width - 6 - cell_len(label) - 8, 10)
    title = clean(end["title"])
    return Content.assemble(
        (name, f"bold {style}"), " ",
        short(title, room), "  ", (label, "bold"), f" {share}",
    )  # fmt: skip


def _tokens(document: Document, width: int) -> list[Content]:
    """Return the aligned tokens under one another in as many blocks as needed."""
    title = "tokens"
    if document["same_tokens"]:
        title = "tokens, the same in both"
    lines = [heading(title, ", and how far their embeddings lie apart")]
    names = [(token_name(pair["one"]), token_name(pair["other"])) for pair in document["tokens"]]
    widths = [
        min(max(cell_len(one), cell_len(other), 5), _LONGEST_TOKEN) + 1 for one, other in names
    ]
    start = 0
    while start < len(names):
        end, used = start, 6
        while end < len(names) and (end == start or used + widths[end] <= width):
            used += widths[end]
            end += 1
        lines += _token_block(document, names, widths, range(start, end))
        start = end
    return lines


def _token_block(
    document: Document, names: list[tuple[str, str]], widths: list[int], shown: range
) -> list[Content]:
    def row(title: str, style: str, side: int) -> Content:
        parts = [Content.styled(f"{title:<6}", f"bold {style}")]
        for number in shown:
            same = document["tokens"][number]["same"]
            text = column(names[number][side], widths[number] - 1)
            parts.append(Content.styled(text, "$text-muted" if same else f"bold {style}"))
        return Content("").join(parts)

    apart = "".join(
        column(figure(document["embedding"][number], 2), widths[number] - 1) for number in shown
    )
    other = [] if document["same_tokens"] else [row("other", _OTHER, 1)]
    return [row("one", _ONE, 0), *other, Content.styled(f"{'apart':<6}{apart}", "$text-muted")]


def _layers(document: Document, width: int) -> list[Content]:
    layers = document["layers"]
    leading = _leading(document)
    lines = [heading("how far apart the vectors lie that the head reads, as a share of their norm")]
    title = f"{'layer':<7}{'apart':<{_APART + 9}}"
    # What is left after the fixed columns and the note is shared by the two bars.
    room = min(max((width - 7 - _APART - 9 - 14 - _NOTE) // 2, 6), 24)
    if leading:
        title += f"{'one':<{room + 7}}other"
        names = [
            Content.assemble((mark, style), f" {short(clean(document['labels'][label]), 12)}")
            for label, (mark, style) in zip(leading, MARKS, strict=False)
        ]
        words = heading("what the head would say (a diagnostic): ")
        lines.append(Content.assemble(words, Content("  ").join(names)))
    lines.append(heading(title))
    longest = max((layer["relative"] or 0.0 for layer in layers), default=0.0) or 1.0
    for layer in layers:
        parts = [
            Content(f"{_layer_name(layer['layer']):<7}"),
            Content.styled(bar((layer["relative"] or 0.0) / longest, _APART), "$error"),
            Content(f" {figure(layer['relative'], 2):>6}  "),
        ]
        if leading:
            parts += [_side(layer[side], leading, room) for side in ("one", "other")]
        parts.append(_note(layer["layer"], document["turn"]))
        lines.append(Content("").join(parts).truncate(width))
    return lines


def _layer_name(number: int) -> str:
    return "embed" if number == 0 else str(number)


def _note(number: int, turn: dict[str, Any]) -> Content:
    """Return what happens in a layer; 0 is no turn, but how it began."""
    if number == turn["parting"]:
        return Content.styled("◂ part", "bold $text-error")
    turning = [side for side in ("one", "other") if number and turn[side] == number]
    if not turning:
        return Content("")
    words = "both turn" if len(turning) == 2 else f"{turning[0]} turns"
    return Content.styled(f"◂ {words}", "$accent")


def _leading(document: Document) -> list[int]:
    """Return the labels that the lens bars are split among, the same ones on both sides."""
    for side in ("one", "other"):
        rows = [layer[side] for layer in document["layers"] if layer[side]]
        if rows:
            return leading_labels(rows)
    return []


def _side(shares: list[float | None] | None, leading: Sequence[int], bars: int) -> Content:
    if not shares:
        return Content(f"{UNKNOWN:<{bars}}       ")
    first = figure(shares[leading[0]], 2)
    drawn = stacked_bar(shares, leading, bars).stylize_before("on $surface")
    return Content.assemble(drawn, f" {first:>4}  ")


def _logits(document: Document, width: int) -> list[Content]:
    rows = sorted(document["logits"], key=lambda row: -abs(row["difference"] or 0.0))
    largest = max((abs(row["difference"] or 0.0) for row in rows), default=0.0)
    title = f"{column('logit', LONGEST_LABEL)}{'one':>8}{'other':>8}{'one − other':>13}"
    lines = [heading(title)]
    for row in rows[:_SHOWN_LOGITS]:
        lines.append(
            Content.assemble(
                column(clean(row["label"], 200), LONGEST_LABEL),
                (f"{signed(row['one']):>8}", _ONE), (f"{signed(row['other']):>8}", _OTHER),
                f"{signed(row['difference']):>13}  ",
                signed_bar(row["difference"], largest, min(max(width - 52, 9), 31)),
            ).truncate(width)
        )  # fmt: skip
    if len(rows) > _SHOWN_LOGITS:
        lines.append(heading(f"and {len(rows) - _SHOWN_LOGITS} labels that differ less"))
    return lines
