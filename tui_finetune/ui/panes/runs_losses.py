"""The courses of the training losses, for the runs in sight only; read in a thread."""

from array import array
from collections.abc import Sequence
from contextlib import suppress

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import HistoryReader

# Courses that are kept at once.
_MOST_KEPT = 500

# A course is drawn in a few cells: more values than this are thinned out.
_VALUES_KEPT = 200


class Losses:
    """Remembers a run's course until its journal changes."""

    def __init__(self) -> None:
        self.courses: dict[str, Sequence[float]] = {}
        """By the ids of their runs."""
        self._modified: dict[str, int] = {}
        self._readers: dict[str, HistoryReader] = {}

    def read(self, run: RunDirectory, live: bool) -> bool:
        """Bring a run's course up to date, and return whether it changed.

        The journal of a live run is followed, not read from its beginning again.
        """
        modified = 0
        with suppress(OSError):
            modified = run.journal.stat().st_mtime_ns
        if self._modified.get(run.id) == modified:
            return False
        reader = self._readers.pop(run.id, None) or HistoryReader(run)
        reader.update()
        if live:
            self._readers[run.id] = reader
        curve = reader.history.curves.get("loss")
        values = curve.values if curve is not None else array("d")
        if len(self._modified) >= _MOST_KEPT:
            oldest = next(iter(self._modified))
            del self._modified[oldest], self.courses[oldest]
        self._modified[run.id] = modified
        before = self.courses.get(run.id)
        self.courses[run.id] = values[:: max(-(-len(values) // _VALUES_KEPT), 1)]
        return before != self.courses[run.id]
