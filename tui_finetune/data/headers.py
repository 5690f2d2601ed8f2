"""Where a table of delimited text begins, and what its columns are called."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tui_finetune.data.names import LABELS, known
from tui_finetune.errors import InputError
from tui_finetune.text import clean

LONGEST_HEADER_CELL = 40

# A header is looked for in this many lines.
_PREAMBLE_LINES = 30

_DIGITS = re.compile(r"\d+")
_SENTENCE = re.compile(r" .*[.!?]$", re.DOTALL)

# Spreadsheets write this line above the table; it is not part of it.
_DECLARED = re.compile(r'^"?sep=(.)"?[\r\n]*$')


def declared_separator(lines: list[str]) -> str | None:
    """Return the separator that the first line names, as in `sep=;`, else None."""
    found = _DECLARED.match(lines[0]) if lines else None
    return found[1] if found else None


def preamble(path: Path, lines: list[str], separators: Iterable[str]) -> int:
    """Return how many lines stand above the header, 0 if no header is sure.

    Those lines must differ from the table in their number of fields. Raises `InputError` if they
    do not: they may be rows, and the header that of another file joined to the first.
    """
    for number, line in enumerate(lines[:_PREAMBLE_LINES]):
        for separator in separators:
            cells = _cells(line, separator)
            if not is_sure_header(cells):
                continue
            if any(len(_cells(above, separator)) == len(cells) for above in lines[:number]):
                raise InputError(
                    f"{clean(path)}: line {number + 1} looks like the header, and what stands "
                    "above it like rows; remove one of them, or say with data.reading.skip_lines "
                    "how many lines stand above the table"
                )
            return number
    return 0


def is_sure_header(cells: list[str]) -> bool:
    """Return whether nothing but a header can be meant: two usual names of columns or more."""
    return sum(known(cell) for cell in cells) >= 2 and len(set(cells)) == len(cells)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def looks_like_header(rows: list[list[str]]) -> bool:
    """Return whether the first of the rows names the columns, as far as that can be told."""
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    names = sum(known(cell) for cell in first)
    if names >= 2 or names == len(first):
        return True
    if any(_is_number(cell) for cell in first):
        return False
    columns = [{row[i].strip() for row in below if i < len(row)} for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(first, columns, strict=True)):
        return False
    if names:
        return True
    if any(_is_value(cell, column) for cell, column in zip(first, columns, strict=True)):
        return False
    # Nothing tells: a header is the custom, but sentences are no names.
    return all(len(cell) <= LONGEST_HEADER_CELL for cell in first)


def _is_value(cell: str, below: set[str]) -> bool:
    """Return whether a cell is like one below it: a usual label, a sentence, a date, a code."""
    if cell.lower() in LABELS:
        return not all(map(_is_number, below))  # else it names a column of 0 and 1
    if _SENTENCE.search(cell):
        return any(map(_SENTENCE.search, below))
    form = _DIGITS.sub("0", cell)
    return form != cell and any(form == _DIGITS.sub("0", other) for other in below)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def header_names(path: Path, cells: list[str]) -> tuple[str, ...]:
    """Return the columns' names without the blanks around them; an empty one is column_N.

    Raises `InputError` for a name that stands twice.
    """
    numbered = numbered_names(len(cells))
    names = tuple(cell.strip() or name for cell, name in zip(cells, numbered, strict=True))
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(
            f"{clean(path)}: the header names the column {clean(name, 40)} {times} times; "
            "give each column a name of its own"
        )
    return names


def numbered_names(width: int) -> tuple[str, ...]:
    """Return column_1, column_2, ..."""
    return tuple(f"column_{number}" for number in range(1, width + 1))
