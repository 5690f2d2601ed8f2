"""The newest run of a home, looked for again and again."""

from contextlib import suppress
from pathlib import Path

from tui_finetune.home import runs_folder
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.status import read_status


class NewestRun:
    """Finds the newest run of a home that was started there; a run that was imported is none.

    Looking costs next to nothing as long as no run was added or removed. As long as the folder of
    the runs cannot be read, none is found.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._changed: int | None = None
        self._newest: RunDirectory | None = None
        self._latest = ""

    def find(self) -> RunDirectory | None:
        """Return the newest run, or None."""
        with suppress(OSError):
            return self._find()
        return None

    def _find(self) -> RunDirectory | None:
        changed = runs_folder(self._home).stat().st_mtime_ns
        if changed != self._changed:
            # Only the outcome is kept: another thread may ask meanwhile.
            newest: RunDirectory | None = None
            seen: int | None = changed
            for run in all_runs(self._home):
                if not run.status.is_file():
                    seen = None  # it is just being made: look again
                elif read_status(run.status).origin != "import":
                    newest = run
                    break
            self._newest, self._changed = newest, seen
        return self._newest

    def newer(self) -> RunDirectory | None:
        """Return the newest run if it is newer than all that this has returned before.

        A first call says what is there already.
        """
        found = self.find()
        if found is None or found.id <= self._latest:  # an id begins with its time
            return None
        self._latest = found.id
        return found
