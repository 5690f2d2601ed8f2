"""Where the parts of a chart are, and its axes."""

from dataclasses import dataclass

from tui_finetune.ui.widgets.plotting.axes import (
    LevelTick,
    Range,
    Scale,
    level_ticks,
    upright_ticks,
)
from tui_finetune.ui.widgets.plotting.cells import AXIS, BLANK, TICK, Piece, Row, put
from tui_finetune.ui.widgets.plotting.raster import Symbols
from tui_finetune.ui.widgets.plotting.units import Unit

# What the axis is drawn for while there is nothing on it.
_NO_RANGE = (1.0, 10.0)


@dataclass(frozen=True)
class Layout:
    """Where things are inside the border, in cells."""

    symbols: Symbols
    left: int
    """Column of the upright axis; the plot begins right of it."""
    width: int
    """Width of the plot."""
    height: int
    """Height of the plot; the level axis, if there is room for it, and its labels are below."""
    x: Scale
    y: Scale
    y_ticks: list[tuple[int, str]]
    """Row and label of the ticks of the upright axis."""
    x_ticks: list[LevelTick]

    def column(self, x: float) -> int:
        """Return the column of `x` inside the border."""
        return self.left + 1 + self.x.dot(x) // self.symbols.across

    def share_at(self, column: int) -> float:
        """Return how far along the plot, 0 to 1 if it is on it, a column inside the border is."""
        return (column - self.left - 1) / max(self.width - 1, 1)

    def draw_axes(self, frame: list[Row], star_x: float | None) -> None:
        """Draw both axes with their ticks, and a star on the level one if an x is given."""
        upright, upright_tick, corner, level, level_tick = self.symbols.axis
        for row in frame[: self.height]:
            row[self.left] = upright, AXIS
        for at, label in self.y_ticks:
            put(frame[at], self.left - len(label), [(label, TICK), (upright_tick, AXIS)])
        has_line = len(frame) > self.height + 1
        if has_line:
            put(frame[-2], self.left, [(corner + level * self.width, AXIS)])
        for column, start, label in self.x_ticks:
            put(frame[-1], start, [(label, TICK)])
            if has_line:
                frame[-2][column] = level_tick, AXIS
        if has_line and star_x is not None and self.x.holds(star_x):
            frame[-2][self.column(star_x)] = self.symbols.star, TICK

    def draw_rule(self, frame: list[Row], x: float | None, piece: Piece) -> None:
        """Draw an upright line where nothing else is in the plot."""
        if x is None or not self.x.holds(x):
            return
        column = self.column(x)
        for row in frame[: self.height]:
            if row[column] == BLANK:
                row[column] = piece


def lay_out(
    width: int,
    height: int,
    symbols: Symbols,
    view: Range,
    y_range: Range | None,
    units: tuple[Unit, Unit],
    log: bool,
) -> Layout | None:
    """Divide the room inside the border, or return None if there is too little of it."""
    rows = height - (2 if height >= 7 else 1)
    if rows < 1:
        return None
    y = Scale(*(y_range or _NO_RANGE), rows * symbols.down, log)
    most = max(3 if rows >= 5 else 2, rows // 3 + 1)
    values, labels = upright_ticks(y, most, units[1]) if y_range else ([], [])
    y_ticks = [
        (rows - 1 - y.dot(value) // symbols.down, label)
        for value, label in zip(values, labels, strict=True)
    ]
    left = max(map(len, labels), default=0)
    plot_width = width - left - 1
    if plot_width < 4:
        return None
    x = Scale(*view, plot_width * symbols.across)
    x_ticks = level_ticks(view, lambda at: left + 1 + x.dot(at) // symbols.across, width, units[0])
    return Layout(symbols, left, plot_width, rows, x, y, y_ticks, x_ticks)
