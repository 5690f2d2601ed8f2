"""The newest run of a home, looked for again and again."""

from pathlib import Path

from tui_finetune.home import runs_folder
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.status import read_status


class NewestRun:
    """Finds the newest run of a home that was started there; a run that was imported is none.

    Looking costs next to nothing as long as no run was added or removed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._changed: int | None = None
        self._newest: RunDirectory | None = None
        self._latest = ""

    def find(self) -> RunDirectory | None:
        """Return the newest run, or None; raises `OSError` if the folder cannot be read."""
        try:
            changed = runs_folder(self._home).stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if changed != self._changed:
            self._changed, self._newest = changed, None
            for run in all_runs(self._home):
                if not run.status.is_file():
                    self._changed = None  # it is just being made: look again
                elif read_status(run.status).origin != "import":
                    self._newest = run
                    break
        return self._newest

    def newer(self) -> RunDirectory | None:
        """Return the newest run if it is newer than all that this has returned before.

        A first call says what is there already; raises `OSError` as `find` does.
        """
        found = self.find()
        if found is None or found.id <= self._latest:  # an id begins with its time
            return None
        self._latest = found.id
        return found
