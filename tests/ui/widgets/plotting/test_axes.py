"""Ranges and ticks of the axes, and the dot a value falls on."""

from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_finetune.ui.widgets.plotting.axes import (
    Scale,
    fit_level_range,
    grow_range,
    level_ticks,
    log_ticks,
    nice_ticks,
    robust_range,
)

# --- the scale ---


def test_the_ends_of_a_range_fall_on_the_first_and_the_last_dot() -> None:
    scale = Scale(10, 20, 101)
    assert [scale.dot(value) for value in (10, 15, 20)] == [0, 50, 100]
    assert scale.dot(9) < 0
    assert scale.dot(21) > 100


def test_each_decade_of_a_logarithmic_scale_is_as_long() -> None:
    scale = Scale(1e-4, 1, 81, log=True)
    assert [scale.dot(10.0**n) for n in range(-4, 1)] == [0, 20, 40, 60, 80]


def test_far_values_and_empty_ranges_are_no_error() -> None:
    assert Scale(0, 1e-300, 10).dot(1e300) > 9
    assert Scale(3, 3, 10).dot(3) == 0


# --- ticks ---


@pytest.mark.parametrize(
    ("low", "high", "maximum", "ticks"),
    [
        (0, 1, 3, [0, 0.5, 1]),
        (0, 1, 2, [0, 1]),
        (0, 1, 11, [0.1 * n for n in range(11)]),
        (0, 150, 7, [0, 25, 50, 75, 100, 125, 150]),
        (0, 150, 4, [0, 50, 100, 150]),
        (0.13, 0.41, 3, [0.2, 0.3, 0.4]),
        (-1.2, 1.2, 5, [-1, -0.5, 0, 0.5, 1]),
        (0, 5e-5, 6, [0, 1e-5, 2e-5, 3e-5, 4e-5, 5e-5]),
        (3, 3, 5, [3]),
    ],
)
def test_ticks_are_round_and_no_more_than_asked_for(
    low: float, high: float, maximum: int, ticks: list[float]
) -> None:
    assert nice_ticks(low, high, maximum) == pytest.approx(ticks)


def test_ticks_have_no_traces_of_binary_fractions() -> None:
    assert nice_ticks(0, 1, 11)[3] == 0.3


def test_ticks_of_time_are_round_on_a_clock() -> None:
    assert nice_ticks(0, 5000, 6, "seconds") == [0, 900, 1800, 2700, 3600, 4500]


@pytest.mark.parametrize(
    ("low", "high", "maximum", "ticks"),
    [
        (1e-3, 1, 4, [1e-3, 1e-2, 0.1, 1]),
        (1e-3, 1, 12, [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1]),
        (0.2, 2, 4, [0.2, 0.5, 1, 2]),
        (1e-12, 1, 5, [1e-12, 1e-9, 1e-6, 1e-3, 1]),
        (0.2, 0.5, 4, [0.2, 0.3, 0.4, 0.5]),
    ],
)
def test_logarithmic_ticks_are_decades_with_two_and_five_where_there_is_room(
    low: float, high: float, maximum: int, ticks: list[float]
) -> None:
    assert log_ticks(low, high, maximum) == pytest.approx(ticks)


def test_tick_labels_side_by_side_keep_two_cells_between_them() -> None:
    ticks = level_ticks((0, 150_000), lambda x: round(x / 150_000 * 39), 40)
    assert [label for _, _, label in ticks] == ["0", "50k", "100k", "150k"]
    ends = [start + len(label) for _, start, label in ticks]
    assert all(ticks[n + 1][1] >= ends[n] + 2 for n in range(len(ticks) - 1))
    assert ends[-1] <= 40


# --- the range of an axis fitted to data ---


def test_a_fitted_range_leaves_head_room_and_ends_on_ticks() -> None:
    assert grow_range(0.14, 0.79) == (0.1, 0.9)


def test_a_fitted_range_stays_while_it_holds_the_data() -> None:
    assert grow_range(0.2, 0.8, (0.1, 0.9)) == (0.1, 0.9)


def test_a_fitted_range_grows_where_the_data_left_it() -> None:
    low, high = grow_range(0.2, 1.0, (0.1, 0.9))
    assert low in (0.0, 0.1)
    assert high > 1.0


@pytest.mark.parametrize("log", [False, True])
def test_a_falling_loss_moves_the_axis_only_a_few_times(log: bool) -> None:
    fitted, ranges = None, set()
    for step in range(1000):
        loss = 2.3 * 0.995**step
        fitted = grow_range(loss, loss, fitted, log=log)
        assert fitted[0] <= loss <= fitted[1]
        ranges.add(fitted)
    assert len(ranges) <= 8


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-12, 5e-324, 1e299, -1e299])
def test_a_single_value_has_a_range_around_it(value: float) -> None:
    low, high = grow_range(value, value)
    assert low <= value < high


def test_data_that_are_never_negative_get_no_negative_axis() -> None:
    assert grow_range(0.001, 10.0)[0] == 0.0


def test_a_share_of_a_hundred_gets_no_axis_beyond_it() -> None:
    assert grow_range(3.0, 99.0, unit="percent") == (0.0, 100.0)


positive = st.floats(1e-290, 1e290)


@given(positive, positive, st.none() | st.tuples(positive, positive))
def test_a_logarithmic_range_holds_the_data_between_round_ends(
    one: float, other: float, former: tuple[float, float] | None
) -> None:
    before = None if former is None else (min(former), max(former) * 2)
    low, high = grow_range(min(one, other), max(one, other), before, log=True)
    assert 0 < low < high
    assert low <= min(one, other) * (1 + 1e-9)
    assert max(one, other) <= high * (1 + 1e-9)
    if (low, high) != before:
        for end in (low, high):
            assert 10 ** (log10(end) % 1) == pytest.approx(1, rel=1e-6) or any(
                10 ** (log10(end) % 1) == pytest.approx(n, rel=1e-6) for n in (2, 5, 10)
            )


def test_an_axis_of_steps_begins_at_zero_and_grows_in_leaps() -> None:
    fitted = fit_level_range(10, 500)
    assert fitted == (0, 500)
    grown = fit_level_range(10, 501, fitted)
    assert grown[1] > 550
    assert fit_level_range(10, 550, grown) == grown
    assert fit_level_range(5000, 6000) == (5000, 6000)
    assert fit_level_range(7, 7) == (0, 7)
    assert fit_level_range(0, 0) == (0, 1)


def test_a_robust_range_leaves_out_spikes_and_keeps_everything_else() -> None:
    sample = sorted([*(n / 100 for n in range(100)), 500.0, 1e6, -80.0])
    low, high = robust_range(sample)
    assert -1 < low <= 0
    assert 0.99 <= high < 2
    even = [n / 100 for n in range(100)]
    assert robust_range(even) == (0, 0.99)
    assert robust_range([3.0]) == (3.0, 3.0)
