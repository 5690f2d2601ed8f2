"""Figures as they stand on the screen: times, sizes, shares. Unknown is a dash, never a zero."""

import math
import time
from pathlib import Path

from textual.content import Content

from tui_finetune.home import run_of_model
from tui_finetune.text import UNKNOWN as UNKNOWN
from tui_finetune.text import clean
from tui_finetune.text import duration as duration

# The mark before a state, and its colour: told apart by shape too, for eyes and screens without.
STATE_MARKS = {
    "queued": ("○", "$text-muted"),
    "starting": ("◐", "$text-accent"),
    "running": ("●", "$text-success"),
    "stopping": ("◐", "$text-warning"),
    "finished": ("✓", "$text-success"),
    "stopped": ("■", "$text-warning"),
    "interrupted": ("◌", "$text-warning"),
    "failed": ("✗", "$text-error"),
}


def state_mark(state: str) -> Content:
    """Return a state with its coloured mark."""
    mark, style = STATE_MARKS.get(state, ("?", "$text-muted"))
    return Content.assemble((f"{mark} {clean(state, 12)}", style))


def figure(value: float | None, digits: int = 3) -> str:
    """Return a number with a fixed count of decimals."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.2e}"


def loss_figure(value: float | None) -> str:
    """Return a loss: as other figures, but with three significant digits where it is small."""
    if value is not None and 0 < abs(value) < 0.01:
        return f"{value:.3g}"
    return figure(value)


def size(count: float | None) -> str:
    """Return a number of bytes in a unit that leaves at most four digits."""
    if count is None:
        return UNKNOWN
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}"
        count /= 1000
    unit, count = ("GB", count) if count < 999.5 else ("TB", count / 1000)
    return f"{count:.1f} {unit}" if count < 99.95 else f"{count:.0f} {unit}"


def count(number: float | None) -> str:
    """Return how many there are: whole up to a million, then in millions or billions."""
    if number is None:
        return UNKNOWN
    if number < 999_950:
        return f"{number:.0f}"
    return f"{number / 1e6:.1f} M" if number < 999.95e6 else f"{number / 1e9:.1f} B"


def counted(number: int, noun: str) -> str:
    """Return how many there are of what: 1 row, 2 rows."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ago(moment: float | None, now: float) -> str:
    """Return how long ago something was, or its date if that is more than a month."""
    if moment is None:
        return UNKNOWN
    seconds = now - moment
    if seconds < 60:
        return "just now" if seconds > -60 else date(moment)[:10]
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h ago"
    return f"{seconds // 86400:.0f} d ago" if seconds < 30 * 86400 else date(moment)[:10]


def date(moment: float) -> str:
    """Return a day and a time of day in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def unreadable(what: str, error: OSError) -> Content:
    """Return that something cannot be read at the moment, and why, in a line."""
    reason = clean(error.strerror or error, 100)
    return Content.styled(f" cannot read {what} ({reason}); trying again …", "$text-error")


def short_source(source: str) -> str:
    """Return what a data file or a model is called: a path without folders, a hub's name whole."""
    name = source
    if source.startswith(("/", "~", ".")):
        name = run_of_model(source) or Path(source).name
    return clean(name or source or UNKNOWN, 60)
