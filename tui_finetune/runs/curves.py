"""One logged number over a run: where on each axis it was logged, and its values."""

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal, get_args

Axis = Literal["step", "epoch", "time", "tokens"]
AXES: tuple[Axis, ...] = get_args(Axis)

UNKNOWN = math.nan


def _numbers() -> "array[float]":
    return array("d")


@dataclass
class Curve:
    """One number in the order of steps; all five arrays have one length.

    `times` are seconds since the training began, `tokens` the input tokens seen until then;
    NaN is unknown. In `values` NaN is a gap: something was logged that is no finite number.
    """

    steps: "array[float]" = field(default_factory=_numbers)
    epochs: "array[float]" = field(default_factory=_numbers)
    times: "array[float]" = field(default_factory=_numbers)
    tokens: "array[float]" = field(default_factory=_numbers)
    values: "array[float]" = field(default_factory=_numbers)
    final: bool = field(default=False, compare=False, repr=False)
    """Whether others have it, perhaps in another thread: it is copied before more comes."""

    def __len__(self) -> int:
        return len(self.steps)

    def append(
        self, step: float, epoch: float, time: float, tokens: float, value: float | None
    ) -> None:
        """Add a value; one at an earlier step than the last takes the place of what followed it.

        Raises `OverflowError`, and adds nothing, for a whole number too large for a float.
        """
        finite = value is not None and math.isfinite(value)
        if self.steps and step < self.steps[-1]:
            self.cut(step)
        if self.times and time < self.times[-1]:
            time = self.times[-1]  # the clock was set back
        self.steps.append(step)
        self.epochs.append(epoch)
        self.times.append(time)
        self.tokens.append(tokens)
        self.values.append(value if finite and value is not None else math.nan)

    def copy(self) -> "Curve":
        """Return a curve with the same values that may grow."""
        return Curve(
            self.steps[:], self.epochs[:], self.times[:], self.tokens[:], self.values[:]
        )  # fmt: skip

    def cut(self, step: float) -> None:
        """Forget the values from this step on."""
        first = bisect_left(self.steps, step)
        for numbers in (self.steps, self.epochs, self.times, self.tokens, self.values):
            del numbers[first:]

    def xs(self, axis: Axis) -> "array[float]":
        """Return where the values stand on an axis."""
        return {
            "step": self.steps, "epoch": self.epochs, "time": self.times, "tokens": self.tokens,
        }[axis]  # fmt: skip

    def placed(self, axis: Axis) -> "tuple[array[float], array[float]]":
        """Return places and values without those at the beginning whose place is not known."""
        xs = self.xs(axis)
        known = next((n for n, x in enumerate(xs) if not math.isnan(x)), len(xs))
        return (xs[known:], self.values[known:]) if known else (xs, self.values)

    def ends_on(self, axis: Axis) -> bool:
        """Return whether it is known where the last value stands on an axis."""
        return bool(self.steps) and not math.isnan(self.xs(axis)[-1])

    def knows(self, axis: Axis) -> bool:
        """Return whether each value has its place on an axis."""
        return bool(self.steps) and not any(map(math.isnan, self.xs(axis)))

    def last(self) -> float | None:
        """Return the newest value that is a number, or None."""
        return next((value for value in reversed(self.values) if not math.isnan(value)), None)
