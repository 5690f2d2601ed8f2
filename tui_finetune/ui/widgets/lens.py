"""What the head would say layer by layer, as a bar for each layer split among the labels."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN, figure

Lens = Sequence[Sequence[float | None]]

# The leading labels' marks and colours, told apart by shape too; what is left stays empty.
MARKS = (("█", "$primary"), ("▒", "$accent"), ("░", "$success"))

_NAME, _LEADER, _NOTE = 6, 14, 12
_FIGURE = 6


def lens_lines(
    lens: Lens,
    labels: Sequence[str],
    *,
    width: int,
    height: int,
    layer: int,
    notes: dict[int, str],
) -> list[Content]:
    """Return at most `height` lines of `width` cells: a legend, then a line for each layer.

    `lens` are probabilities (layers + 1, labels), the first of the embedding; `labels` are clean.
    `layer` is marked, and `notes` stand beside their layers.
    """
    leading = leading_labels(lens)
    shown = height - 1
    first = max(min(layer - shown // 2, len(lens) - shown), 0)
    lines = [_legend(leading, labels, width)]
    for number in range(first, min(first + shown, len(lens))):
        lines.append(
            _line(lens[number], labels, leading, number, layer, notes.get(number, ""), width)
        )
    return lines


def leading_labels(lens: Lens) -> list[int]:
    """Return up to three labels: the one that wins in the end, then those that came highest."""
    last = [share or 0.0 for share in lens[-1]]
    final = max(range(len(last)), key=last.__getitem__)
    highest = [max((row[label] or 0.0) for row in lens) for label in range(len(last))]
    others = sorted(range(len(last)), key=lambda label: -highest[label])
    return [final, *(label for label in others if label != final)][: len(MARKS)]


def stacked_bar(shares: Sequence[float | None], leading: Sequence[int], width: int) -> Content:
    """Return a bar of `width` cells in which each leading label has its share."""
    parts = []
    total, drawn = 0.0, 0
    for label, (mark, style) in zip(leading, MARKS, strict=False):
        total += shares[label] or 0.0
        end = min(int(total * width + 0.5), width)
        parts.append((mark * (end - drawn), style))
        drawn = max(end, drawn)
    return Content.assemble(*parts, " " * (width - drawn))


def _legend(leading: Sequence[int], labels: Sequence[str], width: int) -> Content:
    room = max((width - _NAME - 2) // len(MARKS) - 4, 4)
    names = []
    for label, (mark, style) in zip(leading, MARKS, strict=False):
        name = fit(labels[label], min(cell_len(labels[label]), room))
        names.append(Content.assemble((mark, style), f" {name}"))
    return Content.assemble(" " * (_NAME + 1), Content("  ").join(names))


def _line(
    shares: Sequence[float | None],
    labels: Sequence[str],
    leading: Sequence[int],
    number: int,
    layer: int,
    note: str,
    width: int,
) -> Content:
    here = number == layer
    name = "embed" if number == 0 else str(number)
    leader = max(range(len(shares)), key=lambda label: shares[label] or 0.0)
    longest = max(min(max(map(cell_len, labels), default=4), _LEADER), 4)
    room = max(width - _NAME - 2 - longest - 1 - _FIGURE - _NOTE, 6)
    known = any(share is not None for share in shares)
    style = dict(zip(leading, (style for _, style in MARKS), strict=False)).get(leader, "")
    line = Content.assemble(
        ("▸" if here else " ", "bold $accent"),
        (f"{name:<{_NAME}}", "bold" if here else ""),
        stacked_bar(shares, leading, room).stylize_before("on $surface"),
        (f" {figure(shares[leader], 2) if known else UNKNOWN:>5} ", "bold" if here else ""),
        (fit(labels[leader], longest) if known else "", style),
        (f"  {note}", "bold $accent"),
    )
    return line.truncate(width)
