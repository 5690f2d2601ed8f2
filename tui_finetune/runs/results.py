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
        rows = (run.evaluation / "test.jsonl").read_bytes().count(b"\n")
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"run {clean(run.id)}: not evaluated on test rows; give others with --data FILE"
        ) from None
    source = run.load_recipe().data.source
    return {"data": f"test rows of {source}", "rows": rows, "metrics": metrics}
