"""The journal: what happened in a run, a JSON object a line, written once and never changed."""

import json
import math
import threading
import time
from pathlib import Path
from typing import IO, Any

Entry = dict[str, Any]

# A parser of more lines at a time is no faster, and lets no other thread work in the meantime.
_PARSED_AT_ONCE = 100


class JournalWriter:
    """Appends entries to a journal; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        _end_half_line(path)
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, event: str, /, **values: Any) -> None:
        """Append one entry with the present time; numbers that are not finite become null.

        A `time` among the values, in seconds since 1970 or None for unknown, stands instead.
        """
        entry = {"event": event, "time": round(time.time(), 3), **finite(values)}
        line = json.dumps(entry, allow_nan=False) + "\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class JournalReader:
    """Reads a journal that may still grow, each entry once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._half = b""

    def read(self) -> list[Entry]:
        """Return the entries that came since the last call.

        A half-written last line is kept for the next call, lines that are no JSON objects are
        passed over, a missing file has no entries.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                content = file.read()
        except OSError:  # not there yet, or a file server that is away for a moment
            return []
        self._position += len(content)
        *lines, self._half = (self._half + content).split(b"\n")
        entries: list[Entry] = []
        for start in range(0, len(lines), _PARSED_AT_ONCE):
            entries += _parse(lines[start : start + _PARSED_AT_ONCE])
        return entries


def _parse(lines: list[bytes]) -> list[Entry]:
    """Return the lines that are JSON objects; those of one array are parsed in a third of the time.

    A line that is none breaks the array, or makes it another length: then each is for itself.
    """
    try:
        found = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        found = []
    if len(found) == len(lines):
        return [entry for entry in found if isinstance(entry, dict)]
    return [entry for line in lines for entry in _parse([line])] if len(lines) > 1 else []


def finite(value: Any) -> Any:
    """Return plain data with None in the place of numbers that JSON cannot say."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return value


def _end_half_line(path: Path) -> None:
    """Close a line that a killed writer left half-written, so that the next one stays whole."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("r+b") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
