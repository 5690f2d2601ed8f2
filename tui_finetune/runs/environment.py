"""What of a run's environment may change its figures, as a flat table."""

import json
from typing import Any

from tui_finetune.runs.directory import RunDirectory

_PACKAGES = ("torch", "transformers", "accelerate", "datasets")


def read_environment(run: RunDirectory) -> dict[str, str]:
    """Return versions, devices, host and git commit; nothing if the file is missing or damaged."""
    try:
        content = json.loads(run.environment.read_bytes())
        packages, machine = content.get("packages") or {}, content.get("devices") or {}
        found: dict[str, Any] = {name: packages.get(name) for name in _PACKAGES}
        found["python"] = content.get("python")
        found["device"] = _device_names(machine.get("devices") or [])
        found["host"] = content.get("host")
        found["git commit"] = content.get("git_commit")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
    return {name: str(value) for name, value in found.items() if value}


def _device_names(devices: list[dict[str, Any]]) -> str:
    names = [str(device.get("name") or device.get("type")) for device in devices]
    counted = (f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
    return names[0] if len(names) == 1 else ", ".join(counted)
