"""Find out how a delimited text file is written: encoding, separator, quotes, header.

The first lines propose how the rows may be read; the whole file must then agree. A file that can
be read in two ways is refused: a wrong guess would train on wrong rows without a word.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tui_finetune.data.encodings import find_encoding
from tui_finetune.data.names import known
from tui_finetune.errors import InputError
from tui_finetune.text import clean

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}

SAMPLE_LINES = 2_000
LONGEST_HEADER_CELL = 40

# The csv module refuses fields over 128 KiB by default; a long document is a legitimate cell.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Delimited:
    """How a delimited file is written."""

    encoding: str  # utf-8, utf-8-sig or cp1252
    separator: str  # one of SEPARATORS
    quoted: bool  # "..." encloses a field; False: a quote is a character like any other
    header: bool  # the first row names the columns
    columns: tuple[str, ...]  # their names: from the header, or column_1, column_2, ...
    rows: int  # rows below the header


@dataclass(frozen=True)
class _Reading:
    """One way to read the lines, and how well they bear it."""

    separator: str
    quoted: bool
    width: int = 0  # fields of most rows
    rows: int = 0
    covered: int = 0  # lines in rows of that width
    opened: bool = False  # some field begins with a quote that this reading leaves in place
    fault: str | None = None  # the first row that does not fit, in words


def detect(path: Path, header: bool | None) -> Delimited:
    """Find out how the delimited file at `path` is written, reading it once or twice in a stream.

    `header` says whether the first row names the columns; None: guess it. Names in a header are
    taken without the blanks around them; an empty one becomes column_N.

    Raises `InputError` if the file is empty or no text in a known encoding, if its rows have
    different numbers of fields (with the line), if two separators fit, or if the header names a
    column twice.
    """
    encoding, has_quotes = find_encoding(path)
    sample, more = _first_lines(path, encoding)
    reading = _choose(path, encoding, sample, more, has_quotes)
    first_rows = [row for _, row in _rows(sample, reading) if row]
    has_header = _looks_like_header(first_rows) if header is None else header
    names = _header_names(path, first_rows[0]) if has_header else _numbered(reading.width)
    return Delimited(
        encoding, reading.separator, reading.quoted, has_header, names, reading.rows - has_header
    )


def _first_lines(path: Path, encoding: str) -> tuple[list[str], bool]:
    with path.open(encoding=encoding, newline="") as lines:
        sample = list(islice(lines, SAMPLE_LINES))
        more = next(lines, None) is not None
    if not any(line.strip() for line in sample) and not more:
        raise InputError(f"{clean(path)}: this file is empty; it needs rows of text and label")
    return sample, more


def _choose(path: Path, encoding: str, sample: list[str], more: bool, has_quotes: bool) -> _Reading:
    """Return the one reading that holds for every row of the file."""
    proposals = [
        _try(sample, _Reading(separator, quoted), more)
        for separator in SEPARATORS
        for quoted in ((True, False) if has_quotes else (False,))
    ]
    proposals = [reading for reading in proposals if reading.width > 1]
    fitting = [reading for reading in proposals if reading.fault is None]
    if path.suffix.lower() in (".tsv", ".tab"):
        fitting = [reading for reading in fitting if reading.separator == "\t"] or fitting
    if more:
        fitting = [_verify(path, encoding, reading) for reading in fitting]
    holding = [reading for reading in fitting if reading.fault is None]
    if not holding:
        raise _misfit(path, encoding, max(proposals, key=_likeness, default=None), len(sample))
    separators = [SEPARATORS[separator] for separator in {r.separator: 0 for r in holding}]
    if len(separators) > 1:
        raise InputError(
            f"{clean(path)}: {' and '.join(separators)} both fit as the separator; add a header "
            "line such as text,label (or name a tab separated file .tsv)"
        )
    return _with_or_without_quotes(path, holding)


def _with_or_without_quotes(path: Path, holding: list[_Reading]) -> _Reading:
    quoted = holding[0]  # the reading with quotes, if it holds, was tried first
    for unquoted in holding[1:]:
        if not unquoted.opened:
            return unquoted  # every quote stands within a text and encloses nothing
        # The same table with fewer rows: some quotes enclose line ends, or stray ones swallow rows.
        if unquoted.width == quoted.width and unquoted.rows != quoted.rows:
            raise InputError(
                f"{clean(path)}: its quotes can be read in two ways ({quoted.rows} rows if they "
                f"enclose fields, {unquoted.rows} if not); save it as JSON Lines instead"
            )
    return quoted


def _likeness(reading: _Reading) -> tuple[int, bool]:
    return reading.covered, reading.quoted


def _misfit(path: Path, encoding: str, best: _Reading | None, sample_lines: int) -> InputError:
    if best is None or best.covered * 2 < sample_lines:
        return InputError(
            f"{clean(path)}: no columns found; rows of text and label are needed, separated by "
            "comma, tab, semicolon or pipe"
        )
    fault = best.fault or _verify(path, encoding, best).fault
    return InputError(f"{clean(path)}: {fault}")


def _rows(lines: Iterable[str], reading: _Reading) -> Iterator[tuple[range, list[str]]]:
    """Yield the rows that are not blank, each with the numbers of its lines."""
    reader = csv.reader(
        lines,
        delimiter=reading.separator,
        quoting=csv.QUOTE_MINIMAL if reading.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    start = 1
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield range(start, reader.line_num + 1), row
            start = reader.line_num + 1
    except csv.Error:
        # One row more, told apart by its missing fields: what began here never ended properly.
        yield range(start, reader.line_num + 1), []


def _try(sample: list[str], reading: _Reading, more: bool) -> _Reading:
    """Return `reading` with what the sample says about it."""
    rows = list(_rows(sample, reading))
    if more and rows and not rows[-1][1] and rows[-1][0][-1] == len(sample):
        rows.pop()  # cut off by the end of the sample, not by a fault
    widths = Counter(len(row) for _, row in rows if row)
    if not widths:
        return reading
    return _measure(rows, reading, widths.most_common(1)[0][0])


def _verify(path: Path, encoding: str, reading: _Reading) -> _Reading:
    """Return `reading` with what the whole file says about it."""
    with path.open(encoding=encoding, newline="") as lines:
        return _measure(_rows(lines, reading), reading, reading.width)


def _measure(rows: Iterable[tuple[range, list[str]]], reading: _Reading, width: int) -> _Reading:
    count = covered = 0
    opened = False
    fault = None
    for lines, row in rows:
        count += 1
        opened = opened or (not reading.quoted and any(cell[:1] == '"' for cell in row))
        if len(row) == width:
            covered += len(lines)
        elif fault is None:
            name = SEPARATORS[reading.separator]
            fault = (
                f"line {lines[0]} has {len(row)} fields separated by {name} where most lines have "
                f"{width}; mend this line, or quote the field that holds a {name}"
                if row
                else f"line {lines[0]} opens a quote that is not closed properly; mend this line"
            )
    return _Reading(reading.separator, reading.quoted, width, count, covered, opened, fault)


def _looks_like_header(rows: list[list[str]]) -> bool:
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    names = sum(known(cell) for cell in first)
    if names >= 2 or names == len(first):
        return True
    if any(_is_number(cell) for cell in first):
        return False
    columns = [[row[i].strip() for row in below] for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(first, columns, strict=True)):
        return False
    if names:
        return True
    # Nothing tells: a header is the custom, but sentences are no names.
    return all(len(cell) <= LONGEST_HEADER_CELL for cell in first)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _header_names(path: Path, cells: list[str]) -> tuple[str, ...]:
    numbered = _numbered(len(cells))
    names = tuple(cell.strip() or name for cell, name in zip(cells, numbered, strict=True))
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(
            f"{clean(path)}: the header names the column {clean(name, 40)} {times} times; "
            "give each column a name of its own"
        )
    return names


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column_{number}" for number in range(1, width + 1))
