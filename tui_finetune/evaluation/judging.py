"""Evaluate a run on its test rows or on any labelled file, beside the model it began with."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tui_finetune.data.source import open_source
from tui_finetune.data.splits import labelled_rows, prepare
from tui_finetune.errors import InputError
from tui_finetune.evaluation.calibration import fit_temperature
from tui_finetune.evaluation.document import evaluation_document
from tui_finetune.evaluation.metrics import label_indices
from tui_finetune.evaluation.report import (
    Report,
    SavedPredictions,
    evaluate_rows,
    read_predictions,
)
from tui_finetune.evaluation.trained import LoadedModels, Version
from tui_finetune.recipe import DataSection
from tui_finetune.runs.directory import RunDirectory, write_whole
from tui_finetune.text import clean

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class _Judged:
    """Labelled rows and what the run's model said of them."""

    data: str  # in words
    key: str  # names the rows among the run's saved predictions
    after: SavedPredictions
    columns: Mapping[str, Sequence[Any]]  # the others of the data, a value for each row


def judge(
    run: RunDirectory,
    models: LoadedModels,
    data: str | None = None,
    before: bool = True,
    progress: Progress = lambda step: None,
) -> dict[str, Any]:
    """Return the document of an evaluation (`evaluation_document`), with run, model and data.

    Without `data` the run's own test rows are judged, by the predictions saved at its end. With
    `before`, the model that the training began with is judged beside. Predictions of a finished
    run are kept in its directory, so that the next time they need not be made.

    Raises `InputError` if the run has no test rows, if the file is wrong, or has labels that the
    model does not know.
    """
    recipe = run.load_recipe()
    judged = _test_rows(run) if data is None else _rows_of(run, models, data, progress)
    earlier, problem = None, None
    if before:
        try:
            earlier = _predicted(run, models, "before", judged, progress).probabilities
        except InputError as error:  # its model may be gone, or out of reach
            problem = str(error)
    validation = _validation(run)
    document = evaluation_document(
        judged.after.labels,
        judged.after.references,
        judged.after.probabilities,
        judged.after.texts,
        judged.after.rows,
        before=earlier,
        before_problem=problem,
        train_counts=_train_counts(run, recipe.data),
        validation=None
        if validation is None
        else (validation.references, validation.probabilities),
        columns=judged.columns,
        progress=progress,
    )
    return {"run": run.id, "model": str(run.trained_model()), "data": judged.data, **document}


def run_temperature(run: RunDirectory) -> float | None:
    """Return the temperature fitted on a run's validation predictions, None if it has none."""
    saved = _validation(run)
    if saved is None:
        return None
    return fit_temperature(saved.probabilities, label_indices(saved.references, saved.labels))


def _test_rows(run: RunDirectory) -> _Judged:
    path = run.evaluation / "test.jsonl"
    if not path.is_file():
        raise InputError(
            f"run {clean(run.id)}: not evaluated on test rows; give a labelled file instead"
        )
    data = run.load_recipe().data
    after = read_predictions(path)
    source = data.test if isinstance(data.test, str) else data.source
    return _Judged(f"test rows of {source}", "test", after, _columns(run, data, source, after.rows))


def _rows_of(run: RunDirectory, models: LoadedModels, data: str, progress: Progress) -> _Judged:
    """Predict the rows of a file with the columns of the run's own data."""
    rows = labelled_rows(run.load_recipe().data.model_copy(update={"source": data}))
    key = rows.digest[:16]
    unjudged = SavedPredictions([], rows.rows, rows.texts, rows.labels, np.empty(0))
    kept = {name: rows.others[name][:] for name in rows.others.column_names}
    columns = {name: [values[row] for row in rows.rows] for name, values in kept.items()}
    judged = _Judged(data, key, unjudged, columns)
    return _Judged(data, key, _predicted(run, models, "after", judged, progress), columns)


def _predicted(
    run: RunDirectory, models: LoadedModels, version: Version, judged: _Judged, progress: Progress
) -> SavedPredictions:
    """Return what a version of the model says of the rows, made now or kept from before."""
    path = run.evaluation / f"{judged.key}-{version}.jsonl"
    finished = run.trained_model() == run.model
    if finished and path.is_file():
        return read_predictions(path)
    rows = judged.after
    progress({"what": "loading the model", "done": 0, "of": len(rows.texts)})
    trained = models.get(run, version)
    unknown = sorted(set(rows.references) - set(trained.model.config.label2id))
    if unknown:
        names = ", ".join(clean(name, 40) for name in unknown[:5])
        raise InputError(
            f"{clean(judged.data)}: labels that this model was not trained on: {names}; "
            "choose a file with the run's labels"
        )
    what = "predicting" if version == "after" else "predicting as before fine-tuning"
    report: Report = evaluate_rows(
        rows.texts,
        rows.references,
        trained.model,
        trained.tokenizer,
        trained.recipe.tokens.max_length,
        lambda done: progress({"what": what, "done": done, "of": len(rows.texts)}),
    )
    labels = list(report.predictions[0].scores)
    scores = [[made.scores[label] for label in labels] for made in report.predictions]
    if finished:
        write_whole(path, report.lines(rows.rows))
    return SavedPredictions(labels, rows.rows, rows.texts, rows.references, np.array(scores))


def _validation(run: RunDirectory) -> SavedPredictions | None:
    path = run.evaluation / "validation.jsonl"
    return read_predictions(path) if path.is_file() else None


def _columns(
    run: RunDirectory, data: DataSection, source: str, rows: Sequence[int]
) -> dict[str, Sequence[Any]]:
    """Return the other columns of the rows; none if the file is gone or was changed."""
    try:
        opened = open_source(source, data.header)
        digests = json.loads(run.data.read_bytes())["digests"]
    except (InputError, OSError, ValueError, KeyError):
        return {}
    if digests.get(str(opened.path)) != opened.digest:
        return {}
    used = (data.columns.text, data.columns.label)
    names = [name for name in opened.dataset.column_names if name not in used]
    chosen = opened.dataset.select_columns(names).select(rows)
    return {name: chosen[name][:] for name in chosen.column_names}


def _train_counts(run: RunDirectory, data: DataSection) -> dict[str, int] | None:
    """Return how many training rows each label had, None if the data is not what it was."""
    try:
        prepared = prepare(data)
        if json.loads(run.data.read_bytes()) != prepared.identity():
            return None
    except (InputError, OSError, ValueError):
        return None
    counts = Counter(prepared.splits["train"]["label"][:])
    return {name: counts[index] for index, name in enumerate(prepared.labels)}
