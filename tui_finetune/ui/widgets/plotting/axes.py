"""The axes of a chart: ranges that fit data, ticks within them, and which dot a value falls on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, floor, inf, log10

from tui_finetune.ui.widgets.plotting.units import (
    SLACK,
    Unit,
    format_log_ticks,
    format_ticks,
    nice_steps,
)

Range = tuple[float, float]
LevelTick = tuple[int, int, str]
"""The column of a tick, the column its label begins in, and the label."""

# Beyond it the differences an axis is made of would overflow; NaN and infinity fail the test too.
LARGEST = 1e300
SMALLEST = 1 / LARGEST


@dataclass(frozen=True)
class Scale:
    """A range of values laid over a row of dots; logarithmic if `log`, for values above zero."""

    low: float
    high: float
    dots: int
    log: bool = False
    _start: float = field(init=False, repr=False, compare=False)
    _factor: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        low, high = (log10(self.low), log10(self.high)) if self.log else (self.low, self.high)
        object.__setattr__(self, "_start", low)
        factor = (self.dots - 1) / (high - low) if high > low else 0.0
        object.__setattr__(self, "_factor", factor)

    def dot(self, value: float) -> int:
        """Return the number of the dot of a value; outside of the range it is outside the row."""
        if self.log:
            value = log10(value)
        # Far beyond the edge is far enough, and keeps all numbers small.
        share = (value - self._start) * self._factor
        return floor(min(max(share, -1e6), 1e6) + 0.5)

    def value(self, dot: float) -> float:
        """Return the value at a dot, or between two, of a scale that is not logarithmic."""
        return self.low + dot / self._factor if self._factor else self.high

    @property
    def floor(self) -> float:
        """What a value must be above to have a place on the axis."""
        return 0.0 if self.log else -LARGEST

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within the range."""
        return self.low <= value <= self.high


# --- ranges ---


def grow_range(
    low: float, high: float, former: Range | None = None, unit: Unit = "number", log: bool = False
) -> Range:
    """Return a range with round ends that holds `low` to `high`, and `former` if given.

    A former range that still holds the data is returned as it is. One that does not gets a quarter
    more room on the side the data left it, so that an axis changes a few times in a run and not
    with every point. Data that are never negative get no negative axis.
    """
    if former is not None and former[0] <= low and high <= former[1]:
        return former
    if log:
        return _grow_log_range(low, high, former)
    if former is None:
        size = max(abs(low), abs(high))
        flat = high - low <= max(size * 1e-6, SMALLEST)
        room = (size / 4 or 1.0) if flat else (high - low) / 20
        bottom, top = low - room, high + room
    else:
        bottom, top = min(low, former[0]), max(high, former[1])
        room = (top - bottom) / 4
        bottom -= room if low < former[0] else 0.0
        top += room if high > former[1] else 0.0
    if low >= 0:
        bottom = max(bottom, 0.0)
    if unit == "percent" and high <= 100:
        top = min(top, 100.0)
    coarse = (top - bottom) / 8
    step = next(step for step in nice_steps(coarse, unit) if step >= coarse)
    return _rounded(floor(bottom / step + SLACK) * step), _rounded(ceil(top / step - SLACK) * step)


def _grow_log_range(low: float, high: float, former: Range | None) -> Range:
    """Return a range from and to 1, 2 or 5 times a power of ten."""
    bottom, top = low, high
    if former is not None:
        room = (max(high, former[1]) / min(low, former[0])) ** 0.25
        bottom = low / room if low < former[0] else former[0]
        top = high * room if high > former[1] else former[1]
    bottom, top = max(bottom, SMALLEST), min(max(top, SMALLEST), LARGEST)
    below, above = _decade(bottom), _decade(top)
    start = max(n * below for n in (1, 2, 5) if n * below <= bottom * (1 + SLACK))
    end = min(n * above for n in (1, 2, 5, 10) if n * above >= top * (1 - SLACK))
    return _rounded(start), _rounded(end if end > start else start * 10)


def fit_level_range(low: float, high: float, former: Range | None = None) -> Range:
    """Return a range of x that holds `low` to `high`.

    It begins at zero if the data begin near it. A former range that the data left on the right
    gets an eighth more room there, so that the axis stands still between.
    """
    if former is not None and former[0] <= low and high <= former[1]:
        return former
    start = 0.0 if 0 <= low <= (high - low) / 4 or (low == high and low > 0) else low
    end = high + (high - start) / 8 if former is not None else high
    return start, end if end > start else start + 1.0


def robust_range(sample: Sequence[float]) -> Range:
    """Return the range of the data without their outliers, from an ascending sample of them.

    It reaches half of the distance between the 5th and the 95th percentile beyond these (which
    TensorBoard cuts at), and never beyond the data: only what stands far out is left outside.
    """
    low, high = sample[len(sample) // 20], sample[-1 - len(sample) // 20]
    room = (high - low) / 2 or abs(high) / 2
    return max(sample[0], low - room), min(sample[-1], high + room)


# --- ticks ---


def nice_ticks(low: float, high: float, maximum: int, unit: Unit = "number") -> list[float]:
    """Return at most `maximum` round values (1, 2, 2.5 or 5 times a power of ten) in a range.

    Seconds are round as minutes, hours and days are.
    """
    if high <= low:
        return [low]
    steps = nice_steps((high - low) / maximum, unit)
    step = next(step for step in steps if len(_multiples(low, high, step)) <= maximum)
    return [_rounded(n * step) for n in _multiples(low, high, step)]


def log_ticks(low: float, high: float, maximum: int) -> list[float]:
    """Return at most `maximum` powers of ten in a range, with 2 and 5 times them if they fit."""
    first, last = floor(log10(low) + SLACK), floor(log10(high) + SLACK)
    decades = [float(f"1e{n}") for n in range(first, last + 1)]
    for mantissas in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1,)):
        every = (_rounded(n * decade) for decade in decades for n in mantissas)
        ticks = [tick for tick in every if low * (1 - SLACK) <= tick <= high * (1 + SLACK)]
        if len(ticks) <= maximum and (len(mantissas) < 9 or len(decades) == 1):
            return ticks if len(ticks) > 1 else nice_ticks(low, high, maximum)
    powers = [decade for decade in decades if decade >= low * (1 - SLACK)]
    return powers[:: ceil(len(powers) / maximum)]


def upright_ticks(scale: Scale, maximum: int, unit: Unit) -> tuple[list[float], list[str]]:
    """Return the ticks of the y axis and their labels."""
    if scale.log:
        ticks = log_ticks(scale.low, scale.high, maximum)
        return ticks, format_log_ticks(ticks, unit)
    ticks = nice_ticks(scale.low, scale.high, maximum, unit)
    return ticks, format_ticks(ticks, unit)


def level_ticks(
    limits: Range, column_of: Callable[[float], int], width: int, unit: Unit = "number"
) -> list[LevelTick]:
    """Return as many ticks as fit on one line of `width` cells with two cells between labels."""
    former = inf
    for maximum in range(max(width // 6, 2), 1, -1):
        ticks = nice_ticks(*limits, maximum, unit)
        if len(ticks) == former:
            continue
        former = len(ticks)
        placed: list[LevelTick] = []
        for tick, label in zip(ticks, format_ticks(ticks, unit), strict=True):
            column = column_of(tick)
            start = max(min(column - len(label) // 2, width - len(label)), 0)
            placed.append((column, start, label))
        if all(right[1] - left[1] >= len(left[2]) + 2 for left, right in pairwise(placed)):
            return placed
    return []


def _multiples(low: float, high: float, step: float) -> range:
    return range(ceil(low / step - SLACK), floor(high / step + SLACK) + 1)


def _decade(value: float) -> float:
    return float(f"1e{floor(log10(value) + SLACK)}")


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")  # 3 * 0.1 is 0.30000000000000004
