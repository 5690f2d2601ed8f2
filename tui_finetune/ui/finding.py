"""The run that is meant where nobody named one. None also if the runs cannot be read now."""

from contextlib import suppress
from pathlib import Path

from tui_finetune.home import runs_folder
from tui_finetune.runs.directory import RunDirectory, all_runs, run_ids
from tui_finetune.runs.newest import NewestRun
from tui_finetune.runs.status import ACTIVE, Status, may_be_active, read_status

_STATUS = RunDirectory(Path()).status.name


def goes_on(status: Status) -> bool:
    """Return whether a run takes memory and cores here; one that was imported does not."""
    return status.state in ACTIVE and status.origin != "import"


def active_run(home: Path) -> RunDirectory | None:
    """Return the newest run of the home that goes on."""
    folder = runs_folder(home)
    with suppress(OSError):
        for run_id in run_ids(folder):
            if may_be_active(f"{folder}/{run_id}/{_STATUS}"):
                run = RunDirectory(folder / run_id)
                if goes_on(read_status(run.status)):
                    return run
    return None


def newest_run(home: Path) -> RunDirectory | None:
    """Return the newest run of the home; an imported one only if there is no other."""
    with suppress(OSError):
        return NewestRun(home).find() or next(iter(all_runs(home)), None)
    return None


def newest_with_model(home: Path) -> RunDirectory | None:
    """Return the newest run of the home that can predict."""
    with suppress(OSError):
        return next((run for run in all_runs(home) if run.has_model()), None)
    return None
