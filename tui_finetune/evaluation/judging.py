"""Evaluate a run on its test rows or on any labelled file, beside the model it began with."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tui_finetune.data.parts import open_part
from tui_finetune.data.splits import labelled_rows, prepare
from tui_finetune.errors import InputError
from tui_finetune.evaluation.calibration import fit_temperature
from tui_finetune.evaluation.document import evaluation_document
from tui_finetune.evaluation.metrics import label_indices
from tui_finetune.evaluation.multi_label import multi_label_document
from tui_finetune.evaluation.regression import regression_document
from tui_finetune.evaluation.report import (
    Report,
    SavedPredictions,
    evaluate_rows,
    read_predictions,
)
from tui_finetune.evaluation.thresholds import best_thresholds
from tui_finetune.evaluation.trained import LoadedModels, Version
from tui_finetune.recipe import Reading, Recipe, Splits, source_words
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
    """Return the document of an evaluation, with run, model and data.

    Of one label a row it is `evaluation_document`, of several `multi_label_document`, of numbers
    `regression_document`; `problem_type` says which.

    Without `data` the run's own test rows are judged, by the predictions saved at its end. With
    `before`, the model that the training began with is judged beside. Predictions of a finished
    run are kept in its directory, so that the next time they need not be made.

    Raises `InputError` if the run has no test rows, if the file is wrong, or has labels that the
    model does not know.
    """
    judged = _test_rows(run) if data is None else _rows_of(run, models, data, progress)
    earlier, problem = None, None
    if before:
        try:
            earlier = _predicted(run, models, "before", judged, progress)
        except InputError as error:  # its model may be gone, or out of reach
            problem = str(error)
    document = _document(run, judged, earlier, problem, progress)
    return {"run": run.id, "model": str(run.trained_model()), "data": judged.data, **document}


def _document(
    run: RunDirectory,
    judged: _Judged,
    earlier: SavedPredictions | None,
    problem: str | None,
    progress: Progress,
) -> dict[str, Any]:
    after, columns = judged.after, judged.columns
    train, validation = _train_labels(run), _validation(run)
    if after.problem_type == "regression":
        return regression_document(
            after,
            before=earlier,
            before_problem=problem,
            train=train,
            columns=columns,
            progress=progress,
        )
    if after.problem_type == "multi_label_classification":
        return multi_label_document(
            after,
            before=earlier,
            before_problem=problem,
            train=train,
            validation=validation,
            columns=columns,
            progress=progress,
        )
    document = evaluation_document(
        after.labels,
        after.references,
        after.probabilities,
        after.texts,
        after.rows,
        before=None if earlier is None else earlier.probabilities,
        before_problem=problem,
        train_counts=None if train is None else Counter(train),
        validation=None
        if validation is None
        else (validation.references, validation.probabilities),
        columns=columns,
        progress=progress,
        pairs=after.pairs,
    )
    return {"problem_type": after.problem_type, **document}


def run_temperature(run: RunDirectory) -> float | None:
    """Return the temperature fitted on a run's validation predictions, None if it has none.

    Only probabilities that sum to 1 have one.
    """
    saved = _validation(run)
    if saved is None or saved.problem_type != "single_label_classification":
        return None
    return fit_temperature(saved.probabilities, label_indices(saved.references, saved.labels))


def run_thresholds(run: RunDirectory) -> dict[str, float]:
    """Return the thresholds that are best on a run's validation rows, for each of its labels.

    Raises `InputError` if the run does not give several labels a row, or kept no predictions of
    its validation rows.
    """
    saved = _validation(run)
    if saved is None or saved.problem_type != "multi_label_classification":
        reason = "it has no predictions of validation rows yet" if saved is None else "it does not"
        raise InputError(
            f"run {clean(run.id)}: thresholds are for runs that give several labels a row; {reason}"
        )
    return best_thresholds(saved)


def _test_rows(run: RunDirectory) -> _Judged:
    path = run.evaluation / "test.jsonl"
    if not path.is_file():
        raise InputError(
            f"run {clean(run.id)}: not evaluated on test rows; give a labelled file instead"
        )
    recipe = run.load_recipe()
    after = read_predictions(path)
    source = recipe.data.test if isinstance(recipe.data.test, str) else recipe.data.source
    columns = _columns(run, recipe, after.rows)
    return _Judged(f"test rows of {source_words(source)}", "test", after, columns)


def _rows_of(run: RunDirectory, models: LoadedModels, data: str, progress: Progress) -> _Judged:
    """Predict the rows of a file with the columns of the run's own data."""
    recipe = run.load_recipe()
    problem_type = recipe.problem_type or "single_label_classification"
    # how the run's own file is written says little about another; who has a header keeps it
    reading = Reading(header=recipe.data.reading.header)
    own = recipe.data.model_copy(update={"source": data, "reading": reading, "splits": Splits()})
    rows = labelled_rows(own, problem_type)
    key = rows.digest[:16]
    unjudged = SavedPredictions(
        [], rows.rows, rows.texts, rows.labels, np.empty(0), rows.pairs, problem_type
    )
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
    unknown = sorted(_names(rows) - set(trained.model.config.label2id))
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
        rows.pairs,
    )
    labels = list(report.predictions[0].scores)
    scores = [[made.scores[label] for label in labels] for made in report.predictions]
    if finished:
        write_whole(path, report.lines(rows.rows))
    return replace(rows, labels=labels, probabilities=np.array(scores))


def _names(rows: SavedPredictions) -> set[str]:
    """Return the names of all true labels; a regression has none."""
    if rows.problem_type == "regression":
        return set()
    if rows.problem_type == "multi_label_classification":
        return {name for names in rows.references for name in names}
    return set(rows.references)


def _validation(run: RunDirectory) -> SavedPredictions | None:
    path = run.evaluation / "validation.jsonl"
    return read_predictions(path) if path.is_file() else None


def _columns(run: RunDirectory, recipe: Recipe, rows: Sequence[int]) -> dict[str, Sequence[Any]]:
    """Return the other columns of the rows; none if the file is gone or was changed."""
    data = recipe.data
    try:
        opened = open_part(data, "test")
        digests = json.loads(run.data.read_bytes())["digests"]
    except (InputError, OSError, ValueError, KeyError):
        return {}
    if digests.get(opened.origin) != opened.digest:
        return {}
    used = (data.columns.text, data.columns.text_pair, data.columns.label)
    names = [name for name in opened.dataset.column_names if name not in used]
    chosen = opened.dataset.select_columns(names).select(rows)
    return {name: chosen[name][:] for name in chosen.column_names}


def _train_labels(run: RunDirectory) -> list[Any] | None:
    """Return what the training rows are labelled with, None if the data is not what it was."""
    recipe = run.load_recipe()
    try:
        prepared = prepare(recipe.data, problem_type=recipe.problem_type)
        if json.loads(run.data.read_bytes()) != prepared.identity():
            return None
    except (InputError, OSError, ValueError):
        return None
    return prepared.references("train")
