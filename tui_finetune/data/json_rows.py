"""Read the objects of a JSON file with the types as written.

The JSON reader of `datasets` turns texts that look like dates into timestamps, so the rows are
parsed here and handed to `datasets` with their types.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets

from tui_finetune.errors import InputError
from tui_finetune.text import clean

_INT64 = range(-(2**63), 2**63)


def json_features(path: Path) -> tuple[datasets.Features, int]:
    """Return the columns of a JSON file with their types, and the number of its rows.

    A column of texts, integers, numbers or booleans has that type; any other (mixed, nested) is
    text, with what is no text already written as JSON. Raises `InputError` as `json_rows` does,
    and if the file holds no rows.
    """
    kinds: dict[str, set[str]] = {}
    count = 0
    for count, row in enumerate(json_objects(path), start=1):  # noqa: B007 (used after the loop)
        for name, value in row.items():
            kinds.setdefault(name, set()).add(_kind(value))
    if not kinds:
        raise InputError(f"{clean(path)}: this file holds no rows; one object a line is needed")
    types = {name: datasets.Value(_column_type(seen - {"null"})) for name, seen in kinds.items()}
    return datasets.Features(types), count


def json_rows(
    path: Path, names: tuple[str, ...], texts: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON file, all with the columns `names`; `texts` are those of text.

    Raises `InputError` for a line that is no JSON object (with its number).
    """
    for row in json_objects(path):
        full = {name: row.get(name) for name in names}
        for name in texts:
            value = full[name]
            if value is not None and not isinstance(value, str):
                full[name] = json.dumps(value, ensure_ascii=False)
        yield full


def json_objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON Lines, or of one JSON list."""
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            if path.suffix.lower() == ".json" and _first_character(file) == "[":
                yield from _list_items(path, file)
            else:
                yield from _line_items(path, file)
    except UnicodeDecodeError as error:
        raise InputError(f"{clean(path)}: JSON must be UTF-8 ({error.reason})") from None


def _first_character(file: Any) -> str:
    character = file.read(1)
    while character and character.isspace():
        character = file.read(1)
    file.seek(0)
    return str(character)


def _list_items(path: Path, file: Any) -> Iterator[dict[str, Any]]:
    try:
        items = json.load(file)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _broken(path, getattr(error, "lineno", 1), error) from None
    for number, item in enumerate(items, start=1):
        yield _checked(path, f"item {number}", item, escapes=True)


def _line_items(path: Path, file: Any) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise _broken(path, number, error) from None
        yield _checked(path, f"line {number}", item, escapes="\\u" in line)


def _broken(path: Path, line: int, error: Exception) -> InputError:
    reason = getattr(error, "msg", "nested too deeply")
    return InputError(
        f"{clean(path)}: line {line} is broken JSON ({clean(reason)}); "
        'one object a line is needed, such as {"text": "…", "label": "…"}'
    )


def _checked(path: Path, place: str, item: object, escapes: bool) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise InputError(
            f"{clean(path)}: {place} is no JSON object; "
            'write {"text": "…", "label": "…"} for each row'
        )
    if escapes:
        try:
            json.dumps(item, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{clean(path)}: {place} holds half of a surrogate pair (\\ud800 to \\udfff), "
                "which is no character; remove it"
            ) from None
    return item


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case str():
            return "string"
        case bool():
            return "bool"
        case int() if value in _INT64:
            return "int64"
        case float():
            return "float64"
    return "nested"


def _column_type(kinds: set[str]) -> str:
    if kinds == {"int64", "float64"}:
        return "float64"
    return kinds.pop() if len(kinds) == 1 and "nested" not in kinds else "string"
