import math

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tui_finetune.ui.widgets.bars import Probabilities, bar, sparkline


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (0.0, "        "), (1.0, "████████"), (0.5, "████    "), (1 / 64, "▏       "),
        (9 / 64, "█▏      "), (63 / 64, "███████▉"), (0.0001, "▏       "),
        (-1.0, "        "), (7.0, "████████"), (math.nan, "        "), (math.inf, "        "),
    ],
)  # fmt: skip
def test_a_bar_is_filled_to_an_eighth_of_a_cell(share, drawn):
    assert bar(share, 8) == drawn


def test_a_bar_has_the_width_asked_for():
    assert all(len(bar(n / 100, width)) == width for n in range(101) for width in (0, 1, 7, 40))


def test_a_sparkline_shows_the_last_values():
    assert sparkline([9, 0, 4, 8], 3) == "▁▅█"
    assert sparkline([50.0], 3, 100.0) == "▅"
    assert sparkline([], 3) == ""
    assert sparkline([0.0, math.nan, 0.0], 3) == "▁▁"


class Bars(App[None]):
    def compose(self) -> ComposeResult:
        yield Probabilities()


async def shown(scores: dict[str, float], width: int = 60) -> list[str]:
    app = Bars()
    async with app.run_test(size=(width, 20)) as pilot:
        app.query_one(Probabilities).show(scores)
        await pilot.pause()
        lines = [strip.text for strip in app.screen._compositor.render_strips()]
        return [line for line in lines if line.strip()]


async def test_labels_stand_with_the_likeliest_first():
    lines = await shown({"negative": 0.09, "positive": 0.91})
    assert lines[0].startswith("positive   91.0%  ███")
    assert lines[1].startswith("negative    9.0%  ███")
    assert lines[0].count("█") > 5 * lines[1].count("█")


async def test_the_figures_stand_in_one_column():
    lines = await shown({"a": 1.0, "longer": 0.0, "b": 0.123})
    assert {line.index("%") for line in lines} == {lines[0].index("%")}


@pytest.mark.parametrize(
    "label", ["[/]", "\x1b]52;c;AAAA\x07", "\u202eabc", "x" * 500, "映画" * 40]
)
async def test_a_hostile_label_is_shown_as_text_in_its_column(label):
    lines = await shown({label: 0.75, "ordinary": 0.25}, 40)
    assert len(lines) == 2
    assert "\x1b" not in lines[0]
    assert "\u202e" not in lines[0]
    assert "75.0%" in lines[0]
    assert cell_len(lines[0].split("%")[0]) == cell_len(lines[1].split("%")[0])
