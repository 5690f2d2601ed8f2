"""A line chart drawn with braille dots, made for a terminal at the other end of a slow line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf, nextafter
from operator import itemgetter
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui_finetune.text import clean
from tui_finetune.ui.widgets import plotting
from tui_finetune.ui.widgets.plotting import Dash, Piece, Point, Range, Row, put, width_of

AXIS, TICK, LEGEND, HIGHLIGHT, CURSOR, EMPTY = COMPONENTS = (
    "line-chart--axis",
    "line-chart--tick",
    "line-chart--legend",
    "line-chart--highlight",
    "line-chart--cursor",
    "line-chart--empty",
)
BLANK: Piece = (" ", "")


@dataclass(frozen=True)
class Series:
    """One series of a chart."""

    name: str
    """Shown in the legend; may be any text."""
    points: Sequence[Point]
    """(x, y) with ascending x; a y of None, NaN or infinity is a gap."""
    style: str
    """A colour or a style with theme variables, such as "$text-primary" or "bold red"."""
    mark: str | None = None
    """A character one cell wide that is drawn at each point instead of a line."""
    connected: bool = False
    """Whether a dotted line joins the marks."""


@dataclass(frozen=True)
class Layout:
    """Where things are inside the border, in cells."""

    left: int
    """Column of the upright axis; the plot begins right of it."""
    width: int
    """Width of the plot."""
    height: int
    """Height of the plot; the level axis, if there is room for it, and its labels are below."""
    y_range: Range | None
    y_ticks: list[float]
    y_labels: list[str]


class LineChart(Widget, can_focus=True):
    """Series over a fixed range of x, with axes, a legend and a crosshair.

    `title` and `x_label` stand in the border, `empty` in the middle until there is a point.
    With `ascii_only` nothing outside ASCII is written.
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Point before", show=False),
        Binding("right", "step(1)", "Point after", show=False),
        Binding("shift+left", "leap(-1)", "A tenth back", show=False),
        Binding("shift+right", "leap(1)", "A tenth on", show=False),
        Binding("escape", "leave", "No crosshair", show=False),
    ]

    cursor: reactive[float | None] = reactive(None, repaint=False)
    """The x of the crosshair, or None."""

    def __init__(
        self,
        title: str = "",
        *,
        x_label: str = "",
        empty: str = "",
        ascii_only: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a chart that shows nothing yet."""
        super().__init__(name=name, id=id, classes=classes)
        self.set_class(ascii_only, "-ascii")
        self._symbols = plotting.ASCII if ascii_only else plotting.BRAILLE
        self._x_label = self._text(x_label)
        self._empty = self._text(empty)
        self.border_title = Content(self._text(title))
        self.border_subtitle = Content(self._x_label)
        self._series: list[Series] = []
        self._points: list[tuple[Point, ...]] = []
        self._buckets: list[plotting.Buckets] = []
        self._x_range: Range = (0.0, 1.0)
        self._y_range: Range | None = None
        self._fitted: Range | None = None
        self._highlight: float | None = None
        self._frame: list[Row] = []

    def show(
        self,
        series: Sequence[Series],
        x_range: tuple[float, float],
        y_range: tuple[float, float] | None = None,
        highlight_x: float | None = None,
    ) -> None:
        """Show these series, the last on top, and repaint the cells that change by it.

        Without `y_range` the axis is fitted to the data; as long as points are only added to what
        was shown before, it may grow but never shrinks.
        """
        points = [tuple(one.points) for one in series]
        before = self._points
        if x_range != self._x_range or not _only_added(before, points):
            before, self._buckets, self._fitted = [], [], None
        for number, all_points in enumerate(points):
            known = len(before[number]) if number < len(before) else 0
            if found := plotting.extent(all_points[known:], x_range):
                self._fitted = plotting.grow_range(*found, self._fitted)
        self._series, self._points = list(series), points
        self._x_range, self._y_range, self._highlight = x_range, y_range, highlight_x
        if self.cursor is not None and not x_range[0] <= self.cursor <= x_range[1]:
            self.cursor = None
        self._redraw()

    # --- the crosshair ---

    def action_step(self, direction: int) -> None:
        """Move the crosshair to the next x that has a point, or begin at the last."""
        self._move(inf, -1) if self.cursor is None else self._move(self.cursor, direction)

    def action_leap(self, direction: int) -> None:
        """Move the crosshair by at least a tenth of the axis, or to the last point that way."""
        low, high = self._x_range
        start = high if self.cursor is None else self.cursor
        target = start + direction * (high - low) / 10
        end = self._neighbour(inf * direction, -direction)
        if end is not None:
            at_most = min if direction > 0 else max
            self._move(nextafter(at_most(target, end), -inf * direction), direction)

    def action_leave(self) -> None:
        """Take the crosshair away."""
        self.cursor = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave escape to the screen while there is no crosshair."""
        return action != "leave" or self.cursor is not None

    def on_click(self, event: events.Click) -> None:
        """Set the crosshair to the x nearest to the mouse."""
        offset, layout = event.get_content_offset(self), self._layout()
        if offset is None or layout is None:
            return
        low, high = self._x_range
        share = (offset.x - layout.left - 1) / max(layout.width - 1, 1)
        x = low + min(max(share, 0.0), 1.0) * (high - low)
        either = [self._neighbour(nextafter(x, -inf), 1), self._neighbour(nextafter(x, inf), -1)]
        near = [found for found in either if found is not None]
        self.cursor = min(near, key=lambda found: abs(found - x), default=None)

    def watch_cursor(self) -> None:
        """Draw the crosshair where it is now."""
        self._redraw()

    def _move(self, start: float, direction: int) -> None:
        if (x := self._neighbour(start, direction)) is not None:
            self.cursor = x

    def _neighbour(self, x: float, direction: int) -> float | None:
        """Return the nearest x of any series to the right (1) or left (-1) of `x`."""
        each = (plotting.neighbour(points, x, direction, self._x_range) for points in self._points)
        found = [one for one in each if one is not None]
        return (min if direction > 0 else max)(found, default=None)

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
        self._redraw()

    def _style(self, style: str) -> Style:
        if style in COMPONENTS:
            return self.get_component_rich_style(style)
        if not style:
            return self.visual_style.rich_style
        return (self.visual_style + self.app.stylesheet.parse_style(style)).rich_style

    def _redraw(self) -> None:
        before, self._frame = self._frame, self._draw()
        if [len(row) for row in before] != [len(row) for row in self._frame]:
            self.refresh()
            return
        regions = []
        for y, (old, new) in enumerate(zip(before, self._frame, strict=True)):
            if span := plotting.changed(old, new):
                regions.append(Region(span[0], y, span[1] - span[0], 1))
        if regions:
            self.refresh(*regions)

    # --- drawing ---

    def _draw(self) -> list[Row]:
        layout = self._layout()
        if layout is None:
            return []
        frame: list[Row] = [[BLANK] * self.size.width for _ in range(self.size.height)]
        self._draw_axes(frame, layout)
        for row, plotted in zip(frame, self._draw_plot(layout), strict=False):
            row[layout.left + 1 :] = plotted
        self._draw_rule(frame, layout, self._highlight, (self._symbols.highlight, HIGHLIGHT))
        self._draw_rule(frame, layout, self.cursor, (self._symbols.cursor, CURSOR))
        return frame

    def _layout(self) -> Layout | None:
        """Divide the room inside the border, or return None if there is too little of it."""
        width, height = self.size
        rows = height - (2 if height >= 7 else 1)
        y_range = self._y_range or self._fitted
        most = max(3 if rows >= 5 else 2, rows // 3 + 1)
        ticks = plotting.nice_ticks(*y_range, most) if y_range else []
        labels = plotting.format_ticks(ticks)
        left = max(map(len, labels), default=0)
        if width - left < 5 or rows < 1:
            return None
        return Layout(left, width - left - 1, rows, y_range, ticks, labels)

    def _column(self, x: float, layout: Layout) -> int:
        """Return the column of `x` inside the border."""
        across = self._symbols.across
        dot = plotting.dot_of(x, self._x_range, layout.width * across)
        return layout.left + 1 + dot // across

    def _draw_axes(self, frame: list[Row], layout: Layout) -> None:
        upright, upright_tick, corner, level, level_tick = self._symbols.axis
        for row in frame[: layout.height]:
            row[layout.left] = upright, AXIS
        down = self._symbols.down
        for tick, label in zip(layout.y_ticks, layout.y_labels, strict=True):
            dot = plotting.dot_of(tick, layout.y_range or (0, 0), layout.height * down)
            row = frame[layout.height - 1 - dot // down]
            put(row, layout.left - len(label), [(label, TICK), (upright_tick, AXIS)])
        has_line = len(frame) > layout.height + 1
        if has_line:
            put(frame[-2], layout.left, [(corner + level * layout.width, AXIS)])
        ticks = plotting.level_ticks(
            self._x_range, lambda x: self._column(x, layout), self.size.width
        )
        for column, start, label in ticks:
            put(frame[-1], start, [(label, TICK)])
            if has_line:
                frame[-2][column] = level_tick, AXIS

    def _draw_rule(self, frame: list[Row], layout: Layout, x: float | None, piece: Piece) -> None:
        """Draw an upright line where nothing else is in the plot."""
        if x is None or not self._x_range[0] <= x <= self._x_range[1]:
            return
        column = self._column(x, layout)
        for row in frame[: layout.height]:
            if row[column] == BLANK:
                row[column] = piece

    def _draw_plot(self, layout: Layout) -> list[Row]:
        raster = plotting.Raster(layout.width, layout.height, self._symbols)
        self._condense(raster.dots_across)
        y_range = layout.y_range
        if y_range is None or not any(buckets.items for buckets in self._buckets):
            return self._draw_empty(layout)
        for number, (one, buckets) in enumerate(zip(self._series, self._buckets, strict=True)):
            sample, dash = self._line_style(number)
            if one.mark is None or one.connected:
                plotting.draw_line(raster, buckets.items, y_range, number, dash)
            if one.mark is not None:
                plotting.draw_marks(raster, buckets.items, y_range, number, sample)
        styles: dict[int | None, str] = {n: one.style for n, one in enumerate(self._series)}
        plot = [[(c, styles.get(owner, "")) for c, owner in row] for row in raster.rows()]
        plotting.put_legend(plot, self._legend(layout))
        return plot

    def _draw_empty(self, layout: Layout) -> list[Row]:
        plot: list[Row] = [[BLANK] * layout.width for _ in range(layout.height)]
        lines = [[(line, EMPTY)] for line in wrap(self._empty, layout.width)[: layout.height]]
        for row, line in zip(plot[(layout.height - len(lines)) // 2 :], lines, strict=False):
            put(row, max(layout.width - width_of(line), 0) // 2, line)
        return plot

    def _condense(self, columns: int) -> None:
        """Bring the buckets up to the points; only new points are looked at."""
        if any(buckets.columns != columns for buckets in self._buckets):
            self._buckets = []
        for _ in range(len(self._buckets), len(self._points)):
            self._buckets.append(plotting.Buckets(self._x_range, columns))
        for buckets, points in zip(self._buckets, self._points, strict=True):
            buckets.add(points[buckets.seen :])

    # --- the legend ---

    def _line_style(self, number: int) -> tuple[str, Dash]:
        """Return how a series looks in the legend, and the dashes of its line."""
        mark = self._series[number].mark
        marked = [one.mark is not None for one in self._series[:number]]
        lines, marks = self._symbols.lines, self._symbols.marks
        if mark is None:
            return lines[marked.count(False) % len(lines)]
        if marks and not mark.isascii():
            mark = marks[marked.count(True) % len(marks)]
        return mark, plotting.DOTTED

    def _legend(self, layout: Layout) -> list[list[Piece]]:
        """Return the lines of the most telling legend that leaves half of the height free."""
        most = max(layout.height // 2, 1)
        stacked: list[list[Piece]] = []
        for limit in (24, 12, 0):
            entries = self._legend_entries(limit)
            gap = ("  " if limit else " ", LEGEND)
            side_by_side = [piece for entry in entries for piece in (gap, *entry)][1:]
            stacked = plotting.aligned(entries)
            for lines in ([side_by_side], stacked):
                if len(lines) <= most and max(map(width_of, lines)) < layout.width:
                    return lines
        return stacked[:most]

    def _legend_entries(self, limit: int) -> list[list[Piece]]:
        """Return sample, name of at most `limit` characters and value of each series."""
        entries: list[list[Piece]] = []
        if self.cursor is not None:
            label = f"{self._x_label} " if limit and self._x_label else ""
            entries.append([(label, CURSOR), (plotting.format_value(self.cursor, True), CURSOR)])
        for number, one in enumerate(self._series):
            name = self._text(one.name, limit) + " " if limit else ""
            sample, _ = self._line_style(number)
            value = self._value(self._points[number])
            entries.append([(sample + " ", one.style), (name, LEGEND), (value, one.style)])
        return entries

    def _value(self, points: Sequence[Point]) -> str:
        """Return the value at the crosshair, or the latest."""
        if self.cursor is None:
            value = next((y for _, y in reversed(points) if y is not None), None)
        else:
            value = plotting.value_at(points, self.cursor)
        if value is None:
            return self._symbols.missing
        return plotting.format_value(value, exact=self.cursor is not None)

    def _text(self, value: object, limit: int | None = None) -> str:
        text = clean(value, limit)
        is_plain = self._symbols is plotting.ASCII
        return text.encode("ascii", "replace").decode() if is_plain else text


def _only_added(before: list[tuple[Point, ...]], now: list[tuple[Point, ...]]) -> bool:
    """Tell whether every series goes on from what it was; comparing shared points is fast."""
    pairs = zip(before, now, strict=False)
    return len(before) <= len(now) and all(new[: len(old)] == old for old, new in pairs)
