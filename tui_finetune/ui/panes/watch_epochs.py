"""The table of epochs, with what the figures of each say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import DataTable, Static

from tui_finetune.runs.charts import is_cost
from tui_finetune.runs.history import Epoch
from tui_finetune.runs.observations import (
    WARNINGS,
    Observation,
    lower_is_better,
    metric_name,
)
from tui_finetune.text import clean
from tui_finetune.ui.panes.watch_feed import Snapshot
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import figure, loss_figure

# More evaluations than these are not put into the table; it takes long to fill.
MOST_ROWS = 500

# The observation keeps at least so many cells, its explanation left out.
_OBSERVATION = 25

# From this width on an explanation takes one line, and below it the setting another.
_LINES_OF_TWO = 150

# The metrics that people look at come first.
_FIRST = ("accuracy", "f1")


@dataclass(frozen=True)
class Column:
    """A column of the table: its title and its width in cells."""

    title: str
    width: int
    metric: str = ""
    """The evaluation's figure that it shows, without "eval_"; empty for the other columns."""


class EpochTable(Vertical):
    """A row for each evaluation; where the cursor is, the observation explains itself."""

    DEFAULT_CSS = """
    EpochTable {
        height: auto;
        & DataTable {
            height: 4; background: transparent; overflow-x: hidden; scrollbar-size: 0 0;
            & > .datatable--header { background: transparent; color: $text-muted; }
            &:focus { background-tint: $foreground 4%; }
        }
        & Static { display: none; height: 2; padding: 0 1; }
        &.-narrow #watch-explanation { height: 3; }
        &.-tall DataTable { scrollbar-size-vertical: 1; }
        & #watch-no-epochs { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    @dataclass
    class Focused(Message):
        """The table got the focus or lost it."""

        focused: bool

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: list[Column] = []
        self._rows: list[list[str]] = []
        self._first = 0
        self._snapshot: Snapshot | None = None
        self._focused = False
        self._follows = True
        self._end = 0  # how far down it was scrolled last to show the newest row

    def compose(self) -> ComposeResult:
        """Lay out the table, its explanation, and what stands there instead of an empty one."""
        yield DataTable(id="watch-epochs", show_cursor=False, cursor_type="row")
        yield Static(id="watch-explanation", markup=False)
        yield Static(id="watch-no-epochs", markup=False)

    def on_mount(self) -> None:
        """Keep the newest row in sight; the table learns its own size only when it is idle."""
        self.watch(self.table, "virtual_size", self._to_end, init=False)

    @property
    def table(self) -> "DataTable[Text]":
        """The table itself."""
        return self.query_one(DataTable)

    def clear(self) -> None:
        """Show nothing, as before the first snapshot."""
        self._snapshot = None
        self.table.clear(columns=True)
        self._columns, self._rows = [], []
        self._follows, self._end = True, 0
        self.table.display = False
        self._explain()
        say(self, "#watch-no-epochs", Content(""))

    def show(self, snapshot: Snapshot, width: int) -> None:
        """Show the epochs of a run, or why there are none."""
        self._snapshot = snapshot
        self.set_class(width < _LINES_OF_TWO, "-narrow")
        reason = without_epochs(snapshot)
        self.table.display = not reason
        self.query_one("#watch-no-epochs").display = bool(reason)
        if reason:
            say(self, "#watch-no-epochs", Content.styled(reason, "$text-muted"))
            return
        columns = columns_of(snapshot, width)
        rows = rows_of(snapshot, columns)
        first = max(len(snapshot.epochs) - MOST_ROWS, 0)
        # a resumed run repeats an epoch; of very many, the oldest are left out
        if columns != self._columns or len(rows) < len(self._rows) or first != self._first:
            self._begin_anew(columns)
        self._first = first
        self._fill(rows, snapshot)
        self._explain()

    def _begin_anew(self, columns: list[Column]) -> None:
        self._columns, self._rows = columns, []
        self.table.clear(columns=True)
        for number, column in enumerate(columns):
            right = number < len(columns) - 1
            label = Text(column.title, justify="right" if right else "left", no_wrap=True)
            self.table.add_column(label, width=column.width, key=str(number))

    def _fill(self, rows: list[list[str]], snapshot: Snapshot) -> None:
        table = self.table
        most = 8 if self.has_class("-tall") else 5
        coming = math.ceil(snapshot.status.epochs) if snapshot.active else 0
        expected = max(coming, len(rows), 2)
        table.styles.height = 1 + min(expected, most)
        at_end = table.scroll_offset.y >= min(self._end, table.max_scroll_y)
        self._follows = at_end and table.cursor_row >= len(self._rows) - 1
        for number, row in enumerate(rows):
            if number >= len(self._rows):
                table.add_row(*self._cells(row, snapshot, number), key=str(number))
            elif row != self._rows[number]:
                for column, cell in enumerate(self._cells(row, snapshot, number)):
                    if row[column] != self._rows[number][column]:
                        table.update_cell(str(number), str(column), cell)
        if self._follows and len(rows) != len(self._rows):
            table.move_cursor(row=len(rows) - 1, animate=False)
            self.call_after_refresh(self._to_end)
        self._rows = rows

    def _to_end(self) -> None:
        if self._follows:
            self.table.scroll_end(animate=False, immediate=True)
            self._end = self.table.scroll_offset.y

    def _cells(self, row: list[str], snapshot: Snapshot, number: int) -> list[Text]:
        """Return a row's cells: the best epoch's figures stand out, the unfinished one's do not."""
        place = number + self._first
        finished = place < len(snapshot.epochs)
        muted, strong = self._style("$text-muted"), self._style("bold")
        figures = strong if row[0].startswith("★") else "" if finished else muted
        *numbers, words = row
        warns = finished and snapshot.observations[place].kind in WARNINGS
        tone = self._style("$text-warning") if warns else "" if finished else muted
        cells = [Text(cell, style=figures, justify="right", no_wrap=True) for cell in numbers]
        return [*cells, Text(words, style=tone, no_wrap=True, overflow="ellipsis")]

    def _style(self, style: str) -> str:
        parsed: Style = self.app.stylesheet.parse_style(style)
        return str(parsed.rich_style)

    # --- the explanation ---

    def on_data_table_row_highlighted(self) -> None:
        """Explain the row under the cursor."""
        self._explain()

    def on_descendant_focus(self) -> None:
        """Show a cursor on the newest epoch that has something to say."""
        snapshot = self._snapshot
        if snapshot is not None and snapshot.epochs:
            self.table.move_cursor(row=len(snapshot.epochs) - 1 - self._first, animate=False)
        self._set_focused(True)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Take the cursor away, and the explanation where there is little room."""
        self._set_focused(False)

    def _set_focused(self, focused: bool) -> None:
        self.table.show_cursor = focused
        self._focused = focused
        self._explain()
        self.post_message(self.Focused(focused))

    def _explain(self) -> None:
        snapshot = self._snapshot
        known = snapshot is not None and bool(snapshot.observations)
        shown = known and (self._focused or self.has_class("-tall"))
        self.query_one("#watch-explanation").display = shown
        if snapshot is None or not shown:
            return
        number = len(snapshot.observations) - 1
        if self._focused:
            number = min(self.table.cursor_row + self._first, number)
        epoch, seen = snapshot.epochs[number], snapshot.observations[number]
        say(self, "#watch-explanation", explanation(epoch, seen))


def without_epochs(run: Snapshot) -> str:
    """Return why there is no row to show; empty if there is one."""
    if run.epochs or (run.unfinished and run.active and run.step <= run.steps_per_epoch):
        return ""
    if run.active and not run.step:
        return " epochs: the training has not begun"
    rewards = any(name.startswith("rewards/") for name in run.curves)
    if run.curves:
        also = "; the rewards tell how it went" if rewards else ""
        return f" epochs: no evaluation was logged, only figures of the training{also}"
    return " epochs: nothing was logged"


def columns_of(run: Snapshot, width: int) -> list[Column]:
    """Return the columns for which something was logged, as many as there is room for."""
    numbers = max((len(epoch.ordinal) for epoch in run.epochs), default=1)
    columns = [Column("epoch", max(numbers + 2, 5)), Column("train loss ↓", 12)]
    logged = dict.fromkeys(name for epoch in run.epochs for name in epoch.metrics)
    if "loss" in logged or not run.epochs:
        columns.append(Column("val loss ↓", 10, "loss"))
    chosen_by = run.metric.removeprefix("eval_")
    names = [name for name in logged if name != "loss" and not is_cost(name)]
    first = [name for name in (chosen_by, *_FIRST) if name in names]
    for name in dict.fromkeys([*first, *names]):
        title = clean(f"{metric_name(name)} {'↓' if lower_is_better(name) else '↑'}", 16)
        column = Column(title, max(cell_len(title), 5), name)
        room = width - sum(one.width + 2 for one in (*columns, column)) - 2
        if room < _OBSERVATION:
            break
        columns.append(column)
    room = width - sum(column.width + 2 for column in columns) - 3
    return [*columns, Column("observation", max(room, 10))]


def rows_of(run: Snapshot, columns: Sequence[Column]) -> list[list[str]]:
    """Return the text of each cell, row by row; the newest `MOST_ROWS` evaluations."""
    best = run.best
    wide = columns[-1].width
    rows = [
        [*_figures(epoch, columns, epoch is best), observation(seen, wide)]
        for epoch, seen in zip(run.epochs[-MOST_ROWS:], run.observations[-MOST_ROWS:], strict=True)
    ]
    if run.unfinished is not None:
        rows.append([*_figures(run.unfinished, columns, False), unfinished_words(run)])
    return rows


def observation(seen: Observation, room: int) -> str:
    """Return an observation, without what follows its colon where there is no room for it."""
    words = clean(seen.words)
    return words if cell_len(words) <= room else words.partition(":")[0]


def explanation(epoch: Epoch, seen: Observation) -> Content:
    """Return what an observation rests on, and below it the setting that would help."""
    why = Content.assemble((f"epoch {epoch.ordinal}: ", "bold"), clean(seen.explanation))
    if not seen.setting:
        return why
    return Content.assemble(why, "\n", ("try  ", "$text-accent"), clean(seen.setting))


def unfinished_words(run: Snapshot) -> str:
    """Return how far the epoch without an evaluation is."""
    per_epoch = run.steps_per_epoch
    began = (run.step - 1) // per_epoch * per_epoch
    length = min(per_epoch, max(run.total_steps - began, 0)) or per_epoch
    done = run.step - began
    if not run.active:
        return f"ended at step {done} of {length}"
    return "evaluating" if done >= length else f"step {done} of {length}"


def _figures(epoch: Epoch, columns: Sequence[Column], is_best: bool) -> list[str]:
    number = epoch.ordinal
    cells = [f"★ {number}" if is_best else number, loss_figure(epoch.train_loss)]
    for column in columns[2:-1]:
        value = epoch.metrics.get(column.metric)
        known = value if value is None or math.isfinite(value) else None
        write = loss_figure if lower_is_better(column.metric) else figure
        cells.append(write(known))
    return cells
