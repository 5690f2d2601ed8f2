"""How far a run is and how long the rest takes, from what was measured."""

import math
import statistics
from bisect import bisect_right
from itertools import pairwise

from tui_finetune.runs.curves import Curve
from tui_finetune.runs.history import Epoch, History

# So many of the newest steps say how fast the run is now.
_STEPS_MEASURED = 200

# A gap between two steps this many times the usual one is a pause (a stop and a resume).
_PAUSE_FACTOR = 10


def last_step(history: History) -> int:
    """Return the last step of which anything was logged."""
    return int(max((curve.steps[-1] for curve in history.curves.values() if curve), default=0))


def seconds_left(history: History, step: int, total_steps: int) -> float | None:
    """Return how long the rest takes if steps and evaluations take as long as those measured.

    The time until the first logged step is left out: it holds the loading and the warming up.
    None until there are two steps to measure.
    """
    course = _course(history)
    times = course.times[-_STEPS_MEASURED:]
    borders = {point.step for point in history.evaluations}
    steps: list[tuple[float, float]] = []
    evaluations: list[tuple[float, float]] = []
    for before, after in pairwise(zip(course.steps[-_STEPS_MEASURED:], times, strict=True)):
        taken, seconds = after[0] - before[0], after[1] - before[1]
        if taken > 0 and not math.isnan(seconds):
            crossed = any(border in borders for border in range(int(before[0]), int(after[0])))
            (evaluations if crossed else steps).append((seconds, taken))
    if not steps:
        return None
    usual = statistics.median(seconds / count for seconds, count in steps)
    steps = [(s, count) for s, count in steps if s / count <= usual * _PAUSE_FACTOR] or steps
    per_step = sum(seconds for seconds, _ in steps) / sum(count for _, count in steps)
    extra = [max(seconds - count * per_step, 0.0) for seconds, count in evaluations]
    per_evaluation = statistics.median(extra) if extra else 0.0
    remaining = max(total_steps - step, 0)
    coming = -(-remaining // history.steps_per_epoch) if history.steps_per_epoch else 0
    return remaining * per_step + coming * per_evaluation


def unfinished_epoch(history: History, step: int) -> Epoch | None:
    """Return the epoch after the last evaluation as far as it went, or None."""
    since = history.evaluations[-1].step if history.evaluations else 0
    if step <= since or not history.steps_per_epoch:
        return None
    curve = history.curves.get("loss", Curve())
    first = bisect_right(curve.steps, since)
    total = weight = 0.0
    previous = float(since)
    for at, loss in zip(curve.steps[first:], curve.values[first:], strict=True):
        if not math.isnan(loss):
            total += loss * (at - previous)
            weight += at - previous
        previous = at
    number = (step - 1) // history.steps_per_epoch + 1
    return Epoch(float(number), step, total / weight if weight else None, {})


def _course(history: History) -> Curve:
    """Return the curve that has each logged step of the training."""
    trained = (curve for key, curve in history.curves.items() if not key.startswith("eval_"))
    return history.curves.get("loss") or next(trained, Curve())
