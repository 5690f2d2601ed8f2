"""What a chart remembers of its series from one time to the next."""

from array import array
from math import inf, nan

from tui_finetune.ui.widgets.plotting.smoothing import Smoothing
from tui_finetune.ui.widgets.plotting.traces import Series, Trace


def series(xs: list[float], ys: list[float], **more: object) -> Series:
    return Series("loss", array("d", xs), array("d", ys), "red", **more)  # type: ignore[arg-type]


def test_a_series_that_only_grew_goes_on() -> None:
    one = series([1, 2], [0.5, nan])
    trace = Trace(one)
    one.xs.append(3)  # type: ignore[attr-defined]
    one.ys.append(0.4)  # type: ignore[attr-defined]
    assert trace.goes_on_as(one)
    assert trace.end == 3
    assert trace.goes_on_as(series([1, 2, 3, 4], [0.5, nan, 0.4, 0.3]))
    assert trace.end == 4


def test_a_series_that_lost_points_begins_anew_even_if_it_has_grown_again() -> None:
    xs, ys = array("d", [1, 2, 3, 4]), array("d", [4, 3, 2, 1])
    one = Series("loss", xs, ys, "red")
    trace = Trace(one)
    del xs[2:], ys[2:]
    assert not trace.goes_on_as(one)
    trace = Trace(Series("loss", array("d", [1, 2, 3, 4]), array("d", [4, 3, 2, 1]), "red"))
    held = trace.series
    del held.xs[2:], held.ys[2:]  # type: ignore[attr-defined]
    held.xs.extend([3, 4, 5])  # type: ignore[attr-defined]
    held.ys.extend([9, 8, 7])  # type: ignore[attr-defined]
    assert not trace.goes_on_as(held)


def test_other_data_of_the_same_length_and_the_same_end_begin_anew() -> None:
    trace = Trace(series([0, 1, 2], [0, 5e-5, 0]))
    assert not trace.goes_on_as(series([0, 1, 2], [0, 1e-5, 0]))


def test_the_extent_knows_only_what_is_drawn_in_the_range_of_x() -> None:
    trace = Trace(series([0, 1, 2, 3, 4, 5], [9, 2, nan, -1, -inf, 3]))
    assert trace.extent((1, 5), -inf) == (-1, 3)
    assert trace.extent((1, 5), 0.0) == (2, 3)
    assert trace.extent((2, 2), 0.0) is None
    assert Trace(series([], [])).extent((0, 1), 0.0) is None


def test_the_extent_takes_in_new_points() -> None:
    one = series([0, 1], [1, 2])
    trace = Trace(one)
    assert trace.extent((0, 9), 0.0) == (1, 2)
    one.xs.append(2)  # type: ignore[attr-defined]
    one.ys.append(7)  # type: ignore[attr-defined]
    assert trace.goes_on_as(one)
    assert trace.extent((0, 9), 0.0) == (1, 7)
    assert trace.extent((0, 1), 0.0) == (1, 2)


def test_the_neighbour_is_the_next_x_within_the_range() -> None:
    trace = Trace(series([0, 10, 20, 30], [1, nan, 2, 3]))
    assert trace.neighbour(10, 1, (0, 25)) == 20
    assert trace.neighbour(20, 1, (0, 25)) is None
    assert trace.neighbour(inf, -1, (0, 25)) == 20
    assert trace.neighbour(-inf, 1, (5, 25)) == 10
    assert Trace(series([], [])).neighbour(0, 1, (0, 25)) is None


def test_the_point_at_an_x_is_the_last_one_that_is_not_right_of_it() -> None:
    trace = Trace(series([0, 10, 10, 20], [1, 2, 3, 4]))
    assert [trace.index_at(x) for x in (-1, 0, 9, 10, 99)] == [None, 0, 0, 2, 3]


def test_only_a_series_that_wants_it_is_smoothed() -> None:
    plain, wanted = Trace(series([0, 1], [1, 3])), Trace(series([0, 1], [1, 3], smooth=True))
    for trace in (plain, wanted):
        trace.smooth(Smoothing(0.5))
    assert plain.smoothed is None
    assert wanted.smoothed is not None
    assert list(wanted.smoothed.values) == [1, (0.5 * 1 + 3) / 1.5]
    wanted.smooth(Smoothing(0.0))
    assert wanted.smoothed is None
