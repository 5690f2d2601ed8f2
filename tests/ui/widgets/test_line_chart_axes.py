"""The axes of the line chart: fitted, given, logarithmic, in their units."""

import math
from itertools import pairwise

from .chart_app import (
    LOSS,
    TRAIN,
    VALIDATION,
    braille_in,
    screen_of,
    series,
    shown,
    text_of,
)


# --- the fitted axis ---
async def test_the_y_axis_stands_still_when_points_come_in() -> None:
    async with shown() as (chart, _):
        axes = set()
        for count in range(1, len(LOSS) + 1):
            chart.show([series("train", LOSS[:count], "red")], (0, 150))
            axes.add(tuple(line[:4] for line in text_of(chart).splitlines()))
        assert len(axes) <= 4


async def test_a_new_best_line_does_not_fit_the_axis_again() -> None:
    async with shown() as (chart, _):
        chart.show([TRAIN], (0, 150))
        before = [line[:4] for line in text_of(chart).splitlines()]
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        assert [line[:4] for line in text_of(chart).splitlines()] == before


async def test_series_shown_together_are_fitted_together() -> None:
    low, high = [(0.0, 0.3), (9.0, 0.7)], [(0.0, 1.0), (9.0, 0.9)]
    async with shown() as (chart, _):
        chart.show([series("low", low, "red"), series("high", high, "blue")], (0, 10))
        one_way = text_of(chart).splitlines()[1:]
        chart.show([])
        chart.show([series("high", high, "blue"), series("low", low, "red")], (0, 10))
        assert [line[:4] for line in text_of(chart).splitlines()[1:]] == [
            line[:4] for line in one_way
        ]
        assert not any(line.startswith("1.2") for line in one_way)


async def test_other_data_fit_the_axis_again() -> None:
    async with shown() as (chart, _):
        chart.show([series("train", [(1.0, 900.0), (2.0, 1.0)], "red")], (0, 150))
        chart.show([series("train", [(1.0, 0.9), (2.0, 0.8)], "red")], (0, 150))
        assert "0.8" in text_of(chart)[:400]
        assert "900" not in text_of(chart)


# --- the axes ---
async def test_the_x_axis_is_fitted_when_no_range_is_given() -> None:
    async with shown() as (chart, _):
        points = [(float(x), 1.0) for x in range(10, 500, 10)]
        chart.show([series("train", points, "red")])
        assert text_of(chart).splitlines()[-1].split()[:2] == ["0", "100"]
        before = text_of(chart).splitlines()[-1]
        axes = set()
        for x in range(500, 900, 10):
            points.append((float(x), 1.0))
            chart.show([series("train", points, "red")])
            axes.add(text_of(chart).splitlines()[-1])
        assert before not in axes
        assert len(axes) <= 6


async def test_axes_of_time_and_memory_are_labelled_in_their_units() -> None:
    points = [(x * 60.0, x * 1e9) for x in range(100)]
    async with shown() as (chart, _):
        chart.show([series("memory", points, "red")], x_unit="seconds", y_unit="bytes")
        lines = text_of(chart).splitlines()
        assert {"0", "30m", "1h"} <= set(lines[-1].split())
        assert any(line.strip().startswith("50 GB┤") for line in lines)
        assert "memory 99 GB" in text_of(chart)


async def test_a_logarithmic_axis_has_ticks_at_decades_and_says_what_it_leaves_out() -> None:
    points = [(float(x), 10 ** (-x / 25)) for x in range(100)]
    points[7] = (7.0, 0.0)
    points[8] = (8.0, -1.0)
    async with shown((60, 20)) as (chart, pilot):
        chart.show([series("lr", points, "red")], (0, 100))
        assert "left out" not in screen_of(pilot)
        chart.focus()
        await pilot.press("y")
        await pilot.pause()
        text = text_of(chart)
        ticks = [line.split("┤")[0].strip() for line in text.splitlines() if "┤" in line]
        assert ticks == ["1", "0.1", "0.01", "0.001", "1e-04"]
        rows = [n for n, line in enumerate(text.splitlines()) if "┤" in line]
        gaps = [b - a for a, b in pairwise(rows)]
        assert max(gaps) - min(gaps) <= 1
        assert "2 not above 0 left out · log y · step" in screen_of(pilot)
        await pilot.press("y")
        assert not chart.log_y


async def test_outliers_are_in_until_the_robust_range_marks_them_at_the_edge() -> None:
    points = [(float(x), 1 + math.sin(x) / 2) for x in range(1000)]
    points[500] = (500.0, 900.0)
    points[700] = (700.0, -900.0)
    async with shown() as (chart, pilot):
        chart.show([series("train", points, "red")], (0, 1000))
        assert {"-1000┤", "1000┤"} <= set(text_of(chart).split())
        chart.focus()
        await pilot.press("o")
        await pilot.pause()
        lines = text_of(chart).splitlines()
        assert "1.0┤" in text_of(chart)
        assert lines[0].count("↑") == 1
        assert lines[-3].count("↓") == 1
        assert "2 outside ↑↓ · without outliers" in screen_of(pilot)
        await pilot.press("o")
        await pilot.pause()
        assert "outside" not in screen_of(pilot)


async def test_points_outside_of_a_given_range_are_marked_and_counted() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("train", [(0, 0.5), (50, 7.0), (90, 0.5)], "red")], (0, 100), (0, 1))
        await pilot.pause()
        assert "↑" in text_of(chart).splitlines()[0]
        assert "1 outside" in screen_of(pilot)


async def test_notes_that_do_not_fit_into_the_border_are_left_out_whole() -> None:
    async with shown((36, 10), ascii_only=True) as (chart, pilot):
        chart.log_y = chart.robust_y = True
        points = [(0, 0.5), (50, -1.0), (90, 0.5)]
        chart.show([series("train", points, "red", smooth=True)], (0, 100))
        chart.set_title("a title that is longer than the chart is wide")
        await pilot.pause()
        lines = screen_of(pilot).splitlines()
        assert "1 not above 0 left out - step" in lines[-1]
        assert "a title that is longer" in lines[0]
        assert lines[0].rstrip(" -+").endswith("..")
        assert screen_of(pilot).isascii()


async def test_a_logarithmic_axis_with_nothing_above_zero_says_so() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("reward", [(0, -1.0), (50, -2.0)], "red")], (0, 100))
        chart.log_y = True
        await pilot.pause()
        assert "nothing above 0" in text_of(chart)
        assert "2 not above 0 left out" in screen_of(pilot)


async def test_a_line_crosses_a_part_without_points() -> None:
    async with shown() as (chart, _):
        chart.show([series("train", [(0, 0.0), (100, 1.0)], "red")], (0, 200))
        chart.zoom = (40, 60)
        assert braille_in(text_of(chart)) > 20
        chart.zoom = (140, 160)
        assert "nothing in this part" in text_of(chart)
