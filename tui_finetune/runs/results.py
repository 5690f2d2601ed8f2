"""The figures that a run wrote at its end."""

import json
from typing import Any

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.text import clean


def test_results(run: RunDirectory) -> dict[str, Any]:
    """Return `{"data", "rows", "metrics"}` of the run's one evaluation on its test rows.

    Raises `InputError` if there was none.
    """
    try:
        metrics = json.loads((run.evaluation / "metrics.json").read_bytes())["test"]
    except (OSError, ValueError, KeyError):
        raise InputError(
            f"run {clean(run.id)}: not evaluated on test rows; give others with --data FILE"
        ) from None
    rows = (run.evaluation / "test.jsonl").read_bytes().count(b"\n")
    return {"data": f"test rows of {run.load_recipe().data.source}", "rows": rows} | {
        "metrics": metrics
    }
