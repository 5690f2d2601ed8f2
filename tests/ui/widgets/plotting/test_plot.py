"""The picture of the curves is the same whether drawn at once or as the points came in."""

from __future__ import annotations

import random
from array import array
from math import exp, nan

import pytest

from tui_finetune.ui.widgets.plotting.axes import Scale
from tui_finetune.ui.widgets.plotting.plot import FAINT, Plot
from tui_finetune.ui.widgets.plotting.raster import BRAILLE
from tui_finetune.ui.widgets.plotting.smoothing import Smoothing
from tui_finetune.ui.widgets.plotting.traces import Series, Trace

X, Y = Scale(0, 1000, 120), Scale(0, 2, 40)


def text_of(plot: Plot) -> list[str]:
    return ["".join(character for character, _ in row) for row in plot.rows]


def noisy(count: int) -> tuple[array[float], array[float]]:
    rng = random.Random(count)
    xs = array("d", (1000 * n / count for n in range(count)))
    ys = array("d", (2 * exp(-x / 400) + rng.gauss(0, 0.2) for x in xs))
    for n in range(count // 3, count // 3 + count // 20 + 1):
        ys[n] = nan
    return xs, ys


@pytest.mark.parametrize("count", [30, 200, 5000])
@pytest.mark.parametrize("weight", [0.0, 0.9])
@pytest.mark.parametrize("dash", [0, 1, 3])
def test_points_that_come_in_bit_by_bit_leave_the_same_picture(
    count: int, weight: float, dash: int
) -> None:
    xs, ys = noisy(count)
    marks = array("d", range(100, 1000, 100)), array("d", [1.5] * 9)
    grown_xs, grown_ys, late_xs, late_ys = (array("d") for _ in range(4))

    def both(first: tuple[array[float], array[float]], second: tuple[array[float], array[float]]):  # type: ignore[no-untyped-def]
        return [
            Series("train", *first, "red", dash=dash, smooth=True),
            Series("eval", *second, "blue", mark="●", connected=True),
        ]

    plot = Plot(BRAILLE)
    live = both((grown_xs, grown_ys), (late_xs, late_ys))
    traces = [Trace(one) for one in live]
    for n in range(count):
        grown_xs.append(xs[n])
        grown_ys.append(ys[n])
        while len(late_xs) < 9 and marks[0][len(late_xs)] <= xs[n]:
            late_ys.append(1.5)
            late_xs.append(marks[0][len(late_xs)])
        if n % max(count // 40, 1) and n < count - 1:
            continue
        for trace, one in zip(traces, live, strict=True):
            assert trace.goes_on_as(one)
            trace.smooth(Smoothing(weight))
        plot.draw(traces, X, Y)
    at_once = Plot(BRAILLE)
    whole = [Trace(one) for one in both((xs, ys), marks)]
    for trace in whole:
        trace.smooth(Smoothing(weight))
    assert plot.rows == at_once.draw(whole, X, Y)
    assert plot.outside == at_once.outside > 0


def test_the_raw_points_stay_faintly_behind_the_smoothed_line() -> None:
    trace = Trace(Series("train", *noisy(5000), "red", smooth=True))
    trace.smooth(Smoothing(0.99))
    rows = Plot(BRAILLE).draw([trace], X, Y)
    styles = [style for row in rows for _, style in row]
    assert styles.count(FAINT + "red") > 100
    assert styles.count("red") > 30


def test_a_gap_is_a_gap_in_the_smoothed_line_too() -> None:
    xs = array("d", range(1000))
    ys = array("d", (nan if 400 <= x < 600 else 1.0 for x in xs))
    trace = Trace(Series("train", xs, ys, "red", smooth=True))
    trace.smooth(Smoothing(0.9))
    plot = Plot(BRAILLE)
    plot.draw([trace], X, Y)
    drawn = "".join(max(column) for column in zip(*text_of(plot), strict=True))
    assert drawn[25:35] == " " * 10
    assert " " not in drawn[:23]
    assert " " not in drawn[37:59]


def test_a_plot_without_points_in_sight_is_empty() -> None:
    plot = Plot(BRAILLE)
    plot.draw([Trace(Series("train", [1.0], [nan], "red"))], X, Y)
    assert plot.is_empty
    assert set("".join(text_of(plot))) == {" "}
