"""What training takes, measured in a process of its own: memory and seconds a step."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tui_finetune.recipe import Recipe
from tui_finetune.text import clean

Progress = Callable[[dict[str, Any]], None]

# How often whoever waits is asked whether it still wants to.
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Measurement:
    """What some real steps took; None of these is a formula's."""

    device: str  # cuda, mps or cpu
    peak_bytes: int  # of the GPU, where there is none of the process
    seconds_per_step: float
    processor_seconds_per_step: float  # of all cores together
    steps_measured: int
    seconds_per_evaluated_row: float
    weight_bytes: int
    optimizer_bytes: int
    rows: int  # of the largest batch
    tokens: int  # a row of it, padding included


@dataclass(frozen=True)
class Failure:
    """Why nothing could be measured."""

    reason: str
    memory_full: bool


def measure(recipe: Recipe, home: Path, progress: Progress) -> Measurement | Failure:
    """Train some real steps of a recipe elsewhere and return what they took.

    `progress` hears of it; whatever it raises ends the other process and goes on to the caller.
    The process loads what is loaded here too, because a run is trained by a process like this one.
    """
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as log, os.fdopen(read_end, "rb", 0) as replies:
        command = [sys.executable, "-P", "-m", "tui_finetune.training.preflight_step"]
        child = subprocess.Popen(
            [*command, str(home), str(write_end)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(write_end,),
        )
        os.close(write_end)
        try:
            assert child.stdin is not None
            asked = {"recipe": recipe.model_dump(mode="json"), "modules": _loaded_here()}
            with suppress(BrokenPipeError), child.stdin:  # it has ended; why, its log says
                child.stdin.write(json.dumps(asked).encode())
            progress({"what": "starting", "done": 0, "of": 0})
            message = _last_message(replies, progress)
            child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if "result" in message:
            return Measurement(**message["result"])
        if "full" in message:
            return Failure(message["full"], memory_full=True)
        if "error" in message:
            return Failure(message["error"], memory_full=False)
        if child.returncode == -signal.SIGKILL:  # by the kernel, when memory is full
            return Failure("the machine's memory is full", memory_full=True)
        return Failure(_last_line(log), memory_full=False)


def _loaded_here() -> list[str]:
    package = __name__.partition(".")[0]
    return [
        name
        for name in sys.modules
        if name.startswith(f"{package}.") and not name.endswith("__main__")
    ]


def _last_message(replies: IO[bytes], progress: Progress) -> dict[str, Any]:
    """Return what the process found, {} if it ended without a word."""
    unread = b""
    report = {"what": "starting", "done": 0, "of": 0}
    while True:
        if not select.select([replies], [], [], _POLL_SECONDS)[0]:
            progress(report)
            continue
        content = replies.read(1 << 16)
        if not content:
            return {}
        *lines, unread = (unread + content).split(b"\n")
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            if "progress" not in message:
                return message
            report = message["progress"]
            progress(report)


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return clean(lines[-1], 300) if lines else "the process ended without a word"
