"""Keeping an imported run up to date with the files it was translated from."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_finetune.runs.directory import RunDirectory, folder_size, write_whole
from tui_finetune.runs.imports.event_files import EventFile
from tui_finetune.runs.imports.folders import Stamp, find_sources, stamp
from tui_finetune.runs.imports.translate import Translation, translate
from tui_finetune.runs.journal import Entry, JournalReader, JournalWriter
from tui_finetune.runs.status import Status, as_of_now, read_status, write_status

SOURCE = "source.json"


@dataclass
class Source:
    """What `source.json` says of an imported run.

    `folder` is where its files are, `stamp` their sizes and times of change when they were read,
    `grown` when those grew that were last seen to grow (seconds since 1970, None: never).
    """

    folder: str
    stamp: Stamp = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    grown: float | None = None


class Follower:
    """Brings one imported run up to date again and again; it remembers how far it has read."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._events: dict[Path, EventFile] = {}
        self._written = _Written(run)

    def update(self) -> bool:
        """Translate what its files have grown by; return whether they had changed.

        As long as they have not, this only looks at their sizes and times. A file that was whole
        and is damaged now takes nothing away. Another process at the same work does it alone.
        """
        source = read_source(self.run)
        unchanged = source is None or stamp([*map(Path, source.stamp)]) == source.stamp
        if unchanged and (source is None or source.stamp):
            return False
        try:
            with lock(self.run) as locked:
                return locked and self._take_in()
        except OSError:  # the home of another user, or a full disk: it stays as it is
            return False

    def _take_in(self) -> bool:
        source = read_source(self.run)
        if source is None:
            return False
        found = self.read(Path(source.folder))
        if found.empty:  # a file server that is away, or the files were removed
            return False
        self.write(found, source)
        return True

    def write(self, found: Translation, source: Source) -> None:
        """Add to the run what it does not say yet; the first time that is all."""
        self._written.update()
        if len(found.logs) >= len(self._written.logs) or not found.problems:
            grown = _write(self.run, found, self._written, source.problems)
            if grown and source.stamp:  # at the first time nobody knows when they grew
                source.grown = min(time.time(), found.changed or 0.0)
            self._write_status(found, source.grown)
        source.stamp, source.problems = found.stamp, found.problems
        write_source(self.run, source)

    def read(self, folder: Path) -> Translation:
        """Return what the files in a folder say now."""
        sources = find_sources(folder)
        before = sources.stamp()  # what comes while they are read is read next time
        readers = {}
        for path, prefix in sources.events:
            readers[path] = self._events.get(path) or EventFile(path, prefix)
            readers[path].update()
        self._events = readers
        found = translate(sources, [*readers.values()])
        found.stamp = before
        return found

    def _write_status(self, found: Translation, grown: float | None) -> None:
        before = read_status(self.run.status)
        status = present_status(found, grown)
        write_status(self.run.status, status)
        if (status.state, status.reason) != (before.state, before.reason):
            journal = JournalWriter(self.run.journal)
            journal.write("state", time=status.heartbeat, state=status.state, reason=status.reason)
            journal.close()


def refresh(run: RunDirectory) -> bool:
    """Bring an imported run up to date once; return whether its files had changed."""
    return Follower(run).update()


def present_status(found: Translation, grown: float | None = None) -> Status:
    """Return the status of a run of others; it is running only if something shows that it is.

    `grown` is when its files were last seen to grow, in seconds since 1970.
    """
    signs = [sign for sign in (found.heard, grown) if sign is not None]
    status = found.status.model_copy(update={"heartbeat": max(signs, default=None)})
    status.state = "finished" if found.finished else "running"
    return as_of_now(status)


def read_source(run: RunDirectory) -> Source | None:
    """Return where an imported run comes from; None for any other run."""
    try:
        content = json.loads((run.path / SOURCE).read_bytes())
        return Source(**content)
    except (OSError, ValueError, TypeError):
        return None


def write_source(run: RunDirectory, source: Source) -> None:
    """Write down where an imported run comes from and how far it was read."""
    write_whole(run.path / SOURCE, json.dumps(vars(source), indent=1))


class _Written:
    """What the journal of an imported run says already, without what a later start took back."""

    def __init__(self, run: RunDirectory) -> None:
        self.logs: list[Entry] = []
        self.checkpoints: set[int] = set()
        self.start: Entry = {}
        self.test: Any = {}
        self._reader = JournalReader(run.journal)

    def update(self) -> None:
        """Read what the journal has grown by."""
        for entry in self._reader.read():
            event = entry.get("event")
            if event == "log":
                self.logs.append(entry)
            elif event == "checkpoint":
                self.checkpoints.add(entry["step"])
            elif event == "test":
                self.test = entry["metrics"]
            elif event == "start":
                self._start(entry)

    def _start(self, entry: Entry) -> None:
        self.start = {**entry, "resumed_from": 0}
        kept = entry["resumed_from"]
        self.logs = [log for log in self.logs if log["step"] <= kept]
        self.checkpoints = {step for step in self.checkpoints if step <= kept}


def _write(run: RunDirectory, found: Translation, before: _Written, problems: list[str]) -> bool:
    """Add to the journal what it does not say yet; return whether there are new figures.

    Where it said something else before, a start takes that back first.
    """
    start = _start(found)
    same = _common(before.logs, found.logs)
    saved = before.checkpoints
    kept, new = before.logs[:same], found.logs[same:]
    journal = JournalWriter(run.journal)
    if same < len(before.logs):
        at = min(log["step"] for log in (*before.logs[same : same + 1], *new[:1])) - 1
        new = [log for log in found.logs if log["step"] > at]
        journal.write("start", **{**start, "resumed_from": at})
        saved = {step for step in saved if step <= at}
    elif start != before.start:
        journal.write("start", **{**start, "resumed_from": kept[-1]["step"] if kept else 0})
    for log in new:
        journal.write("log", **log)
    for step in sorted({*found.checkpoints} - saved):
        with suppress(OSError):  # it is just being removed
            size = folder_size(found.folder / f"checkpoint-{step}")
            journal.write("checkpoint", time=None, step=step, bytes=size)
    if found.test != before.test:
        journal.write("test", time=None, metrics=found.test)
    for problem in found.problems:
        if problem not in problems:
            journal.write("note", time=None, text=problem)
    journal.close()
    if found.settings:
        write_whole(run.arguments, json.dumps(found.settings))
    return bool(new)


def _start(found: Translation) -> Entry:
    return {
        "event": "start",
        "time": found.status.started,
        "resumed_from": 0,
        "total_steps": found.status.total_steps,
        "steps_per_epoch": found.steps_per_epoch,
        "epochs": found.status.epochs,
        "selection_metric": found.selection_metric,
    }


def _common(before: list[Entry], now: list[Entry]) -> int:
    """Return how many entries at the beginning are the same."""
    for index, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return index
    return min(len(before), len(now))


@contextmanager
def lock(run: RunDirectory) -> Iterator[bool]:
    """Hold a run's lock, or say at once that another process or thread has it."""
    with (run.path / ".import.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
