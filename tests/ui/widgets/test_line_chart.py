"""The line chart as it is seen: its lines, and text of every kind."""

import math

import pytest
from textual.app import App, ComposeResult

from tui_finetune.ui.widgets.line_chart import LineChart

from .chart_app import (
    EMPTY,
    LOSS,
    TRAIN,
    VALIDATION,
    braille_in,
    screen_of,
    series,
    shown,
    text_of,
)


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
