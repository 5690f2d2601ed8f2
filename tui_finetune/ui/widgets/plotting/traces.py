"""The series of a chart, and what is remembered of each so that new points cost only themselves."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nextafter

from tui_finetune.ui.widgets.plotting.axes import Range, robust_range
from tui_finetune.ui.widgets.plotting.buckets import measure
from tui_finetune.ui.widgets.plotting.smoothing import Smoothed, Smoothing

# A range without outliers is told from about this many points of a series.
_SAMPLE = 500


@dataclass(frozen=True)
class Series:
    """One series of a chart.

    `xs` and `ys` may be the same growing objects each time the series is shown: only what was
    added to them is looked at.
    """

    name: str
    """Shown in the legend; may be any text."""
    xs: Sequence[float]
    """Ascending; equal values are allowed."""
    ys: Sequence[float]
    """As many as `xs`; NaN or infinity is a gap."""
    style: str
    """A colour or a style with theme variables, such as "$text-primary" or "bold red"."""
    mark: str | None = None
    """A character one cell wide that is drawn at each point instead of a line."""
    connected: bool = False
    """Whether a dotted line joins the marks."""
    dash: int = 0
    """0 solid, 1 dashed, 2 dotted, and two more: tells lines apart without colour."""
    smooth: bool = False
    """Whether the smoothing of the chart applies to it."""


class Trace:
    """A series as far as the chart knows it."""

    def __init__(self, series: Series) -> None:
        """Take over the series with all of its points."""
        self.smoothed: Smoothed | None = None
        self._follow(series)
        self._measured: tuple[Range, float, int, Range | None] | None = None

    def goes_on_as(self, series: Series) -> bool:
        """Take over a series if it holds the known points, and perhaps more; tell whether it does.

        For the same lists as before the last known point stands for all of them.
        """
        before, known = self.series, self._known
        if min(len(series.xs), len(series.ys)) < known:
            return False
        if series.xs is before.xs and series.ys is before.ys:
            same = _packed(series.xs[known - 1 : known], series.ys[known - 1 : known]) == self._last
        else:
            same = _packed(series.xs[:known], series.ys[:known]) == _packed(
                before.xs[:known], before.ys[:known]
            )
        if same:
            self._follow(series)
        return same

    def _follow(self, series: Series) -> None:
        self.series = series
        self._known = end = min(len(series.xs), len(series.ys))
        self._last = _packed(series.xs[max(end - 1, 0) : end], series.ys[max(end - 1, 0) : end])

    @property
    def end(self) -> int:
        """Index after the last point; less than was known if points were taken away since."""
        return min(self._known, len(self.series.xs), len(self.series.ys))

    def smooth(self, smoothing: Smoothing) -> None:
        """Bring the moving average up to the points, where the series wants one."""
        if not (self.series.smooth and smoothing.weight):
            self.smoothed = None
            return
        if self.smoothed is None or self.smoothed.smoothing != smoothing:
            self.smoothed = Smoothed(smoothing)
        self.smoothed.extend(self.series.xs, self.series.ys, self.end)

    def limits(self) -> Range | None:
        """Return the first and the last x, or None."""
        return (self.series.xs[0], self.series.xs[self.end - 1]) if self.end else None

    def y_extent(self, x_range: Range, floor: float, robust: bool) -> Range | None:
        """Return `extent`, or `robust_extent`."""
        return (self.robust_extent if robust else self.extent)(x_range, floor)

    def extent(self, x_range: Range, floor: float) -> Range | None:
        """Return the least and the greatest y with a place on the axis in a range of x, or None."""
        first, last = self._indices(x_range)
        if first == last:  # between two points: the line from one to the other is in sight
            first, last = max(first - 1, 0), min(last + 1, self.end)
        found: Range | None = None
        if self._measured is not None and self._measured[:2] == (x_range, floor):
            first, found = max(first, self._measured[2]), self._measured[3]
        if new := measure(self.series.ys[first:last], floor):
            low, high = found or (new.low, new.high)
            found = min(low, new.low), max(high, new.high)
        self._measured = x_range, floor, max(first, last), found
        return found

    def robust_extent(self, x_range: Range, floor: float) -> Range | None:
        """Like `extent`, without the outliers."""
        first, last = self._indices(x_range)
        stride = (last - first) // _SAMPLE + 1
        sample = measure(self.series.ys[first:last:stride], floor)
        return robust_range(sorted(sample.values)) if sample else None

    def _indices(self, x_range: Range) -> tuple[int, int]:
        xs, end = self.series.xs, self.end
        return bisect_left(xs, x_range[0], 0, end), bisect_right(xs, x_range[1], 0, end)

    def neighbour(self, x: float, direction: int, x_range: Range) -> float | None:
        """Return the nearest x of a point in the range right (1) or left (-1) of `x`, or None."""
        xs, (low, high) = self.series.xs, x_range
        if direction > 0:
            index = bisect_right(xs, max(x, nextafter(low, -inf)), 0, self.end)
        else:
            index = bisect_left(xs, min(x, nextafter(high, inf)), 0, self.end) - 1
        found = xs[index] if 0 <= index < self.end else inf
        return found if low <= found <= high else None

    def index_at(self, x: float) -> int | None:
        """Return the index of the last point at or left of `x`, or None."""
        index = bisect_right(self.series.xs, x, 0, self.end) - 1
        return index if index >= 0 else None


def _packed(*sequences: Sequence[float]) -> list[bytes]:
    """Return the bits of the numbers, in which NaN equals NaN."""
    arrays = (
        values if isinstance(values, array) and values.typecode == "d" else array("d", values)
        for values in sequences
    )  # to make an array of an array takes a hundred times as long as its bits do
    return [numbers.tobytes() for numbers in arrays]
