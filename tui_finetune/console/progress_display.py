"""A run as text in the terminal: where it stands, its epochs, what comes next."""

import time

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tui_finetune.runs.about import name_of
from tui_finetune.runs.charts import is_cost
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import History, HistoryReader
from tui_finetune.runs.observations import lower_is_better, metric_name, observe_history
from tui_finetune.runs.status import ACTIVE, Status, read_status
from tui_finetune.text import UNKNOWN, clean, duration

# While a run goes on, its picture has to fit on the screen.
_EPOCHS_SHOWN_LIVE = 12

# The figures of the evaluations that are shown: these first, and so many in all.
_SCORES = ("accuracy", "f1")
_MOST_SCORES = 2


class RunView:
    """Follows a run's directory and renders it, live or past alike."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._history = HistoryReader(run)

    def render(self) -> RenderableType:
        """Read what is new and return the present picture."""
        self._history.update()
        status = read_status(self.run.status)
        status.name = name_of(self.run, status)
        history = self._history.history
        parts: list[RenderableType] = [headline(status), bar(status)]
        if history.evaluations:
            live = status.state in ACTIVE
            parts.append(epoch_table(history, _EPOCHS_SHOWN_LIVE if live else None))
        parts += [Text(clean(note.get("text", ""))) for note in history.notes]
        return Group(*parts)


def headline(status: Status) -> Text:
    """Return name, state, step and throughput in a line."""
    parts = [clean(status.name), clean(status.state)]
    if status.total_steps:
        parts.append(f"step {status.step} of {status.total_steps}")
        parts.append(f"epoch {status.epoch:.2f} of {status.epochs:g}")
    if status.rows_per_second:
        parts.append(f"{status.rows_per_second:.0f} rows/s")
    until = time.time() if status.state in ACTIVE else status.ended or status.heartbeat
    if status.started and until:
        parts.append(f"{duration(until - status.started)} gone")
    if status.reason:
        parts.append(clean(status.reason))
    return Text("  ".join(parts))


def bar(status: Status) -> RenderableType:
    """Return the progress as a bar; it pulses as long as the number of steps is not known."""
    progress = ProgressBar(
        total=status.total_steps or None, completed=status.step, width=60, pulse=False
    )
    return Padding(progress, 0, expand=False)  # the bar alone does not end its line


def epoch_table(history: History, newest: int | None = None) -> Table:
    """Return a row for each evaluation, or the `newest` so many, with what its figures say."""
    epochs = history.epochs()
    logged = {name for epoch in epochs for name in epoch.metrics if not is_cost(name)}
    scores = [name for name in _SCORES if name in logged]
    scores += sorted(logged - {"loss", *scores})[: _MOST_SCORES - len(scores)]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("epoch", "train loss ↓", "val loss ↓"):
        table.add_column(name, justify="right")
    for name in scores:
        better = "↓" if lower_is_better(name) else "↑"
        table.add_column(Text(f"{clean(metric_name(name), 20)} {better}"), justify="right")
    table.add_column("observation")
    rows = list(zip(epochs, observe_history(history, epochs), strict=True))
    for epoch, seen in rows[-newest:] if newest else rows:
        losses = [loss_figure(value) for value in (epoch.train_loss, epoch.validation_loss)]
        figures = [figure(epoch.metrics.get(name)) for name in scores]
        table.add_row(epoch.ordinal, *losses, *figures, Text(clean(seen.words)))
    return table


def figure(value: float | None) -> str:
    """Return a number with four decimals."""
    return UNKNOWN if value is None else f"{value:.4f}"


def loss_figure(value: float | None) -> str:
    """Return a loss: as other figures, but with three significant digits where it is small."""
    if value is not None and 0 < abs(value) < 0.01:
        return f"{value:.3g}"
    return figure(value)
