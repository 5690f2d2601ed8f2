"""Read the objects of a JSON file with the types as written.

The JSON reader of `datasets` turns texts that look like dates into timestamps, so the rows are
parsed here.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets

from tui_finetune.data.encodings import Progress, by_mark, undecodable_line
from tui_finetune.data.json_lists import broken, distinct_keys, list_items
from tui_finetune.data.lines import lines_of
from tui_finetune.errors import InputError
from tui_finetune.text import clean

_INT64 = range(-(2**63), 2**63)
_FLAT = {"string", "bool", "int64", "float64"}


def json_features(path: Path, progress: Progress | None = None) -> datasets.Features:
    """Return the columns of a JSON file with their types.

    A column of texts, integers, numbers or booleans has that type, and so has one of lists of texts
    or of integers; any other (mixed, nested) is text, with what is no text already written as JSON.
    Raises `InputError` as `json_objects` does, and if the file holds no rows.
    """
    return features_of_rows(path, json_objects(path, progress, "checking the rows"))


def features_of_rows(path: Path, rows: Iterable[dict[str, Any]]) -> datasets.Features:
    """Do what `json_features` does for rows of a file."""
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, set()).add(_kind(value))
    if not kinds:
        raise InputError(f"{clean(path)}: this file holds no rows; one object a line is needed")
    types = {name: _feature(seen - {"null"}) for name, seen in kinds.items()}
    return datasets.Features(types)


def json_columns(
    rows: Sequence[dict[str, Any]], features: datasets.Features
) -> dict[str, list[Any]]:
    """Return the values of each column, as its type has them."""
    columns = {name: [row.get(name) for row in rows] for name in features}
    for name, values in columns.items():
        if features[name] == datasets.Value("string"):
            columns[name] = [
                value if value is None or isinstance(value, str) else _written(value)
                for value in values
            ]
        elif features[name] == datasets.Value("float64"):
            columns[name] = [None if value is None else float(value) for value in values]
    return columns


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def json_objects(
    path: Path, progress: Progress | None = None, what: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON Lines, or of one JSON list.

    Raises `InputError` for a line that is no JSON object (with its number).
    """
    with path.open("rb") as file:
        encoding = by_mark(file.read(4)) or "utf-8"
    try:
        if path.suffix.lower() == ".json" and _is_list(path, encoding):
            yield from _list_items(path, encoding, progress, what)
        else:
            yield from _line_items(path, encoding, progress, what)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{clean(path)}: line {undecodable_line(path, encoding)} is no {encoding} "
            f"({error.reason}); save the file as UTF-8, as JSON must be"
        ) from None


def _is_list(path: Path, encoding: str) -> bool:
    with path.open(encoding=encoding) as file:
        character = file.read(1)
        while character and character.isspace():
            character = file.read(1)
        return character == "["


def _list_items(
    path: Path, encoding: str, progress: Progress | None, what: str
) -> Iterator[dict[str, Any]]:
    for number, item in enumerate(list_items(path, encoding, progress, what), start=1):
        yield _checked(path, f"item {number}", item, escapes=True)


def _line_items(
    path: Path, encoding: str, progress: Progress | None, what: str
) -> Iterator[dict[str, Any]]:
    rows = 0
    item: Any = None
    for number, line in enumerate(lines_of(path, encoding, 0, progress, what, "\n"), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line, object_pairs_hook=distinct_keys)
        except (json.JSONDecodeError, RecursionError) as error:
            if line.strip() == "{" and not rows:
                raise _one_object(path) from None
            raise broken(path, number, error) from None
        yield _checked(path, f"line {number}", item, escapes="\\u" in line)
        rows += 1
    if rows == 1 and path.suffix.lower() == ".json" and any(map(_holds_rows, item.values())):
        raise _one_object(path)


def _holds_rows(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and _kind(value) == "nested")


def _one_object(path: Path) -> InputError:
    return InputError(
        f"{clean(path)}: from line 1 on, this is one object with the rows somewhere in it; write "
        "them as a list of objects, or as one object a line"
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
        case list():
            inside = {_kind(item) for item in value}
            if len(inside) < 2 and inside <= {"string", "int64"}:
                return f"list of {inside.pop() if inside else 'nothing'}"
    return "nested"


def _feature(kinds: set[str]) -> Any:
    lists = kinds - {"list of nothing"}
    for item in ("string", "int64"):
        if lists == {f"list of {item}"}:
            return datasets.List(datasets.Value(item))
    return datasets.Value(_column_type(kinds))


def _column_type(kinds: set[str]) -> str:
    if kinds == {"int64", "float64"}:
        return "float64"
    return kinds.pop() if len(kinds) == 1 and kinds <= _FLAT else "string"
