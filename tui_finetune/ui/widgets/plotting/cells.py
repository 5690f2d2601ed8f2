"""Rows of styled cells: text put into them, what changed between two of them."""

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size, split_graphemes

Piece = tuple[str, str]
"""Some text and the name of the style it is written in."""
Row = list[Piece]
"""One piece for each cell of a line; an empty one stands behind a character two cells wide."""

BLANK: Piece = (" ", "")

AXIS, TICK, LEGEND, HIGHLIGHT, CURSOR, EMPTY = COMPONENTS = (
    "line-chart--axis",
    "line-chart--tick",
    "line-chart--legend",
    "line-chart--highlight",
    "line-chart--cursor",
    "line-chart--empty",
)
"""The styles of a chart's own parts, which are component classes of the widget."""


def width_of(pieces: Iterable[Piece]) -> int:
    """Return how many cells the pieces take side by side."""
    return sum(cell_len(text) for text, _ in pieces)


def put(row: Row, x: int, pieces: Iterable[Piece]) -> None:
    """Write pieces side by side over the cells of a row from `x` on, as far as they fit."""
    for text, style in pieces:
        for start, end, width in split_graphemes(text)[0]:
            if width and x + width <= len(row):
                row[x : x + width] = [(text[start:end], style), *[("", style)] * (width - 1)]
                x += width


def cut(text: str, width: int) -> str:
    """Return the text, or as much of it as fits into `width` cells with two dots behind it."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 2, 0)) + ".." if width > 2 else ""


def changed(before: Row, now: Row) -> tuple[int, int] | None:
    """Return the first cell that differs and the end of those that do, or None."""
    if before == now:
        return None
    differing = [x for x, (a, b) in enumerate(zip(before, now, strict=True)) if a != b]
    end = differing[-1] + 1
    splits_wide_character = end < len(now) and not now[end][0]
    return differing[0], end + splits_wide_character
