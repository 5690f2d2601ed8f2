"""How the curves of a run are drawn: their looks, and the axes that all charts share."""

import math
from collections.abc import Sequence

from tui_finetune.runs.charts import Line
from tui_finetune.runs.curves import AXES, Axis, Curve
from tui_finetune.ui.panes.watch_feed import Snapshot
from tui_finetune.ui.widgets.line_chart import Series

_TRAIN_STYLES = ("$primary", "$success", "$error", "$secondary")
_MARK_STYLES = ("$warning", "$success", "$error", "$secondary")
_MARKS = ("●", "▲", "■", "◆")


def series_of(line: Line, curve: Curve, number: int, axis: Axis, alone: bool) -> Series:
    """Return a line of a chart as it is drawn, without the points of which no x is known.

    `number` is its place in the chart; one that is `alone` there has the title for a name.
    """
    xs, ys = curve.placed(axis)
    if line.role == "validation":
        style, mark = _MARK_STYLES[number % 4], _MARKS[number % 4]
        if number == 1:  # beside a train curve: the same look as when it is alone
            style, mark = _MARK_STYLES[0], _MARKS[0]
        return Series(line.name, xs, ys, style, mark, connected=True)
    return Series(
        "" if alone else line.name,
        xs,
        ys,
        _TRAIN_STYLES[number % 4],
        dash=number,
        smooth=line.key != "learning_rate",
    )


def known_axes(run: Snapshot | None) -> list[Axis]:
    """Return the axes on which the places of the logged figures are known."""
    curves = run.curves.values() if run else ()
    return ["step", *(axis for axis in AXES[1:] if any(curve.ends_on(axis) for curve in curves))]


def axis_range(run: Snapshot, axis: Axis) -> tuple[float, float]:
    """Return the range of x that all charts share: the whole way, as far as it is known."""
    if axis == "step" and run.total_steps:
        return 0.0, float(max(run.total_steps, run.step, 1))
    ends = [curve.xs(axis)[-1] for curve in run.curves.values() if curve]
    end = max((x for x in ends if not math.isnan(x)), default=1.0)
    if axis == "epoch":
        return 0.0, max(run.status.epochs, end)
    return 0.0, _with_room(end) if run.active else max(end, 1.0)


def place_of_best(run: Snapshot, axis: Axis) -> float | None:
    """Return where the best epoch is on an axis, or None."""
    if run.best is None:
        return None
    for key, curve in run.curves.items():
        if key.startswith("eval_") and run.best.step in curve.steps:
            x = curve.xs(axis)[curve.steps.index(run.best.step)]
            return None if math.isnan(x) else x
    return None


def share_range(shares: Sequence[float]) -> tuple[float, float]:
    """Return the y axis for shares of rows: up to 1, and from a tenth below the lowest."""
    lowest = min((share for share in shares if math.isfinite(share)), default=0.1)
    return max(math.floor(lowest * 10 - 0.5) / 10, 0.0), 1.0


def _with_room(end: float) -> float:
    """Return a little more, so that the axis does not change with every point."""
    unit = 10.0 ** math.floor(math.log10(max(end, 1.0))) / 4
    return (math.floor(end / unit) + 1) * unit
