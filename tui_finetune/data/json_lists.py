"""Read the items of one long JSON list without holding all of it in memory."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tui_finetune.data.encodings import LONGEST_LINE, Progress
from tui_finetune.data.lines import bytes_read
from tui_finetune.errors import InputError
from tui_finetune.text import clean

_PIECE = 1 << 20
_BLANK = re.compile(r"[ \t\r\n]*")

# An error so near to the end of what was read may come from what was not read yet.
_NEAR_END = 16


def broken(path: Path, line: int, error: Exception) -> InputError:
    """Return the error that says which line of a file is no JSON."""
    reason = getattr(error, "msg", "nested too deeply")
    return InputError(
        f"{clean(path)}: line {line} is broken JSON ({clean(reason)}); "
        'one object a line is needed, such as {"text": "…", "label": "…"}'
    )


def distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; of a key that stands twice one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise json.JSONDecodeError("a key stands twice", "", 0)
    return found


def list_items(
    path: Path, encoding: str, progress: Progress | None = None, what: str = ""
) -> Iterator[Any]:
    """Yield the items of a file that is one JSON list.

    `progress` is called with the bytes read so far, described as `what`. Raises `InputError`, with
    the line, where it is no such list.
    """
    size = path.stat().st_size
    with path.open(encoding=encoding) as file:
        text = _Text(path, file)
        text.take("[", "Expecting a list")
        if text.sees("]"):
            text.take("]", "")
        else:
            while True:
                yield text.value()
                if progress is not None:
                    progress({"what": what, "done": bytes_read(file), "of": size})
                if text.sees("]"):
                    text.take("]", "")
                    break
                text.take(",", "Expecting ',' delimiter")
        if text.sees(None):
            raise text.error("Extra data")


class _Text:
    """What was read of the file and not parsed yet."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._place = 0
        self._line = 1  # of the place
        self._decoder = json.JSONDecoder(object_pairs_hook=distinct_keys)

    def sees(self, sign: str | None) -> bool:
        """Return whether the next character that is no blank is `sign`; None: is there one."""
        while True:
            blank = _BLANK.match(self._text, self._place)
            self._move(blank.end() if blank else self._place)
            if self._place < len(self._text):
                return sign is None or self._text[self._place] == sign
            if not self._read():
                return False

    def take(self, sign: str, reason: str) -> None:
        """Go past `sign`. Raises `InputError` with the reason if something else comes next."""
        if not self.sees(sign):
            raise self.error(reason)
        self._move(self._place + 1)

    def value(self) -> Any:
        """Return the next value and go past it."""
        self.sees(None)
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except RecursionError as error:
                raise broken(self._path, self._line, error) from None
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _NEAR_END or "Unterminated" in error.msg
                if not (cut and self._read()):
                    lines = self._text.count("\n", self._place, error.pos)
                    raise broken(self._path, self._line + lines, error) from None
                continue
            # a number may go on in what was not read yet
            if self._text[end : end + 1] in (",", "]", "\n") or not self._read():
                self._move(end)
                return value

    def error(self, reason: str) -> InputError:
        """Return an error that names the line of the place."""
        return broken(self._path, self._line, json.JSONDecodeError(reason, self._text, self._place))

    def _move(self, place: int) -> None:
        self._line += self._text.count("\n", self._place, place)
        self._place = place

    def _read(self) -> bool:
        """Read on, and let go of what was parsed; return whether there was more."""
        piece = self._file.read(max(_PIECE, len(self._text) - self._place))
        self._text = self._text[self._place :] + piece
        self._place = 0
        if len(self._text) > 2 * LONGEST_LINE:
            raise self.error(f"longer than {LONGEST_LINE:,} characters")
        return bool(piece)
