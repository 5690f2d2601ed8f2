"""The settings of any run as a flat table, to filter by and to compare."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui_finetune.runs.directory import RunDirectory

# The same for every run of one recipe, or no setting at all.
_NO_SETTING = frozenset({"name"})


def read_settings(run: RunDirectory) -> dict[str, Any]:
    """Return a run's settings under dotted keys such as "train.learning_rate".

    They come from its recipe, else from its training arguments (as "train.*"); a run with neither,
    or with a damaged file, has none. Values are what JSON has; a list is one value.
    """
    content = _read_yaml(run.recipe)
    if content is None:
        arguments = _read_json(run.arguments)
        content = {} if arguments is None else {"train": arguments}
    return {key: value for key, value in flatten(content).items() if key not in _NO_SETTING}


def flatten(content: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, the keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _read_yaml(path: Path) -> dict[str, Any] | None:
    from tui_finetune.runs.fast_yaml import load_yaml  # the list is on the screen before

    try:
        content = load_yaml(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
