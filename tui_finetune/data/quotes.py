"""What the quotes in delimited text mean: they enclose fields, or belong to the texts."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# So many of the quotes around fields show that they are meant to enclose them.
_MOST = 0.5

# What some program or other encloses a field for.
_SIGNS = " ,;\t|'\"#\\"

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# Where backslashes escape quotes, they stand before nothing else but these.
_ESCAPABLE = frozenset("\\\"'\r\n,;\t|")
# A quote with text on both sides and no backslash before it.
_BARE = {quote: re.compile(rf"[^\\,;\t|\r\n]{quote}[^,;\t|\r\n]") for quote in "\"'"}


def csv_options(quote: str | None) -> dict[str, Any]:
    """Return how the csv module is told of a quote of `data.reading.quote`; None: of none.

    A backslash before the quote says that within fields one stands before each quote too.
    """
    if quote is None:
        return {"quoting": csv.QUOTE_NONE}
    if len(quote) == 1:
        return {"quotechar": quote}
    return {"quotechar": quote[-1], "escapechar": "\\"}


class QuotesOfFile:
    """Which quotes occur in a text that comes in pieces."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._bare: set[str] = set()
        self._escaped: set[str] = set()

    def note(self, text: str) -> None:
        """Look at a piece."""
        for quote, bare in _BARE.items():
            if quote in text:
                self._seen.add(quote)
                if quote not in self._bare and bare.search(text):
                    self._bare.add(quote)
        if "\\" in text:
            self._escaped.update(_ESCAPED.findall(text))

    def worth_trying(self) -> list[str]:
        """Return the values of `data.reading.quote` that may fit, the likelier first."""
        sure = self._escaped <= _ESCAPABLE
        escaped = [rf"\{quote}" for quote in "\"'" if sure and quote in self._escaped - self._bare]
        return [*escaped, *sorted(self._seen)]


@dataclass
class QuotesOfRows:
    """What the fields of an unquoted reading begin and end with."""

    opened: int = 0  # fields that begin with a double quote
    closed: int = 0  # of them, those that end with one too
    # the quotes around some field that holds two in a row, as quoting writes one
    doubled: set[str] = field(default_factory=set)
    # below the first row, fields in single quotes, by column
    _single: Counter[int] = field(default_factory=Counter)
    # of the texts without double quotes around them, by column: their number and the signs in them
    _plain: Counter[int] = field(default_factory=Counter)
    _plain_signs: dict[int, set[str]] = field(default_factory=dict)
    # fields in double quotes, by column and by the signs within them
    _double: Counter[tuple[int, frozenset[str]]] = field(default_factory=Counter)
    _rows: int = 0

    def note(self, row: list[str]) -> None:
        """Count the quotes of a row."""
        self._rows += 1
        for column, cell in enumerate(row):
            start, end = cell[:1], cell[1:][-1:]
            if start and start == end and start in "\"'" and start * 2 in cell[1:-1]:
                self.doubled.add(start)
            below = self._rows > 1  # a header often goes without
            if start == '"':
                self.opened += 1
                if end == '"':
                    self.closed += 1
                    if '"' not in self.doubled:
                        self._double[column, _signs(cell[1:-1])] += 1
                continue
            if start == end == "'":
                self._single[column] += below
            if below and end != '"' and " " in cell and '"' not in self.doubled:
                self._plain[column] += 1
                self._plain_signs.setdefault(column, set()).update(_signs(cell))

    @property
    def single_enclose(self) -> bool:
        """Whether single quotes stand around all fields of a column, or one holds doubled ones."""
        return self._share_in_single >= 1 or "'" in self.doubled

    @property
    def mostly_single(self) -> bool:
        """Whether single quotes stand around most fields of a column."""
        return self._share_in_single >= _MOST

    @property
    def _share_in_single(self) -> float:
        return max(self._single.values(), default=0) / max(self._rows - 1, 1)

    @property
    def mostly_closed(self) -> bool:
        """Whether most double quotes at the beginning of a field seem to enclose it."""
        return self.closed >= _MOST * self.opened > 0

    @property
    def belong_to_texts(self) -> bool:
        """Whether double quotes around some fields enclose nothing.

        A program that encloses a field encloses all of the column, or all that hold a sign that
        this one holds. Here most texts of a column go without, and hold every such sign.
        """
        if '"' in self.doubled:
            return False
        needless: Counter[int] = Counter()
        for (column, signs), times in self._double.items():
            if signs <= self._plain_signs.get(column, set()):
                needless[column] += times
        return any(times < self._plain[column] for column, times in needless.items())


def _signs(text: str) -> frozenset[str]:
    """Return the signs in a text that quoting may be for; of bounded number."""
    found = {sign for sign in _SIGNS if sign in text}
    if not text.isascii():
        found.add("foreign")
    if text != text.strip():
        found.add("edge")
    return frozenset(found)
