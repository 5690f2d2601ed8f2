"""A line chart drawn with braille dots, made for a terminal at the other end of a slow line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import inf
from operator import itemgetter
from textwrap import wrap
from time import perf_counter
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from tui_finetune.ui.widgets.chart_keys import ChartKeys
from tui_finetune.ui.widgets.plotting.axes import (
    LARGEST,
    Range,
    fit_level_range,
    grow_range,
)
from tui_finetune.ui.widgets.plotting.cells import (
    BLANK,
    COMPONENTS,
    CURSOR,
    EMPTY,
    HIGHLIGHT,
    Row,
    changed,
    cut,
    put,
    width_of,
)
from tui_finetune.ui.widgets.plotting.layout import Layout, lay_out
from tui_finetune.ui.widgets.plotting.legend import Legend, displayable, put_legend
from tui_finetune.ui.widgets.plotting.plot import FAINT, Plot
from tui_finetune.ui.widgets.plotting.raster import ASCII, BRAILLE
from tui_finetune.ui.widgets.plotting.smoothing import Smoothing
from tui_finetune.ui.widgets.plotting.traces import Series, Trace
from tui_finetune.ui.widgets.plotting.units import Unit

__all__ = ["LineChart", "Series"]

# Of a title or a label no more than this many characters are looked at.
_LONGEST_TEXT = 200

# More points than these are drawn in slices of about so long: the keyboard waits for one of them.
_MOST_AT_ONCE = 120_000
_PATIENCE_SECONDS = 0.01
_PAUSE_SECONDS = 0.002

# How much of the colour of a line is left in the raw points behind it.
_FAINT_SHARE = 0.4


class LineChart(ChartKeys):
    """Series over a range of x, with axes, a legend, a crosshair, zoom and smoothing.

    `title` and `x_label` stand in the border, `empty` in the middle until there is a point.
    With `ascii_only` nothing outside ASCII is written; by default that is so on the Linux console,
    whose fonts have no braille.
    """

    DEFAULT_CSS = """
    LineChart {
        width: 1fr;
        height: 1fr;
        border: round $foreground 35%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        &:focus { border: round $primary; border-title-style: bold; }
        &.-ascii { border: ascii $foreground 35%; }
        &.-ascii:focus { border: ascii $primary; }
        & > .line-chart--axis { color: $foreground 35%; }
        & > .line-chart--tick { color: $foreground 70%; }
        & > .line-chart--legend { color: $foreground 85%; }
        & > .line-chart--highlight { color: $foreground 40%; }
        & > .line-chart--cursor { color: $foreground; text-style: bold; }
        & > .line-chart--empty { color: $foreground 60%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)

    smoothing: reactive[float] = reactive(0.0, repaint=False)
    """Weight of the moving average of the series that are to be smoothed: 0 none, up to 0.99."""
    smoothing_kind: reactive[Literal["steps", "time"]] = reactive("steps", repaint=False)
    """Whether each point counts alike, or by its distance in x."""

    def __init__(
        self,
        title: str = "",
        *,
        x_label: str = "",
        empty: str = "",
        ascii_only: bool | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a chart that shows nothing yet."""
        super().__init__(id=id, classes=classes)
        if ascii_only is None:
            ascii_only = os.environ.get("TERM") == "linux"
        self.set_class(ascii_only, "-ascii")
        self._symbols = ASCII if ascii_only else BRAILLE
        self._empty = self._text(empty)
        self._plot = Plot(self._symbols)
        self._given_x: Range | None = None
        self._given_y: Range | None = None
        self._fitted_x: Range | None = None
        self._fitted_y: Range | None = None
        self._fit: object = None
        self._layout_now: Layout | None = None
        self._highlight: float | None = None
        self._frame: list[Row] = []
        self._drawing: Iterator[None] = iter(())
        self._pause: Timer | None = None
        self._units: tuple[Unit, Unit] = ("number", "number")
        self._border = "", ""
        self._title, self._x_label = self._text(title), self._text(x_label)

    def set_title(self, title: str) -> None:
        """Write this into the upper border; any text."""
        self._title = self._text(title)
        self._write_border()

    def set_x_label(self, x_label: str) -> None:
        """Write this into the lower border, and before the x of the crosshair; any text."""
        self._x_label = self._text(x_label)
        self.redraw() if self.cursor is not None else self._write_border()

    def show(
        self,
        series: Sequence[Series],
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        highlight_x: float | None = None,
        x_unit: Unit = "number",
        y_unit: Unit = "number",
    ) -> None:
        """Show these series, the last on top, and repaint the cells that change by it.

        A range that is not given is fitted to the data; as long as points are only added to what
        was shown before, it may grow but never shrinks.
        """
        before, units = self._traces, (x_unit, y_unit)
        goes_on = len(before) <= len(series) and units == self._units
        traces = []
        for number, one in enumerate(series):
            known = before[number] if number < len(before) else None
            if known is None or not known.goes_on_as(one):
                goes_on = goes_on and known is None
                known = Trace(one)
            traces.append(known)
        if not goes_on:
            self._fitted_x = self._fitted_y = None
        self._traces, self._units = traces, units
        self._given_x, self._given_y, self._highlight = x_range, y_range, highlight_x
        self._fit_x()
        low, high = self._x_range
        if self.cursor is not None and not low <= self.cursor <= high:
            self.cursor = None
        if self.zoom is not None and not (low <= self.zoom[0] < self.zoom[1] <= high):
            self.zoom = None
        self.redraw()

    def _fit_x(self) -> None:
        if self._given_x is not None:
            self._x_range = self._given_x
            return
        limits = [found for trace in self._traces if (found := trace.limits())]
        if limits:
            low, high = min(low for low, _ in limits), max(high for _, high in limits)
            self._fitted_x = fit_level_range(low, high, self._fitted_x)
        self._x_range = self._fitted_x or (0.0, 1.0)

    @property
    def _floor(self) -> float:
        """What a value must be above to have a place on the y axis."""
        return 0.0 if self.log_y else -LARGEST

    def _fit_y(self) -> Range | None:
        """Return the range of y for what is in sight; another view is fitted anew."""
        fit = self.zoom, self._given_x, self.log_y, self.robust_y
        if fit != self._fit:
            self._fit, self._fitted_y = fit, None
        found = [
            extent
            for trace in self._traces
            if (extent := trace.y_extent(self.view, self._floor, self.robust_y))
        ]
        if found:
            low, high = min(low for low, _ in found), max(high for _, high in found)
            self._fitted_y = grow_range(low, high, self._fitted_y, self._units[1], self.log_y)
        given = self._given_y
        if given is None or self.zoom or self.robust_y or (self.log_y and given[0] <= 0):
            return self._fitted_y
        return given

    def watch_smoothing(self) -> None:
        """Draw with the new weight."""
        self.redraw()

    def watch_smoothing_kind(self) -> None:
        """Draw with the other average."""
        self.redraw()

    def share_at(self, column: int) -> float:
        """Return how far along the plot, 0 to 1, a column inside the border is."""
        return self._layout_now.share_at(column) if self._layout_now else 0.0

    # --- painting ---

    def render_line(self, y: int) -> Strip:
        """Return one line of what was drawn last."""
        if y >= len(self._frame):
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        groups = groupby(self._frame[y], key=itemgetter(1))
        return Strip(
            [Segment("".join(c for c, _ in cells), self._style(style)) for style, cells in groups]
        )

    def on_resize(self) -> None:
        """Draw anew in the new size."""
        self.redraw()

    def _style(self, style: str) -> Style:
        if style in COMPONENTS:
            return self.get_component_rich_style(style)
        base = self.visual_style
        if not style:
            return base.rich_style
        if not style.startswith(FAINT):
            return (base + self.app.stylesheet.parse_style(style)).rich_style
        full = base + self.app.stylesheet.parse_style(style.removeprefix(FAINT))
        if full.foreground is None or full.background is None:
            return full.rich_style
        faded = full.background.blend(full.foreground, _FAINT_SHARE, alpha=1.0)
        return (base + type(base)(foreground=faded)).rich_style

    def redraw(self) -> None:
        """Draw, and repaint the cells that are not as before; of very many points in slices."""
        self._drawing = self._draw()
        if self.size and sum(trace.end for trace in self._traces) > _MOST_AT_ONCE:
            self._go_on_soon()
        else:
            self._go_on(inf)

    def _go_on(self, seconds: float = _PATIENCE_SECONDS) -> None:
        """Draw for about so long; what is left then in a moment."""
        until = perf_counter() + seconds
        for _ in self._drawing:
            if perf_counter() > until:
                self._go_on_soon()
                return

    def _go_on_soon(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(_PAUSE_SECONDS, self._go_on)

    def _put_in_front(self, frame: list[Row]) -> None:
        """Show what was drawn, and repaint the cells that are not as before."""
        before, self._frame = self._frame, frame
        if [len(row) for row in before] != [len(row) for row in self._frame]:
            self.refresh()
            return
        regions = []
        for y, (old, new) in enumerate(zip(before, self._frame, strict=True)):
            if span := changed(old, new):
                regions.append(Region(span[0], y, span[1] - span[0], 1))
        if regions:
            self.refresh(*regions)

    # --- drawing ---

    def _draw(self) -> Iterator[None]:
        """Draw and show it, a series at a time; what is given up in between leaves no trace."""
        width, height = self.size
        if not self.size:  # not in sight yet
            self._put_in_front([])
            return
        span = self._x_range[1] - self._x_range[0] if self.smoothing_kind == "time" else None
        for trace in self._traces:
            trace.smooth(Smoothing(self.smoothing, span))
            trace.y_extent(self.view, self._floor, self.robust_y)  # it remembers that
            yield
        y_range = self._fit_y()
        self._layout_now = layout = lay_out(
            *(width, height, self._symbols, self.view, y_range, self._units, self.log_y)
        )
        frame: list[Row] = []
        if layout is not None:
            frame = [[BLANK] * width for _ in range(height)]
            yield from self._plot.drawing(self._traces, layout.x, layout.y)
            layout.draw_axes(frame, self._highlight)
            for row, plotted in zip(frame, self._draw_plot(layout, y_range), strict=False):
                row[layout.left + 1 :] = plotted
            layout.draw_rule(frame, self._highlight, (self._symbols.highlight, HIGHLIGHT))
            layout.draw_rule(frame, self.cursor, (self._symbols.cursor, CURSOR))
        self._write_border()
        self._put_in_front(frame)

    def _draw_plot(self, layout: Layout, y_range: Range | None) -> list[Row]:
        if y_range is None or self._plot.is_empty:
            return self._draw_empty(layout)
        plot = [list(row) for row in self._plot.rows]
        legend = Legend(self._symbols, self._x_label, *self._units, self.cursor)
        put_legend(plot, legend.lines(self._traces, layout.width, layout.height))
        return plot

    def _draw_empty(self, layout: Layout) -> list[Row]:
        plot: list[Row] = [[BLANK] * layout.width for _ in range(layout.height)]
        text = self._empty
        if self.log_y and self._plot.left_out:
            text = "nothing above 0 for the logarithmic axis: y takes it back"
        elif self.zoom is not None:
            text = "nothing in this part of the axis: 0 shows all of it"
        lines = [[(line, EMPTY)] for line in wrap(text, layout.width)[: layout.height]]
        for row, line in zip(plot[(layout.height - len(lines)) // 2 :], lines, strict=False):
            put(row, max(layout.width - width_of(line), 0) // 2, line)
        return plot

    def _text(self, text: str) -> str:
        return displayable(text, self._symbols, _LONGEST_TEXT)

    def _write_border(self) -> None:
        """Write title and x axis, how the data are shown, and what of them is not, as it fits."""
        notes, plot = [], self._plot
        if self.log_y and plot.left_out:
            notes.append(f"{plot.left_out} not above 0 left out")
        if plot.outside:
            notes.append(f"{plot.outside} outside {''.join(self._symbols.beyond)}")
        if self.robust_y:
            notes.append("without outliers")
        if self.log_y:
            notes.append("log y")
        if any(trace.smoothed for trace in self._traces):
            by = " by distance" if self.smoothing_kind == "time" else ""
            notes.append(f"smoothed {self.smoothing:g}{by}")
        if self.zoom is not None:
            notes.append("zoomed")
        between, room = " - " if self._symbols is ASCII else " · ", self.size.width - 4
        parts = [*notes, self._x_label] if self._x_label else notes
        while len(parts) > 1 and cell_len(between.join(parts)) > room:
            del parts[-2 if len(parts) > 2 else -1]
        border = cut(self._title, room), cut(between.join(parts), room)
        if border != self._border:  # to set it repaints the whole chart
            self._border = border
            self.border_title, self.border_subtitle = map(Content, border)
