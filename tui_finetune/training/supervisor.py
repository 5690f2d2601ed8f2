"""The main thread of a run: starts the worker and keeps the run directory true until it ends."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import IO

import psutil
import torch

from tui_finetune.runs.control import clear_requests, pending_stop
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, write_status
from tui_finetune.telemetry.gpu import GpuReader
from tui_finetune.telemetry.host import read_host
from tui_finetune.training.failures import explain
from tui_finetune.training.progress import Progress
from tui_finetune.training.start import Start
from tui_finetune.training.worker import train

TICK_SECONDS = 0.5
SAMPLE_SECONDS = 2.0


def run_training(start: Start, on_tick: Callable[[], None] | None = None) -> Status:
    """Train in a worker thread until it ends, and return the final status.

    Must be called in the main thread: SIGTERM and SIGINT ask the worker to save and stop. Each
    tick writes the heartbeat, samples memory and obeys the control folder, then calls `on_tick`.
    """
    run, status = start.run, start.status
    clear_requests(run.control)
    journal = JournalWriter(run.journal)
    progress = Progress(step=status.step, metrics=dict(status.metrics))
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
    sampler = _Sampler(journal, progress)
    worker = threading.Thread(target=work, name="trainer", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(TICK_SECONDS)
            progress.stop = "stop-now" if signalled else pending_stop(run.control)
            with suppress(OSError):  # a full disk costs a heartbeat, not the run
                sampler.sample_if_due()
                write_status(run.status, _present(status, progress))
            if on_tick:
                on_tick()
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
    status = _present(status, progress)
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


def _present(status: Status, progress: Progress) -> Status:
    running = "running" if progress.training else "starting"
    return status.model_copy(
        update={
            "state": "stopping" if progress.stop else running,
            "heartbeat": time.time(),
            "step": progress.step,
            "total_steps": progress.total_steps,
            "epoch": progress.epoch,
            "rows_per_second": progress.rows_per_second(),
            "metrics": dict(progress.metrics),
        }
    )


class _Sampler:
    """Writes what the run takes of the machine into the journal, every few seconds."""

    def __init__(self, journal: JournalWriter, progress: Progress) -> None:
        self._journal = journal
        self._progress = progress
        self._process = psutil.Process()
        self._gpus = GpuReader()
        self._due = 0.0

    def sample_if_due(self) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SAMPLE_SECONDS
        host = read_host(self._process)
        own = torch.cuda.memory_reserved() if torch.cuda.is_available() else None
        self._journal.write(
            "sample",
            step=self._progress.step,
            rows_per_second=self._progress.rows_per_second(),
            process_rss=host.process_rss,
            host_used=host.used,
            host_total=host.total,
            cpu_percent=host.cpu_percent,
            gpus=[asdict(gpu) for gpu in self._gpus.read(self._process.pid, own)],
            gpu_note=self._gpus.note,
        )
