"""A line chart in an app of its own, and what of it is seen."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

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
