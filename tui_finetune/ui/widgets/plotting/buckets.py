"""A series condensed to what can be seen of it: one bucket for each column of dots."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

from tui_finetune.ui.widgets.plotting.axes import LARGEST, Scale


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
    dash_at: int = 0
    """How far along the dashes of the line the bucket begins; set when it is drawn."""


@dataclass
class Buckets:
    """A series with ascending x, one bucket for each dot column that has points.

    The nearest point to the left and to the right of the scale of x is in too, so that the line
    reaches the edge. Points may be added at any time; what is condensed is not looked at again.
    """

    x: Scale
    y: Scale
    items: list[Bucket] = field(default_factory=list)
    end: int = 0
    """Index after the last point that was added."""
    left_out: int = 0
    """Points in sight that are numbers, but have no place on a logarithmic axis."""
    outside: int = 0
    """Points in sight that are above or below the scale of y."""
    _gap: bool = True

    def add(self, xs: Sequence[float], ys: Sequence[float], end: int) -> None:
        """Add the points up to the index `end` that are not in yet."""
        first = bisect_left(xs, self.x.low, 0, end)
        if first == end:  # nothing has come into sight yet
            return
        start = self.end or max(first - 1, 0)
        end = min(bisect_right(xs, self.x.high, 0, end) + 1, end)
        while start < end:
            column = self.x.dot(xs[start])
            stop = self._end_of(column, xs, start + 1, end)
            self._add_column(column, ys[start:stop])
            start = self.end = stop

    def _end_of(self, column: int, xs: Sequence[float], start: int, end: int) -> int:
        """Return the index after the last point of a column, given the index of a later one."""
        stop = bisect_left(xs, self.x.value(column + 0.5), start, end)
        while stop < end and self.x.dot(xs[stop]) <= column:  # the last bit of a division
            stop += 1
        while stop > start and self.x.dot(xs[stop - 1]) > column:
            stop -= 1
        return stop

    def _add_column(self, column: int, values: Sequence[float]) -> None:
        floor = self.y.floor
        in_sight = 0 <= column < self.x.dots
        found = measure(values, floor)
        if in_sight and self.y.log and (found is None or found.values is not values):
            self.left_out += sum(-LARGEST < value <= floor for value in values)
        if found is None:
            self._gap = True
            return
        good, low, high = found.values, found.low, found.high
        if in_sight and (low < self.y.low or high > self.y.high):
            self.outside += sum(not self.y.holds(value) for value in good)
        bucket = self.items[-1] if self.items else None
        if bucket is not None and bucket.column == column:
            bucket.low, bucket.high = min(bucket.low, low), max(bucket.high, high)
            bucket.last = good[-1]
        else:
            joined = not self._gap and floor < values[0] < LARGEST
            self.items.append(Bucket(column, good[0], low, high, good[-1], joined))
        self._gap = not floor < values[-1] < LARGEST


@dataclass(frozen=True, slots=True)
class Measured:
    """The values that have a place on an axis, with the least and the greatest of them."""

    values: Sequence[float]
    low: float
    high: float


def measure(values: Sequence[float], floor: float) -> Measured | None:
    """Return those values that are numbers above `floor` and not too large; None without any."""
    # A sum is finite only if all values are, and it is much faster than a look at each of them.
    if values and isfinite(sum(values)):
        low, high = min(values), max(values)
        if floor < low and high < LARGEST:
            return Measured(values, low, high)
    good = [value for value in values if floor < value < LARGEST]
    return Measured(good, min(good), max(good)) if good else None
