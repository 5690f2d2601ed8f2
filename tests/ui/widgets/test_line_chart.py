"""The line chart as it is seen: rendered text, repainted regions, keys and the mouse."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.pilot import Pilot

from tui_finetune.ui.widgets.line_chart import LineChart, Series

EMPTY = "the first loss appears after 2 steps"
LOSS = [(float(x), 0.1 + 0.6 * math.exp(-x / 40)) for x in range(2, 94)]
TRAIN = Series("train", LOSS, "$text-primary")
VALIDATION = Series("validation", [(50.0, 0.577)], "$text-warning", mark="●")


class RecordingChart(LineChart):
    """A line chart that remembers what it asked to be repainted."""

    repainted: Sequence[Region] | None = None

    def refresh(self, *regions: Region, **arguments: bool) -> "RecordingChart":
        self.repainted = [*(self.repainted or []), *(regions or [self.size.region])]
        super().refresh(*regions, **arguments)
        return self


class ChartApp(App[None]):
    BINDINGS = [Binding("escape", "note_escape")]  # noqa: RUF012
    escapes = 0

    def __init__(self, **arguments: object) -> None:
        super().__init__()
        self.chart = RecordingChart("loss", x_label="step", empty=EMPTY, **arguments)  # type: ignore[arg-type]

    def compose(self) -> ComposeResult:
        yield self.chart

    def action_note_escape(self) -> None:
        self.escapes += 1


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
        chart.show([Series("train", [], "red")], (0, 150))
        assert EMPTY in text_of(chart)
        chart.show([Series("train", [(2.0, math.nan)], "red")], (0, 150))
        assert EMPTY in text_of(chart)
        chart.show([Series("train", [(2.0, 0.7)], "red")], (0, 150))
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
        chart.show([Series("accuracy", rising, "green")], (0, 150), y_range=(0, 1))
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
        lines = [Series(n, [(0.0, k), (9.0, k)], "red") for k, n in enumerate(names)]
        chart.show([*lines, Series("points", [(5.0, 1.5)], "red", mark="◆")], (0, 9))
        legend = text_of(chart).splitlines()[0]
        assert "── first" in legend
        assert "╌╌ second" in legend
        assert "·· third" in legend
        assert "◆ points" in legend


async def test_marks_are_joined_only_on_request() -> None:
    points = [(0.0, 0.2), (100.0, 0.8)]
    async with shown() as (chart, _):
        chart.show([Series("f1", points, "red", mark="●")], (0, 150))
        assert braille_in(text_of(chart)) == 0
        chart.show([Series("f1", points, "red", mark="●", connected=True)], (0, 150))
        assert braille_in(text_of(chart)) > 5


async def test_non_finite_values_are_gaps_and_the_legend_admits_them() -> None:
    points = [(0.0, 0.5), (1.0, math.inf), (2.0, None), (3.0, 0.4), (4.0, math.nan)]
    async with shown() as (chart, _):
        chart.show([Series("train", points, "red")], (0, 10))
        assert text_of(chart).splitlines()[0].endswith("train nan")


async def test_points_left_of_the_range_are_clipped() -> None:
    async with shown() as (chart, _):
        chart.show([Series("train", [(0.0, 99.0), (60.0, 0.5), (90.0, 0.4)], "red")], (50, 150))
        assert "99" not in text_of(chart)
        assert "0.400" in text_of(chart)


async def test_a_hundred_thousand_points_are_drawn() -> None:
    points = [(float(x), math.sin(x)) for x in range(100_000)]
    async with shown() as (chart, _):
        chart.show([Series("noise", points, "red")], (0, 100_000))
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
            chart.show([Series("train", LOSS[:count], "red")], (0, 150))
            axes.add(tuple(line[:4] for line in text_of(chart).splitlines()))
        assert len(axes) <= 4


async def test_a_new_best_line_does_not_fit_the_axis_again() -> None:
    async with shown() as (chart, _):
        chart.show([TRAIN], (0, 150))
        before = [line[:4] for line in text_of(chart).splitlines()]
        chart.show([TRAIN, VALIDATION], (0, 150), highlight_x=50)
        assert [line[:4] for line in text_of(chart).splitlines()] == before


async def test_other_data_fit_the_axis_again() -> None:
    async with shown() as (chart, _):
        chart.show([Series("train", [(1.0, 900.0), (2.0, 1.0)], "red")], (0, 150))
        chart.show([Series("train", [(1.0, 0.9), (2.0, 0.8)], "red")], (0, 150))
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
        chart.show([Series("train", points, "red")], (0, 150))
        before = text_of(chart).splitlines()
        chart.repainted = None
        points.append((97.0, 0.15))
        chart.show([Series("train", points, "red")], (0, 150))
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
        chart.show([Series("train", [*LOSS, (149.0, 0.5)], "red")], (0, 150))
        await pilot.pause()
        inside = [line[1:-1] for line in screen_of(pilot).splitlines()[1:-1]]
        assert inside == text_of(chart).splitlines()


# --- the crosshair ---


async def test_left_and_right_walk_over_the_points_and_show_exact_values() -> None:
    points = [(1.0, 0.123456), (2.0, 0.5), (7.0, 0.25)]
    async with shown() as (chart, pilot):
        chart.show([Series("train", points, "red"), VALIDATION], (0, 150))
        chart.focus()
        await pilot.press("left")
        assert chart.cursor == 50
        assert "step 50  ── train —  ● validation 0.577" in text_of(chart)
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
        chart.show([Series("train", points, "red")], (0, 1000))
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
        app = pilot.app
        assert isinstance(app, ChartApp)
        assert app.escapes == 0
        await pilot.press("escape")
        assert app.escapes == 1


async def test_a_click_sets_the_crosshair_to_the_nearest_point() -> None:
    async with shown() as (chart, pilot):
        points = [(0.0, 0.5), (75.0, 0.6), (150.0, 0.7)]
        chart.show([Series("train", points, "red")], (0, 150))
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
        chart.show([Series("train", [*LOSS, (100.0, 0.1)], "red")], (0, 150))
        assert chart.cursor == LOSS[-1][0]
        chart.show([TRAIN], (100, 150))
        assert chart.cursor is None


# --- plain and hostile text ---


async def test_the_plain_chart_writes_nothing_but_ascii() -> None:
    async with shown(ascii_only=True) as (chart, pilot):
        chart.show([TRAIN, VALIDATION, Series("Füße", LOSS, "red")], (0, 150), highlight_x=50)
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
        chart.show([Series(name, LOSS, "red")], (0, 150))
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
        chart.show([Series("训练损失👩‍🔬", LOSS, "red")], (0, 150))
        assert {chart.render_line(y).cell_length for y in range(chart.size.height)} == {58}
