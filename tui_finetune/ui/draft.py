"""The recipe while it is being edited, and what the engine found out about its parts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.text import clean

# Stands where a recipe must name its data while none is chosen yet.
_NO_SOURCE = "-"


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


class Draft:
    """A recipe in the making.

    `content` is plain data as in a recipe file, always valid but for a data source that may still
    be empty; `problems` holds what should be there instead for each field whose last value was
    refused.
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        whole = recipe or Recipe.model_validate({"data": {"source": _NO_SOURCE}})
        self.content: dict[str, Any] = whole.model_dump(mode="json")
        if recipe is None:
            self.content["data"]["source"] = ""
        self.problems: dict[str, str] = {}
        self.data = Finding()
        self.model = Finding()
        self.catalogue = Finding()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change."""
        self._listeners.append(listener)

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

    def set(self, key: str, value: object) -> str | None:
        """Set one field; return None, or what should be there if it is not taken."""
        content = Draft._copy(self.content)
        section = content
        *parents, last = key.split(".")
        for part in parents:
            section = section[part]
        section[last] = value
        try:
            valid = Recipe.model_validate(_with_source(content))
        except ValidationError as error:
            self.problems[key] = what_to_write(error)
            self.changed()
            return self.problems[key]
        source = content["data"]["source"]
        self.content = valid.model_dump(mode="json")
        self.content["data"]["source"] = source
        self.problems.pop(key, None)
        self.changed()
        return None

    def replace(self, recipe: Recipe) -> None:
        """Take over another recipe whole."""
        self.content = recipe.model_dump(mode="json")
        self.problems = {}
        self.data = self.model = Finding()
        self.changed()

    def recipe(self) -> Recipe:
        """Return the recipe. Raises `InputError` that says what is missing or wrong."""
        if reason := self.obstacle():
            raise InputError(reason)
        return Recipe.model_validate(self.content)

    def obstacle(self) -> str | None:
        """Return in one line what keeps the training from starting, or None."""
        if not self.content["data"]["source"]:
            return "no data yet: choose a file in Data (F1)"
        if self.problems:
            key, problem = next(iter(self.problems.items()))
            return f"{key}: {problem}"
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
        return None

    def derived(self) -> Derived:
        """Compute rows per split and steps from the last profile."""
        splits = (self.data.result or {}).get("splits")
        if not splits or not splits.get("train"):
            return Derived()
        train = self.content["train"]
        batches = math.ceil(splits["train"] / train["per_device_train_batch_size"])
        per_epoch = math.ceil(batches / int(train.get("gradient_accumulation_steps") or 1))
        total = math.ceil(train["num_train_epochs"] * per_epoch)
        if int(train.get("max_steps") or 0) > 0:
            total = int(train["max_steps"])
        warmup = train["warmup_steps"]
        return Derived(
            train=splits["train"],
            validation=splits.get("validation"),
            test=splits.get("test"),
            steps_per_epoch=per_epoch,
            total_steps=total,
            warmup_steps=math.ceil(total * warmup) if warmup < 1 else int(warmup),
        )

    @staticmethod
    def _copy(content: dict[str, Any]) -> dict[str, Any]:
        return {
            key: Draft._copy(value) if isinstance(value, dict) else value
            for key, value in content.items()
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
