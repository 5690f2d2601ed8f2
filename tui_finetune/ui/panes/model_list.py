"""Which models the list shows, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tui_finetune.text import clean

Entry = Mapping[str, Any]
Entries = Sequence[Entry]

# The orders of the models here and of those on the hub; the first is that of the answer.
ORDERS: dict[str, tuple[str, ...]] = {
    "here": ("by place", "by name", "largest first", "last used first"),
    "hub": ("most downloads first", "most likes first", "by name", "largest first"),
}

_KEYS: dict[str, Callable[[Entry], Any]] = {
    "by name": lambda entry: str(entry["name"]).casefold(),
    "largest first": lambda entry: -(entry.get("disk_bytes") or entry["size_bytes"] or 0),
    "last used first": lambda entry: -(entry["last_used"] or 0),
    "most likes first": lambda entry: -(entry["likes"] or 0),
}

# What typed words are looked for in.
_SEARCHED = ("name", "source", "kind", "note", "about", "license", "task")


def matching(entries: Entries, words: str) -> list[Entry]:
    """Return the models in which each of the typed words occurs, in any of its texts."""
    wanted = words.casefold().split()
    return [entry for entry in entries if all(word in _texts(entry) for word in wanted)]


def ordered(entries: Entries, order: str) -> list[Entry]:
    """Return the models in one of the `ORDERS`; equals stay as they are."""
    return sorted(entries, key=_KEYS[order]) if order in _KEYS else list(entries)


def is_listed(entries: Entries, words: str) -> bool:
    """Return whether the typed words are the very source of a model of the list."""
    return any(entry["source"] == words for entry in entries)


def _texts(entry: Entry) -> str:
    return " ".join(clean(entry.get(key) or "") for key in _SEARCHED).casefold()


def is_of(entry: Entry, looking_at: tuple[str, str | None]) -> bool:
    """Return whether an entry is the model of that source and revision."""
    return (entry["source"], entry.get("revision")) == looking_at
