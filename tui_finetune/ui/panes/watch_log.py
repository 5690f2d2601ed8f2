"""The end of a run's log, followed as it grows."""

from collections import deque
from pathlib import Path

from tui_finetune.text import clean

LOG_LINES_KEPT = 1000
_LOG_LINE_LIMIT = 500
_LOG_BYTES_AT_FIRST = 256 * 1024


class LogTail:
    """The last lines of a text file that may still grow, fit for a terminal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position: int | None = None
        self._half = b""
        self.lines: deque[str] = deque(maxlen=LOG_LINES_KEPT)
        self.count = 0

    def read(self, to_the_end: bool) -> None:
        """Take in new lines; with `to_the_end` also a last one without a line end."""
        try:
            with self._path.open("rb") as file:
                length = file.seek(0, 2)
                skipped = self._position is None and length > _LOG_BYTES_AT_FIRST
                if self._position is None or self._position > length:
                    self._position = max(length - _LOG_BYTES_AT_FIRST, 0)
                file.seek(self._position)
                content = self._half + file.read(length - self._position)
                self._position = length
        except OSError:
            return
        *lines, self._half = content.split(b"\n")
        if skipped:
            del lines[:1]
        if to_the_end and self._half:
            lines.append(self._half)
            self._half = b""
        for line in lines:
            # A progress bar overwrites its line: what stands there last counts.
            text = line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace").rstrip()
            if text:
                self.lines.append(clean(text, _LOG_LINE_LIMIT))
                self.count += 1
