"""What a line chart draws again, and looks at again, when points come in."""

import asyncio
import math
import time
from typing import Any

import pytest
from textual.geometry import Region

from tui_finetune.ui.widgets.line_chart import LineChart, Series

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


# --- what is repainted ---
async def test_the_same_data_repaint_nothing() -> None:
    async with shown() as (chart, _):
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        chart.repainted = None
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        assert chart.repainted is None


async def test_a_new_point_repaints_only_its_cells_and_its_value() -> None:
    async with shown((80, 20)) as (chart, _):
        points = list(LOSS)
        chart.show([series("train", points, "red")], (0, 150))
        before = text_of(chart).splitlines()
        chart.repainted = None
        points.append((97.0, 0.15))
        chart.show([series("train", points, "red")], (0, 150))
        after = text_of(chart).splitlines()
        assert chart.repainted
        assert sum(region.area for region in chart.repainted) < 12
        cells = {(x, y) for region in chart.repainted for x, y in _cells(region)}
        for y, (old, new) in enumerate(zip(before, after, strict=True)):
            for x, (a, b) in enumerate(zip(old, new, strict=True)):
                assert a == b or (x, y) in cells


def _cells(region: Region) -> list[tuple[int, int]]:
    return [(x, y) for y in range(region.y, region.bottom) for x in range(region.x, region.right)]


async def test_what_is_repainted_reaches_the_screen() -> None:
    async with shown() as (chart, pilot):
        chart.show([TRAIN], (0, 150))
        await pilot.pause()
        chart.show([series("train", [*LOSS, (149.0, 0.5)], "red")], (0, 150))
        await pilot.pause()
        inside = [line[1:-1] for line in screen_of(pilot).splitlines()[1:-1]]
        assert inside == text_of(chart).splitlines()


# --- only what is new is looked at ---
class Watched(list[float]):
    """A list that counts how many of its values were asked for."""

    read = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        self.read += len(found) if isinstance(index, slice) else 1
        return found


@pytest.mark.parametrize("smoothing", [0.0, 0.9])
async def test_a_new_point_costs_the_same_however_many_there_are(smoothing: float) -> None:
    xs, ys = Watched(map(float, range(20_000))), Watched([0.5, 0.6] * 10_000)
    one = Series("train", xs, ys, "red", smooth=True)
    async with shown() as (chart, _):
        chart.smoothing = smoothing
        chart.show([one], (0, 30_000))
        assert ys.read > 20_000
        xs.read = ys.read = 0
        xs.append(20_000.0)
        ys.append(0.55)
        chart.show([one], (0, 30_000))
        assert ys.read < 20
        assert xs.read < 200


async def test_a_resumed_run_is_drawn_from_where_it_went_on() -> None:
    xs, ys = [float(x) for x in range(100)], [1.0] * 100
    one = Series("train", xs, ys, "red")
    async with shown() as (chart, _):
        chart.show([one], (0, 150), (0, 2))
        del xs[50:], ys[50:]
        chart.cursor = 70.0  # before the chart has been told
        chart.action_step(1)
        chart.action_leave()
        chart.show([one], (0, 150), (0, 2))
        assert "1.00" in text_of(chart)
        xs.extend(float(x) for x in range(50, 120))
        ys.extend([0.9] * 70)
        chart.show([one], (0, 150), (0, 2))
        grown = text_of(chart)
    async with shown() as (fresh, _):
        fresh.show([Series("train", list(xs), list(ys), "red")], (0, 150), (0, 2))
        assert text_of(fresh) == grown


# --- smoothing ---
async def test_a_smoothed_line_stands_before_its_faint_points() -> None:
    rough = [(float(x), 1 + (x % 2)) for x in range(200)]
    async with shown() as (chart, pilot):
        chart.show([series("train", rough, "#00ff00", smooth=True)], (0, 200), (0, 3))
        plain = text_of(chart)
        chart.smoothing = 0.9
        await pilot.pause()
        assert "train 1.53 (2.00)" in text_of(chart)
        assert "smoothed 0.9 · step" in screen_of(pilot)
        colours = [
            segment.style.color.get_truecolor()
            for y in range(2, 8)
            for segment in chart.render_line(y)
            if braille_in(segment.text) and segment.style and segment.style.color
        ]
        strongest = max(colour.green for colour in colours)
        assert strongest == 255
        assert min(colour.green for colour in colours) < 130
        assert braille_in(text_of(chart)) >= braille_in(plain) - 5
        chart.smoothing_kind = "time"
        await pilot.pause()
        assert "smoothed 0.9 by distance" in screen_of(pilot)


async def test_evaluation_points_are_not_smoothed() -> None:
    async with shown() as (chart, pilot):
        chart.smoothing = 0.9
        chart.show([VALIDATION], (0, 150))
        await pilot.pause()
        assert "validation 0.577" in text_of(chart)
        assert "smoothed" not in screen_of(pilot)


# --- very many points ---


def _waves(shift: float) -> list[Series]:
    points = [(float(x), math.sin(x / 20 + shift) + 0.3 * (x % 3)) for x in range(200)]
    return [
        series(name, points[number:], style, smooth=True)
        for number, (name, style) in enumerate((("a", "red"), ("b", "blue"), ("c", "green")))
    ]


async def _drawn_at_once(waves: list[Series]) -> str:
    async with shown() as (chart, _):
        chart.smoothing = 0.6
        chart.show(waves, (0, 250))
        return text_of(chart)


async def test_very_many_points_are_drawn_in_slices_between_which_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, newer = await _drawn_at_once(_waves(0.0)), await _drawn_at_once(_waves(1.0))
    monkeypatch.setattr("tui_finetune.ui.widgets.line_chart._MOST_AT_ONCE", 100)
    monkeypatch.setattr("tui_finetune.ui.widgets.line_chart._PATIENCE_SECONDS", 0.0)
    async with shown() as (chart, _):
        chart.smoothing = 0.6
        chart.show(_waves(0.0), (0, 250))
        assert await _turns_until(chart, whole) > 3
        chart.show(_waves(0.0), (0, 250), highlight_x=40)
        for _ in range(5):
            await asyncio.sleep(0)
        chart.show(_waves(1.0), (0, 250))  # what is not finished is given up
        assert await _turns_until(chart, newer) > 3


async def _turns_until(chart: LineChart, text: str) -> int:
    """Return how often others had their turn until the chart shows a text."""
    turns, until = 0, time.monotonic() + 20
    while text_of(chart) != text:
        assert time.monotonic() < until, text_of(chart)
        await asyncio.sleep(0)
        turns += 1
    return turns
