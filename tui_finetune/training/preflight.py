"""What can be known of a run before it is started: what is wrong, what is odd, what it takes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tui_finetune.data.whole_rows import RowsRefused
from tui_finetune.errors import InputError
from tui_finetune.models.description import describe
from tui_finetune.models.folders import ALLOW_PICKLE, TRUST_REMOTE_CODE
from tui_finetune.recipe import Recipe, with_absolute_paths
from tui_finetune.telemetry.host import read_host
from tui_finetune.text import clean, duration
from tui_finetune.training.arguments import training_arguments
from tui_finetune.training.preflight_data import data_findings, rows_used_twice
from tui_finetune.training.preflight_disk import disk_findings
from tui_finetune.training.preflight_finding import Finding
from tui_finetune.training.preflight_measure import Measurement, measure
from tui_finetune.training.preflight_plan import Plan, plan
from tui_finetune.training.preflight_settings import no_whole_batch, precision, settings_findings
from tui_finetune.training.setup import Setup, set_up

Progress = Callable[[dict[str, Any]], None]

_ORDER = ("error", "warning", "info")

_BATCH = "train.per_device_train_batch_size"
_ACCUMULATION = "train.gradient_accumulation_steps"

# More of the machine's memory than this leaves nothing for anybody else.
_TIGHT = 0.9

# A message of `set_up` begins with the key of the recipe that it is about, if it is about one.
_SECTIONS = "data|model|tokens|train|early_stopping"
_KEY = re.compile(rf"((?:{_SECTIONS})(?:\.[a-z_\d]+)+|train)(?=:| and )")
_TITLES = {
    "data": "The data cannot be used",
    "model": "The model cannot be used",
    "tokens": "Longer than the model reads",
    "train": "A setting is refused",
    "early_stopping": "A setting is refused",
}
_MODEL = re.compile(r"no such model|model |the package of the starter|the starter")


def preflight(
    recipe: Recipe, home: Path, progress: Progress = lambda _: None, measuring: bool = True
) -> list[Finding]:
    """Return what there is to say of a recipe before it is trained; errors come first.

    Where `set_up` refuses the recipe, that is all there is to say. Without an error, and if
    `measuring`, some real steps are trained in a process of its own. `progress` hears of all
    that takes long; what it raises ends it. Nothing is written.
    """
    progress({"what": "opening data and model", "done": 0, "of": 0})
    recipe = with_absolute_paths(recipe, Path.cwd())
    try:
        setup = set_up(recipe, progress)
    except InputError as error:
        return [_refused(error, recipe)]
    model = describe(recipe.model)
    train_rows = setup.data.splits["train"].num_rows
    arguments = training_arguments(setup.recipe, setup.model_folder, train_rows)
    course = plan(arguments, train_rows)
    found = [
        *rows_used_twice(setup),
        *data_findings(setup, model["max_length"], progress),
        _model(setup, model, recipe),
        *_allowed(setup, model),
        *settings_findings(setup, arguments, course, model["parameters"]),
    ]
    measured = None
    if measuring and not any(finding.severity == "error" for finding in found):
        measured, taken = _measured(setup, home, course, progress)
        found += taken
    found += disk_findings(home, arguments, course, model["parameters"], measured)
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def refuse_errors(setup: Setup, home: Path) -> None:
    """Raise `InputError` for what a preflight calls an error, as far as it needs no measuring."""
    train_rows = setup.data.splits["train"].num_rows
    arguments = training_arguments(setup.recipe, setup.model_folder, train_rows)
    parameters = describe(setup.recipe.model)["parameters"]
    for finding in (
        *rows_used_twice(setup),
        *precision(arguments),
        *no_whole_batch(setup, arguments),
        *disk_findings(home, arguments, plan(arguments, train_rows), parameters, None),
    ):
        if finding.severity == "error":
            raise InputError(finding.message)


def total_seconds(measured: Measurement, course: Plan, setup: Setup) -> float:
    """Return how long the run takes if nothing stops it early, loading and saving left out."""
    sizes = {name: rows.num_rows for name, rows in setup.data.splits.items()}
    # at the end the best model is judged on the validation rows once more, and on the test rows
    evaluated: int = (course.evaluations + 1) * sizes["validation"] + sizes.get("test", 0)
    evaluation_seconds = evaluated * measured.seconds_per_evaluated_row
    return course.steps * measured.seconds_per_step + evaluation_seconds


def _refused(error: InputError, recipe: Recipe) -> Finding:
    """Return what `set_up` refused as a finding."""
    message = str(error)
    if key := _KEY.match(message):
        field = key[1]
    else:
        field = "model.source" if _MODEL.match(message) else "data.source"
    title, count = _TITLES[field.partition(".")[0]], 1
    if isinstance(error, RowsRefused):
        title, count = error.title, error.count
    fix: dict[str, Any] | None = None
    if title == "Empty cells":
        fix = {"data.drop_empty": True}
    elif field == "tokens.max_length":
        fix = {field: describe(recipe.model)["max_length"]}
    elif field == "early_stopping.metric":
        fix = {field: "eval_loss"}
    elif field in ("train.bf16", "train.fp16"):
        fix = {field: False}
    elif field == "train.class_weights":
        fix = {field: "none"}
    return Finding(title, message, "error", count, field, fix)


def _model(setup: Setup, model: dict[str, Any], asked: Recipe) -> Finding:
    """Say what the model is, and that nothing has to be fetched any more."""
    parameters = model["parameters"]
    size = "" if parameters is None else f", {parameters / 1e6:,.1f} M parameters"
    folder = setup.model_folder
    words = f"{clean(model['architecture'] or model['model_type'], 60)}{size}, in {clean(folder)}"
    # The run's recipe names the commit in any case; so can this one.
    commit = setup.recipe.model.revision
    named = commit is None or commit == asked.model.revision
    if commit is not None and not named:
        words += f"; with model.revision {commit[:12]} a later run begins with the same weights"
    return Finding(
        "Model and data are here",
        f"nothing has to be fetched: {words}",
        "info",
        field="model.source",
        fix=None if named else {"model.revision": commit},
    )


def _allowed(setup: Setup, model: dict[str, Any]) -> list[Finding]:
    """Name the risk of what the recipe allows, and take it back where nothing needs it."""
    allowed = setup.recipe.model
    found = []
    if allowed.allow_pickle:
        words = "pickled weights are loaded: only from people you trust"
        needed = model["weights"] == "pickle"
        found.append(_switched_on("Pickles are allowed", ALLOW_PICKLE, words, needed))
    if allowed.trust_remote_code:
        words = f"{clean(', '.join(model['code']), 120)}: run with all your rights; read it first"
        needed = bool(model["code"])
        found.append(_switched_on("Its own code is run", TRUST_REMOTE_CODE, words, needed))
    return found


def _switched_on(title: str, switch: str, words: str, needed: bool) -> Finding:
    if needed:
        return Finding(title, f"{switch}: {words}", "warning", field=switch)
    message = f"{switch}: this model does not need it"
    return Finding(title, message, "info", field=switch, fix={switch: False})


def _measured(
    setup: Setup, home: Path, course: Plan, progress: Progress
) -> tuple[Measurement | None, list[Finding]]:
    """Measure the recipe, and if memory does not suffice, smaller batches until one fits."""
    recipe = setup.recipe
    outcome = measure(recipe, home, progress)
    if isinstance(outcome, Measurement):
        return outcome, _taken(outcome, course, setup)
    if not outcome.memory_full:
        message = f"a training step fails: {outcome.reason}"
        return None, [Finding("A step fails", message, "error", field="train")]
    batch = recipe.train.per_device_train_batch_size
    accumulation = training_arguments(
        recipe, setup.model_folder, setup.data.splits["train"].num_rows
    ).gradient_accumulation_steps
    for smaller in _smaller(batch):
        fix = {_BATCH: smaller, _ACCUMULATION: accumulation * batch // smaller}
        fitting = measure(_with(recipe, fix), home, progress)
        if isinstance(fitting, Measurement):
            words = (
                f"{_BATCH}: {batch} rows do not fit into memory; {smaller} do, with "
                f"{_bytes(fitting.peak_bytes)}, and {fix[_ACCUMULATION]} batches accumulated for a "
                "step train the same"
            )
            figures = vars(fitting)
            return fitting, [Finding("Out of memory", words, "error", batch, _BATCH, fix, figures)]
    return None, [
        Finding(
            "Out of memory",
            f"{_BATCH}: not even a batch of one row fits into memory ({outcome.reason}); lower "
            "tokens.max_length, set train.gradient_checkpointing, or choose a smaller model",
            "error",
            batch,
            _BATCH,
        )
    ]


def _smaller(batch: int) -> list[int]:
    """Return the divisors of a batch that are at most half of each other, down to 1."""
    found = []
    while batch > 1:
        batch = max(size for size in range(1, batch // 2 + 1) if batch % size == 0)
        found.append(batch)
    return found


def _with(recipe: Recipe, fix: dict[str, Any]) -> Recipe:
    train = {key.removeprefix("train."): value for key, value in fix.items()}
    changed = recipe.train.model_validate({**recipe.train.model_dump(), **train})
    return recipe.model_copy(update={"train": changed})


def _taken(measured: Measurement, course: Plan, setup: Setup) -> list[Finding]:
    """Say what the run takes of time and memory."""
    seconds = total_seconds(measured, course, setup)
    memory = _memory_of(measured.device)
    figures = {
        **vars(measured),
        "steps": course.steps,
        "steps_per_epoch": course.steps_per_epoch,
        "warmup_steps": course.warmup_steps,
        "evaluations": course.evaluations,
        "total_seconds": seconds,
        "memory_bytes": memory,
    }
    where = "of the processor's memory" if measured.device == "cpu" else "of the GPU's memory"
    found = [
        Finding(
            "Time and memory",
            f"{course.steps:,} steps of {measured.seconds_per_step:.3g} s and "
            f"{course.evaluations:,} evaluation{'s' * (course.evaluations != 1)} take about "
            f"{duration(seconds)}, and "
            f"{_bytes(measured.peak_bytes)} {where}; measured on {measured.steps_measured} steps, "
            f"the longest batch {measured.rows} x {measured.tokens} tokens",
            "info",
            measured.steps_measured,
            _BATCH,
            figures=figures,
        )
    ]
    if memory is not None and measured.peak_bytes > _TIGHT * memory:
        found.append(
            Finding(
                "Memory is tight",
                f"the run holds {_bytes(measured.peak_bytes)}, and {_bytes(memory)} are there for "
                "it; what else begins meanwhile may end it",
                "warning",
                field=_BATCH,
            )
        )
    return found


def _memory_of(device: str) -> int | None:
    """Return the bytes that a run may take: of the GPU, else what the machine has left."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    host = read_host(psutil.Process())
    return host.total - host.used


def _bytes(value: int) -> str:
    return f"{value / 1e9:,.2f} GB"
