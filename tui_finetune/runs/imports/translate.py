"""From the files of one run of others to what a journal and a status say."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from tui_finetune.runs.imports.event_files import EventFile, Scalar
from tui_finetune.runs.imports.folders import Sources, Stamp
from tui_finetune.runs.imports.trainer_state import (
    TrainerState,
    figures,
    is_timing,
    logged_figures,
    newest_state,
    read_model_name,
    read_results,
)
from tui_finetune.runs.journal import Entry
from tui_finetune.runs.status import Status

# The Trainer's entry at the end of the training; only a training that came to its end has it.
_AT_THE_END = frozenset(
    {"train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss",
     "total_flos"}
)  # fmt: skip

# Event files have 32 bits of a number that the state has in full.
_FLOAT32_PRECISION = 1e-6

# Folders that say what they are, and not which run it is.
_LOGS = frozenset({"logs", "runs", "lightning_logs", "tb_logs"})
_NO_NAMES = _LOGS | {"output", "outputs", "out", "results", "model", "models", "checkpoints"}

Series = dict[str, list[Scalar]]
"""The scalars of each name in the order of steps, each step once."""


@dataclass
class Translation:
    """A run of others in this program's words.

    `logs` are the journal's log entries in the order of steps, `test` the figures on test rows.
    `heard` (the newest event) and `changed` (the newest file) are in seconds since 1970, None
    unknown; `stamp` is that of all files before they were read. `status` says nothing of the state
    yet, which also hangs on the time: see `finished`. `problems` has a line for each file that was
    left out, in whole or in part. It is `empty` if nothing was found.
    """

    folder: Path
    status: Status
    empty: bool
    finished: bool
    selection_metric: str = "eval_loss"
    steps_per_epoch: int = 0
    logs: list[Entry] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)
    test: dict[str, float | None] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    heard: float | None = None
    changed: float | None = None
    stamp: Stamp = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def translate(sources: Sources, events: list[EventFile]) -> Translation:
    """Return what the files of a run say.

    `events` are the readers of its event files, read as far as they are written. The Trainer's
    state is the base; the events give what it lacks: the times, and the steps that came after it.
    """
    state, problems = newest_state(sources.states)
    results, damaged = read_results(sources.results)
    problems += [*damaged, *(file.problem for file in events if file.problem)]
    own, foreign = _of_this_training(events, state)
    problems += [_foreign(file, sources.folder) for file in foreign]
    series = merge_restarts(file.scalars for file in own)
    logs = _combine(state, series)
    finished = _is_finished(state, logs) or (state is None and "train_runtime" in results)
    wall = [scalar.wall for scalars in series.values() for scalar in scalars]
    created = [file.created for file in own if file.created is not None and file.scalars]
    heard = max(wall, default=None)
    best = _best_evaluation(state, logs)
    chosen_by = _selection_metric(state, best)
    step = max([state.step if state else 0, *(entry["step"] for entry in logs[-1:])])
    status = Status(
        origin="import",
        name=_storable(run_name(sources.folder)),
        model=_storable(read_model_name(sources.configs)),
        started=min(created, default=None),
        ended=heard if finished else None,
        step=step,
        total_steps=state.max_steps if state else step if finished else 0,
        epoch=_last_epoch(state, logs, results),
        epochs=state.epochs if state else 0.0,
        metrics=_metrics(best, results),
        selection_metric=chosen_by,
    )
    return Translation(
        folder=sources.folder,
        status=status,
        empty=state is None and not logs and not results,
        finished=finished,
        selection_metric=chosen_by,
        steps_per_epoch=_steps_per_epoch(state, logs),
        logs=logs,
        checkpoints=sorted(sources.checkpoints),
        test=status.metrics.get("test", {}),
        settings=state.settings if state else {},
        heard=heard,
        changed=sources.changed(),
        problems=problems,
    )


def run_name(folder: Path) -> str:
    """Return how a run is called: its folder, or the one above if that says nothing.

    One log of several, in a folder of logs, has the name of what they are of before its own.
    """
    above = folder.parent
    if folder.name.lower() in _NO_NAMES or folder.name.startswith("checkpoint-"):
        return above.name or folder.name
    if above.name in _LOGS and above.parent.name:
        return f"{above.parent.name}/{folder.name}"
    return folder.name


def _storable(name: str) -> str:
    """Return a name without half characters, as file names and JSON can have and UTF-8 cannot."""
    return name.encode("utf-8", "replace").decode()


def merge_restarts(files: Iterable[list[Scalar]]) -> Series:
    """Join the scalars of several files by time; what a restarted training repeated stands once.

    A training figure at a step that was logged before means that the training was started again
    there: all that was logged before from that step on is forgotten, as TensorBoard does it. A
    second evaluation at the same step only takes the place of the first.
    """
    series: Series = {}
    for scalar in sorted(chain.from_iterable(files), key=lambda scalar: scalar.wall):
        before = series.setdefault(scalar.name, [])
        if before and scalar.step < before[-1].step:
            _forget(series.values(), scalar.step)
        elif before and scalar.step == before[-1].step:
            if _kind(scalar.name) == "training" and scalar.name != "epoch":
                _forget(series.values(), scalar.step)
            else:
                before.pop()
        before.append(scalar)
    return series


def _forget(all_scalars: Iterable[list[Scalar]], step: int) -> None:
    for scalars in all_scalars:
        while scalars and scalars[-1].step >= step:
            scalars.pop()


def _of_this_training(
    events: list[EventFile], state: TrainerState | None
) -> tuple[list[EventFile], list[EventFile]]:
    """Part the event files into those of the training that the state tells of, and others.

    A folder can have been used twice. A file is of another training if the first step of which
    both tell has other figures; the learning rate is no witness, it is the same in each try.
    """
    if state is None or not events:
        return events, []
    logged = _values(state)
    own: list[EventFile] = []
    foreign: list[EventFile] = []
    for file in events:
        agreeing = None
        for scalar in file.scalars:
            value = logged.get((scalar.name, scalar.step))
            if value is not None and scalar.name != "learning_rate":
                agreeing = _same(scalar.value, value)
                break
        (foreign if agreeing is False else own).append(file)
    return own, foreign


def _foreign(file: EventFile, folder: Path) -> str:
    place = file.path.parent.relative_to(folder)
    return (
        f"{place} is of another training (its figures differ from trainer_state.json's); "
        f"import that folder to see it"
    )


def _values(state: TrainerState) -> dict[tuple[str, int], float]:
    return {
        (name, entry["step"]): value
        for entry in state.log
        for name, value in logged_figures(entry).items()
        if value is not None and not is_timing(name)
    }


def _combine(state: TrainerState | None, series: Series) -> list[Entry]:
    """Return the log entries of the state with their times, and those that only the events have."""
    known: dict[str, int] = {}  # until which step the state has each figure
    if state is not None and series:
        by_place = {
            (name, scalar.step): scalar for name, scalars in series.items() for scalar in scalars
        }
        for entry in state.log:
            known |= dict.fromkeys(logged_figures(entry), int(entry["step"]))
            entry["time"] = _time_of(entry, by_place)
    new = {
        name: [scalar for scalar in scalars if scalar.step > known.get(name, -1)]
        for name, scalars in series.items()
    }
    entries = [*(state.log if state else []), *_entries(new, series.get("epoch", []))]
    return sorted(entries, key=lambda entry: int(entry["step"]))


def _time_of(entry: Entry, by_place: dict[tuple[str, int], Scalar]) -> float | None:
    """Return when the entry's figures were logged, if an event has one of them."""
    for name, value in logged_figures(entry).items():
        scalar = by_place.get((name, entry["step"]))
        if scalar is not None and value is not None and _same(scalar.value, value):
            return round(scalar.wall, 3)
    return None


def _entries(series: Series, epochs: list[Scalar]) -> list[Entry]:
    """Gather the scalars that were logged together, as the Trainer logs them: by step and kind."""
    steps = [scalar.step for scalar in epochs]
    logs: dict[tuple[int, str], Entry] = {}
    for name, scalars in series.items():
        for scalar in scalars if name != "epoch" else ():
            key = (scalar.step, _kind(name))
            if key not in logs:
                at = bisect_right(steps, scalar.step) - 1
                epoch = epochs[at].value if at >= 0 and steps[at] == scalar.step else None
                time = round(scalar.wall, 3)
                place = {"time": time, "step": scalar.step, "epoch": epoch}
                logs[key] = {"event": "log", **place}
            logs[key] |= figures({name: scalar.value})
    return sorted(logs.values(), key=lambda entry: (entry["step"], entry["time"]))


def _kind(name: str) -> str:
    if name in _AT_THE_END:
        return "end"
    return next((kind for kind in ("eval", "test") if name.startswith(f"{kind}_")), "training")


def _is_finished(state: TrainerState | None, logs: list[Entry]) -> bool:
    if state is not None and 0 < state.max_steps <= max(state.step, *_steps(logs)):
        return True
    # a Trainer that counts tokens logs its running time at each step, the mean loss only at the end
    ends = [entry["step"] for entry in logs if {"train_runtime", "train_loss"} <= entry.keys()]
    trained = [entry["step"] for entry in logs if "loss" in entry]
    return bool(ends) and ends[-1] >= max(trained, default=0)


def _steps(logs: list[Entry]) -> tuple[int, ...]:
    return (0, *(int(entry["step"]) for entry in logs[-1:]))


def _steps_per_epoch(state: TrainerState | None, logs: list[Entry]) -> int:
    """Return how many steps an epoch has, as step and epoch at one place tell; 0 is unknown."""
    if state is not None and state.epoch:
        return round(state.step / state.epoch)
    placed = next((entry for entry in reversed(logs) if entry["epoch"]), None)
    return round(placed["step"] / placed["epoch"]) if placed else 0


def _last_epoch(
    state: TrainerState | None, logs: list[Entry], results: dict[str, float | None]
) -> float:
    epochs = [entry["epoch"] for entry in logs if entry["epoch"] is not None]
    known = [*epochs[-1:], state.epoch if state else 0.0, results.get("epoch") or 0.0]
    return float(max(known))


def _best_evaluation(state: TrainerState | None, logs: list[Entry]) -> Entry | None:
    """Return the evaluation that the Trainer held for the best, else that of the lowest loss."""
    evaluations = [entry for entry in logs if any(name.startswith("eval_") for name in entry)]
    if state is not None and state.best_step is not None:
        chosen = [entry for entry in evaluations if entry["step"] == state.best_step]
        if chosen:
            return chosen[0]
    if state is not None and state.best_metric is not None:
        for entry in evaluations:
            if _metric_with(entry, state.best_metric):
                return entry
    with_loss = [entry for entry in evaluations if entry.get("eval_loss") is not None]
    return min(with_loss, key=lambda entry: float(entry["eval_loss"]), default=None)


def _selection_metric(state: TrainerState | None, best: Entry | None) -> str:
    """Return the name of the figure that chose the best evaluation, as its value tells."""
    if state is None or best is None or state.best_metric is None:
        return "eval_loss"
    return _metric_with(best, state.best_metric) or "eval_loss"


def _metric_with(entry: Entry, wanted: float) -> str | None:
    matching = (
        name
        for name, value in entry.items()
        if name.startswith("eval_") and value is not None and not is_timing(name)
        and _same(value, wanted)
    )  # fmt: skip
    return next(matching, None)


def _metrics(
    best: Entry | None, results: dict[str, float | None]
) -> dict[str, dict[str, float | None]]:
    """Return the best evaluation, or if none was logged that of the results; and the test's."""
    validation = _stripped(best or results, "eval_")
    test = _stripped(results, "test_") or _stripped(results, "predict_")
    return {split: found for split, found in (("validation", validation), ("test", test)) if found}


def _stripped(found: Entry, prefix: str) -> dict[str, float | None]:
    return {
        name.removeprefix(prefix): value
        for name, value in found.items()
        if name.startswith(prefix) and not is_timing(name)
    }


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_FLOAT32_PRECISION, abs_tol=1e-12)
