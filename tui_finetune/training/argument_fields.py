"""What `TrainingArguments` says about its own fields: type, default, choices and help."""

import dataclasses
import re
import types
import typing
from enum import Enum
from typing import Any

import transformers
from transformers import TrainingArguments

_WORDS = {int: "int", float: "float", bool: "bool", str: "str", dict: "dict", list: "list"}


def argument_fields(reserved: dict[str, str]) -> dict[str, Any]:
    """Return all fields of the installed class as plain JSON-able values, in its order.

    `{"version", "fields": [{"name", "type", "default", "choices", "help", "reserved"}]}`; `type`
    is in words, `choices` is empty where any value of the type can be meant, and `reserved` says
    why the field is not to be set, or is None.
    """
    hints = typing.get_type_hints(TrainingArguments)
    documented = _documented(TrainingArguments.__doc__ or "")
    return {
        "version": transformers.__version__,
        "fields": [
            {
                "name": field.name,
                "type": type_words(hints[field.name]),
                "default": _default(field),
                "choices": choices(field, hints[field.name]),
                "help": str(field.metadata.get("help") or documented.get(field.name, "")).replace(
                    "%%", "%"
                ),
                "reserved": reserved.get(field.name),
            }
            for field in dataclasses.fields(TrainingArguments)
            if field.init
        ],
    }


def choices(field: "dataclasses.Field[Any]", hint: Any) -> list[str]:
    """Return the words that a field knows: its metadata's choices, or the values of its enum."""
    if known := field.metadata.get("choices"):
        return [str(choice) for choice in known]
    for kind in _members(hint):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return [str(member.value) for member in kind]
    return []


def type_words(hint: Any) -> str:
    """Return a type in words: `float or null`, `str or list of str`, `choice`."""
    words = [_words(kind) for kind in _members(hint)]
    if "choice" in words:
        words.remove("str")
    if "null" in words:  # it reads best at the end
        words = [*(word for word in words if word != "null"), "null"]
    return " or ".join(dict.fromkeys(words))


def _members(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _words(kind: Any) -> str:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is type(None):
        return "null"
    if origin is typing.Literal:
        return " or ".join(str(part).lower() for part in parts)
    if origin is list:
        return f"list of {'words' if isinstance(parts[0], type(Enum)) else _words(parts[0])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "choice"
    if dataclasses.is_dataclass(kind):
        return "dict"
    return _WORDS.get(origin or kind, "value")


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        return None
    return field.default.value if isinstance(field.default, Enum) else field.default


def _documented(docstring: str) -> dict[str, str]:
    """Return the paragraph on each parameter of a class's docstring."""
    entries = re.split(r"^ {8}(\w+) ?\(.*\):?$", docstring, flags=re.MULTILINE)
    # A heading between two groups of fields belongs to neither.
    texts = [re.split(r"^ {8}\S", text, flags=re.MULTILINE)[0] for text in entries[2::2]]
    return {name: " ".join(text.split()) for name, text in zip(entries[1::2], texts, strict=True)}
