"""Which models the list shows, in which order, and which of them is meant."""

from collections.abc import Callable, Sequence
from typing import Any

from textual.content import Content
from textual.widgets.option_list import Option

from tui_finetune.text import clean
from tui_finetune.ui.panes.model_lines import Entry, entry_line

Entries = Sequence[Entry]

# What a path begins with.
_OF_PATHS = ("/", "~", ".")

# Where a model is: its source and revision.
Place = tuple[str, str | None]

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


def place_of(entry: Entry) -> Place:
    """Return the source and the revision of an entry."""
    return str(entry["source"]), entry.get("revision")


class EntryOption(Option):
    """A line of the list, with what it stands for: the list may be another when it is chosen."""

    def __init__(self, entry: Entry, width: int, now: float) -> None:
        super().__init__(entry_line(entry, width, now))
        self.entry = entry


def typed_options(typed: str, width: int, listed: bool) -> list[Option]:
    """Return the lines for what is typed itself; `listed` if the list has that model already."""
    lines = [] if listed else [("take", f"→ take {clean(typed)} as it is")]
    if not typed.startswith(_OF_PATHS):  # the hub knows no paths
        lines.append(("search", f"→ search the hub for {clean(typed)}"))
    return [Option(Content(words).truncate(width, ellipsis=True), id=id) for id, words in lines]


def line_meant(entries: Entries, typed: str, looking_at: Place) -> int:
    """Return the line of what is typed exactly; if nothing is, of what was looked at.

    The line below the last of `entries` takes what is typed as it is.
    """
    places = [place_of(entry) for entry in entries]
    if not typed:
        return places.index(looking_at) if looking_at in places else 0
    if (typed, None) in places:
        return places.index((typed, None))
    # Whoever types a path means that, and not a longer one in which it occurs.
    return len(places) if typed.startswith(_OF_PATHS) else 0
