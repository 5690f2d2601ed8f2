"""The arithmetic of a chart, without a terminal: ticks, buckets, a raster of dots, text cells."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, floor, inf, isclose, log10, nextafter
from operator import itemgetter

from rich.cells import cell_len, split_graphemes

Point = tuple[float, float | None]
Range = tuple[float, float]
LevelTick = tuple[int, int, str]
"""The column of a tick, the column its label begins in, and the label."""
Dot = tuple[int, int]
"""x and y, from the top left."""
Dash = tuple[int, int]
"""Dots drawn and dots left out, in turn, along a line."""

SOLID: Dash = (1, 0)
DOTTED: Dash = (1, 2)

# Beyond it the differences an axis is made of would overflow; NaN and infinity fail the test too.
LARGEST = 1e300

# A limit that is a multiple of the step must not be lost to the last bit of a division.
SLACK = 1e-9


# --- ticks ---


def nice_ticks(low: float, high: float, maximum: int) -> list[float]:
    """Return at most `maximum` round values (1, 2, 2.5 or 5 times a power of ten) in a range."""
    if high <= low:
        return [low]
    steps = nice_steps((high - low) / maximum)
    step = next(step for step in steps if len(_multiples(low, high, step)) <= maximum)
    return [_rounded(n * step) for n in _multiples(low, high, step)]


def nice_steps(smallest: float) -> Iterator[float]:
    """Yield the round distances between ticks, upwards, from the power of ten below `smallest`."""
    exponent = floor(log10(smallest))
    while True:
        for mantissa in ("1", "2", "2.5", "5"):
            yield float(f"{mantissa}e{exponent}")
        exponent += 1


def grow_range(low: float, high: float, former: Range | None = None) -> Range:
    """Return a range of whole tick steps that holds `low` to `high`, and `former` if given.

    A former range that still holds the data is returned as it is. One that does not gets a quarter
    more room on the side the data left it, so that an axis changes a few times in a run and not
    with every point. Data that are never negative get no negative axis.
    """
    if former is None:
        size = max(abs(low), abs(high))
        flat = high - low <= max(size * 1e-6, 1 / LARGEST)
        room = (size / 4 or 1.0) if flat else (high - low) / 20
        bottom, top = low - room, high + room
    elif former[0] <= low and high <= former[1]:
        return former
    else:
        bottom, top = min(low, former[0]), max(high, former[1])
        room = (top - bottom) / 4
        bottom -= room if low < former[0] else 0.0
        top += room if high > former[1] else 0.0
    if low >= 0:
        bottom = max(bottom, 0.0)
    coarse = (top - bottom) / 8
    step = next(step for step in nice_steps(coarse) if step >= coarse)
    return _rounded(floor(bottom / step + SLACK) * step), _rounded(ceil(top / step - SLACK) * step)


def format_ticks(ticks: Sequence[float]) -> list[str]:
    """Return the labels of one axis, all with the same number of decimals and the same unit."""
    size = max(map(abs, ticks), default=0.0)
    kind, unit, suffix = "f", 1.0, ""
    if size and not 1e-3 <= size < 1e9:
        kind = "e"
    elif size >= 1e6:
        unit, suffix = 1e6, "M"
    elif size >= 1e3:
        unit, suffix = 1e3, "k"
    labels: list[str] = []
    for digits in range(7):
        labels = [f"{tick / unit:.{digits}{kind}}" for tick in ticks]
        shown = (float(label) * unit for label in labels)
        if all(isclose(a, b, abs_tol=size * SLACK) for a, b in zip(shown, ticks, strict=True)):
            break
    if kind == "f" and not suffix:
        return labels
    return [label + suffix if tick else "0" for label, tick in zip(labels, ticks, strict=True)]


def format_value(value: float, exact: bool = False) -> str:
    """Return a value for a legend: three significant digits of constant width, or up to six."""
    if exact:
        return f"{value:.0f}" if abs(value) < 1e12 and value == int(value) else f"{value:.6g}"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:#.3g}".rstrip(".")


def level_ticks(limits: Range, column_of: Callable[[float], int], width: int) -> list[LevelTick]:
    """Return as many ticks as fit on one line of `width` cells with two cells between labels."""
    for maximum in range(max(width // 6, 2), 1, -1):
        ticks = nice_ticks(*limits, maximum)
        placed: list[LevelTick] = []
        for tick, label in zip(ticks, format_ticks(ticks), strict=True):
            column = column_of(tick)
            start = max(min(column - len(label) // 2, width - len(label)), 0)
            placed.append((column, start, label))
        if all(right[1] - left[1] >= len(left[2]) + 2 for left, right in pairwise(placed)):
            return placed
    return []


def _multiples(low: float, high: float, step: float) -> range:
    return range(ceil(low / step - SLACK), floor(high / step + SLACK) + 1)


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")  # 3 * 0.1 is 0.30000000000000004


# --- from values to dots ---


def extent(points: Iterable[Point], x_range: Range) -> Range | None:
    """Return the least and the greatest drawable y within the range of x, or None."""
    low, high = x_range
    drawable = ((x, y) for x, y in points if y is not None and -LARGEST < y < LARGEST)
    values = [y for x, y in drawable if low <= x <= high]
    return (min(values), max(values)) if values else None


def dot_of(value: float, limits: Range, dots: int) -> int:
    """Return which of `dots` dots stands for a value; values outside the limits land outside."""
    low, high = limits
    if high <= low:
        return 0
    # One axis length beyond the edge is far enough to be clipped and keeps all numbers small.
    share = min(max((value - low) / (high - low), -1.0), 2.0)
    return floor(share * (dots - 1) + 0.5)


def neighbour(points: Sequence[Point], x: float, direction: int, x_range: Range) -> float | None:
    """Return the nearest x of a point within the range right (1) or left (-1) of `x`, or None."""
    low, high = x_range
    if direction > 0:
        index = bisect_right(points, max(x, nextafter(low, -inf)), key=itemgetter(0))
    else:
        index = bisect_left(points, min(x, nextafter(high, inf)), key=itemgetter(0)) - 1
    found = points[index][0] if 0 <= index < len(points) else inf
    return found if low <= found <= high else None


def value_at(points: Sequence[Point], x: float) -> float | None:
    """Return the y of the last point at exactly `x`, or None."""
    index = bisect_right(points, x, key=itemgetter(0)) - 1
    return points[index][1] if index >= 0 and points[index][0] == x else None


@dataclass(slots=True)
class Bucket:
    """What the points of one dot column come to: entry, lowest, highest and exit value."""

    column: int
    first: float
    low: float
    high: float
    last: float
    joined: bool
    """Whether the line runs on from the bucket before, with no gap between."""


@dataclass
class Buckets:
    """A series with ascending x, condensed to one bucket for each dot column that has points.

    Points may be added at any time; what is already condensed is not looked at again.
    """

    x_range: Range
    columns: int
    """Dot columns over the whole range of x."""
    items: list[Bucket] = field(default_factory=list)
    seen: int = 0
    """How many points have been added."""
    _gap: bool = True

    def add(self, points: Sequence[Point]) -> None:
        """Add points: a value that is no number is a gap, an x out of range is left out."""
        low, high = self.x_range
        scale = (self.columns - 1) / (high - low) if high > low else 0.0
        bucket = self.items[-1] if self.items else None
        for x, y in points:
            if not low <= x <= high:
                continue
            if y is None or not -LARGEST < y < LARGEST:  # spelled out: a call costs a third
                self._gap = True
                continue
            column = int((x - low) * scale + 0.5)
            if bucket is None or column != bucket.column:
                bucket = Bucket(column, y, y, y, y, joined=not self._gap)
                self.items.append(bucket)
            else:
                bucket.last = y
                if y < bucket.low:
                    bucket.low = y
                elif y > bucket.high:
                    bucket.high = y
            self._gap = False
        self.seen += len(points)


# --- the raster ---


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
    cursor: str
    missing: str
    lines: tuple[tuple[str, Dash], ...]
    """Sample in the legend and dashes of the first line, the second and so on."""
    marks: str = ""
    """The only marks there are, empty if there is no such limit."""


def _braille() -> str:
    # Unicode numbers the three upper rows column by column, the fourth row was added later.
    unicode_bits = (0, 1, 2, 6, 3, 4, 5, 7)
    patterns = (sum(1 << unicode_bits[n] for n in range(8) if dots >> n & 1) for dots in range(256))
    return " " + "".join(chr(0x2800 + pattern) for pattern in patterns)[1:]


BRAILLE = Symbols(
    *(2, 4, _braille(), ("│", "┤", "└", "─", "┬"), "┊", "│", "—"),
    lines=(("──", SOLID), ("╌╌", (5, 3)), ("··", DOTTED)),
)
ASCII = Symbols(
    *(1, 3, " '-'.:.|", ("|", "+", "`", "-", "+"), ":", "|", "-"),
    lines=(("--", SOLID), ("- ", (3, 2)), ("..", DOTTED)),
    marks="*o+x#",
)

Cell = tuple[str, int | None]
"""A character and the number of the series that drew it, None in an empty cell."""


class Raster:
    """A grid of `width` x `height` cells to draw series on, dot by dot, from the top left."""

    def __init__(self, width: int, height: int, symbols: Symbols = BRAILLE) -> None:
        """Make an empty grid."""
        self.symbols = symbols
        self.dots_across = width * symbols.across
        self.dots_down = height * symbols.down
        self._dots = [[0] * width for _ in range(height)]
        self._owners: list[list[int | None]] = [[None] * width for _ in range(height)]
        self._marks: dict[tuple[int, int], Cell] = {}

    def line(self, start: Dot, end: Dot, series: int, dash: Dash = SOLID, used: int = 0) -> int:
        """Draw from dot to dot as far as they are on the grid, over what is in their cells.

        Returns how much of the dashes is used, for the next line of the series to go on from.
        """
        (x, y), (end_x, end_y) = start, end
        if dash == SOLID and abs(end_x - x) <= 1:  # dense data is all upright strokes: be quick
            half, sign = int((end_y - y) / 2), (end_y > y) - (end_y < y)
            self._stroke(x, y, y + half, series)
            self._stroke(end_x, y + half + sign, end_y, series)
            return used
        period = sum(dash)
        length = max(abs(end_x - x), abs(end_y - y))
        step_x, step_y = (end_x - x) / (length or 1), (end_y - y) / (length or 1)
        for n in range(length + 1):
            if (used + n) % period < dash[0]:
                dot_y = floor(y + n * step_y + 0.5)
                self._stroke(floor(x + n * step_x + 0.5), dot_y, dot_y, series)
        return used + length

    def _stroke(self, x: int, y: int, end_y: int, series: int) -> None:
        """Draw an upright line, a cell at a time; a cell shows the dots of one series only."""
        across, down = self.symbols.across, self.symbols.down
        top, bottom = max(min(y, end_y), 0), min(max(y, end_y), self.dots_down - 1)
        if not 0 <= x < self.dots_across:
            return
        column, shift = x // across, x % across * down
        for row in range(top // down, bottom // down + 1):
            first, last = max(top - row * down, 0), min(bottom - row * down, down - 1)
            own = self._dots[row][column] if self._owners[row][column] == series else 0
            self._dots[row][column] = own | (2 << last) - (1 << first) << shift
            self._owners[row][column] = series

    def mark(self, dot: Dot, character: str, series: int) -> None:
        """Put a character, one cell wide, on the cell of a dot; lines stay behind it."""
        x, y = dot
        if 0 <= x < self.dots_across and 0 <= y < self.dots_down:
            self._marks[y // self.symbols.down, x // self.symbols.across] = character, series

    def rows(self) -> list[list[Cell]]:
        """Return the grid, row by row from the top."""
        grid: list[list[Cell]] = [
            [(self.symbols.dots[dots], owner) for dots, owner in zip(*row, strict=True)]
            for row in zip(self._dots, self._owners, strict=True)
        ]
        for (row, column), cell in self._marks.items():
            grid[row][column] = cell
        return grid


def draw_line(
    raster: Raster, buckets: Iterable[Bucket], y_range: Range, series: int, dash: Dash = SOLID
) -> None:
    """Draw a series as a line through its buckets, broken where points are missing."""
    dots, bottom = raster.dots_down, raster.dots_down - 1
    used, exit_dot = 0, (0, 0)
    for bucket in buckets:
        x = bucket.column
        if bucket.joined:
            entry = x, bottom - dot_of(bucket.first, y_range, dots)
            used = raster.line(exit_dot, entry, series, dash, used)
        top = bottom - dot_of(bucket.high, y_range, dots)
        low = bottom - dot_of(bucket.low, y_range, dots)
        used = raster.line((x, top), (x, low), series, dash, used)
        exit_dot = x, bottom - dot_of(bucket.last, y_range, dots)


def draw_marks(
    raster: Raster, buckets: Iterable[Bucket], y_range: Range, series: int, character: str
) -> None:
    """Draw a series as single characters, where a column has many at its extremes."""
    dots = raster.dots_down
    for bucket in buckets:
        for value in (bucket.low, bucket.high):
            raster.mark((bucket.column, dots - 1 - dot_of(value, y_range, dots)), character, series)


# --- cells of text ---

Piece = tuple[str, str]
"""Some text and the name of the style it is written in."""
Row = list[Piece]
"""One piece for each cell of a line; an empty one stands behind a character two cells wide."""


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


def changed(before: Row, now: Row) -> tuple[int, int] | None:
    """Return the first cell that differs and the end of those that do, or None."""
    differing = [x for x, (a, b) in enumerate(zip(before, now, strict=True)) if a != b]
    if not differing:
        return None
    end = differing[-1] + 1
    splits_wide_character = end < len(now) and not now[end][0]
    return differing[0], end + splits_wide_character


def put_legend(plot: list[Row], lines: list[list[Piece]]) -> None:
    """Write the legend into the upper right corner, or the lower if less is hidden there."""
    width, height = max(map(width_of, lines)) + 1, len(lines)

    def hidden(top: int) -> int:
        return sum(c != " " for row in plot[top : top + height] for c, _ in row[-width:])

    top = min(0, len(plot) - height, key=hidden)
    for row, line in zip(plot[top:], lines, strict=False):
        put(row, max(len(row) - width_of(line) - 1, 0), [(" ", line[0][1]), *line])


def aligned(entries: list[list[Piece]]) -> list[list[Piece]]:
    """Pad the entries to one width in front of their last pieces, so that they form columns."""
    width = max(map(width_of, entries))
    return [[*e[:-1], (" " * (width - width_of(e)), e[0][1]), e[-1]] for e in entries]
