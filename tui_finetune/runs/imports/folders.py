"""Where runs of others lie: which folders hold one, and which of their files say something."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.runs.imports.event_files import WRITER_FOLDERS
from tui_finetune.text import clean

STATE = "trainer_state.json"
RESULTS = ("all_results.json", "train_results.json", "eval_results.json", "test_results.json",
           "predict_results.json")  # fmt: skip
CONFIGS = ("adapter_config.json", "config.json")

# What only a folder that the Trainer wrote into has, before the first checkpoint too.
_TRAINER_MARKS = frozenset({STATE, "training_args.bin", *RESULTS})

_EVENTS = "events.out.tfevents."

# Past so many folders it is a whole disk, and no folder of runs.
_MOST_FOLDERS = 20_000

Stamp = dict[str, list[int]]
"""Size and time of change (ns) of each path."""

LOOKED_FOR = (
    f"{STATE} (also in checkpoint-*), all_results.json, or events.out.tfevents.* of TensorBoard"
)


@dataclass
class Sources:
    """The files of one run of others; each list is empty where there are none.

    `folders` are all the folders that were looked into: one of them changes when a file is added.
    """

    folder: Path
    states: list[Path] = field(default_factory=list)
    checkpoints: dict[int, Path] = field(default_factory=dict)
    results: list[Path] = field(default_factory=list)
    configs: list[Path] = field(default_factory=list)
    events: list[tuple[Path, str]] = field(default_factory=list)
    """Event files, each with what goes before its tags."""
    folders: list[Path] = field(default_factory=list)

    def stamp(self) -> Stamp:
        """Return the sizes and times of change; equal ones mean that nothing was written."""
        return stamp([*self.folders, *self._files()])

    def changed(self) -> float | None:
        """Return when the newest file was written, in seconds since 1970."""
        times = [changed / 1e9 for _, changed in stamp(self._files()).values()]
        return max(times, default=None)

    def _files(self) -> list[Path]:
        return [*self.states, *self.results, *(path for path, _ in self.events)]


def stamp(paths: list[Path]) -> Stamp:
    """Return the stamps of paths; those that are gone are left out."""
    found = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found[str(path)] = [status.st_size, status.st_mtime_ns]
    return found


def find_folders(top: Path) -> list[Path]:
    """Return the folders at or below `top` that hold a run each, in the order of their names.

    A file stands for its folder. Raises `InputError` if there is none.
    """
    top = top.parent if top.is_file() else top
    try:
        os.scandir(top).close()
    except OSError as error:
        reason = clean(error.strerror)
        raise InputError(
            f"{clean(top)}: cannot be read ({reason}); name a folder that holds runs"
        ) from None
    looked_at = iter(range(_MOST_FOLDERS))
    found = list(_runs_below(top, looked_at))
    if not found:
        raise InputError(f"{clean(top)}: no run in it or below; looked for {LOOKED_FOR}")
    return found


def find_sources(folder: Path) -> Sources:
    """Return the files of the run in `folder`, as far as the folder can be read."""
    sources = Sources(folder, folders=[folder])
    files, below = _contents(folder)
    _take_trainer_files(sources, folder, files)
    steps = {step: folder / name for name in below if (step := _checkpoint_step(name)) is not None}
    for step in sorted(steps, reverse=True):
        inside, _ = _contents(steps[step])
        sources.folders.append(steps[step])
        if STATE in inside:
            sources.checkpoints[step] = steps[step]
            _take_trainer_files(sources, steps[step], inside)
    _take_events(sources, folder, files, "")
    trainer = _is_trainers(files, below)
    for name in below:
        if _checkpoint_step(name) is None and (trainer or name in {*WRITER_FOLDERS, "runs"}):
            _walk_events(sources, folder / name)
    return sources


def _runs_below(folder: Path, looked_at: Iterator[int]) -> Iterator[Path]:
    if next(looked_at, None) is None:
        raise InputError(
            f"more than {_MOST_FOLDERS:,} folders and not at the end; name one nearer to the runs"
        )
    files, below = _contents(folder)
    if _is_trainers(files, below) or _has_events(files):
        yield folder
        return
    if _only_writers(folder, below) or _one_log(folder, below):
        yield folder
        return
    for name in below:
        yield from _runs_below(folder / name, looked_at)


def _is_trainers(files: list[str], below: list[str]) -> bool:
    checkpoint = any(_checkpoint_step(name) is not None for name in below)
    return checkpoint or not _TRAINER_MARKS.isdisjoint(files)


def _only_writers(folder: Path, below: list[str]) -> bool:
    """Return whether the folders of a training and an evaluation writer lie here."""
    writers = [name for name in below if name in WRITER_FOLDERS]
    return any(_has_events(_contents(folder / name)[0]) for name in writers)


def _one_log(folder: Path, below: list[str]) -> bool:
    """Return whether runs/ holds one log: the Trainer's, before the first checkpoint.

    With several it is the folder that TensorBoard makes by itself, with a run in each.
    """
    if "runs" not in below:
        return False
    logs = _contents(folder / "runs")[1]
    return len(logs) == 1 and _has_events(_contents(folder / "runs" / logs[0])[0])


def _take_trainer_files(sources: Sources, folder: Path, files: list[str]) -> None:
    if STATE in files:
        sources.states.append(folder / STATE)
    sources.configs += [folder / name for name in CONFIGS if name in files]
    if folder == sources.folder:
        sources.results += [folder / name for name in RESULTS if name in files]


def _walk_events(sources: Sources, folder: Path, above: bool = False) -> None:
    """Take the event files of a folder and those below; `above`: those over it has some too."""
    files, below = _contents(folder)
    has_own = _has_events(files)
    # A writer of its own inside a log: its tags are the same words for something else.
    prefix = WRITER_FOLDERS.get(folder.name, f"{folder.name}/" if above else "")
    if has_own or below:
        sources.folders.append(folder)
    _take_events(sources, folder, files, prefix)
    for name in below:
        _walk_events(sources, folder / name, has_own)


def _take_events(sources: Sources, folder: Path, files: list[str], prefix: str) -> None:
    sources.events += [(folder / name, prefix) for name in files if name.startswith(_EVENTS)]


def _has_events(files: list[str]) -> bool:
    return any(name.startswith(_EVENTS) for name in files)


def _checkpoint_step(name: str) -> int | None:
    kind, _, number = name.rpartition("-")
    return int(number) if kind == "checkpoint" and number.isdecimal() else None


def _contents(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the files and of the folders in a folder; hidden ones are left out."""
    files, below = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    below.append(entry.name)
                else:
                    files.append(entry.name)
    except OSError:
        return [], []
    return sorted(files), sorted(below)
