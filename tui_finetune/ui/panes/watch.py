"""The Watch pane: one run, live or past, as its directory shows it."""

import asyncio
from contextlib import suppress
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Log, Static

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.ui.panes import watch_text
from tui_finetune.ui.panes.stop import StopMenu
from tui_finetune.ui.panes.watch_charts import Change, ChartGrid
from tui_finetune.ui.panes.watch_epochs import EpochTable
from tui_finetune.ui.panes.watch_feed import RunFeed, Snapshot
from tui_finetune.ui.panes.watch_log import LOG_LINES_KEPT
from tui_finetune.ui.panes.watch_machine import machine_lines, machine_view
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.wishes import EvaluateWanted, FollowWanted, PredictWanted, ResumeWanted
from tui_finetune.ui.words import unreadable

# How often the run's directory is looked at: while it goes on, and once it has ended.
LIVE_SECONDS = 0.25
ENDED_SECONDS = 2.0

# Below this height the log shows its last two lines and the table its last five rows.
TALL = 32

# The view that has all the room, if any: its key brings it and takes it back.
View = Literal["log", "machine", "chart"]

_EMPTY = Content.assemble(
    ("No run to watch yet.\n\n", "bold"),
    ("F3", "bold $text-accent"), " Tune starts one      ",
    ("F5", "bold $text-accent"), " Runs opens one from before",
)  # fmt: skip


class WatchPane(Vertical):
    """Charts, epochs, machine, log and outcome of the run that `show_run` names."""

    DEFAULT_CSS = """
    WatchPane {
        & #watch-empty { height: 1fr; content-align: center middle; text-align: center; }
        & #watch-body { height: 1fr; }
        & .line { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #watch-machine {
            height: auto; max-height: 4; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & #watch-outcome { height: auto; max-height: 6; }
        & #watch-all-machine { display: none; height: 1fr; border: round $primary; }
        & Log {
            height: 2; padding: 0 1; background: transparent; color: $text-muted;
            scrollbar-size: 0 0;
            &.-tall {
                height: 7; padding: 0; border: round $foreground 35%; scrollbar-size: 0 1;
                &:focus { border: round $primary; }
            }
            &.-large {
                height: 1fr; padding: 0; border: round $primary; color: $foreground;
                scrollbar-size: 1 1;
            }
        }
        &.-empty #watch-body { display: none; }
        &.-filled #watch-empty { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "Stop…"),
        Binding("r", "resume", "Resume"),
        Binding("p", "predict", "Predict"),
        Binding("e", "evaluate", "Evaluate"),
        Binding("l", "view('log')", "Log"),
        Binding("g", "view('machine')", "Machine"),
        Binding("f", "follow", "Follow newest"),
        Binding("z,enter", "charts('enlarge')", "Enlarge"),
        Binding("x", "charts('axis')", "Axis"),
        Binding("m", "charts('smoothing')", "Smooth"),
        Binding("slash", "charts('filter')", "Filter", key_display="/"),
        Binding("pagedown", "charts('next')", "Next page", show=False),
        Binding("right_square_bracket", "charts('next')", "Next page", show=False, key_display="]"),
        Binding("pageup", "charts('before')", "Page before", show=False),
        Binding(
            "left_square_bracket", "charts('before')", "Page before", show=False, key_display="["
        ),
        Binding("M", "charts('smoothing kind')", "Smooth by steps or by time", show=False),
        Binding("escape", "back", "Back to all", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-empty")
        self._feed: RunFeed | None = None
        self._snapshot: Snapshot | None = None
        self._log_written = 0
        self._wake = asyncio.Event()
        self._following = False
        self._view: View | None = None
        self._explains = False

    def compose(self) -> ComposeResult:
        """Lay out the parts, from the headline down to the log."""
        yield _Hint(_EMPTY, id="watch-empty")
        with Vertical(id="watch-body"):
            yield Static(id="watch-headline", classes="line", markup=False)
            yield ChartGrid()
            with VerticalScroll(id="watch-all-machine"):
                yield Static(id="watch-histories", markup=False)
            yield EpochTable()
            yield Static(id="watch-machine", markup=False)
            yield Static(id="watch-outcome", markup=False)
            yield Log(id="watch-log", max_lines=LOG_LINES_KEPT, auto_scroll=True)

    def on_mount(self) -> None:
        """Begin to follow."""
        self._log.border_title = "log"
        self._all_machine.border_title = "machine, g or Esc brings back the charts"
        self.run_worker(self._follow(), group="follow", exclusive=True)

    def focus(self, scroll_visible: bool = True) -> "WatchPane":
        """Focus the first useful part: a chart, or the hint while there is no run."""
        if self._feed is None:
            focus_now(self.query_one("#watch-empty"), scroll_visible)
        elif self._view == "log":
            focus_now(self._log, scroll_visible)
        elif self._view == "machine":
            focus_now(self._all_machine, scroll_visible)
        else:
            self._charts.focus(scroll_visible)
        return self

    def show_run(self, run: RunDirectory | None) -> None:
        """Show this run from now on, or none."""
        if self._feed is not None and run == self._feed.run:
            return
        had_focus = self.has_focus_within
        self._feed = None if run is None else RunFeed(run)
        self._snapshot = None
        self._log_written = 0
        self.set_class(run is None, "-empty")
        self.set_class(run is not None, "-filled")
        self._view = None
        if self.is_mounted:  # else nothing is there yet that would have to go
            self._log.clear()
            self._charts.clear()
            self._epochs.clear()
            self._arrange()
            say(self, "#watch-headline", Content.styled(" reading the run…", "$text-muted"))
            for part in ("watch-machine", "watch-outcome", "watch-histories"):
                say(self, f"#{part}", Content(""))
            if had_focus:
                self.focus()
        self.refresh_bindings()
        self._wake.set()

    def show_following(self, following: bool) -> None:
        """Say whether the newest run of the home is shown by itself."""
        self._following = following
        if self._snapshot is not None:
            self._apply(self._snapshot)

    @property
    def run_shown(self) -> RunDirectory | None:
        """The run in sight, if any."""
        return self._feed.run if self._feed else None

    @property
    def _charts(self) -> ChartGrid:
        return self.query_one(ChartGrid)

    @property
    def _epochs(self) -> EpochTable:
        return self.query_one(EpochTable)

    @property
    def _log(self) -> Log:
        return self.query_one(Log)

    @property
    def _all_machine(self) -> VerticalScroll:
        return self.query_one("#watch-all-machine", VerticalScroll)

    @property
    def _tall(self) -> bool:
        return self.size.height >= TALL

    def _arrange(self) -> None:
        """Show the parts that belong to the view.

        Each by itself: a class of the pane would go through the styles of all that is in it.
        """
        view, snapshot = self._view, self._snapshot
        self._charts.display = view in (None, "chart")
        self._epochs.display = view is None
        self._all_machine.display = view == "machine"
        self.query_one("#watch-machine").display = view != "machine"
        silent = snapshot is not None and not snapshot.active and not snapshot.log_count
        room = self._tall or not self._explains
        self._log.display = view == "log" or (view is None and room and not silent)
        self._log.set_class(self._tall, "-tall")
        self._log.set_class(view == "log", "-large")

    # --- following ---

    async def _follow(self) -> None:
        """Read what is new, show it, wait; only while the pane is in sight."""
        while True:
            self._wake.clear()
            feed = self._feed
            pause = ENDED_SECONDS
            if feed is not None and self.display:
                try:
                    snapshot = await asyncio.to_thread(feed.read)
                except OSError as error:
                    say(self, "#watch-headline", unreadable("the run", error))
                else:
                    if feed is self._feed:
                        with suppress(NoMatches):  # the pane is being taken apart
                            self._apply(snapshot)
                        pause = LIVE_SECONDS if snapshot.active else ENDED_SECONDS
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    def on_show(self) -> None:
        """Look at the run at once when the pane comes into sight."""
        self._wake.set()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the lines to the new size."""
        self._epochs.set_class(self._tall, "-tall")
        self._arrange()
        if self._snapshot is not None:
            self._apply(self._snapshot)

    def _apply(self, snapshot: Snapshot) -> None:
        """Show a snapshot; what did not change is not painted again."""
        before, self._snapshot = self._snapshot, snapshot
        width = max(self.size.width, 40)
        most = 4 if self._tall else 2
        headline = watch_text.headline(snapshot, width, self._following)
        with self.app.batch_update():
            say(self, "#watch-headline", headline)
            say(self, "#watch-outcome", watch_text.outcome(snapshot, width))
            if self._view == "machine":
                say(self, "#watch-histories", machine_view(snapshot, width - 4))
            else:
                say(self, "#watch-machine", machine_lines(snapshot, width, most))
            if self._view in (None, "chart"):
                self._charts.show(snapshot)
            if self._view is None:
                self._epochs.show(snapshot, width)
            self._show_log(snapshot)
            self._arrange()
        if before is None or _actions(before) != _actions(snapshot):
            self.refresh_bindings()

    def _show_log(self, snapshot: Snapshot) -> None:
        new = snapshot.log_count - self._log_written
        if new > 0:
            self._log.write_lines(list(snapshot.log)[-new:])
            self._log_written = snapshot.log_count

    @on(EpochTable.Focused)
    def _table_focused(self, event: EpochTable.Focused) -> None:
        """Where there is little room, what a row says takes the place of the log."""
        self._explains = event.focused
        self._arrange()

    @on(ChartGrid.Enlarged)
    def _chart_enlarged(self) -> None:
        self._view = "chart" if self._charts.enlarged else None
        self._arrange()
        self.refresh_bindings()
        if self._snapshot is not None:
            self._apply(self._snapshot)

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with the run in sight."""
        snapshot = self._snapshot
        match action:
            case "stop":
                return snapshot is not None and snapshot.stoppable
            case "resume":
                return snapshot is not None and snapshot.resumable
            case "predict" | "evaluate":
                return snapshot is not None and snapshot.model is not None
            case "view" if parameters == ("log",):
                return snapshot is not None and (snapshot.active or snapshot.log_count > 0)
            case "view":
                return self._feed is not None
            case "charts":
                return self._feed is not None and self._view in (None, "chart")
            case "back":
                return self._view is not None or (self.is_mounted and self._charts.filtered)
            case _:
                return True

    def action_stop(self) -> None:
        """Open the stop menu."""
        snapshot = self._snapshot
        if snapshot is not None:
            saved = snapshot.checkpoint[0] if snapshot.checkpoint else None
            self.app.push_screen(StopMenu(snapshot.run, snapshot.name, saved))

    def action_resume(self) -> None:
        """Ask for the run to go on."""
        if self._feed is not None:
            self.post_message(ResumeWanted(self._feed.run))

    def action_predict(self) -> None:
        """Ask for the Predict pane with this run."""
        if self._feed is not None:
            self.post_message(PredictWanted(self._feed.run))

    def action_evaluate(self) -> None:
        """Ask for the Evaluate pane with the run."""
        if self._feed is not None:
            self.post_message(EvaluateWanted(self._feed.run))

    def action_follow(self) -> None:
        """Ask for the newest run to be shown by itself, or no longer."""
        self.post_message(FollowWanted())

    def action_charts(self, change: Change) -> None:
        """Set something for all charts."""
        self._charts.change(change)

    def action_view(self, view: View) -> None:
        """Give a view all the room, or take it back."""
        self._charts.enlarged = False
        self._view = None if self._view == view else view
        self._arrange()
        self._log.border_title = (
            "log, l or Esc brings back the charts" if self._view == "log" else "log"
        )
        if self._snapshot is not None:
            self._apply(self._snapshot)
        self.focus()
        self.refresh_bindings()
        self.call_after_refresh(self._log.scroll_end, animate=False)

    def action_back(self) -> None:
        """Bring all of it back: from an enlarged view, else from a filter."""
        match self._view:
            case None:
                self._charts.clear_filter()
            case "chart":
                self._charts.change("enlarge")
            case view:
                self.action_view(view)


class _Hint(Static, can_focus=True):
    """What to do while there is nothing to show; focusable, so that the pane has its keys."""


def _actions(snapshot: Snapshot) -> tuple[bool, ...]:
    has_log = snapshot.active or snapshot.log_count > 0
    return snapshot.stoppable, snapshot.resumable, snapshot.model is not None, has_log
