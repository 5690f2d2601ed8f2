"""Moving averages, compared with the published formulas written out plainly."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isnan, nan

import pytest

from tui_finetune.ui.widgets.plotting.smoothing import Smoothed, Smoothing

XS = [0.0, 1.0, 2.0, 4.0, 8.0, 8.0, 20.0, 21.0, 50.0, 100.0]
YS = [3.0, 2.0, 2.5, 2.2, 1.0, 1.4, 1.1, 0.9, 1.0, 0.8]


def tensorboard(ys: Sequence[float], weight: float) -> list[float]:
    last, found = 0.0, []
    for count, y in enumerate(ys, 1):
        last = last * weight + (1 - weight) * y
        found.append(last / (1 - weight**count))
    return found


def wandb_time_weighted(
    xs: Sequence[float], ys: Sequence[float], weight: float, span: float
) -> list[float]:
    found = []
    for n in range(len(ys)):
        weights = [min(weight**0.5, 0.999) ** ((xs[n] - xs[k]) / span * 1000) for k in range(n + 1)]
        values = zip(weights, ys, strict=False)
        found.append(sum(w * y for w, y in values) / sum(weights))
    return found


def smoothed(smoothing: Smoothing, xs: Sequence[float], ys: Sequence[float]) -> array[float]:
    average = Smoothed(smoothing)
    average.extend(xs, ys, len(ys))
    return average.values


@pytest.mark.parametrize("weight", [0.6, 0.9, 0.99])
def test_smoothing_by_points_is_tensorboards(weight: float) -> None:
    assert list(smoothed(Smoothing(weight), XS, YS)) == pytest.approx(tensorboard(YS, weight))


@pytest.mark.parametrize("weight", [0.6, 0.9, 0.999])
def test_smoothing_by_distance_is_the_time_weighted_average(weight: float) -> None:
    span = 10_000.0
    found = smoothed(Smoothing(weight, span), XS, YS)
    assert list(found) == pytest.approx(wandb_time_weighted(XS, YS, weight, span))


def test_by_distance_twice_as_many_points_smooth_no_more() -> None:
    xs = [float(x) for x in range(1000)]
    ys = [float(x > 500) for x in range(1000)]
    sparse = smoothed(Smoothing(0.9, 1000.0), xs[::2], ys[::2])
    dense = smoothed(Smoothing(0.9, 1000.0), xs, ys)
    assert sparse[255] == pytest.approx(dense[510], abs=0.05)
    assert smoothed(Smoothing(0.9), xs, ys)[510] != pytest.approx(
        smoothed(Smoothing(0.9), xs[::2], ys[::2])[255], abs=0.1
    )


@pytest.mark.parametrize("span", [None, 500.0])
def test_a_gap_stays_a_gap_and_does_not_count(span: float | None) -> None:
    ys = [1.0, nan, 2.0, float("inf"), 3.0]
    xs = [0.0, 1.0, 2.0, 3.0, 4.0]
    found = smoothed(Smoothing(0.9, span), xs, ys)
    assert [isnan(value) for value in found] == [False, True, False, True, False]
    without = smoothed(Smoothing(0.9, span), xs[::2], ys[::2])
    assert list(found[::2]) == pytest.approx(list(without))


@pytest.mark.parametrize("span", [None, 500.0])
def test_points_added_in_parts_come_to_the_same(span: float | None) -> None:
    parts = Smoothed(Smoothing(0.9, span))
    for end in (1, 2, 5, 5, 9, 10):
        parts.extend(XS, YS, end)
    assert parts.values == smoothed(Smoothing(0.9, span), XS, YS)
