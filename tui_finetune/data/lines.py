"""The lines of a text file, in a stream that says how far it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tui_finetune.data.encodings import LONGEST_LINE, Progress
from tui_finetune.errors import InputError
from tui_finetune.text import clean

_LINES_A_REPORT = 5_000

# So many lines show how a table is written.
_AT_LEAST = 20


def lines_of(
    path: Path,
    encoding: str,
    skip: int = 0,
    progress: Progress | None = None,
    what: str = "",
    newline: str = "",
) -> Iterator[str]:
    """Yield the lines of a file with their ends, without the first `skip`.

    A line ends with a line feed, a carriage return or both, or with `newline`. `progress` is called
    with the bytes read so far, described as `what`. Raises `InputError` for a line of more than 64
    million characters.
    """
    size = path.stat().st_size
    with path.open(encoding=encoding, newline=newline) as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise InputError(
                    f"{clean(path)}: line {number} is longer than {LONGEST_LINE:,} characters; "
                    "this is no table of texts"
                )
            if progress is not None and number % _LINES_A_REPORT == 0:
                progress({"what": what, "done": bytes_read(file), "of": size})
            if number > skip:
                yield line


def bytes_read(file: TextIO) -> int:
    """Return how many bytes of a file were taken in so far."""
    return os.lseek(file.fileno(), 0, os.SEEK_CUR)


def first_lines(path: Path, encoding: str, most: int, characters: int) -> tuple[list[str], bool]:
    """Return the first lines of a file, and whether there are more.

    At most so many lines and characters are read, but for a few lines however long they are.
    """
    with path.open(encoding=encoding, newline="") as file:
        lines: list[str] = []
        read = 0
        while len(lines) < most and (read < characters or len(lines) < _AT_LEAST):
            line = file.readline(LONGEST_LINE)
            lines += [line] if line else []
            read += len(line)
            if not line or read >= LONGEST_LINE:
                break
        return lines, bool(file.read(1))
