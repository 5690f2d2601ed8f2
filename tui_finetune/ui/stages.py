"""The stages on the pipeline rail, from a recipe in the making or from a run."""

from collections.abc import Sequence
from typing import Any

from tui_finetune.runs.history import History
from tui_finetune.runs.status import ACTIVE, Status
from tui_finetune.runs.telling import most_telling, short_name
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.widgets.rail import Mark, Stage


def draft_stages(draft: Draft) -> list[Stage]:
    """Return the stages as they would be for a recipe in the making."""
    profile = draft.data.result or {}
    rows, columns = profile.get("rows"), profile.get("columns")
    derived = draft.derived()
    longest = draft.content["tokens"]["max_length"]
    number = draft.content["train"]["num_train_epochs"]
    epochs = f"{number:g} epoch{'s' * (number != 1)}"
    steps = "" if derived.total_steps is None else f", {derived.total_steps} steps"
    mark: Mark = "present" if draft.data.busy else "done" if profile else "ahead"
    return [
        _load(mark, rows, len(columns) if columns is not None else None),
        *_decide("ahead", profile.get("decisions") or []),
        _tokenize("ahead", rows, longest),
        _split("ahead", derived.train, derived.validation, derived.test),
        Stage("ahead", (f"fine-tune {epochs}{steps}", f"fine-tune {epochs}", "fine-tune")),
        Stage("ahead", ("evaluate",)),
    ]


def run_stages(history: History, status: Status) -> list[Stage]:
    """Return the stages of a run, as far as its journal and its status say."""
    if status.origin:
        return [_training_of_others(history, status)]
    load, tokenize, split = (history.stages.get(name) for name in ("load", "tokenize", "split"))
    total = history.total_steps or status.total_steps
    done = [load is not None, tokenize is not None, split is not None]
    done += [history.test is not None or status.state == "finished"] * 2
    # Only a run that goes on has a present stage.
    present = done.index(False) if status.state in ACTIVE and False in done else None
    if present == 3 and total and status.step >= total:
        done[3], present = True, 4
    if not all(done[:3]) and status.step:
        done[:3] = [True] * 3
    marks: list[Mark] = ["done" if finished else "ahead" for finished in done]
    if present is not None:
        marks[present] = "present"
    load, tokenize, split = load or {}, tokenize or {}, split or {}
    return [
        _load(marks[0], load.get("rows"), load.get("columns")),
        *_decide("done", history.stages.get("decide", {}).get("decisions") or []),
        _tokenize(marks[1], tokenize.get("rows"), tokenize.get("longest")),
        _split(marks[2], split.get("train"), split.get("validation"), split.get("test")),
        _fine_tune(marks[3], status.step, total),
        _evaluate(marks[4], history.test or {}, history.selection_metric),
    ]


def _training_of_others(history: History, status: Status) -> Stage:
    """Return the only stage that is known of a run that this program did not start."""
    mark: Mark = "present" if status.state in ACTIVE else "ahead"
    if status.state == "finished":
        mark = "done"
    step, total = max(status.step, 0), history.total_steps or status.total_steps
    whose = "in a script of yours" if status.origin == "script" else "imported"
    of = f"{step}/{total}" if total else f"{step}"
    return Stage(mark, (f"fine-tune {of} steps, {whose}", f"fine-tune {of}"))


def _load(mark: Mark, rows: object, columns: object) -> Stage:
    if rows is None:
        return Stage(mark, ("load",))
    if isinstance(columns, list):
        columns = len(columns)
    if columns is None:
        return Stage(mark, (f"load {rows}",))
    return Stage(mark, (f"load {rows} x {columns}", f"load {rows}x{columns}", f"load {rows}"))


def _decide(mark: Mark, decisions: Sequence[dict[str, Any]]) -> list[Stage]:
    """Return the stage of the decisions about the rows; none where nothing was decided."""
    if not decisions:
        return []
    left_out = renamed = 0
    for decision in decisions:
        rows = decision["rows"] or 0
        left_out += rows if decision["key"].startswith("data.drop_") else 0
        renamed += rows if decision["key"] == "data.merge_labels" else 0
    parts = [f"-{left_out} rows"] if left_out else []
    parts += [f"{renamed} renamed"] if renamed else []
    shorter = [f"decide {', '.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    return [Stage(mark, (*shorter, "decide"))]


def _tokenize(mark: Mark, rows: object, longest: object) -> Stage:
    if longest is None:
        return Stage(mark, ("tokenize",))
    short = (f"tokenize (≤{longest})", f"tokens ≤{longest}", f"≤{longest}")
    if rows is None:
        return Stage(mark, short)
    return Stage(mark, (f"tokenize {rows} x (≤{longest})", *short))


def _split(mark: Mark, *rows: object) -> Stage:
    if rows[0] is None:
        return Stage(mark, ("split",))
    shape = "/".join("—" if count is None else str(count) for count in rows)
    return Stage(mark, (f"split {shape}", f"split {shape}", shape))


def _fine_tune(mark: Mark, step: int, total: int) -> Stage:
    if not total:
        return Stage(mark, ("fine-tune",))
    if mark == "done" and step >= total:
        return Stage(mark, (f"fine-tune {total} steps", f"fine-tune {total}"))
    return Stage(mark, (f"fine-tune {step}/{total} steps", f"fine-tune {step}/{total}"))


def _evaluate(mark: Mark, test: dict[str, float | None], selection_metric: str) -> Stage:
    told = most_telling(test, selection_metric)
    if told is None:
        return Stage(mark, ("evaluate",))
    figure = f"{clean(short_name(told[0]), 12)} {told[1]:.2f}"
    return Stage(mark, (f"evaluate {figure}", f"evaluate {figure}", figure))
