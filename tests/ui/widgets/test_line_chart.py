"""The line chart as it is seen: rendered text, repainted regions, keys and the mouse."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tui_finetune.ui.widgets.line_chart import LineChart, Series


def series(name: str, points: Sequence[tuple[float, float]], style: str, **more: Any) -> Series:
    return Series(name, [x for x, _ in points], [y for _, y in points], style, **more)


EMPTY = "the first loss appears after 2 steps"
LOSS = [(float(x), 0.1 + 0.6 * math.exp(-x / 40)) for x in range(2, 94)]
TRAIN = series("train", LOSS, "$text-primary")
VALIDATION = series("validation", [(50.0, 0.577)], "$text-warning", mark="●")


class RecordingChart(LineChart):
    """A line chart that remembers what it asked to be repainted."""

    repainted: Sequence[Region] | None = None

    def refresh(self, *regions: Region, **arguments: bool) -> "RecordingChart":
        self.repainted = [*(self.repainted or []), *(regions or [self.size.region])]
        super().refresh(*regions, **arguments)
        return self


class ChartApp(App[None]):
    def __init__(self, **arguments: object) -> None:
        super().__init__()
        self.chart = RecordingChart("loss", x_label="step", empty=EMPTY, **arguments)  # type: ignore[arg-type]

    def compose(self) -> ComposeResult:
        yield self.chart


@asynccontextmanager
async def shown(
    size: tuple[int, int] = (60, 14), **arguments: object
) -> AsyncIterator[tuple[RecordingChart, Pilot[None]]]:
    app = ChartApp(**arguments)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app.chart, pilot


def text_of(chart: LineChart) -> str:
    """Return what stands inside the border, as plain text."""
    return "\n".join(chart.render_line(y).text for y in range(chart.size.height))


def screen_of(pilot: Pilot[None]) -> str:
    """Return the whole screen, borders included, as plain text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


def braille_in(text: str) -> int:
    return sum("\u2800" < character < "\u2900" for character in text)


# --- what is shown ---


async def test_before_the_first_point_the_chart_says_what_it_waits_for() -> None:
    async with shown() as (chart, _):
        chart.show([series("train", [], "red")], (0, 150))
        assert EMPTY in text_of(chart)
        chart.show([series("train", [(2.0, math.nan)], "red")], (0, 150))
        assert EMPTY in text_of(chart)
        chart.show([series("train", [(2.0, 0.7)], "red")], (0, 150))
        assert EMPTY not in text_of(chart)


async def test_a_long_empty_text_is_wrapped() -> None:
    async with shown((24, 8)) as (chart, _):
        chart.show([], (0, 150), y_range=(0, 1))
        assert "the first loss" in text_of(chart)
        assert "after 2" in text_of(chart)
        assert "steps" in text_of(chart)


async def test_title_and_axis_caption_stand_in_the_border() -> None:
    async with shown() as (chart, pilot):
        chart.show([TRAIN], (0, 150))
        await pilot.pause()
        lines = screen_of(pilot).splitlines()
        assert lines[0].startswith("╭─ loss ─")
        assert lines[-1].endswith("─ step ─╯")


async def test_axes_carry_round_labels_and_the_legend_the_latest_values() -> None:
    async with shown() as (chart, _):
        chart.show([TRAIN, VALIDATION], (0, 150), y_range=(0, 1))
        lines = text_of(chart).splitlines()
        assert lines[0].startswith("1.0┤")
        assert any(line.startswith("0.5┤") for line in lines)
        assert lines[-3].startswith("0.0┤")
        assert lines[-2].strip().startswith("└┬──")
        assert lines[-1].split() == ["0", "20", "40", "60", "80", "100", "120", "140"]
        assert lines[0].endswith("── train 0.159  ● validation 0.577")
        assert any("●" in line for line in lines[1:])


@pytest.mark.parametrize("size", [(24, 6), (38, 9), (38, 13), (80, 24), (160, 48), (200, 50)])
async def test_every_size_shows_the_line_both_axes_and_the_values(size: tuple[int, int]) -> None:
    async with shown(size) as (chart, _):
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        text = text_of(chart)
        lines = text.splitlines()
        assert {len(line) for line in lines} == {size[0] - 2}
        assert len(lines) == size[1] - 2
        assert braille_in(text) > 5
        assert "┤" in text
        assert "150" in lines[-1] or "140" in lines[-1] or "100" in lines[-1]
        assert "0.159" in text
        assert "0.577" in text


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (7, 4), (12, 3)])
async def test_too_little_room_is_no_error(size: tuple[int, int]) -> None:
    async with shown(size) as (chart, pilot):
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        chart.focus()
        await pilot.press("left", "right", "escape")


async def test_a_new_size_is_filled() -> None:
    async with shown((40, 10)) as (chart, pilot):
        chart.show([TRAIN], (0, 150))
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert {len(line) for line in text_of(chart).splitlines()} == {98}


async def test_the_legend_gives_way_to_a_curve_in_its_corner() -> None:
    rising = [(float(x), x / 150) for x in range(151)]
    async with shown((38, 9)) as (chart, _):
        chart.show([series("accuracy", rising, "green")], (0, 150), y_range=(0, 1))
        lines = text_of(chart).splitlines()
        assert "accuracy" not in lines[0]
        assert lines[-3].endswith("accuracy 1.00")


async def test_the_best_epoch_is_marked_by_an_upright_line() -> None:
    async with shown() as (chart, _):
        chart.show([VALIDATION], (0, 150), highlight_x=100)
        columns = {line.index("┊") for line in text_of(chart).splitlines() if "┊" in line}
        assert len(columns) == 1
        chart.show([VALIDATION], (0, 150), highlight_x=None)
        assert "┊" not in text_of(chart)


async def test_series_differ_without_colour() -> None:
    async with shown((80, 20)) as (chart, _):
        names = ("first", "second", "third")
        lines = [series(n, [(0, k), (9, k)], "red", dash=k) for k, n in enumerate(names)]
        chart.show([*lines, series("points", [(5.0, 1.5)], "red", mark="◆")], (0, 9))
        legend = text_of(chart).splitlines()[0]
        assert "── first" in legend
        assert "╌╌ second" in legend
        assert "·· third" in legend
        assert "◆ points" in legend


async def test_marks_are_joined_only_on_request() -> None:
    points = [(0.0, 0.2), (100.0, 0.8)]
    async with shown() as (chart, _):
        chart.show([series("f1", points, "red", mark="●")], (0, 150))
        assert braille_in(text_of(chart)) == 0
        chart.show([series("f1", points, "red", mark="●", connected=True)], (0, 150))
        assert braille_in(text_of(chart)) > 5


async def test_non_finite_values_are_gaps_and_the_legend_admits_them() -> None:
    points = [(0.0, 0.5), (1.0, math.inf), (2.0, math.nan), (3.0, 0.4), (4.0, math.nan)]
    async with shown() as (chart, _):
        chart.show([series("train", points, "red")], (0, 10))
        assert text_of(chart).splitlines()[0].endswith("train nan")


async def test_points_left_of_the_range_are_clipped() -> None:
    async with shown() as (chart, _):
        chart.show([series("train", [(0.0, 99.0), (60.0, 0.5), (90.0, 0.4)], "red")], (50, 150))
        assert "99" not in text_of(chart)
        assert "0.400" in text_of(chart)


async def test_a_hundred_thousand_points_are_drawn() -> None:
    points = [(float(x), math.sin(x)) for x in range(100_000)]
    async with shown() as (chart, _):
        chart.show([series("noise", points, "red")], (0, 100_000))
        assert braille_in(text_of(chart)) > 300
        assert "100k" in text_of(chart) or "80k" in text_of(chart)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_colours_come_from_the_theme(theme: str) -> None:
    async with shown() as (chart, pilot):
        chart.show([TRAIN], (0, 150))
        pilot.app.theme = theme
        await pilot.pause()
        drawn = [s for y in range(5) for s in chart.render_line(y) if braille_in(s.text)]
        colours = {segment.style.color for segment in drawn if segment.style}
        assert len(colours) == 1
        assert chart.render_line(0).text.startswith(text_of(chart).splitlines()[0])


async def test_the_chart_works_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown() as (chart, pilot):
        assert chart.app.no_color
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        await pilot.pause()
        assert "── train" in screen_of(pilot)


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


# --- plain and hostile text ---


async def test_the_plain_chart_writes_nothing_but_ascii() -> None:
    async with shown(ascii_only=True) as (chart, pilot):
        chart.show([TRAIN, VALIDATION, series("Füße", LOSS, "red")], (0, 150), highlight_x=50)
        chart.focus()
        await pilot.press("left")
        await pilot.pause()
        screen = screen_of(pilot)
        assert screen.isascii()
        assert "* validation" in screen
        assert "F??e" in screen
        assert "'" in screen


@pytest.mark.parametrize(
    "name", ["[/]", "[bold]x[/bold]", "\x1b]52;c;AAAA\x07", "a\nb", "\u202eabc"]
)
async def test_hostile_names_come_out_harmless(name: str) -> None:
    async with shown((80, 12), ascii_only=False) as (chart, pilot):
        chart.show([series(name, LOSS, "red")], (0, 150))
        await pilot.pause()
        text = text_of(chart)
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\r"}
        assert {len(line) for line in text.splitlines()} == {78}
        if "[" in name and name.isprintable():
            assert name in text


async def test_hostile_titles_come_out_harmless() -> None:
    chart = LineChart("[/]\x1b[2J", x_label="[/]", empty="[/]\x1b[2J")

    class TitleApp(App[None]):
        def compose(self) -> ComposeResult:
            yield chart

    async with TitleApp().run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        chart.show([], (0, 1))
        await pilot.pause()
        assert screen_of(pilot).count("[/]") == 3
        assert "\x1b" not in screen_of(pilot)


async def test_wide_characters_keep_the_lines_straight() -> None:
    async with shown() as (chart, _):
        chart.show([series("训练损失👩‍🔬", LOSS, "red")], (0, 150))
        assert {chart.render_line(y).cell_length for y in range(chart.size.height)} == {58}


async def test_on_the_linux_console_it_draws_in_ascii_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with shown() as (chart, pilot):
        chart.show([TRAIN], (0, 100))
        await pilot.pause()
        assert screen_of(pilot).isascii()
        assert "loss" in screen_of(pilot)
