"""Where and with what a run was made."""

import json
import os
import shlex
import socket
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from tui_finetune import __version__
from tui_finetune.runs.directory import RunDirectory, write_whole
from tui_finetune.telemetry.devices import describe_devices

_PACKAGES = ("torch", "transformers", "datasets", "accelerate", "evaluate", "scikit-learn")


def write_environment(run: RunDirectory) -> None:
    """Write versions, devices, host, working folder, git commit and command beside the run."""
    write_whole(run.environment, json.dumps(environment(), indent=2))


def environment() -> dict[str, Any]:
    """Return what someone needs to know to repeat a run on another machine."""
    return {
        "tui_finetune": __version__,
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
        "devices": describe_devices(),
        "host": socket.gethostname(),
        "folder": os.getcwd(),
        "git_commit": _git_commit(),
        "command": shlex.join(sys.argv),
    }


def package_versions() -> str:
    """Return Python and the libraries that decide what a training gives, with their versions."""
    found = {name: version(name) for name in _PACKAGES[:2]}
    listed = ", ".join(f"{name} {number}" for name, number in found.items())
    return f"Python {sys.version.split()[0]}, {listed}"


def _git_commit() -> str | None:
    """Return the commit checked out in the working folder, None where there is none."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
