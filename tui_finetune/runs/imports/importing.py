"""Taking runs of others into the home."""

import fcntl
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.home import runs_folder
from tui_finetune.runs.directory import RunDirectory, all_runs, create_run_directory
from tui_finetune.runs.imports.folders import LOOKED_FOR, find_folders
from tui_finetune.runs.imports.follow import (
    Follower,
    Source,
    lock,
    present_status,
    read_source,
    write_source,
)
from tui_finetune.runs.imports.translate import Translation
from tui_finetune.runs.status import write_status
from tui_finetune.text import clean


def look(top: Path) -> list[Translation]:
    """Return the runs of others in a folder and below, without taking them.

    Nothing of the folder is changed. `training_args.bin` is a pickle, which could run any program
    when it is opened, so it never is. Raises `InputError` if there is none.
    """
    top = top.expanduser().absolute()
    read = [Follower(RunDirectory(folder)).read(folder) for folder in find_folders(top)]
    found = [translation for translation in read if not translation.empty]
    if not found:
        problems = [problem for translation in read for problem in translation.problems]
        reason = problems[0] if problems else f"no run in it or below; looked for {LOOKED_FOR}"
        raise InputError(f"{clean(top)}: {reason}")
    return found


def import_runs(home: Path, folder: Path) -> list[RunDirectory]:
    """Take the runs of others in a folder and below into the home; return them.

    A folder that was imported before is brought up to date. Raises `InputError` if no run is there.
    """
    return take(home, look(folder))


def take(home: Path, found: list[Translation]) -> list[RunDirectory]:
    """Take runs that `look` has found into the home, or bring up to date those that are there."""
    folder = runs_folder(home)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".import.lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        reason = clean(error.strerror)
        raise InputError(
            f"{clean(folder)}: cannot write here ({reason}); choose a --home"
        ) from None
    with file:
        known = imported(home)
        return [_take_one(home, translation, known) for translation in found]


def imported(home: Path) -> dict[Path, RunDirectory]:
    """Return the imported runs of a home by the folders that they come from."""
    return {
        Path(source.folder): run
        for run in all_runs(home)
        if (source := read_source(run)) is not None
    }


def _take_one(home: Path, found: Translation, known: dict[Path, RunDirectory]) -> RunDirectory:
    """Bring a run that is there up to date, or make its directory.

    Its id has the time at which it began, so that an old run does not become the newest one.
    """
    if found.folder in known:
        Follower(known[found.folder]).update()
        return known[found.folder]
    status = present_status(found)
    run = create_run_directory(home, status.name, found.status.started or found.changed)
    write_status(run.status, status)
    source = Source(str(found.folder))
    with lock(run):
        write_source(run, source)  # first: what is cut off here goes on when it is looked at
        Follower(run).write(found, source)
    return run
