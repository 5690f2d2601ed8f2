"""A line that says what is being waited for, and for how long already."""

import time

from textual.content import Content
from textual.widgets import Static


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
