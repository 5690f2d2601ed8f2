"""The crosshair and the zoom, by keys and mouse."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tui_finetune.ui.widgets.line_chart import LineChart, Series


def series(name: str, points: Sequence[tuple[float, float]], style: str, **more: Any) -> Series:
    return Series(name, [x for x, _ in points], [y for _, y in points], style, **more)


LOSS = [(float(x), 0.1 + 0.6 * math.exp(-x / 40)) for x in range(2, 94)]
TRAIN = series("train", LOSS, "$text-primary")
VALIDATION = series("validation", [(50.0, 0.577)], "$text-warning", mark="●")
WAVE = [(float(x), math.sin(x / 10)) for x in range(1001)]


class ChartApp(App[None]):
    """A chart, what it tells, and how often escape was left to the app."""

    BINDINGS = [Binding("escape", "note_escape")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []
        self.escapes = 0

    def compose(self) -> ComposeResult:
        yield LineChart("loss", x_label="step")

    def action_note_escape(self) -> None:
        self.escapes += 1

    def on_line_chart_cursor_moved(self, event: LineChart.CursorMoved) -> None:
        self.heard.append(event.x)

    def on_line_chart_zoomed(self, event: LineChart.Zoomed) -> None:
        self.heard.append(event.zoom)


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[LineChart, Pilot[None]]]:
    app = ChartApp()
    async with app.run_test(size=(60, 14)) as pilot:
        await pilot.pause()
        yield app.query_one(LineChart), pilot


def app_of(pilot: Pilot[None]) -> ChartApp:
    assert isinstance(pilot.app, ChartApp)
    return pilot.app


def text_of(chart: LineChart) -> str:
    """Return what stands inside the border, as plain text."""
    return "\n".join(chart.render_line(y).text for y in range(chart.size.height))


def screen_of(pilot: Pilot[None]) -> str:
    """Return the whole screen, borders included, as plain text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


def braille_in(text: str) -> int:
    return sum("\u2800" < character < "\u2900" for character in text)


# --- the crosshair ---


async def test_left_and_right_walk_over_the_points_and_show_exact_values() -> None:
    points = [(1.0, 0.123456), (2.0, 0.5), (7.0, 0.25)]
    async with shown() as (chart, pilot):
        chart.show([series("train", points, "red"), VALIDATION], (0, 150))
        chart.focus()
        await pilot.press("left")
        assert chart.cursor == 50
        assert "step 50  ── train 0.25 @7  ● validation 0.577" in text_of(chart)
        await pilot.press("left", "left")
        assert chart.cursor == 2
        assert "step 2  ── train 0.5  ● validation —" in text_of(chart)
        await pilot.press("left", "left", "left")
        assert chart.cursor == 1
        assert "train 0.123456" in text_of(chart)
        await pilot.press("right", "right")
        assert chart.cursor == 7


async def test_the_crosshair_is_an_upright_line_at_its_x() -> None:
    async with shown() as (chart, pilot):
        chart.show([VALIDATION], (0, 100), y_range=(0, 1))
        chart.focus()
        await pilot.press("right")
        line = text_of(chart).splitlines()[-3]
        left, middle = line.index("┤"), line.rindex("│")
        assert middle - left - 1 == pytest.approx((len(line) - left - 1) / 2, abs=1)


async def test_shift_moves_the_crosshair_by_a_tenth_of_the_axis() -> None:
    points = [(float(x), 1.0) for x in range(0, 1001, 3)]
    async with shown() as (chart, pilot):
        chart.show([series("train", points, "red")], (0, 1000))
        chart.focus()
        await pilot.press("left", "shift+left")
        assert chart.cursor == 897
        await pilot.press("shift+right", "shift+right")
        assert chart.cursor == 999


async def test_escape_takes_the_crosshair_away_and_only_then_leaves_the_chart() -> None:
    async with shown() as (chart, pilot):
        chart.show([TRAIN], (0, 150))
        chart.focus()
        await pilot.press("left", "escape")
        assert chart.cursor is None
        assert "step" not in text_of(chart)
        assert app_of(pilot).escapes == 0
        await pilot.press("escape")
        assert app_of(pilot).escapes == 1


async def test_a_click_sets_the_crosshair_to_the_nearest_point() -> None:
    async with shown() as (chart, pilot):
        points = [(0.0, 0.5), (75.0, 0.6), (150.0, 0.7)]
        chart.show([series("train", points, "red")], (0, 150))
        await pilot.click(chart, offset=(33, 5))
        assert chart.cursor == 75
        await pilot.click(chart, offset=(57, 5))
        assert chart.cursor == 150
        await pilot.click(chart, offset=(5, 5))
        assert chart.cursor == 0


async def test_a_chart_without_points_has_no_crosshair() -> None:
    async with shown() as (chart, pilot):
        chart.show([], (0, 150))
        chart.focus()
        await pilot.press("left", "shift+right")
        await pilot.click(chart, offset=(33, 5))
        assert chart.cursor is None


async def test_the_crosshair_stays_when_points_come_in() -> None:
    async with shown() as (chart, pilot):
        chart.show([TRAIN], (0, 150))
        chart.focus()
        await pilot.press("left")
        chart.show([series("train", [*LOSS, (100.0, 0.1)], "red")], (0, 150))
        assert chart.cursor == LOSS[-1][0]
        chart.show([TRAIN], (100, 150))
        assert chart.cursor is None


async def test_a_crosshair_set_from_elsewhere_shows_the_points_before_it() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("train", [(0, 0.5), (10, 0.25), (20, 0.125)], "red")], (0, 100))
        chart.cursor = 14.5
        assert "train 0.25 @10" in text_of(chart)
        await pilot.pause()
        assert app_of(pilot).heard == []


async def test_what_the_person_does_is_told() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("train", [(0, 0.5), (50, 0.25), (100, 0.125)], "red")], (0, 100))
        chart.focus()
        await pilot.press("left", "left", "plus", "escape", "escape")
        assert app_of(pilot).heard == [100, 50, (25, 75), None, None]


# --- zoom ---


async def test_keys_zoom_around_the_crosshair_pan_and_go_back() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        chart.focus()
        chart.cursor = 400
        await pilot.press("+", "+")
        assert chart.zoom == (300, 550)
        assert "zoomed" in screen_of(pilot)
        await pilot.press(">")
        assert chart.zoom == (362.5, 612.5)
        await pilot.press("<", "ctrl+left", "ctrl+left", "ctrl+left", "ctrl+left", "ctrl+left")
        assert chart.zoom == (0, 250)
        await pilot.press("-")
        assert chart.zoom == (0, 500)
        await pilot.press("0")
        assert chart.zoom is None
        assert "zoomed" not in screen_of(pilot)


async def test_without_a_crosshair_the_zoom_holds_the_right_end() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        chart.focus()
        await pilot.press("+", "+")
        assert chart.zoom == (750, 1000)
        lines = text_of(chart).splitlines()
        assert lines[-1].split()[0] == "750"


async def test_a_zoomed_chart_is_fitted_to_what_is_in_sight() -> None:
    points = [(float(x), 1000.0 if x == 3 else x / 100) for x in range(101)]
    async with shown() as (chart, _):
        chart.show([series("train", points, "red")], (0, 100))
        assert "1000┤" in text_of(chart)
        chart.zoom = (50, 100)
        text = text_of(chart)
        assert "1.0┤" in text
        assert "1000" not in text


async def test_the_crosshair_takes_the_view_along() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        chart.focus()
        chart.zoom, chart.cursor = (400.0, 420.0), 420.0
        await pilot.press("right")
        assert chart.cursor == 421
        assert chart.zoom is not None
        assert chart.zoom[0] < 421 < chart.zoom[1]
        assert chart.zoom[1] - chart.zoom[0] == 20


async def test_the_deepest_zoom_ends() -> None:
    async with shown() as (chart, _):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        chart.cursor = 400
        for _ in range(60):
            chart.action_zoom_by(0.5)
        assert chart.zoom is not None
        assert chart.zoom[0] < 400 < chart.zoom[1]
        assert braille_in(text_of(chart)) > 0


async def test_the_wheel_zooms_around_the_mouse_and_a_drag_pans() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        for _ in range(4):
            await pilot._post_mouse_events([MouseScrollUp], widget=chart, offset=(34, 5), button=0)
        assert chart.zoom is not None
        low, high = chart.zoom
        assert high - low == pytest.approx(1000 * 0.8**4)
        assert low > 250
        await pilot.mouse_down(chart, offset=(40, 5))
        await pilot.hover(chart, offset=(35, 5))
        await pilot.mouse_up(chart, offset=(35, 5))
        assert chart.zoom[0] > low
        assert chart.zoom[1] - chart.zoom[0] == pytest.approx(high - low)
        assert chart.cursor is None


async def test_escape_takes_the_crosshair_then_the_zoom() -> None:
    async with shown() as (chart, pilot):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        chart.focus()
        await pilot.press("left", "+", "escape")
        assert chart.cursor is None
        assert chart.zoom is not None
        await pilot.press("escape")
        assert chart.zoom is None


async def test_a_zoom_beyond_other_data_is_given_up() -> None:
    async with shown() as (chart, _):
        chart.show([series("wave", WAVE, "red")], (0, 1000))
        chart.zoom = (500, 600)
        chart.show([series("wave", WAVE, "red")], (0, 1100))
        assert chart.zoom == (500, 600)
        chart.show([TRAIN], (0, 150))
        assert chart.zoom is None
