"""From plain data to a recipe, and what is said of data that is none."""

from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tui_finetune.errors import InputError
from tui_finetune.recipe.sections import Recipe
from tui_finetune.text import clean

# Fields of `train` that hold a secret, with the reason why no recipe takes them.
SECRETS = {"hub_token": "a recipe is kept with its run and is no place for a secret; set HF_TOKEN"}


def parse_recipe(content: object, origin: str) -> Recipe:
    """Validate plain data (dicts, lists, numbers, strings) as a recipe.

    Raises `InputError` that names `origin`, the field and the reason of the first error.
    """
    train = content.get("train") if isinstance(content, dict) else None
    for name in SECRETS.keys() & (train if isinstance(train, dict) else {}).keys():
        raise InputError(f"{clean(origin)}: train.{name}: this cannot be set ({SECRETS[name]})")
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{clean(origin)}: {first_problem(error)}") from None


def set_value(content: dict[str, Any], assignment: str) -> None:
    """Apply `KEY=VALUE` to a recipe as plain data; KEY is dotted, VALUE is YAML.

    `train.learning_rate=1e-4` and `learning_rate=1e-4` mean the same: a key without a dot that is
    no section of the recipe belongs to `train`. Raises `InputError` for what is no assignment.
    """
    key, sign, value = assignment.partition("=")
    if not sign or not key.strip():
        raise InputError(
            f"--set {clean(assignment)}: write KEY=VALUE, such as train.learning_rate=1e-4"
        )
    keys = key.strip().split(".")
    if len(keys) == 1 and keys[0] not in Recipe.model_fields:
        keys = ["train", *keys]
    parsed = parse_value(value)
    for step in keys[:-1]:
        inner = content.setdefault(step, {})
        if not isinstance(inner, dict):
            raise InputError(f"--set {clean(key)}: {clean(step)} has no parts of its own")
        content = inner
    content[keys[-1]] = parsed


def parse_value(text: str) -> Any:
    """Return a value as YAML reads it: 1e-4, true, null, [a, b]; what is no YAML is text."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return text


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a validation in one line: the field, what is wrong, what is."""
    problems = error.errors(include_url=False)
    # Of the kinds that a field may be, the one that was followed furthest was meant.
    place = problems[0]["loc"][:2]
    problem = max((p for p in problems if p["loc"][:2] == place), key=lambda p: len(p["loc"]))
    field = ".".join(str(part) for part in problem["loc"] if not _is_kind(part))
    if problem["type"] == "extra_forbidden":
        return f"{clean(field)}: the recipe has no such key{_known_keys(problem['loc'])}"
    if problem["type"] == "missing":
        return f"{clean(field)}: this is missing"
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{clean(field) or 'the recipe'}: a mapping of keys to values is expected here"
    reason = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    reason = reason.replace("'", "")
    given = clean(repr(problem["input"]), 60)
    return f"{clean(field)}: {given} is not allowed here; it should be {reason}"


def _is_kind(part: int | str) -> bool:
    """Return whether a part of a location is no field but one of the kinds that a field may be."""
    return part in ("float", "str", "constrained-str") or str(part).startswith("list[")


def _known_keys(location: tuple[int | str, ...]) -> str:
    section: type[BaseModel] = Recipe
    for part in location[:-1]:
        annotation = section.model_fields[str(part)].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        section = annotation
    return f"; it knows {', '.join(section.model_fields)}"
