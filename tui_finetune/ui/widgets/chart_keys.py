"""The crosshair and the zoom of a chart, by keys and mouse."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nextafter
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui_finetune.ui.widgets.plotting.axes import Range
from tui_finetune.ui.widgets.plotting.traces import Trace

# The deepest zoom, as a share of the axis.
_DEEPEST = 1e-6


class ChartKeys(Widget, can_focus=True):
    """What is in sight of a chart, and where its crosshair is; draws nothing itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Point before", show=False),
        Binding("right", "step(1)", "Point after", show=False),
        Binding("shift+left", "leap(-1)", "A tenth back", show=False),
        Binding("shift+right", "leap(1)", "A tenth on", show=False),
        Binding("plus,equals_sign", "zoom_by(0.5)", "Zoom in", show=False),
        Binding("minus", "zoom_by(2.0)", "Zoom out", show=False),
        Binding("less_than_sign,ctrl+left", "pan(-0.25)", "Pan left", show=False),
        Binding("greater_than_sign,ctrl+right", "pan(0.25)", "Pan right", show=False),
        Binding("0", "all", "All of the axis", show=False),
        Binding("y", "toggle_log", "Logarithmic axis", show=False),
        Binding("o", "toggle_robust", "Outliers in or out", show=False),
        Binding("escape", "leave", "No crosshair, no zoom", show=False),
    ]

    cursor: reactive[float | None] = reactive(None, repaint=False)
    """The x of the crosshair, or None."""
    zoom: reactive[Range | None] = reactive(None, repaint=False)
    """The part of the x axis in sight, or None for all of it."""
    log_y: reactive[bool] = reactive(False, repaint=False)
    """Whether the y axis is logarithmic."""
    robust_y: reactive[bool] = reactive(False, repaint=False)
    """Whether outliers are left outside of a fitted y axis."""

    @dataclass
    class CursorMoved(Message, namespace="line_chart"):
        """The person moved the crosshair, or took it away."""

        chart: ChartKeys
        x: float | None

        @property
        def control(self) -> ChartKeys:
            """The chart."""
            return self.chart

    @dataclass
    class Zoomed(Message, namespace="line_chart"):
        """The person chose another part of the x axis, or all of it."""

        chart: ChartKeys
        zoom: Range | None

        @property
        def control(self) -> ChartKeys:
            """The chart."""
            return self.chart

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._traces: list[Trace] = []
        self._x_range: Range = (0.0, 1.0)
        self._dragged_from: tuple[int, Range] | None = None
        self._was_dragged = False

    @property
    def view(self) -> Range:
        """The range of x in sight."""
        return self.zoom or self._x_range

    def redraw(self) -> None:
        """Draw what changed; a chart does it."""

    def share_at(self, column: int) -> float:
        """Return how far along the plot, 0 to 1, a column inside the border is; a chart knows."""
        raise NotImplementedError

    def watch_cursor(self) -> None:
        """Draw the crosshair where it is now."""
        self.redraw()

    def watch_zoom(self) -> None:
        """Draw the part in sight."""
        self.redraw()

    def watch_log_y(self) -> None:
        """Draw on the other axis."""
        self.redraw()

    def watch_robust_y(self) -> None:
        """Draw with outliers in or out."""
        self.redraw()

    # --- the crosshair ---

    def action_step(self, direction: int) -> None:
        """Move the crosshair to the next x that has a point, or begin at the last in sight."""
        if self.cursor is None:
            self._move_to(self._neighbour(nextafter(self.view[1], inf), -1))
        else:
            self._move_to(self._neighbour(self.cursor, direction))

    def action_leap(self, direction: int) -> None:
        """Move the crosshair by at least a tenth of the view, or to the last point that way."""
        low, high = self.view
        start = high if self.cursor is None else self.cursor
        target = start + direction * (high - low) / 10
        end = self._neighbour(inf * direction, -direction)
        if end is not None:
            at_most = min if direction > 0 else max
            beyond = nextafter(at_most(target, end), -inf * direction)
            self._move_to(self._neighbour(beyond, direction))

    def action_leave(self) -> None:
        """Take the crosshair away, then the zoom."""
        if self.cursor is None:
            self._look_at(None)
        else:
            self.cursor = None
            self.post_message(self.CursorMoved(self, None))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave escape to the screen while there is neither crosshair nor zoom."""
        return action != "leave" or self.cursor is not None or self.zoom is not None

    def _move_to(self, x: float | None) -> None:
        """Put the crosshair at the x of a point, and bring that into sight."""
        if x is None or x == self.cursor:
            return
        low, high = self.view
        if not low <= x <= high:
            self._look_at((x - (high - low) / 2, x + (high - low) / 2))
        self.cursor = x
        self.post_message(self.CursorMoved(self, x))

    def _neighbour(self, x: float, direction: int) -> float | None:
        """Return the nearest x of any series to the right (1) or left (-1) of `x`."""
        each = (trace.neighbour(x, direction, self._x_range) for trace in self._traces)
        found = [one for one in each if one is not None]
        return (min if direction > 0 else max)(found, default=None)

    # --- the zoom ---

    def action_zoom_by(self, factor: float) -> None:
        """Zoom around the crosshair, or the right end."""
        self._zoom_around(self.view[1] if self.cursor is None else self.cursor, factor)

    def action_pan(self, share: float) -> None:
        """Move what is in sight by a share of itself."""
        low, high = self.view
        by = share * (high - low)
        self._look_at((low + by, high + by))

    def action_all(self) -> None:
        """Show all of the axis."""
        self._look_at(None)

    def action_toggle_log(self) -> None:
        """Make the y axis logarithmic, or linear again."""
        self.log_y = not self.log_y

    def action_toggle_robust(self) -> None:
        """Leave outliers outside of the y axis, or take them in again."""
        self.robust_y = not self.robust_y

    def _zoom_around(self, x: float, factor: float) -> None:
        low, high = self.view
        self._look_at((x - (x - low) * factor, x + (high - x) * factor))

    def _look_at(self, view: Range | None) -> None:
        """Show a part of the axis, moved and cut to what there is of it."""
        low, high = self._x_range
        if view is not None:
            span = view[1] - view[0]
            if span >= (high - low) * (1 - _DEEPEST):
                view = None
            elif span < (high - low) * _DEEPEST:
                return
            else:
                start = min(max(view[0], low), high - span)
                view = start, min(start + span, high)
        if view != self.zoom:
            self.zoom = view
            self.post_message(self.Zoomed(self, view))

    # --- the mouse ---

    def _x_at(self, column: int) -> float:
        low, high = self.view
        return low + min(max(self.share_at(column), 0.0), 1.0) * (high - low)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a click or a drag."""
        offset = event.get_content_offset(self)
        self._was_dragged = False
        if offset is not None and event.button == 1:
            self._dragged_from = offset.x, self.view
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pan with the mouse button held down."""
        if self._dragged_from is None:
            return
        column, (low, high) = self._dragged_from
        now = event.get_content_offset_capture(self).x
        if now != column:
            self._was_dragged = True
        if self._was_dragged and self.zoom is not None:
            by = (self.share_at(column) - self.share_at(now)) * (high - low)
            self._look_at((low + by, high + by))

    def on_mouse_up(self) -> None:
        """End a drag."""
        self._dragged_from = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Set the crosshair to the x nearest to the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._was_dragged:
            return
        x = self._x_at(offset.x)
        either = [self._neighbour(nextafter(x, -inf), 1), self._neighbour(nextafter(x, inf), -1)]
        near = [found for found in either if found is not None]
        self._move_to(min(near, key=lambda found: abs(found - x), default=None))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the mouse."""
        self._scroll(event, 0.8)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the mouse."""
        self._scroll(event, 1.25)

    def _scroll(self, event: events.MouseScrollUp | events.MouseScrollDown, factor: float) -> None:
        offset = event.get_content_offset(self)
        if offset is not None:
            self._zoom_around(self._x_at(offset.x), factor)
            event.stop()
