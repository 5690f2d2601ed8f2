"""Exponential moving averages that go on where they left off when points are added."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

from tui_finetune.ui.widgets.plotting.axes import LARGEST

# A weight by distance is the weight over a thousandth of the axis, as on a chart of that width.
_AXIS_PARTS = 1000


@dataclass(frozen=True)
class Smoothing:
    """How strongly, and over what, a curve is smoothed."""

    weight: float
    """0 leaves the curve as it is; 0.99 lets a new point count for a hundredth."""
    span: float | None = None
    """None: every point counts alike. Else the length of the x axis: close points count less."""


class Smoothed:
    """The moving average of a growing series, without its bias towards zero at the beginning.

    By points: s = w s + (1 - w) y, shown as s / (1 - w^n), as TensorBoard does.
    By distance: s = v s + y and d = v d + 1 with v = sqrt(w) to the power of the distance in
    thousandths of the axis, shown as s / d: W&B's time-weighted average.
    A value that is no number stays one, and does not count.
    """

    def __init__(self, smoothing: Smoothing) -> None:
        """Begin with no points."""
        self.smoothing = smoothing
        self.values = array("d")
        self._sum = 0.0
        self._weights = 0.0
        self._x = nan

    def extend(self, xs: Sequence[float], ys: Sequence[float], end: int) -> None:
        """Take in the points up to the index `end` that are not in yet."""
        if self.smoothing.span is None:
            self._by_point(ys, end)
        else:
            self._by_distance(xs, ys, end, self.smoothing.span)

    def _by_point(self, ys: Sequence[float], end: int) -> None:
        keep = self.smoothing.weight
        total, weights, append = self._sum, self._weights, self.values.append
        for y in ys[len(self.values) : end]:
            if -LARGEST < y < LARGEST:
                total = keep * total + y
                weights = keep * weights + 1.0
                append(total / weights)
            else:
                append(nan)
        self._sum, self._weights = total, weights

    def _by_distance(self, xs: Sequence[float], ys: Sequence[float], end: int, span: float) -> None:
        base = min(sqrt(self.smoothing.weight), 0.999)
        total, weights, append = self._sum, self._weights, self.values.append
        before, distance, keep = self._x, nan, 0.0
        start = len(self.values)
        for x, y in zip(xs[start:end], ys[start:end], strict=True):
            if not -LARGEST < y < LARGEST:
                append(nan)
                continue
            if x - before != distance:  # mostly the same from point to point, and a power is slow
                distance = x - before
                keep = base ** (distance / span * _AXIS_PARTS) if weights else 0.0
            before = x
            total = keep * total + y
            weights = keep * weights + 1.0
            append(total / weights)
        self._sum, self._weights, self._x = total, weights, before
