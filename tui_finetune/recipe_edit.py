"""Changing a recipe file in place, so that its comments and its layout stay."""

import io
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, parse_recipe, quoted, with_absolute_paths
from tui_finetune.text import clean


def dump_recipe_over(recipe: Recipe, written: str, path: Path) -> str:
    """Return the text `written` of the recipe file `path` with the values of `recipe`.

    Only the lines of values that differ are changed. Raises `InputError` if the text is no
    recipe, or cannot be changed in place.
    """
    text = written.removeprefix("\ufeff").replace("\r\n", "\n")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines are not broken anew
    yaml.indent(mapping=_indentation(text))
    try:
        document = yaml.load(text)
    except (ValueError, YAMLError, RecursionError) as error:
        raise InputError(f"{clean(path)}: this is not a YAML file: {clean(error, 200)}") from None
    before = with_absolute_paths(parse_recipe(document, str(path)), path.parent)
    unchanged = _dumped(yaml, document)
    _update(document, before.model_dump(mode="json"), quoted(recipe.model_dump(mode="json")))
    changed = _dumped(yaml, document)
    # The library lays out the whole file in its own way: of that, only what changed is taken over.
    for candidate in (_with_changes(text, unchanged, changed), changed):
        if _read(candidate, path) == recipe:
            if "\r\n" in written:
                candidate = candidate.replace("\n", "\r\n")
            return "\ufeff" * written.startswith("\ufeff") + candidate
    raise InputError(
        f"{clean(path)}: this file repeats values (anchors, or keys of former versions) and "
        "cannot be changed in place; save under another name"
    )


def _update(document: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """Write into a document as loaded what differs between two recipes, and nothing else."""
    for key in before.keys() - after.keys():
        document.pop(key, None)
    for key, value in after.items():
        if key in before and before[key] == value:
            continue
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _update(document.setdefault(key, {}), old, value)
        else:
            document[key] = value


def _dumped(yaml: YAML, document: Any) -> str:
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _read(text: str, path: Path) -> Recipe | None:
    """Return the recipe of a text, None if it is none."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
        return with_absolute_paths(parse_recipe(content, str(path)), path.parent)
    except (ValueError, YAMLError, InputError):
        return None


def _indentation(text: str) -> int:
    """Return how many blanks stand before the first line that is indented, 2 without any."""
    depths = (len(line) - len(line.lstrip(" ")) for line in text.split("\n") if line.strip(" #"))
    return next((depth for depth in depths if depth), 2)


def _with_changes(text: str, before: str, after: str) -> str:
    """Return `text` with the lines changed that differ between `before` and `after`.

    Both are the text as the library writes it, without the change and with it. Where the library
    made other lines of the text altogether, all of `after` is the result.
    """
    lines, old, new = text.split("\n"), before.split("\n"), after.split("\n")
    if lines[-1]:
        lines.append("")
    if len(lines) != len(old):
        return after
    result: list[str] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            result += lines[start:end]
            continue
        for was, is_now in zip_longest(range(start, end), new[new_start:new_end]):
            if is_now is None:
                continue
            if was is not None and _key(old[was]) == _key(is_now):
                depth = len(lines[was]) - len(lines[was].lstrip(" "))
                is_now = " " * depth + is_now.lstrip(" ")
            result.append(is_now)
    return "\n".join(result)


def _key(line: str) -> str:
    return line.strip(" ").partition(":")[0]
