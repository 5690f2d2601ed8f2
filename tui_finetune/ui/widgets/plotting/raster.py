"""A grid of cells to draw curves on, dot by dot."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor
from operator import attrgetter

from tui_finetune.ui.widgets.plotting.axes import Scale
from tui_finetune.ui.widgets.plotting.buckets import Bucket

Dot = tuple[int, int]
"""x and y, from the top left."""
Dash = str
"""One period of a line: # where a dot is drawn, a space where it is left out."""

SOLID, DASHED, DOTTED = "#", "#####   ", "#  "


@dataclass(frozen=True)
class Symbols:
    """The characters a chart is drawn with."""

    across: int
    """Dots side by side in a cell."""
    down: int
    """Dots one above the other in a cell."""
    dots: str
    """A character for every set of dots; bit `column * down + row` stands for one of them."""
    axis: tuple[str, ...]
    """Upright, upright with a tick, corner, level, level with a tick."""
    highlight: str
    star: str
    """Stands on the level axis below the highlight."""
    cursor: str
    missing: str
    beyond: tuple[str, str]
    """Point above the scale of y, point below it."""
    lines: tuple[tuple[str, Dash], ...]
    """Sample in the legend and dashes of a line with `dash` 0, 1 and so on."""
    marks: str = ""
    """The only marks there are, empty if there is no such limit."""


def _braille() -> str:
    # Unicode numbers the three upper rows column by column, the fourth row was added later.
    unicode_bits = (0, 1, 2, 6, 3, 4, 5, 7)
    patterns = (sum(1 << unicode_bits[n] for n in range(8) if dots >> n & 1) for dots in range(256))
    return " " + "".join(chr(0x2800 + pattern) for pattern in patterns)[1:]


BRAILLE = Symbols(
    *(2, 4, _braille(), ("│", "┤", "└", "─", "┬"), "┊", "★", "│", "—", ("↑", "↓")),
    lines=(
        *(("──", SOLID), ("╌╌", DASHED), ("··", DOTTED)),
        *(("─·", "#######  #  "), ("· ", "#     ")),
    ),
)
ASCII = Symbols(
    *(1, 3, " '-'.:.|", ("|", "+", "`", "-", "+"), ":", "*", "|", "-", ("^", "v")),
    lines=(("--", SOLID), ("- ", "###  "), ("..", DOTTED), ("-.", "#### # "), (". ", "#     ")),
    marks="*o+x#",
)

Cell = tuple[str, int | None]
"""A character and the number of the layer that drew it, None in an empty cell."""


class Raster:
    """A grid of `width` x `height` cells to draw layers on, dot by dot, from the top left."""

    def __init__(self, width: int, height: int, symbols: Symbols = BRAILLE) -> None:
        """Make an empty grid."""
        self.symbols = symbols
        self.width = width
        self.dots_across = width * symbols.across
        self.dots_down = height * symbols.down
        self._left = 0
        self._dots = [[0] * width for _ in range(height)]
        self._owners: list[list[int | None]] = [[None] * width for _ in range(height)]
        self._marks: dict[tuple[int, int], Cell] = {}

    def clear(self, column: int) -> None:
        """Empty the columns of cells from `column` on, and draw only on these from now on."""
        self._left = column * self.symbols.across
        for dots, owners in zip(self._dots, self._owners, strict=True):
            dots[column:] = [0] * (self.width - column)
            owners[column:] = [None] * (self.width - column)
        self._marks = {where: cell for where, cell in self._marks.items() if where[1] < column}

    def line(self, start: Dot, end: Dot, layer: int, dash: Dash = SOLID, used: int = 0) -> int:
        """Draw from dot to dot as far as they are on the grid, over what is in their cells.

        Returns how much of the dashes is used, for the next line of the layer to go on from.
        """
        (x, y), (end_x, end_y) = start, end
        if dash == SOLID and abs(end_x - x) <= 1:  # dense data is all upright strokes: be quick
            half, sign = int((end_y - y) / 2), (end_y > y) - (end_y < y)
            self._stroke(x, y, y + half, layer)
            self._stroke(end_x, y + half + sign, end_y, layer)
            return used
        length = max(abs(end_x - x), abs(end_y - y))
        step_x, step_y = (end_x - x) / (length or 1), (end_y - y) / (length or 1)
        first, last = 0.0, float(length)
        for at, step, lowest, highest in (
            (x, step_x, self._left - 1, self.dots_across),
            (y, step_y, -1, self.dots_down),
        ):
            if step:
                edges = sorted(((lowest - at) / step, (highest - at) / step))
                first, last = max(first, edges[0]), min(last, edges[1])
        period = len(dash)
        for n in range(floor(first), ceil(last) + 1) if first <= last else ():
            if dash[(used + n) % period] == "#":
                dot_y = floor(y + n * step_y + 0.5)
                self._stroke(floor(x + n * step_x + 0.5), dot_y, dot_y, layer)
        return used + length

    def _stroke(self, x: int, y: int, end_y: int, layer: int) -> None:
        """Draw an upright line, a cell at a time; a cell shows the dots of one layer only."""
        across, down = self.symbols.across, self.symbols.down
        top, bottom = max(min(y, end_y), 0), min(max(y, end_y), self.dots_down - 1)
        if not self._left <= x < self.dots_across:
            return
        column, shift = x // across, x % across * down
        for row in range(top // down, bottom // down + 1):
            first, last = max(top - row * down, 0), min(bottom - row * down, down - 1)
            own = self._dots[row][column] if self._owners[row][column] == layer else 0
            self._dots[row][column] = own | (2 << last) - (1 << first) << shift
            self._owners[row][column] = layer

    def mark(self, dot: Dot, character: str, layer: int) -> None:
        """Put a character, one cell wide, on the cell of a dot; lines stay behind it."""
        x, y = dot
        if self._left <= x < self.dots_across and 0 <= y < self.dots_down:
            self._marks[y // self.symbols.down, x // self.symbols.across] = character, layer

    def rows(self, column: int = 0) -> list[list[Cell]]:
        """Return the grid from a column of cells on, row by row from the top."""
        symbols = self.symbols.dots
        grid: list[list[Cell]] = [
            [
                (symbols[dots], owner)
                for dots, owner in zip(all_dots[column:], owners[column:], strict=True)
            ]
            for all_dots, owners in zip(self._dots, self._owners, strict=True)
        ]
        for (row, at), cell in self._marks.items():
            if at >= column:
                grid[row][at - column] = cell
        return grid


def draw_line(
    raster: Raster,
    buckets: list[Bucket],
    y: Scale,
    layer: int,
    dash: Dash = SOLID,
    from_column: int = 0,
) -> None:
    """Draw a line through buckets, broken where points are missing.

    Those left of the dot column `from_column` have been drawn before, with the same scale.
    """
    bottom = raster.dots_down - 1
    begin = bisect_left(buckets, from_column, key=attrgetter("column")) if from_column else 0
    used, exit_dot = 0, (0, 0)
    if 0 < begin < len(buckets):
        before = buckets[begin - 1]
        exit_dot = before.column, bottom - y.dot(before.last)
        used = buckets[begin].dash_at
    for bucket in buckets[begin:]:
        x = bucket.column
        bucket.dash_at = used
        if bucket.joined:
            used = raster.line(exit_dot, (x, bottom - y.dot(bucket.first)), layer, dash, used)
        top, low = bottom - y.dot(bucket.high), bottom - y.dot(bucket.low)
        used = raster.line((x, top), (x, low), layer, dash, used)
        exit_dot = x, bottom - y.dot(bucket.last)


def draw_marks(
    raster: Raster, buckets: Iterable[Bucket], y: Scale, layer: int, character: str
) -> None:
    """Draw a series as single characters, where a column has many at its extremes."""
    bottom = raster.dots_down - 1
    for bucket in buckets:
        for value in (bucket.low, bucket.high):
            raster.mark((bucket.column, bottom - y.dot(value)), character, layer)


def draw_arrows(raster: Raster, buckets: Iterable[Bucket], y: Scale, layer: int) -> None:
    """Draw arrows at the edges above and below which there are points."""
    above, below = raster.symbols.beyond
    for bucket in buckets:
        if bucket.high > y.high:
            raster.mark((bucket.column, 0), above, layer)
        if bucket.low < y.low:
            raster.mark((bucket.column, raster.dots_down - 1), below, layer)
