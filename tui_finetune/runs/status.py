"""The state of a run as it is on disk, and what is true of it now."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ValidationError

# A run in one of these states needs a living process.
ACTIVE = frozenset({"starting", "running", "stopping"})
RESUMABLE = frozenset({"stopped", "interrupted", "failed"})

_ACTIVE_WORDS = tuple(f'"{state}"'.encode() for state in ACTIVE)

# A run on another host is believed for this long after its last heartbeat.
HEARTBEAT_LIMIT_SECONDS = 60.0

# A run of others shows that it goes on when its files grow: some log every few minutes only.
IMPORT_LIMIT_SECONDS = 600.0

# Start times of processes are computed from the boot time, which moves with the clock.
_START_TIME_TOLERANCE_SECONDS = 5.0


class Status(BaseModel):
    """What `status.json` says. Times are seconds since 1970, None is unknown.

    `metrics` has the figures of the best epoch ("validation") and of the end ("test");
    `selection_metric` chose that epoch, where nothing else in the run says it. `origin` is
    "" for a run of this program, "script" for one of a script with its `JournalCallback`, "import"
    for a run of others that was translated.
    """

    origin: str = ""
    state: str = "interrupted"
    reason: str = ""
    name: str = ""
    task: str = ""
    data: str = ""
    model: str = ""
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    process_started: float | None = None
    host: str = ""
    heartbeat: float | None = None
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    epochs: float = 0.0
    rows_per_second: float | None = None
    metrics: dict[str, dict[str, float | None]] = {}
    selection_metric: str = ""


def write_status(path: Path, status: Status) -> None:
    """Replace the status file atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(status.model_dump_json(), encoding="utf-8")
    os.replace(temporary, path)


def read_status(path: Path) -> Status:
    """Return what is true of the run now; never better than what is known.

    A missing or damaged file, or one whose process is gone, reads as interrupted.
    """
    try:
        status = Status.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Status(reason="its status file is missing or damaged")
    return as_of_now(status)


def as_of_now(status: Status) -> Status:
    """Return what is true of a status that was written earlier: it may need a living process."""
    if status.state in ACTIVE and not process_lives(status):
        return status.model_copy(update={"state": "interrupted", "reason": _silence(status)})
    return status


def may_be_active(path: str) -> bool:
    """Return whether a status file holds the name of an active state.

    If not, the run does not go on. This takes a third of the time of `read_status`, for those who
    look for the one run among thousands that does.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            content = file.read()
    except OSError:
        return False
    return any(state in content for state in _ACTIVE_WORDS)


def _silence(status: Status) -> str:
    if status.origin == "import":
        of = f" of {status.total_steps:,}" if status.total_steps else ""
        return f"its files end at step {status.step:,}{of}; whether it goes on is not recorded"
    return "its process is gone without a word (killed, or the machine went down)"


def process_lives(status: Status) -> bool:
    """Return whether the process that wrote the status is still there.

    Of a run of others only the growth of its files is known: the heartbeat is when they grew.
    """
    if status.origin == "import":
        return abs(time.time() - (status.heartbeat or 0.0)) < IMPORT_LIMIT_SECONDS
    if status.host != socket.gethostname():
        age = time.time() - (status.heartbeat or 0.0)
        return abs(age) < HEARTBEAT_LIMIT_SECONDS
    try:
        process = psutil.Process(status.pid or -1)
        started = process.create_time()
        # A killed child that nobody has waited for yet still has its pid.
        gone = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except (psutil.Error, ValueError):
        return False
    difference = abs(started - (status.process_started or 0.0))
    return not gone and difference < _START_TIME_TOLERANCE_SECONDS


def this_process() -> dict[str, Any]:
    """Return the status fields that identify the calling process."""
    process = psutil.Process()
    return {
        "pid": process.pid,
        "process_started": process.create_time(),
        "host": socket.gethostname(),
    }
