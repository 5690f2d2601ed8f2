"""Requests to a run: files in its control folder, so that they work from any process."""

import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import ACTIVE, Status, read_status
from tui_finetune.text import clean

StopRequest = Literal["stop-after-epoch", "stop-now"]
STOP_REQUESTS: tuple[StopRequest, ...] = ("stop-now", "stop-after-epoch")


def request_stop(run: RunDirectory, request: StopRequest) -> None:
    """Ask a run to save and stop. Raises `InputError` if it is not going."""
    _require_active(run)
    run.control.mkdir(exist_ok=True)
    (run.control / request).touch()


def pending_stop(control: Path) -> StopRequest | None:
    """Return the strongest stop request that lies there, or None."""
    for request in STOP_REQUESTS:
        if (control / request).exists():
            return request
    return None


def clear_requests(control: Path) -> None:
    """Take away all requests, as a run does when it starts."""
    control.mkdir(exist_ok=True)
    for request in STOP_REQUESTS:
        (control / request).unlink(missing_ok=True)


def kill_run(run: RunDirectory) -> None:
    """Kill the run's process at once; what came after its last checkpoint is lost.

    Raises `InputError` if it is not going, or goes on another host.
    """
    status = _require_active(run)
    if status.host != socket.gethostname():
        raise InputError(f"run {clean(run.id)}: it goes on {clean(status.host)}; kill it there")
    with suppress(psutil.NoSuchProcess):  # it has just ended by itself
        psutil.Process(status.pid).send_signal(signal.SIGKILL)


def _require_active(run: RunDirectory) -> Status:
    status = read_status(run.status)
    if status.origin == "import":
        raise InputError(f"run {clean(run.id)}: it is of others; stop it where it was started")
    if status.state not in ACTIVE:
        raise InputError(f"run {clean(run.id)}: it is {status.state}, there is nothing to stop")
    return status
