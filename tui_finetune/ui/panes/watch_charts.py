"""The grid of a run's charts: as many as fit, paged, filtered, one enlarged."""

from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui_finetune.runs.charts import Chart, Line, Unit
from tui_finetune.runs.curves import Axis, Curve
from tui_finetune.text import clean
from tui_finetune.ui.panes.watch_feed import Snapshot
from tui_finetune.ui.panes.watch_series import (
    axis_range,
    known_axes,
    place_of_best,
    series_of,
    share_range,
)
from tui_finetune.ui.panes.watch_text import Piece
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.line_chart import LineChart, Series
from tui_finetune.ui.widgets.say import say

# The charts that are ever in sight at once; they are mounted once and show what is asked for.
MOST_CHARTS = 12

# The keyboard waits for the drawing at most about so long at a time.
_PATIENCE_SECONDS = 0.02
_PAUSE_SECONDS = 0.002

# A chart of less than these cells tells little; with more, there may be more than three columns
# and two rows of them.
_LEAST_WIDTH, _COMFORTABLE_WIDTH = 36, 50
_LEAST_HEIGHT, _COMFORTABLE_HEIGHT = 7, 9

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)

Change = Literal["smoothing", "smoothing kind", "axis", "enlarge", "filter", "next", "before"]


@dataclass
class _Shown:
    """What a chart widget shows at the moment, to tell whether that changed."""

    chart: Chart
    curves: list[Curve]
    extras: tuple[object, ...]

    def same_as(self, other: "_Shown") -> bool:
        """Compare curves by identity: equal ones are the same object, and comparing takes long."""
        return (
            (self.chart, self.extras) == (other.chart, other.extras)
            and len(self.curves) == len(other.curves)
            and all(one is two for one, two in zip(self.curves, other.curves, strict=True))
        )


class ChartGrid(Vertical):
    """The charts of the run in a snapshot, and below them a line that says what is set."""

    DEFAULT_CSS = """
    ChartGrid {
        height: 1fr; min-height: 7;
        & #watch-charts { height: 1fr; }
        & #watch-no-chart { height: 1fr; content-align: center middle; display: none; }
        & #watch-set { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #watch-filter { display: none; height: 1; border: none; padding: 0 1; }
    }
    """

    class Enlarged(Message):
        """One chart was given all the room, or gave it back."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._shown: dict[int, _Shown] = {}
        self._looks: dict[str, tuple[bool, bool]] = {}
        self._axis: Axis = "step"
        self._smoothing = 0.0
        self._by_time = False
        self._words: tuple[str, ...] = ()
        self._anchor = self._start = 0
        self._page: list[Chart] = []
        self._waiting: list[int] = []
        self._cursor: float | None = None
        self._zoom: tuple[float, float] | None = None
        self.enlarged = False
        """Whether one chart has all the room."""

    def compose(self) -> ComposeResult:
        """Lay out the charts, the line that says what is set, and the filter that replaces it."""
        with Grid(id="watch-charts"):
            for number in range(MOST_CHARTS):
                chart = LineChart(empty="no figures yet", id=f"chart-{number}")
                chart.display = number == 0  # it keeps the focus until there are figures
                yield chart
        yield _NoChart(id="watch-no-chart", markup=False)
        yield Static(id="watch-set", markup=False)
        yield Input(placeholder="words in the name of a chart", id="watch-filter", compact=True)

    def on_mount(self) -> None:
        """Keep the charts at hand: they are asked for at every snapshot."""
        self._widgets = list(self.query(LineChart))

    def clear(self) -> None:
        """Show nothing, as before the first snapshot; what is set stays."""
        self._snapshot = None
        self._shown, self._page, self._waiting = {}, [], []
        self._cursor = self._zoom = None
        self._anchor, self.enlarged = 0, False
        for widget in self._widgets:
            widget.show([])
            widget.cursor = widget.zoom = None
            widget.display = widget is self._widgets[0]  # it keeps the focus
        say(self, "#watch-set", Content(""))

    def show(self, snapshot: Snapshot) -> None:
        """Show the charts of a run; those that did not change are not drawn again."""
        self._snapshot = snapshot
        if self._axis not in known_axes(snapshot):
            self._axis = "step"
        self._show()

    def focus(self, scroll_visible: bool = True) -> "ChartGrid":
        """Focus the first chart in sight, or what stands there if there is none."""
        nothing = self.query_one(_NoChart)
        focus_now(nothing if nothing.display else self._widgets[0], scroll_visible)
        return self

    # --- what is in sight ---

    def _charts(self) -> list[Chart]:
        """Return the charts that the filter lets through."""
        if self._snapshot is None:
            return []
        charts = list(self._snapshot.charts) or [Chart("loss", (Line("train", "loss", "train"),))]
        return [chart for chart in charts if chart.matches(self._words)]

    def _show(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        charts = self._charts()
        columns, rows = shape(self.size.width, self.size.height - 1, len(charts))
        if self.enlarged:
            columns = rows = 1
        per_page = columns * rows
        self._anchor = max(min(self._anchor, len(charts) - 1), 0)
        self._start = self._anchor - self._anchor % per_page
        self._page = charts[self._start : self._start + per_page]
        if not self._page:
            words = clean(" ".join(self._words), 40)
            say(self, "#watch-no-chart", Content(f"no chart has {words} in its name"))
        for line in self.query("#watch-no-chart"):
            line.display = not self._page
        grid = self.query_one("#watch-charts", Grid)
        grid.display = bool(self._page)
        grid.styles.grid_size_columns, grid.styles.grid_size_rows = columns, rows
        pages = -(-len(charts) // per_page)
        say(self, "#watch-set", self._what_is_set(self._start // per_page + 1, pages))
        if any(widget.has_focus for widget in self._widgets[len(self._page) :]):
            self.call_later(self._focus_anchor)
        for number, widget in enumerate(self._widgets):
            widget.display = number < len(self._page)
        self._waiting = list(range(len(self._page)))
        self._show_waiting()

    def _show_waiting(self) -> None:
        """Show the charts that wait, for as long as the keyboard may, then the rest in a moment."""
        began = perf_counter()
        while self._waiting:
            if perf_counter() - began > _PATIENCE_SECONDS:
                self.set_timer(_PAUSE_SECONDS, self._show_waiting)
                return
            number = self._waiting.pop(0)
            self._show_chart(number, self._widgets[number], self._page[number])

    def _show_chart(self, number: int, widget: LineChart, chart: Chart) -> None:
        run = self._snapshot
        if run is None:
            return
        widget.smoothing = self._smoothing
        widget.smoothing_kind = "time" if self._by_time else "steps"
        self._show_lines(number, widget, chart, run)
        widget.cursor, widget.zoom = self._cursor, self._zoom

    def _show_lines(self, number: int, widget: LineChart, chart: Chart, run: Snapshot) -> None:
        wanted = chart.lines if self.enlarged else chart.in_brief or chart.lines
        lines = [line for line in wanted if self._curve(line) is not None]
        curves = [curve for line in lines if (curve := self._curve(line)) is not None]
        x_range = axis_range(run, self._axis)
        best = place_of_best(run, self._axis)
        test = {
            line.name: value
            for line in wanted
            if line.role == "test" and (value := run.test.get(line.key)) is not None
        }
        shown = _Shown(chart, curves, (self._axis, x_range, best, test))
        before = self._shown.get(number)
        if before is not None and before.same_as(shown):
            return
        self._shown[number] = shown
        if before is None or before.extras[0] != self._axis:
            widget.set_x_label(self._axis)
        if before is None or before.chart.title != chart.title:
            if before is not None:
                self._looks[before.chart.title] = widget.log_y, widget.robust_y
            widget.log_y, widget.robust_y = self._looks.get(chart.title, (False, False))
            widget.set_title(chart.title)
        series = [
            series_of(line, curve, index, self._axis, alone=len(wanted) == 1)
            for index, (line, curve) in enumerate(zip(lines, curves, strict=True))
        ]
        for name, value in test.items():
            series.append(Series(name, x_range[1:], [value], "$success", mark="◆"))
        y_range = share_range([y for one in series for y in one.ys]) if chart.is_share else None
        x_unit: Unit = "seconds" if self._axis == "time" else "number"
        widget.show(series, x_range, y_range, best, x_unit, chart.unit)

    def _curve(self, line: Line) -> Curve | None:
        assert self._snapshot is not None
        if line.role == "machine":
            return self._snapshot.machine.get(line.key)
        return None if line.role == "test" else self._snapshot.curves.get(line.key)

    def on_resize(self) -> None:
        """Fit as many charts as there is room for now."""
        self._show()

    # --- what is set ---

    def change(self, change: Change) -> None:
        """Set something for all charts: the next smoothing, the next axis, another page …"""
        match change:
            case "smoothing":
                place = SMOOTHINGS.index(self._smoothing) + 1
                self._smoothing = SMOOTHINGS[place % len(SMOOTHINGS)]
            case "smoothing kind":
                self._by_time = not self._by_time
            case "axis":
                axes = known_axes(self._snapshot)
                self._axis = axes[(axes.index(self._axis) + 1) % len(axes)]
                self._cursor = self._zoom = None
            case "enlarge":
                self._enlarge()
            case "filter":
                self._ask_for_words(True)
                focus_now(self.query_one(Input))
            case "next" | "before":
                self._turn(1 if change == "next" else -1)
        self._show()

    def _enlarge(self) -> None:
        place = next((n for n, widget in enumerate(self._widgets) if widget.has_focus), 0)
        if self.enlarged:
            self.enlarged = False
            self.call_after_refresh(self._focus_anchor)
        else:
            self._anchor = self._start + place
            self.enlarged = True
            self._widgets[0].focus()
        self.post_message(self.Enlarged())

    def _focus_anchor(self) -> None:
        self._widgets[self._anchor - self._start].focus()

    def _turn(self, direction: int) -> None:
        """Show the next page, or the one before, if there is one; the focus stays in sight."""
        columns, rows = shape(self.size.width, self.size.height - 1, len(self._charts()))
        target = self._start + direction * (1 if self.enlarged else columns * rows)
        if 0 <= target < len(self._charts()):
            self._anchor = target
            if any(widget.has_focus for widget in self._widgets):
                self._widgets[0].focus()

    def _what_is_set(self, page: int, pages: int) -> Content:
        """Return the line below the charts: what differs from how it begins, then the keys."""
        pieces: list[Piece] = [("x: ", "$text-muted"), self._axis]
        if self._smoothing:
            by = " by time" if self._by_time else ""
            pieces += [("   smoothing ", "$text-muted"), f"{self._smoothing:g}{by}"]
        if pages > 1:
            what = "chart" if self.enlarged else "page"
            pieces += [(f"   {what} ", "$text-muted"), f"{page} of {pages}"]
        if self._words:
            words = clean(" ".join(self._words), 30)
            pieces += [("   filter ", "$text-muted"), (words, "$text-accent")]
        if self._zoom is not None:
            pieces += [("   zoomed, ", "$text-muted"), "0", (" shows all", "$text-muted")]
        keys = [("x", "axis"), ("m", "smoothing"), ("z", "small" if self.enlarged else "enlarge")]
        keys += [("[ ]", "pages")] * (pages > 1) + [("/", "filter"), ("g", "machine")]
        line = Content.assemble(*pieces)
        for key, words in keys:
            hint = Content.assemble((f"   {key}", "$text-accent"), (f" {words}", "$text-muted"))
            if line.cell_length + hint.cell_length + 2 <= self.size.width:
                line += hint
        return line

    @property
    def filtered(self) -> bool:
        """Whether only some charts are let through."""
        return bool(self._words)

    def clear_filter(self) -> None:
        """Let all charts through again."""
        self.query_one(Input).value = ""
        self._words = ()
        self._show()

    @on(Input.Changed, "#watch-filter")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._words, self._anchor = tuple(event.value.split()), 0
        self._show()

    @on(Input.Submitted, "#watch-filter")
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_filter()

    def on_key(self, event: events.Key) -> None:
        """Escape in the filter lets all charts through again."""
        if event.key == "escape" and self.query_one(Input).has_focus:
            event.stop()
            self.clear_filter()
            self._leave_filter()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Take the filter's box away when the person goes elsewhere."""
        if isinstance(event.widget, Input):
            self._ask_for_words(False)

    def _leave_filter(self) -> None:
        self._ask_for_words(False)
        self.focus()
        self._show()

    def _ask_for_words(self, asking: bool) -> None:
        """Put the box for the words in the place of what is set, or take it away."""
        # not by a class of this widget: that would go through the styles of all charts
        self.query_one(Input).display = asking
        self.query_one("#watch-set").display = not asking

    # --- one crosshair and one zoom for all ---

    @on(LineChart.CursorMoved)
    def _cursor_moved(self, event: LineChart.CursorMoved) -> None:
        event.stop()
        self._share_cursor(event.x)

    @on(LineChart.Zoomed)
    def _zoomed(self, event: LineChart.Zoomed) -> None:
        event.stop()
        self._share_zoom(event.zoom)

    def _share_cursor(self, x: float | None) -> None:
        if x == self._cursor:
            return
        self._cursor = x
        self._show()

    def _share_zoom(self, zoom: tuple[float, float] | None) -> None:
        if zoom == self._zoom:
            return
        self._zoom = zoom
        self._show()


class _NoChart(Static, can_focus=True):
    """Stands where no chart passes the filter; focusable, so that the keys still work."""


def shape(width: int, height: int, charts: int) -> tuple[int, int]:
    """Return in how many columns and rows so many charts stand, at most as many as fit."""
    most_columns = max(min(width // _LEAST_WIDTH, 3), width // _COMFORTABLE_WIDTH, 1)
    most_rows = max(min(height // _LEAST_HEIGHT, 2), height // _COMFORTABLE_HEIGHT, 1)
    shown = min(charts, most_columns * most_rows, MOST_CHARTS)
    rows = max(-(-shown // most_columns), 1)
    return max(-(-shown // rows), 1), rows
