"""What a job of predicting a file has done so far, kept beside the file that it will write.

A line of JSON that says what the job is, then the probabilities of each row as 32-bit floats, as
the model computes them; rows without a text have NaN. Whole batches only are gone on from, so that
a job goes through the same batches whether it was interrupted or not.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tui_finetune.errors import InputError
from tui_finetune.text import clean

_NUMBER = np.dtype("<f4")


class PartFile:
    """The open part file of one job, which nobody else has open."""

    def __init__(self, file: BinaryIO, identity: dict[str, Any], labels: int, batch: int) -> None:
        self._file = file
        self._row_bytes = labels * _NUMBER.itemsize
        self._labels = labels
        header = json.dumps(identity).encode() + b"\n"
        self._begin = len(header)
        file.seek(0)
        if file.readline() != header:
            file.truncate(0)
            file.seek(0)
            file.write(header)
        size = file.seek(0, os.SEEK_END)
        whole = (size - self._begin) // (self._row_bytes * batch) * batch
        file.truncate(self._begin + whole * self._row_bytes)
        file.seek(0, os.SEEK_END)
        self.done = whole
        """The number of rows that are predicted."""

    def append(self, probabilities: np.ndarray) -> None:
        """Keep the next rows, (rows, labels)."""
        self._file.write(probabilities.astype(_NUMBER).tobytes())
        self._file.flush()
        os.fsync(self._file.fileno())  # after a loss of power, no row is half there
        self.done += len(probabilities)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from `start` on, before `stop`, (rows, labels)."""
        self._file.seek(self._begin + start * self._row_bytes)
        content = self._file.read((stop - start) * self._row_bytes)
        rows: np.ndarray = np.frombuffer(content, _NUMBER).reshape(-1, self._labels)
        return rows


def part_path(out: Path) -> Path:
    """Return where the part of the job that writes `out` lies."""
    return out.with_name(f".{out.name}.part")


@contextmanager
def open_part(out: Path, identity: dict[str, Any], labels: int, batch: int) -> Iterator[PartFile]:
    """Open the part file of `out`, or begin it anew if it belongs to another job.

    Rows are gone on from in multiples of `batch`. Raises `InputError` if another process has it
    open.
    """
    with os.fdopen(os.open(part_path(out), os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{clean(out)}: another job is writing this file; wait for it, or name another"
            ) from None
        yield PartFile(file, identity, labels, batch)
