"""All runs of a home in memory, kept in step with the disk; a cache makes the next start fast.

The cache, `index.sqlite`, is only ever a copy of what the run directories say: if it is missing,
damaged, locked or cannot be written, the runs themselves are read.
"""

import json
import os
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path

from tui_finetune.home import runs_folder
from tui_finetune.runs.directory import RunDirectory, run_ids
from tui_finetune.runs.imports.follow import refresh
from tui_finetune.runs.listing import RunSummary, summarise

# Belongs to every stamp: entries of another version of the program are read anew.
_VERSION = 2

# A folder's time may stay the same for changes that follow each other this fast.
_CLOCK_SECONDS = 2.0

_LOCKED_SECONDS = 0.5

# What a summary is made of.
_RUN = RunDirectory(Path())
_FILES = tuple(path.name for path in (_RUN.status, _RUN.about, _RUN.recipe, _RUN.arguments))
_FIELDS = tuple(field.name for field in fields(RunSummary) if field.name != "run")


class RunIndex:
    """The runs of a home, the newest first by id.

    `look` is called again and again and does a part of the work each time, so that whoever shows
    the runs can show the first ones at once. Only one thread at a time may call it.
    """

    def __init__(self, home: Path) -> None:
        self._folder = runs_folder(home)
        self._cache = _Cache(home / "index.sqlite")
        self._folder_stamp = 0
        self._ids: dict[str, None] = {}
        self._known: dict[str, tuple[str, RunSummary]] = {}
        self._active: set[str] = set()
        self._unread: deque[str] = deque()
        self._round: deque[str] = deque()

    @property
    def total(self) -> int:
        """How many runs there are, read or not."""
        return len(self._ids)

    @property
    def unread(self) -> int:
        """How many of them are not read yet."""
        return len(self._unread)

    @property
    def active(self) -> int:
        """How many of those read go on."""
        return len(self._active)

    def runs(self) -> list[RunSummary]:
        """Return the runs read so far, the newest first."""
        known = self._known  # which a look in a thread may replace meanwhile
        return [known[run_id][1] for run_id in self._ids if run_id in known]

    def look(self, in_sight: Iterable[str] = (), at_most: int | None = None) -> bool:
        """Read what is new or changed, and return whether anything is.

        Runs in sight and active ones are looked at each time. Of those not read yet, or once all
        are read, of the others in turn, it is `at_most` so many (None: all). Raises `OSError` if
        the folder of the runs cannot be read.
        """
        changed = self._scan()
        if not self._unread and not self._round:
            self._round.extend(self._ids)
        waiting = self._unread or self._round
        count = len(waiting) if at_most is None else min(at_most, len(waiting))
        some = [waiting.popleft() for _ in range(count)]
        wanted = dict.fromkeys([*in_sight, *self._active, *some])
        return self._read([run_id for run_id in wanted if run_id in self._ids]) or changed

    def _scan(self) -> bool:
        """List the folder if it changed, and forget the runs that are gone."""
        try:
            stamp = self._folder.stat().st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):
            stamp = -1
        if stamp == self._folder_stamp:
            return False
        just_now = time.time() - stamp / 1e9 < _CLOCK_SECONDS
        self._folder_stamp = 0 if just_now else stamp
        ids = dict.fromkeys(run_ids(self._folder))
        if ids == self._ids:
            return False
        self._ids = ids
        self._known = {run_id: known for run_id, known in self._known.items() if run_id in ids}
        self._active.intersection_update(ids)
        self._unread = deque(run_id for run_id in ids if run_id not in self._known)
        self._round.clear()
        self._cache.forget_all_but(ids)
        return True

    def _read(self, ids: Iterable[str]) -> bool:
        """Bring what is known of these runs up to date, from the cache where it still holds."""
        stale: dict[str, str] = {}
        for run_id in ids:
            if run_id in self._known:
                _follow(self._known[run_id][1])
            # Before the files are read: if one changes meanwhile, it is read again next time.
            stamp = _stamp(f"{self._folder}/{run_id}")
            known = self._known.get(run_id)
            if known is None or known[0] != stamp or known[1].active:
                stale[run_id] = stamp
        if not stale:
            return False
        changed = False
        cached = self._cache.read(stale)
        fresh: dict[str, RunSummary] = {}
        for run_id, stamp in stale.items():
            run = RunDirectory(self._folder / run_id)
            summary = _summary(run, cached[run_id]) if run_id in cached else None
            summary = None if summary and _follow(summary) else summary
            if summary is None:
                summary = summarise(run)
                summary = summarise(run) if _follow(summary) else summary
                if not summary.active:  # what is true of those changes without their files
                    fresh[run_id] = summary
            changed = changed or self._known.get(run_id, ("", None))[1] != summary
            self._known[run_id] = stamp, summary
            (self._active.add if summary.active else self._active.discard)(run_id)
        self._cache.write({run_id: (stale[run_id], _content(fresh[run_id])) for run_id in fresh})
        return changed


def _follow(run: RunSummary) -> bool:
    """Bring an imported run that has not ended up to date; return whether it had grown."""
    return run.origin == "import" and run.state != "finished" and refresh(run.run)


def list_runs(home: Path) -> list[RunSummary]:
    """Return all runs of a home, the newest first."""
    index = RunIndex(home)
    index.look()
    return index.runs()


class _Cache:
    """What was read of each run, with the stamp of the files that it was read from.

    Whatever goes wrong, it has nothing and keeps nothing; a damaged file is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, stamps: Mapping[str, str]) -> dict[str, str]:
        """Return the entries of these runs that have these stamps."""
        found: dict[str, str] = {}

        def select(connection: sqlite3.Connection) -> None:
            wanted = "SELECT content FROM runs WHERE id = ? AND stamp = ?"
            for row in stamps.items():
                for (content,) in connection.execute(wanted, row):
                    found[row[0]] = content

        self._do(select)
        return found

    def write(self, entries: Mapping[str, tuple[str, str]]) -> None:
        """Keep entries of runs, each a stamp and a content."""
        rows = [(run_id, *entry) for run_id, entry in entries.items()]
        if rows:
            self._do(lambda c: c.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", rows))

    def forget_all_but(self, ids: Container[str]) -> None:
        """Drop the entries of runs that are gone."""

        def delete(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT id FROM runs").fetchall()
            gone = [row for row in rows if row[0] not in ids]
            connection.executemany("DELETE FROM runs WHERE id = ?", gone)

        self._do(delete)

    def _do(self, work: Callable[[sqlite3.Connection], object]) -> None:
        try:
            with closing(sqlite3.connect(self._path, timeout=_LOCKED_SECONDS)) as connection:
                connection.execute("PRAGMA synchronous = OFF")  # losing it loses nothing
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS runs "
                    "(id TEXT PRIMARY KEY, stamp TEXT NOT NULL, content TEXT NOT NULL)"
                )
                with connection:
                    work(connection)
        except sqlite3.OperationalError:  # locked, read-only, no room
            return
        except sqlite3.Error:  # damaged
            with suppress(OSError):
                self._path.unlink()


def _stamp(folder: str) -> str:
    """Return what changes whenever a file changes that a summary is made of."""
    times = [str(_VERSION)]
    for name in _FILES:
        try:
            found = os.stat(f"{folder}/{name}")
        except OSError:
            times.append("-")
        else:
            times.append(f"{found.st_mtime_ns}.{found.st_size}")
    return " ".join(times)


def _content(run: RunSummary) -> str:
    return json.dumps({name: getattr(run, name) for name in _FIELDS}, default=dict)


def _summary(run: RunDirectory, content: str) -> RunSummary | None:
    """Return a summary as the cache has it, or None if that is none."""
    try:
        values = json.loads(content)
        values["tags"] = tuple(values["tags"])
        # The same few keys in each of thousands of runs.
        values["settings"] = {sys.intern(key): one for key, one in values["settings"].items()}
        return RunSummary(run=run, **values)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
