"""The curves of several runs over one axis: one metric a chart, as many charts as fit."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui_finetune.runs.charts import SHARES, Unit
from tui_finetune.runs.comparison import ComparedRun, Comparison
from tui_finetune.runs.curves import AXES, Axis, Curve
from tui_finetune.runs.figures import direction, title_of
from tui_finetune.runs.history import EVALUATION
from tui_finetune.text import clean
from tui_finetune.ui.panes.compare_text import COLOURS, DASHES, MARKS, short_names
from tui_finetune.ui.panes.watch_series import share_range
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.line_chart import LineChart, Series
from tui_finetune.ui.widgets.say import say

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)

# Room for a second column of charts, and for a second row.
_TWO_COLUMNS, _TWO_ROWS = 110, 18
_MOST_CHARTS = 4

_LONGEST_NAME = 14

_UNITS: dict[str, Unit] = {
    "process_rss": "bytes", "host_used": "bytes", "used_by_run": "bytes", "used": "bytes",
    "cpu_percent": "percent", "utilisation": "percent",
}  # fmt: skip


class CompareCharts(Vertical):
    """Charts with a line for each run; they share the axis, the crosshair and the zoom."""

    DEFAULT_CSS = """
    CompareCharts {
        & #compare-filter {
            display: none; height: 1; border: none; padding: 0 1; background: $panel;
        }
        & Grid { height: 1fr; grid-size: 1; }
        & LineChart { width: 1fr; height: 1fr; }
        & #compare-set { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-filtering #compare-filter { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "smooth", "Smoothing"),
        Binding("M", "smooth_by_time", "Smoothing by distance", show=False),
        Binding("x", "axis", "Axis"),
        Binding("z", "enlarge", "Enlarge"),
        Binding("enter", "enlarge", "Enlarge", show=False),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("left_square_bracket,pageup", "turn(-1)", "Metric", key_display="[ ]"),
        Binding("right_square_bracket,pagedown", "turn(1)", "Metric", show=False),
        Binding("up", "part(-1)", "Chart above", show=False),
        Binding("down", "part(1)", "Chart below, then the runs", show=False),
    ]

    class LeftDownwards(Message):
        """The last chart had the focus, and what is below the charts is wanted."""

    class MetricChanged(Message):
        """Another metric is in front."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._comparison: Comparison | None = None
        self._place = 0
        self._words = ""
        self._enlarged = False
        self._smoothing = 1
        self._by_time = False
        self._axis: Axis | None = None
        self._drawn: dict[tuple[int, str, Axis], tuple[Curve, Series]] = {}
        self._told: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the filter, the charts, and the line about how they are shown."""
        yield Input(placeholder="words in the metric's name; Esc shows all", id="compare-filter")
        with Grid():
            for number in range(_MOST_CHARTS):
                chart = LineChart("reading the runs", id=f"compare-{number}")
                chart.display = number == 0
                yield chart
        yield Static(id="compare-set", markup=False)

    def focus(self, scroll_visible: bool = True) -> "CompareCharts":
        """Focus the chart of the metric in front."""
        focus_now(self._charts[self._place % self._per_page], scroll_visible)
        return self

    def show(self, comparison: Comparison) -> None:
        """Show another comparison, or the same as it is now."""
        before, self._comparison = self._comparison, comparison
        if before is None or (before.ids, before.labels) != (comparison.ids, comparison.labels):
            self._drawn.clear()
        if before is None or before.ids != comparison.ids:
            self._words, self._axis, self._place = "", None, 0
            metrics = self._metrics()
            self._place = next((n for n, m in enumerate(metrics) if m.startswith(EVALUATION)), 0)
            self.query_one(Input).value = ""
            self._share(cursor=None, zoom=None)
        self._draw()

    @property
    def metric(self) -> str | None:
        """The metric in front: that of the chart which has or had the focus."""
        metrics = self._metrics()
        return metrics[min(self._place, len(metrics) - 1)] if metrics else None

    @property
    def _charts(self) -> list[LineChart]:
        return list(self.query(LineChart))

    def _metrics(self) -> list[str]:
        """Return what can be drawn and is let through by the filter."""
        if self._comparison is None:
            return []
        words = self._words.casefold().split()
        return [
            name
            for name in drawable_metrics(self._comparison)
            if all(word in f"{name} {title_of(name)}".casefold() for word in words)
        ]

    @property
    def _shape(self) -> tuple[int, int]:
        """Columns and rows of charts."""
        metrics = len(self._metrics())
        if self._enlarged or metrics < 2:
            return 1, 1
        columns = 2 if self.size.width >= _TWO_COLUMNS else 1
        return columns, 2 if self.size.height >= _TWO_ROWS and metrics > columns else 1

    @property
    def _per_page(self) -> int:
        columns, rows = self._shape
        return columns * rows

    def on_resize(self) -> None:
        """Show as many charts as there is room for now."""
        self._draw()

    # --- drawing ---

    def _draw(self) -> None:
        comparison = self._comparison
        if comparison is None or not self.size.width:
            return
        metrics = self._metrics()
        columns, _ = self._shape
        self._place = min(self._place, max(len(metrics) - 1, 0))
        first = self._place - self._place % self._per_page
        shown = metrics[first : first + self._per_page]
        axis = self._axis_now()
        grid = self.query_one(Grid)
        if grid.styles.grid_size_columns != columns:
            grid.styles.grid_size_columns = columns
        x_range = axis_range(comparison, axis)
        for number, chart in enumerate(self._charts):
            chart.display = number < max(len(shown), 1)
            if number < len(shown):
                self._draw_one(chart, comparison, shown[number], axis, x_range)
            elif not number:
                none = "no metric with these words" if self._words else "nothing was logged yet"
                chart.set_title(none)
                chart.show([], x_range)
        say(self, "#compare-set", self._how_it_is_shown(metrics, first, len(shown), axis))
        self._tell()

    def _draw_one(
        self,
        chart: LineChart,
        comparison: Comparison,
        metric: str,
        axis: Axis,
        x_range: tuple[float, float],
    ) -> None:
        arrow = {"lower": " ↓", "higher": " ↑", None: ""}[direction(metric)]
        weighted = comparison.weights_words(metric)
        chart.set_title(f"{title_of(metric)}{arrow}{', ' if weighted else ''}{weighted}")
        chart.set_x_label(axis)
        chart.smoothing = SMOOTHINGS[self._smoothing]
        chart.smoothing_kind = "time" if self._by_time else "steps"
        series = [
            self._series(comparison, place, metric, axis) for place in range(len(comparison.runs))
        ]
        known = [one for one in series if one is not None]
        y_range = None
        if metric.removeprefix(EVALUATION) in SHARES:
            y_range = share_range([y for one in known for y in one.ys])
        unit = _UNITS.get(metric.rpartition("/")[2], "number")
        x_unit: Unit = "seconds" if axis == "time" else "number"
        chart.show(known, x_range, y_range, x_unit=x_unit, y_unit=unit)

    def _series(self, comparison: Comparison, place: int, metric: str, axis: Axis) -> Series | None:
        """Return the line of a run, made anew only if points came."""
        curve = curve_of(comparison.runs[place], metric)
        if curve is None or not curve.ends_on(axis):
            return None
        known = self._drawn.get((place, metric, axis))
        if known is None or known[0] is not curve:
            name = short_names(comparison.labels, _LONGEST_NAME)[place]
            known = curve, series_of(name, curve, place, axis, metric)
            self._drawn[place, metric, axis] = known
        return known[1]

    def _axis_now(self) -> Axis:
        """Return the chosen axis, or the one to begin with; never one that no run knows."""
        assert self._comparison is not None
        known = known_axes(self._comparison)
        wanted = self._axis or self._comparison.default_axis
        return wanted if wanted in known else known[0]

    def _how_it_is_shown(
        self, metrics: Sequence[str], first: int, shown: int, axis: Axis
    ) -> Content:
        pieces: list[tuple[str, str]] = [("x: ", "$text-muted"), (axis, "")]
        assert self._comparison is not None
        if axis == "epoch" and self._comparison.default_axis == "epoch":
            pieces.append((" (their epochs have different numbers of steps)", "$text-muted"))
        kind = " by distance" if self._by_time else ""
        weight = SMOOTHINGS[self._smoothing]
        pieces += [("   smoothing ", "$text-muted"), (f"{weight:g}{kind}" if weight else "off", "")]
        if len(metrics) > shown:
            last = f" to {first + shown}" if shown > 1 else ""
            place = f"{first + 1}{last} of {len(metrics)}"
            pieces += [("   metric ", "$text-muted"), (place, "")]
        if self._words:
            pieces += [("   filter ", "$text-muted"), (clean(self._words, 30), "$text-accent")]
        return Content.assemble(*pieces)

    # --- keys ---

    def action_smooth(self) -> None:
        """Smooth more, or not at all after the most."""
        self._smoothing = (self._smoothing + 1) % len(SMOOTHINGS)
        self._draw()

    def action_smooth_by_time(self) -> None:
        """Let each point count by its distance on the axis, or alike."""
        self._by_time = not self._by_time
        self._draw()

    def action_axis(self) -> None:
        """Show the curves over the next axis that is known."""
        if self._comparison is None:
            return
        known = known_axes(self._comparison)
        self._axis = known[(known.index(self._axis_now()) + 1) % len(known)]
        self._share(cursor=None, zoom=None)
        self._draw()

    def action_enlarge(self) -> None:
        """Give the chart with the focus all the room, or show several again."""
        self._enlarged = not self._enlarged
        self._draw()
        self.focus()

    def action_turn(self, direction: int) -> None:
        """Go to the next metrics, or those before."""
        page = self._place // self._per_page + direction
        if 0 <= page * self._per_page < len(self._metrics()):
            self._place = page * self._per_page
            self._draw()
            self.focus()

    def action_part(self, direction: int) -> None:
        """Go to the chart above or below; from the last one to what is below the charts."""
        shown = [chart for chart in self._charts if chart.display]
        target = self._place % self._per_page + direction
        if target >= len(shown):
            self.post_message(self.LeftDownwards())
        elif target >= 0:
            shown[target].focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Put the metric of the chart with the focus in front."""
        if event.widget in self._charts:
            self._place -= self._place % self._per_page
            self._place += self._charts.index(event.widget)
            self._tell()

    def _tell(self) -> None:
        if self.metric != self._told:
            self._told = self.metric
            self.post_message(self.MetricChanged())

    def action_filter(self) -> None:
        """Ask for words that a metric's name must have."""
        self.add_class("-filtering")
        focus_now(self.query_one(Input))

    @on(Input.Changed, "#compare-filter")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._words:
            self._words, self._place = event.value, 0
            self._draw()

    @on(Input.Submitted, "#compare-filter")
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_filter()

    def on_key(self, event: events.Key) -> None:
        """Escape in the filter lets all metrics through again."""
        if event.key == "escape" and self.has_class("-filtering"):
            event.stop()
            self.query_one(Input).value = ""
            self._leave_filter()

    def _leave_filter(self) -> None:
        self.remove_class("-filtering")
        self.focus()

    # --- one crosshair and one zoom for all ---

    @on(LineChart.CursorMoved)
    def _cursor_moved(self, event: LineChart.CursorMoved) -> None:
        event.stop()
        for chart in self._charts:
            chart.cursor = event.x

    @on(LineChart.Zoomed)
    def _zoomed(self, event: LineChart.Zoomed) -> None:
        event.stop()
        for chart in self._charts:
            chart.zoom = event.zoom

    def _share(self, cursor: float | None, zoom: tuple[float, float] | None) -> None:
        for chart in self._charts:
            chart.cursor, chart.zoom = cursor, zoom


def drawable_metrics(comparison: Comparison) -> list[str]:
    """Return the metrics that have a curve, then what was sampled of the machine."""
    logged = {name for run in comparison.runs for name in run.history.curves}
    machine = dict.fromkeys(name for run in comparison.runs for name in run.history.machine)
    return [*(name for name in comparison.metrics if name in logged), *machine]


def curve_of(run: ComparedRun, metric: str) -> Curve | None:
    """Return what a run logged of a metric, or sampled of the machine."""
    return run.history.curves.get(metric) or run.history.machine.get(metric)


def known_axes(comparison: Comparison) -> list[Axis]:
    """Return the axes that every run knows which logged anything; the step if there is none."""
    curves = [next(iter(run.history.curves.values()), None) for run in comparison.runs]
    logged = [curve for curve in curves if curve]
    known = [axis for axis in AXES if logged and all(curve.ends_on(axis) for curve in logged)]
    return known or ["step"]


def axis_range(comparison: Comparison, axis: Axis) -> tuple[float, float]:
    """Return the range of x that all charts share: all that was logged, or that is planned."""
    ends = [
        curve.xs(axis)[-1]
        for run in comparison.runs
        for curve in run.history.curves.values()
        if curve.ends_on(axis)
    ]
    for run in comparison.runs:
        if run.summary.active and axis in ("step", "epoch"):
            ends.append(float(run.summary.total_steps if axis == "step" else run.summary.epochs))
    return 0.0, max(ends, default=0.0) or 1.0


def series_of(name: str, curve: Curve, place: int, axis: Axis, metric: str) -> Series:
    """Return a curve as it is drawn: evaluations as marks, all else as a line."""
    xs, ys = curve.placed(axis)
    if metric.startswith(EVALUATION):
        return Series(name, xs, ys, COLOURS[place], MARKS[place], connected=True)
    smooth = metric != "learning_rate"
    return Series(name, xs, ys, COLOURS[place], dash=place % DASHES, smooth=smooth)
