"""What the legend says, in the room that there is."""

from tui_finetune.ui.widgets.plotting.cells import Row
from tui_finetune.ui.widgets.plotting.legend import Legend, put_legend
from tui_finetune.ui.widgets.plotting.raster import ASCII, BRAILLE
from tui_finetune.ui.widgets.plotting.smoothing import Smoothing
from tui_finetune.ui.widgets.plotting.traces import Series, Trace


def traces(count: int) -> list[Trace]:
    names = [f"run number {n}" for n in range(count)]
    return [Trace(Series(name, [1.0, 2.0], [0.25, 0.5], "red")) for name in names]


def text_of(legend: Legend, shown: list[Trace], width: int, height: int) -> list[str]:
    return ["".join(text for text, _ in line) for line in legend.lines(shown, width, height)]


LATEST = Legend(BRAILLE, "step", "number", "number", None)


def test_entries_stand_side_by_side_if_they_fit_else_one_below_the_other() -> None:
    assert text_of(LATEST, traces(2), 80, 4) == ["── run number 0 0.500  ── run number 1 0.500"]
    assert text_of(LATEST, traces(2), 30, 4) == ["── run number 0 0.500", "── run number 1 0.500"]


def test_names_go_before_values_do() -> None:
    assert text_of(LATEST, traces(2), 30, 2) == ["── 0.500 ── 0.500"]


def test_what_finds_no_room_is_counted() -> None:
    assert text_of(LATEST, traces(9), 20, 8) == [*["── 0.500"] * 3, "+6 more"]


def test_a_chart_without_series_has_no_legend() -> None:
    assert LATEST.lines([], 80, 20) == []


def test_the_crosshair_adds_its_place_and_exact_values() -> None:
    at = Legend(BRAILLE, "time", "seconds", "number", 1.5)
    assert text_of(at, traces(1), 80, 20) == ["time 1.5s  ── run number 0 0.25 @1s"]
    before = Legend(BRAILLE, "time", "seconds", "number", 0.5)
    assert text_of(before, traces(1), 80, 20) == ["time 0.5s  ── run number 0 —"]


def test_a_smoothed_value_is_followed_by_the_logged_one() -> None:
    trace = Trace(Series("train", [1.0, 2.0], [1.0, 2.0], "red", smooth=True))
    trace.smooth(Smoothing(0.5))
    assert text_of(LATEST, [trace], 80, 4) == ["── train 1.67 (2.00)"]


def test_a_plain_terminal_gets_plain_text() -> None:
    trace = Trace(Series("Füße\x1b", [1.0], [1.0], "red", mark="●"))
    plain = Legend(ASCII, "step", "number", "number", None)
    assert text_of(plain, [trace], 80, 4) == ["* F??e? 1.00"]


def test_the_legend_stands_where_less_is_hidden() -> None:
    plot: list[Row] = [[("x", "")] * 40, [(" ", "")] * 40]
    put_legend(plot, LATEST.lines(traces(1), 40, 2))
    assert "".join(text for text, _ in plot[0]) == "x" * 40
    assert "".join(text for text, _ in plot[1]).endswith(" ── run number 0 0.500")
