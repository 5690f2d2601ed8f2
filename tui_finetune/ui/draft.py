"""The recipe while it is being edited, and what the engine found out about its parts."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tui_finetune.errors import InputError
from tui_finetune.presets import UNSET, look_up
from tui_finetune.recipe import SELECTION_METRICS, ProblemType, Recipe, TrainSection, first_problem
from tui_finetune.text import clean
from tui_finetune.ui.check import Checks
from tui_finetune.ui.undo import History

# Stands where a recipe must name its data while none is chosen yet.
_NO_SOURCE = "-"

DEFAULTS: dict[str, Any] = Recipe.model_validate({"data": {"source": _NO_SOURCE}}).model_dump(
    mode="json"
)


@dataclass(frozen=True)
class Finding:
    """What the engine answered to a question: nothing yet (maybe asked), a result, or an error."""

    busy: bool = False
    result: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Derived:
    """Figures that follow from the recipe and the rows, on one device; None where unknown."""

    train: int | None = None
    validation: int | None = None
    test: int | None = None
    steps_per_epoch: int | None = None
    total_steps: int | None = None
    warmup_steps: int | None = None
    effective_batch: int | None = None
    """Rows that one step of the optimizer learns from."""
    tokens_per_step: float | None = None
    """Tokens in them on average; with dynamic padding without the padding."""


@dataclass(frozen=True)
class _State:
    """What undo brings back."""

    content: dict[str, Any]
    data: Finding
    model: Finding


class Draft:
    """A recipe in the making.

    `content` is plain data as in a recipe file, always valid but for a data source that may still
    be empty; `problems` holds what should be there instead for each field whose last value was
    refused. `refused` holds what `TrainingArguments` does not take, as the engine answers: such
    values are in the content all the same, until they are mended.
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        whole = recipe or Recipe.model_validate({"data": {"source": _NO_SOURCE}})
        self.content: dict[str, Any] = whole.model_dump(mode="json")
        if recipe is None:
            self.content["data"]["source"] = ""
        self.problems: dict[str, str] = {}
        self.data = Finding()
        self.data_progress: dict[str, Any] = {}
        """How far the engine is with looking at the data; no listener is told."""
        self.model = Finding()
        self.model_progress: dict[str, Any] = {}
        """How far looking at the model is, as the engine reports it: a download's bytes."""
        self.catalogue = Finding()
        self.fields = Finding()
        """All fields of `TrainingArguments`, as the engine's `training_fields` answers."""
        self.own_defaults: dict[str, Any] = {}
        """What the program sets where the recipe is silent, as far as the engine has said."""
        self.refused: dict[str, str] = {}
        self.checked: dict[str, Any] | None = None
        """The content that the engine has looked at last for that."""
        self.checks = Checks()
        """What preflights said of this recipe and of those before it."""
        self.file: Path | None = None
        """The recipe file that was opened or saved last."""
        self.version = 0
        """Counts how often the recipe was changed by other means than one field's input."""
        self._mean_tokens: float | None = None
        self._measured: dict[str, Any] = {}
        self._history: History[_State] = History()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change; return what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            self._listeners = [other for other in self._listeners if other != listener]

        return end

    def silence(self) -> None:
        """Tell nobody any more: the screen is being taken apart."""
        self._listeners = []

    def changed(self) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener()

    def value(self, key: str) -> Any:
        """Return the value at a dotted key."""
        value: Any = self.content
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def note_tokens(self, sections: Mapping[str, Any], mean: float) -> None:
        """Take note of how many tokens a training text has on average, as it is cut off.

        `sections` are those of the content that were measured; others know nothing of it.
        """
        noted = dict(sections), mean
        if noted != (self._measured, self._mean_tokens):
            self._measured, self._mean_tokens = noted
            self.changed()

    def knows_tokens(self) -> bool:
        """Return whether it is known how many tokens a training text of this recipe has."""
        return self._tokens_per_row() is not None

    def set(self, key: str, value: object) -> str | None:
        """Set one field; return None, or what should be there if it is not taken.

        Values set for the same field one after another are one step for undo.
        """
        content = self._with({key: value})
        try:
            valid = Recipe.model_validate(_with_source(content))
        except ValidationError as error:
            self.problems[key] = what_to_write(error)
            self.changed()
            return self.problems[key]
        self._take(valid, content["data"]["source"], step=key)
        self.problems.pop(key, None)
        self.changed()
        return None

    def change(self, values: Mapping[str, object]) -> str | None:
        """Set several fields at once, all or none; `UNSET` takes one out or back to its default.

        Return None, or what is wrong. The whole is one step for undo.
        """
        content = self._with(values)
        try:
            valid = Recipe.model_validate(_with_source(content))
        except ValidationError as error:
            return first_problem(error)
        self._take(valid, content["data"]["source"], step=None)
        for key in values:
            self.problems.pop(key, None)
        self.refused = {}
        self.version += 1
        self.changed()
        return None

    def replace(self, recipe: Recipe) -> None:
        """Take over another recipe whole."""
        self._history.note(self._state(), None)
        self.content = recipe.model_dump(mode="json")
        self.problems = {}
        self.refused = {}
        self.data = self.model = Finding()
        self.version += 1
        self.changed()

    def end_step(self) -> None:
        """Let the next change be a step of its own for undo, even of the same field."""
        self._history.end_step()

    def undo(self) -> bool:
        """Take back the last change, or else a value that was refused; return whether."""
        if self.problems:
            self.problems = {}
            self.version += 1
            self.changed()
            return True
        return self._restore(self._history.undo(self._state()))

    def redo(self) -> bool:
        """Make again what was taken back last; return whether there was anything."""
        return self._restore(self._history.redo(self._state()))

    def is_default(self, key: str) -> bool:
        """Return whether a field has the value that it has where nobody sets it."""
        value = look_up(self.content, key)
        default = look_up(DEFAULTS, key)
        if default is UNSET:
            default = self.own_defaults.get(key.removeprefix("train."), self._class_default(key))
        return value is UNSET or value == default

    def others_set(self) -> dict[str, Any]:
        """Return the fields of `TrainingArguments` that are set beside the usual ones."""
        train = self.content["train"]
        return {name: train[name] for name in train if name not in TrainSection.model_fields}

    def as_written(self) -> Recipe:
        """Return the recipe, whether it can be trained or not, to be saved.

        Raises `InputError` if there is no data yet, or a field holds what is no value.
        """
        if reason := self._unfinished():
            raise InputError(reason)
        return Recipe.model_validate(self.content)

    def recipe(self) -> Recipe:
        """Return the recipe. Raises `InputError` that says what is missing or wrong."""
        if reason := self.obstacle():
            raise InputError(reason)
        return Recipe.model_validate(self.content)

    def checkable(self) -> dict[str, Any]:
        """Return the content as a recipe that can be validated, with data or without."""
        return _with_source(self.content)

    def obstacle(self) -> str | None:
        """Return in one line what keeps the training from starting, or None."""
        if reason := self._unfinished():
            return reason
        if self.refused:
            name, problem = next(iter(self.refused.items()))
            return f"train.{name}: {problem}" if name else f"train: {problem}"
        for finding, pane in ((self.data, "Data (F1)"), (self.model, "Model (F2)")):
            if finding.error:
                return f"{pane}: {finding.error}"
        longest = (self.model.result or {}).get("max_length")
        wanted = self.content["tokens"]["max_length"]
        if longest is not None and longest < wanted:
            return f"Longest text: this model reads at most {longest} tokens, not {wanted}"
        for problem in (self.data.result or {}).get("problems", []):
            if problem["severity"] == "error":
                return f"Data (F1): {problem['message']}"
        metric = self.content["early_stopping"]["metric"]
        if self._problem_type() is not None and metric not in self.metrics():
            known = ", ".join(name.removeprefix("eval_") for name in self.metrics())
            name = metric.removeprefix("eval_")
            return f"Best epoch by: {name} is not known for these labels; there are {known}"
        return None

    def _unfinished(self) -> str | None:
        if not self.content["data"]["source"]:
            return "no data yet: choose a file in Data (F1)"
        return next((f"{key}: {problem}" for key, problem in self.problems.items()), None)

    def metrics(self) -> tuple[str, ...]:
        """Return the names of the figures that can choose the best epoch."""
        return SELECTION_METRICS[self._problem_type() or "single_label_classification"]

    def _problem_type(self) -> ProblemType | None:
        """Return what kind of labels the rows have, None as long as nobody has looked."""
        chosen: ProblemType | None = self.content["problem_type"]
        return chosen or (self.data.result or {}).get("problem_type")

    def derived(self) -> Derived:
        """Compute rows per split and steps from the last profile."""
        splits = (self.data.result or {}).get("splits")
        if not splits or not splits.get("train"):
            return Derived()
        train = self.content["train"]
        accumulation = train["gradient_accumulation_steps"]
        effective = train["per_device_train_batch_size"] * accumulation
        batches = math.ceil(splits["train"] / train["per_device_train_batch_size"])
        per_epoch = math.ceil(batches / accumulation)
        total = math.ceil(train["num_train_epochs"] * per_epoch)
        most = train.get("max_steps")
        if isinstance(most, int) and most > 0:
            total = most
        tokens = self._tokens_per_row()
        warmup = train["warmup_steps"]
        return Derived(
            train=splits["train"],
            validation=splits.get("validation"),
            test=splits.get("test"),
            steps_per_epoch=per_epoch,
            total_steps=total,
            warmup_steps=math.ceil(total * warmup) if warmup < 1 else int(warmup),
            effective_batch=effective,
            tokens_per_step=None if tokens is None else tokens * effective,
        )

    def _tokens_per_row(self) -> float | None:
        longest = self.content["tokens"]["max_length"]
        if self.content["tokens"]["padding"] == "max_length":
            return float(longest)
        still = all(self.content[name] == section for name, section in self._measured.items())
        return self._mean_tokens if still else None

    def _class_default(self, key: str) -> Any:
        fields = (self.fields.result or {}).get("fields", [])
        name = key.removeprefix("train.")
        return next((field["default"] for field in fields if field["name"] == name), UNSET)

    def _with(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Return a copy of the content with other values, not checked yet."""
        content = _copy(self.content)
        for key, value in values.items():
            section = content
            *parents, last = key.split(".")
            for part in parents:
                section = section[part]
            if value is UNSET:
                section.pop(last, None)
            else:
                section[last] = value
        return content

    def _take(self, valid: Recipe, source: Any, step: str | None) -> None:
        content = valid.model_dump(mode="json")
        content["data"]["source"] = source
        if content != self.content:
            self._history.note(self._state(), step)
            self.content = content
            if step is not None:  # until the engine says so again
                self.refused.pop(step.removeprefix("train."), None)

    def _state(self) -> _State:
        return _State(self.content, self.data, self.model)

    def _restore(self, state: _State | None) -> bool:
        if state is None:
            return False
        before, self.content = self.content, state.content
        # What was found out since about the same data and model is still true.
        if any(before[name] != self.content[name] for name in ("data", "problem_type")):
            self.data = Finding() if state.data.busy else state.data
        if before["model"] != self.content["model"]:
            self.model = Finding() if state.model.busy else state.model
        self.problems = {}
        self.version += 1
        self.changed()
        return True


def _copy(content: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _copy(value) if isinstance(value, dict) else value for key, value in content.items()
    }


def what_to_write(error: ValidationError) -> str:
    """Return what should be in a field instead, briefly; after a comma an example may follow."""
    problem = error.errors(include_url=False)[0]
    limits = problem.get("ctx", {})
    match problem["type"]:
        case "float_parsing" | "float_type" | "finite_number":
            return "write a number, such as 1e-4 or 3"
        case "int_parsing" | "int_parsing_size" | "int_type" | "int_from_float":
            return "write a whole number"
        case "greater_than":
            return f"must be above {limits['gt']:g}"
        case "greater_than_equal":
            return f"must be {limits['ge']:g} or more"
        case "string_too_long":
            return f"at most {limits['max_length']} characters"
        case _:
            return clean(problem["msg"].replace("Input should be", "must be"), 200)


def _with_source(content: dict[str, Any]) -> dict[str, Any]:
    data = content["data"]
    return {**content, "data": {**data, "source": data["source"] or _NO_SOURCE}}
