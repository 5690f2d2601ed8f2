"""A line that says what is being waited for, and for how long already."""

import time
from typing import Any

from textual.content import Content
from textual.widgets import Static

from tui_finetune.text import clean
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.words import duration

_BAR = 20


class BusyLine(Static):
    """Shown only while something goes on."""

    DEFAULT_CSS = """
    BusyLine { height: 1; display: none; color: $text-accent; }
    BusyLine.-busy { display: block; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._what: str | None = None
        self._since = 0.0

    def on_mount(self) -> None:
        """Count the seconds."""
        self.set_interval(1.0, self._draw)

    def show(self, what: str | None) -> None:
        """Say what is going on, or with None that nothing is."""
        if what != self._what:
            self._what, self._since = what, time.monotonic()
            self.set_class(what is not None, "-busy")
            self._draw()

    def _draw(self) -> None:
        if self._what is not None:
            seconds = int(time.monotonic() - self._since)
            self.update(Content(f"◐ {self._what} … {seconds} s   (escape cancels)"))


def busy_line(progress: dict[str, Any], seconds: float) -> Content:
    """Return what goes on, as a bar too where it is known how far it is."""
    what = clean(progress.get("what") or "asking the engine", 40)
    done, of = progress.get("done"), progress.get("of")
    gone = f"  {duration(seconds)}" if seconds >= 1 else ""
    far: list[str | tuple[str, str]] = []
    if done is not None and of:
        far = ["  ", (bar(done / of, _BAR), "$primary on $surface"), f" {done:,} of {of:,}"]
    return Content.assemble(
        ("◐ ", "$text-accent"), what, *far, (f"{gone}   Esc cancels", "$text-muted")
    )
