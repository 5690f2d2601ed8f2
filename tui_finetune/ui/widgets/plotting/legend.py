"""The legend of a chart: a sample of each line, its name, its value."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui_finetune.text import clean
from tui_finetune.ui.widgets.plotting.cells import CURSOR, LEGEND, Piece, Row, put, width_of
from tui_finetune.ui.widgets.plotting.plot import line_style
from tui_finetune.ui.widgets.plotting.raster import ASCII, Symbols
from tui_finetune.ui.widgets.plotting.traces import Trace
from tui_finetune.ui.widgets.plotting.units import Unit, format_value

Entry = list[Piece]


@dataclass(frozen=True)
class Legend:
    """How the legend of a chart is written."""

    symbols: Symbols
    x_label: str
    x_unit: Unit
    y_unit: Unit
    cursor: float | None

    def lines(self, traces: Sequence[Trace], width: int, height: int) -> list[Entry]:
        """Return the most telling legend in `width` cells that leaves half of the height free."""
        most = max(height // 2, 1)
        stacked: list[Entry] = []
        for limit in (24, 12, 0):
            entries = self._entries(traces, limit)
            if not entries:
                return []
            gap = ("  " if limit else " ", LEGEND)
            side_by_side = [piece for entry in entries for piece in (gap, *entry)][1:]
            stacked = _aligned(entries)
            for lines in ([side_by_side], stacked):
                if len(lines) <= most and max(map(width_of, lines)) < width:
                    return lines
        if len(stacked) <= most or most == 1:
            return stacked[:most]
        rest: Entry = [(f"+{len(stacked) - most + 1} more", LEGEND)]
        return [*stacked[: most - 1], rest]

    def _entries(self, traces: Sequence[Trace], limit: int) -> list[Entry]:
        """Return sample, name of at most `limit` characters and value of each series."""
        entries: list[Entry] = []
        if self.cursor is not None:
            label = f"{self.x_label} " if limit and self.x_label else ""
            at = format_value(self.cursor, self.x_unit, exact=True)
            entries.append([(label, CURSOR), (at, CURSOR)])
        series = [trace.series for trace in traces]
        for number, trace in enumerate(traces):
            name = displayable(trace.series.name, self.symbols, limit) + " " if limit else ""
            sample, _ = line_style(series, number, self.symbols)
            style = trace.series.style
            value = self._value(trace)
            entries.append([(sample + " ", style), (name, LEGEND), (value, style)])
        return entries

    def _value(self, trace: Trace) -> str:
        """Return the value at the crosshair, or of the point before it with its x; or the latest.

        A smoothed value is followed by the logged one in brackets.
        """
        exact = self.cursor is not None
        index = trace.end - 1 if self.cursor is None else trace.index_at(self.cursor)
        if index is None or index < 0:
            return self.symbols.missing
        value = format_value(trace.series.ys[index], self.y_unit, exact)
        if trace.smoothed is not None:
            average = format_value(trace.smoothed.values[index], self.y_unit)
            value = f"{average} ({value})"
        x = trace.series.xs[index]
        if self.cursor is None or x == self.cursor:
            return value
        return f"{value} @{format_value(x, self.x_unit, exact=True)}"


def displayable(text: object, symbols: Symbols, limit: int | None = None) -> str:
    """Return text that the terminal can show, at most `limit` characters of it."""
    cleaned = clean(text, limit)
    return cleaned.encode("ascii", "replace").decode() if symbols is ASCII else cleaned


def put_legend(plot: list[Row], lines: list[Entry]) -> None:
    """Write the legend into the upper right corner, or the lower if less is hidden there."""
    if not lines:
        return
    width, height = max(map(width_of, lines)) + 1, len(lines)

    def hidden(top: int) -> int:
        return sum(c != " " for row in plot[top : top + height] for c, _ in row[-width:])

    top = min(0, len(plot) - height, key=hidden)
    for row, line in zip(plot[top:], lines, strict=False):
        put(row, max(len(row) - width_of(line) - 1, 0), [(" ", line[0][1]), *line])


def _aligned(entries: list[Entry]) -> list[Entry]:
    """Pad the entries to one width in front of their last pieces, so that they form columns."""
    width = max(map(width_of, entries))
    return [[*e[:-1], (" " * (width - width_of(e)), e[0][1]), e[-1]] for e in entries]
