"""The main thread of a run: starts the worker and keeps the run directory true until it ends."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from tui_finetune.runs.claim import release
from tui_finetune.runs.control import pending_stop
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, write_status
from tui_finetune.training.failures import explain
from tui_finetune.training.progress import Progress
from tui_finetune.training.sampling import Sampler
from tui_finetune.training.start import Start
from tui_finetune.training.worker import train

TICK_SECONDS = 0.5


def run_training(start: Start, on_tick: Callable[[], None] | None = None) -> Status:
    """Train in a worker thread until it ends, and return the final status.

    Must be called in the main thread: until the final status is written, SIGTERM and SIGINT ask the
    worker to save and stop. Each tick writes the heartbeat, samples memory and obeys the control
    folder, then calls `on_tick`.
    """
    run, status = start.run, start.status
    journal = JournalWriter(run.journal)
    progress = Progress(
        stop=pending_stop(run.control), step=status.step, metrics=dict(status.metrics)
    )
    outcome = {"state": "failed", "reason": "the training thread ended without a word"}

    def work() -> None:
        try:
            outcome.update(state=train(start, journal, progress), reason="")
        except BaseException as error:  # whatever it is, the run says so
            outcome["reason"] = explain(error)
            traceback.print_exc()

    signalled: list[int] = []

    def stop_now(number: int, _: FrameType | None) -> None:
        signalled.append(number)

    handlers = {name: signal.signal(name, stop_now) for name in (signal.SIGTERM, signal.SIGINT)}
    sampler = Sampler(run, journal, progress)
    worker = threading.Thread(target=work, name="trainer", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(TICK_SECONDS)
            with suppress(OSError):  # a full disk costs a heartbeat, not the run
                progress.stop = "stop-now" if signalled else pending_stop(run.control)
                sampler.sample_if_due()
                write_status(run.status, progress.present(status))
            if on_tick:
                on_tick()
        status = progress.present(status)
        status.state, status.reason = outcome["state"], outcome["reason"]
        if status.state == "stopped":
            status.reason = f"asked to ({progress.stop}) at step {status.step}"
        status.ended = time.time()
        with suppress(OSError):  # on a full disk the status has its place already
            write_status(run.status, status)
            journal.write("state", state=status.state, reason=status.reason)
            journal.close()
        if on_tick:
            on_tick()
    finally:
        if start.claim is not None:
            release(start.claim)
        for name, handler in handlers.items():
            signal.signal(name, handler)
    return status


@contextmanager
def output_to(log: Path) -> Iterator[IO[str]]:
    """Send what this process and its libraries print to `log`, and yield the former stdout.

    Works on the descriptors too, so that native libraries and child processes are caught.
    """
    former = os.dup(1), os.dup(2)
    terminal = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    _flush()
    with log.open("a", encoding="utf-8", errors="replace", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            with redirect_stdout(file), redirect_stderr(file):
                yield terminal
        finally:
            _flush()
            for descriptor, place in zip(former, (1, 2), strict=True):
                os.dup2(descriptor, place)
                os.close(descriptor)


def _flush() -> None:
    """Write out what was printed so far, before the descriptors below mean another file."""
    sys.stdout.flush()
    sys.stderr.flush()
