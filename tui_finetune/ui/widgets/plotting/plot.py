"""The curves of a chart as rows of cells, kept so that new points cost only their columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui_finetune.ui.widgets.plotting.axes import Scale
from tui_finetune.ui.widgets.plotting.buckets import Buckets
from tui_finetune.ui.widgets.plotting.cells import Row
from tui_finetune.ui.widgets.plotting.raster import (
    DOTTED,
    SOLID,
    Dash,
    Raster,
    Symbols,
    draw_arrows,
    draw_line,
    draw_marks,
)
from tui_finetune.ui.widgets.plotting.traces import Series, Trace

FAINT = "faint "
"""Stands before the style of the raw points behind a smoothed line."""


@dataclass
class _Layer:
    """One curve: the points of a series, or their moving average."""

    trace: Trace
    averaged: bool
    buckets: Buckets
    style: str
    dash: Dash | None
    mark: str | None

    def extend(self) -> int | None:
        """Take in new points; return the first dot column that changes, or None."""
        items = self.buckets.items
        last = items[-1].column if items else None
        before, trace = self.buckets.end, self.trace
        ys: Sequence[float] = trace.series.ys
        if self.averaged and trace.smoothed is not None:
            ys = trace.smoothed.values
        self.buckets.add(trace.series.xs, ys, trace.end)
        if self.buckets.end == before or not items:
            return None
        return items[0].column if last is None else last


class Plot:
    """Draws traces; what it drew last is kept and drawn anew only where it changes."""

    def __init__(self, symbols: Symbols) -> None:
        """Begin with nothing drawn."""
        self.symbols = symbols
        self.rows: list[Row] = []
        self._key: object = None
        self._raster = Raster(0, 0, symbols)
        self._layers: list[_Layer] = []
        self._styles: dict[int | None, str] = {}

    def draw(self, traces: list[Trace], x: Scale, y: Scale) -> list[Row]:
        """Return the rows of cells that show the traces, smoothed lines on top of their points.

        The rows are kept and drawn on again; whoever writes over them takes copies.
        """
        for _ in self.drawing(traces, x, y):
            pass
        return self.rows

    def drawing(self, traces: list[Trace], x: Scale, y: Scale) -> Iterator[None]:
        """Draw the traces into `rows`, a series at a time; that may be given up in between."""
        looks = [_look(trace.series) for trace in traces]
        averages = [trace.smoothed for trace in traces]
        key = (x, y, list(traces), looks, averages)
        column = None
        if key != self._key:
            self._begin(traces, x, y)
            column = 0
        self._key = None  # until it is done: what was given up is begun anew
        changed = []
        for layer in self._layers:
            if (at := layer.extend()) is not None:
                changed.append(at)
            yield
        if column is None and changed:
            column = min(max(min(changed), 0) // self.symbols.across, self._raster.width)
        if column is not None:
            yield from self._draw_from(column, y)
        self._key = key

    @property
    def outside(self) -> int:
        """How many points in sight are above or below the scale of y."""
        return sum(layer.buckets.outside for layer in self._layers if not layer.averaged)

    @property
    def left_out(self) -> int:
        """How many points in sight have no place on a logarithmic axis."""
        return sum(layer.buckets.left_out for layer in self._layers if not layer.averaged)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(layer.buckets.items for layer in self._layers)

    def _begin(self, traces: list[Trace], x: Scale, y: Scale) -> None:
        width, height = x.dots // self.symbols.across, y.dots // self.symbols.down
        self._raster = Raster(width, height, self.symbols)
        self.rows = [[(" ", "")] * width for _ in range(height)]
        behind: list[_Layer] = []
        front: list[_Layer] = []
        for number, trace in enumerate(traces):
            series = trace.series
            sample, dash = line_style([one.series for one in traces], number, self.symbols)
            style, mark = series.style, sample if series.mark is not None else None
            drawn = dash if mark is None or series.connected else None
            layer = _Layer(trace, False, Buckets(x, y), style, drawn, mark)
            if trace.smoothed is None:
                front.append(layer)
                continue
            layer.style, layer.dash = FAINT + style, SOLID
            behind.append(layer)
            front.append(_Layer(trace, True, Buckets(x, y), style, drawn, None))
        self._layers = [*behind, *front]
        self._styles = {number: layer.style for number, layer in enumerate(self._layers)}
        self._styles[None] = ""

    def _draw_from(self, column: int, y: Scale) -> Iterator[None]:
        """Draw the cells from a column on, a series at a time."""
        raster, from_dot = self._raster, column * self.symbols.across
        raster.clear(column)
        for number, layer in enumerate(self._layers):
            items = layer.buckets.items
            if layer.dash is not None:
                draw_line(raster, items, y, number, layer.dash, from_dot)
            if layer.mark is not None:
                draw_marks(raster, items, y, number, layer.mark)
            if layer.buckets.outside:
                draw_arrows(raster, items, y, number)
            yield
        for row, cells in zip(self.rows, raster.rows(column), strict=True):
            row[column:] = [(character, self._styles[owner]) for character, owner in cells]


def line_style(series: Sequence[Series], number: int, symbols: Symbols) -> tuple[str, Dash]:
    """Return how a series looks in the legend, and the dashes of its line."""
    one = series[number]
    sample, dash = symbols.lines[one.dash % len(symbols.lines)]
    if one.mark is None:
        return sample, dash
    mark = one.mark
    if symbols.marks and not mark.isascii():
        before = sum(other.mark is not None for other in series[:number])
        mark = symbols.marks[before % len(symbols.marks)]
    return mark, dash if one.dash else DOTTED


def _look(series: Series) -> tuple[object, ...]:
    return series.style, series.mark, series.connected, series.dash
