"""Who works on a run: one process at a time, whichever program it was started from."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.text import clean

Claim = IO[bytes]

# A run that has said how it ended is held a moment longer.
PATIENCE_SECONDS = 1.0

_held: set[Claim] = set()


def claim(run: RunDirectory) -> Claim:
    """Take a run for this process until it is released, or the process is gone.

    The kernel holds the claim, so that it ends with the process, whatever ends that; a file system
    without locks knows no claims. Raises `InputError` if another process has it, `OSError` if the
    run's directory is gone or cannot be written to.
    """
    file = run.lock.open("ab")
    end = time.monotonic() + PATIENCE_SECONDS
    with suppress(OSError):  # no locks here
        while not _locked(file):
            if time.monotonic() > end:
                file.close()
                raise InputError(
                    f"run {clean(run.id)}: another program has just taken it up; "
                    f"watch it with: tui-finetune attach {clean(run.id)}"
                )
            time.sleep(0.05)
    _held.add(file)
    return file


def release(held: Claim) -> None:
    """Let others have the run."""
    _held.discard(held)
    held.close()


@contextmanager
def claimed(run: RunDirectory) -> Iterator[None]:
    """Hold a run while something is done to it. Raises as `claim` does."""
    held = claim(run)
    try:
        yield
    finally:
        release(held)


def _locked(file: Claim) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _let_go() -> None:
    """Keep no claim in a child, which may outlive the process that trains."""
    for held in list(_held):
        release(held)


os.register_at_fork(after_in_child=_let_go)
