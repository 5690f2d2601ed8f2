"""The Watch pane: one run, live or past, as its directory shows it."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import DataTable, Log, Static

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.ui.panes import watch_text
from tui_finetune.ui.panes.stop import StopMenu
from tui_finetune.ui.panes.watch_feed import LOG_LINES_KEPT, RunFeed, Snapshot
from tui_finetune.ui.widgets.line_chart import LineChart, Series
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import unreadable

# How often the run's directory is looked at: while it goes on, and once it has ended.
LIVE_SECONDS = 0.25
ENDED_SECONDS = 2.0

# Below this height the log shows its last two lines and the table its last five rows.
TALL = 32

_COLUMNS = (
    ("epoch", 5), ("train loss ↓", 12), ("val loss ↓", 10), ("accuracy ↑", 10), ("F1 ↑", 5),
    ("observation", 75),
)  # fmt: skip
_EMPTY = Content.assemble(
    ("No run to watch yet.\n\n", "bold"),
    ("F3", "bold $text-accent"), " Tune starts one      ",
    ("F5", "bold $text-accent"), " Runs opens one from before",
)  # fmt: skip


class WatchPane(Vertical):
    """Charts, epochs, memory, log and outcome of the run that `show_run` names."""

    DEFAULT_CSS = """
    WatchPane {
        & #watch-empty { height: 1fr; content-align: center middle; text-align: center; }
        & #watch-body { height: 1fr; }
        & .line { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & #watch-charts { height: 1fr; min-height: 6; }
        & #watch-charts LineChart { width: 1fr; height: 1fr; }
        & #watch-epochs {
            height: 4; background: transparent; overflow-x: hidden; scrollbar-size: 0 0;
            & > .datatable--header { background: transparent; color: $text-muted; }
            &:focus { background-tint: $foreground 4%; }
        }
        & #watch-machine {
            height: auto; max-height: 4; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & #watch-outcome { height: auto; max-height: 6; }
        & Log {
            height: 2; padding: 0 1; background: transparent; color: $text-muted;
            scrollbar-size: 0 0;
        }
        &.-tall #watch-epochs { scrollbar-size-vertical: 1; }
        &.-tall Log {
            height: 9; padding: 0; border: round $foreground 35%; scrollbar-size: 0 1;
            &:focus { border: round $primary; }
        }
        &.-log {
            & #watch-charts, & #watch-epochs { display: none; }
            & Log {
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
        Binding("l", "log", "Log"),
        Binding("escape", "small_log", "Charts", show=False),
    ]

    @dataclass
    class PredictWanted(Message):
        """The person wants to try this run's model."""

        run: RunDirectory

    @dataclass
    class EvaluateWanted(Message):
        """The person wants to know how good this run's model is."""

        run: RunDirectory

    @dataclass
    class ResumeWanted(Message):
        """The person wants this run to go on."""

        run: RunDirectory

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-empty")
        self._feed: RunFeed | None = None
        self._snapshot: Snapshot | None = None
        self._log_written = 0
        self._rows: list[list[str]] = []
        self._wake = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out the parts, from the headline down to the log."""
        yield _Hint(_EMPTY, id="watch-empty")
        with Vertical(id="watch-body"):
            yield Static(id="watch-headline", classes="line", markup=False)
            with Horizontal(id="watch-charts"):
                yield LineChart(
                    "loss", x_label="step", empty="the first steps are on their way", id="loss"
                )
                yield LineChart(
                    "accuracy",
                    x_label="step",
                    empty="the first evaluation comes at the end of epoch 1",
                    id="accuracy",
                )
            yield DataTable(id="watch-epochs", show_cursor=False)
            yield Static(id="watch-machine", markup=False)
            yield Static(id="watch-outcome", markup=False)
            yield Log(id="watch-log", max_lines=LOG_LINES_KEPT, auto_scroll=True)

    def on_mount(self) -> None:
        """Set up the table and begin to follow."""
        table = self._table
        for number, (title, width) in enumerate(_COLUMNS):
            right = number < len(_COLUMNS) - 1
            label = Text(title, justify="right" if right else "left")
            table.add_column(label, width=width, key=str(number))
        self._log.border_title = "log"
        self.run_worker(self._follow(), group="follow", exclusive=True)

    def focus(self, scroll_visible: bool = True) -> "WatchPane":
        """Focus the first useful part: the loss chart, or the hint while there is no run."""
        part = (
            "#watch-empty"
            if self._feed is None
            else "#watch-log"
            if self._log_is_large
            else "#loss"
        )
        self.query_one(part).focus(scroll_visible)
        return self

    def show_run(self, run: RunDirectory | None) -> None:
        """Show this run from now on, or none."""
        if self._feed is not None and run == self._feed.run:
            return
        had_focus = self.has_focus_within
        self._feed = None if run is None else RunFeed(run)
        self._snapshot = None
        self._log_written = 0
        self._rows = []
        self.set_class(run is None, "-empty")
        self.set_class(run is not None, "-filled")
        self.remove_class("-log")
        if self.children:  # else nothing is there yet that would have to go
            self._log.clear()
            self._table.clear()
            say(self, "#watch-headline", Content.styled(" reading the run…", "$text-muted"))
            for part in ("watch-machine", "watch-outcome"):
                say(self, f"#{part}", Content(""))
            for chart in self.query(LineChart):
                chart.show([], (0.0, 1.0))
            if had_focus:
                self.focus()
        self.refresh_bindings()
        self._wake.set()

    @property
    def run_shown(self) -> RunDirectory | None:
        """The run in sight, if any."""
        return self._feed.run if self._feed else None

    @property
    def _table(self) -> "DataTable[Text]":
        return self.query_one("#watch-epochs", DataTable)

    @property
    def _log(self) -> Log:
        return self.query_one(Log)

    @property
    def _log_is_large(self) -> bool:
        return self.has_class("-log")

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
        self.set_class(event.size.height >= TALL, "-tall")
        if self._snapshot is not None:
            self._apply(self._snapshot)

    def _apply(self, snapshot: Snapshot) -> None:
        """Show a snapshot; what did not change is not painted again."""
        before, self._snapshot = self._snapshot, snapshot
        width = max(self.size.width, 40)
        with self.app.batch_update():
            say(self, "#watch-headline", watch_text.headline(snapshot, width))
            say(self, "#watch-machine", watch_text.machine_lines(snapshot, width))
            say(self, "#watch-outcome", watch_text.outcome(snapshot, width))
            self._show_charts(snapshot)
            self._show_epochs(snapshot, width)
            self._show_log(snapshot)
        if before is None or _actions(before) != _actions(snapshot):
            self.refresh_bindings()

    def _show_charts(self, snapshot: Snapshot) -> None:
        steps = (0.0, float(max(snapshot.total_steps, snapshot.step, 1)))
        best = float(snapshot.best.step) if snapshot.best else None
        train = Series("train", snapshot.train, "$primary")
        validation = Series("validation", snapshot.validation, "$warning", "●", connected=True)
        self.query_one("#loss", LineChart).show([train, validation], steps, highlight_x=best)
        accuracy = [Series("validation", snapshot.accuracy, "$warning", "●", connected=True)]
        tested = snapshot.test.get("accuracy")
        if tested is not None:
            accuracy.append(Series("test", [(steps[1], tested)], "$success", "◆"))
        shares = [y for series in accuracy for _, y in series.points if y is not None]
        self.query_one("#accuracy", LineChart).show(
            accuracy, steps, accuracy_range(shares), highlight_x=best
        )

    def _show_epochs(self, snapshot: Snapshot, width: int) -> None:
        rows = [
            [
                *watch_text.epoch_cells(epoch, epoch is snapshot.best),
                watch_text.observation(words, width),
            ]
            for epoch, words in zip(snapshot.epochs, snapshot.observations, strict=True)
        ]
        if snapshot.unfinished is not None:
            words = watch_text.unfinished_words(snapshot)
            rows.append([*watch_text.epoch_cells(snapshot.unfinished, False), words])
        table = self._table
        most = 10 if self.has_class("-tall") else 5
        expected = max(int(snapshot.status.epochs + 0.999), len(rows), 2)
        table.styles.height = 1 + min(expected, most)
        if len(rows) < len(self._rows):  # a resumed run repeats an epoch
            table.clear()
            self._rows = []
        at_end = table.scroll_offset.y >= table.max_scroll_y
        for number, row in enumerate(rows):
            if number >= len(self._rows):
                table.add_row(*self._cells(row, snapshot, number), key=str(number))
            elif row != self._rows[number]:
                for column, cell in enumerate(self._cells(row, snapshot, number)):
                    if row[column] != self._rows[number][column]:
                        table.update_cell(str(number), str(column), cell)
        if at_end and len(rows) != len(self._rows):
            table.call_after_refresh(table.scroll_end, animate=False)
        self._rows = rows

    def _cells(self, row: list[str], snapshot: Snapshot, number: int) -> list[Text]:
        """Return a row's cells: the best epoch's figures stand out, the unfinished one's do not."""
        finished = number < len(snapshot.epochs)
        muted, strong = self._style("$text-muted"), self._style("bold")
        figures = strong if row[0].startswith("★") else "" if finished else muted
        *numbers, words = row
        warns = words.startswith(("overfitting", "diverging", "loss is not"))
        tone = self._style("$text-warning") if warns else "" if finished else muted
        cells = [Text(cell, style=figures, justify="right", no_wrap=True) for cell in numbers]
        return [*cells, Text(words, style=tone, no_wrap=True, overflow="ellipsis")]

    def _style(self, style: str) -> str:
        parsed: Style = self.app.stylesheet.parse_style(style)
        return str(parsed.rich_style)

    def _show_log(self, snapshot: Snapshot) -> None:
        new = snapshot.log_count - self._log_written
        if new > 0:
            self._log.write_lines(list(snapshot.log)[-new:])
            self._log_written = snapshot.log_count

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with the run in sight."""
        snapshot = self._snapshot
        if action == "stop":
            return snapshot is not None and snapshot.active
        if action == "resume":
            return snapshot is not None and snapshot.resumable
        if action in ("predict", "evaluate"):
            return snapshot is not None and snapshot.model is not None
        if action == "log":
            return self._feed is not None
        if action == "small_log":
            return self._log_is_large
        return True

    def action_stop(self) -> None:
        """Open the stop menu."""
        snapshot = self._snapshot
        if snapshot is not None:
            saved = snapshot.checkpoint[0] if snapshot.checkpoint else None
            self.app.push_screen(StopMenu(snapshot.run, snapshot.status.name, saved))

    def action_resume(self) -> None:
        """Ask for the run to go on."""
        if self._feed is not None:
            self.post_message(self.ResumeWanted(self._feed.run))

    def action_predict(self) -> None:
        """Ask for the Predict pane with this run."""
        if self._feed is not None:
            self.post_message(self.PredictWanted(self._feed.run))

    def action_evaluate(self) -> None:
        """Ask for the Evaluate pane with the run."""
        if self._feed is not None:
            self.post_message(self.EvaluateWanted(self._feed.run))

    def action_log(self) -> None:
        """Give the log all the room, or take it back."""
        self.toggle_class("-log")
        self._log.border_title = (
            "log, l or Esc brings back the charts" if self._log_is_large else "log"
        )
        self.focus()
        self.call_after_refresh(self._log.scroll_end, animate=False)

    def action_small_log(self) -> None:
        """Bring the charts back."""
        self.action_log()


class _Hint(Static, can_focus=True):
    """What to do while there is nothing to show; focusable, so that the pane has its keys."""


def _actions(snapshot: Snapshot) -> tuple[bool, bool, bool]:
    return snapshot.active, snapshot.resumable, snapshot.model is not None


def accuracy_range(shares: Sequence[float]) -> tuple[float, float]:
    """Return the y axis for accuracies: never above 1, and from a tenth below the lowest."""
    return max(math.floor(min(shares, default=0.1) * 10 - 0.5) / 10, 0.0), 1.0
