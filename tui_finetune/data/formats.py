"""Find out how a delimited text file is written: encoding, separator, quotes, header.

The first lines propose how the rows may be read; the whole file must then agree. A file that can
be read in two ways is refused: a wrong guess would train on wrong rows without a word.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tui_finetune.data.encodings import LONGEST_LINE, Progress, find_encoding
from tui_finetune.data.headers import (
    declared_separator,
    header_names,
    looks_like_header,
    numbered_names,
    preamble,
)
from tui_finetune.data.lines import bytes_read, first_lines, lines_of
from tui_finetune.data.quotes import QuotesOfRows, csv_options
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading
from tui_finetune.text import clean

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}

SAMPLE_LINES = 2_000
SAMPLE_CHARACTERS = 1 << 20

_ROWS_A_REPORT = 5_000

# A line that does not fit may be no row of the table if it is one of the first.
_NEAR_TOP = 5

# The csv module refuses fields over 128 KiB by default; a long document is a legitimate cell.
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True)
class Delimited:
    """How a delimited file is written."""

    reading: Reading  # with nothing left open
    columns: tuple[str, ...]  # their names: from the header, or column_1, column_2, ...
    rows: int  # below the header, as far as was looked: a single way to read is not tried out
    kept_quotes: bool = False  # found out: double quotes around some fields belong to the texts


@dataclass(frozen=True)
class _Proposal:
    """One way to read the lines, and how well they bear it."""

    separator: str
    quote: str | None
    skip: int
    width: int = 0  # fields of most rows
    rows: int = 0
    covered: int = 0  # lines in rows of that width
    quotes: QuotesOfRows = field(default_factory=QuotesOfRows)  # left in place, if `quote` is None
    spans: int = 0  # the first line of the first row of several lines
    fault: str | None = None  # the first row that does not fit, in words


Verify = Callable[[_Proposal], _Proposal]


def detect(
    path: Path,
    wanted: Reading | None = None,
    progress: Progress | None = None,
    head: bool = False,
) -> Delimited:
    """Find out how the delimited file at `path` is written, reading it a few times in a stream.

    What `wanted` says is taken as it says; the rest is found out. With `head` only the first lines
    are looked at, and they may be cut off in a row. Names in a header are taken without the blanks
    around them; an empty one becomes column_N.

    Raises `InputError` if the file is empty or no text in a sure encoding, if its rows have
    different numbers of fields (with the line), if two separators fit, or if the header names a
    column twice.
    """
    wanted = wanted or Reading()
    encoding, quotes = find_encoding(path, wanted.encoding, progress, head)
    sample, more = first_lines(path, encoding, SAMPLE_LINES, SAMPLE_CHARACTERS)
    if not any(line.strip() for line in sample) and not more:
        raise InputError(f"{clean(path)}: this file is empty; it needs rows of text and label")
    if _is_json(sample):
        raise InputError(
            f"{clean(path)}: line 1 is an object of JSON; give the file the ending .jsonl"
        )
    proposals = _proposals(path, wanted, sample, quotes)
    tried = [_try(sample, proposal, more) for proposal in proposals]
    verify: Verify | None = None
    if more and not head:
        verify = lambda proposal: _verify(path, encoding, proposal, progress)  # noqa: E731
    chosen = _choose(path, tried, len(sample), verify)
    first_rows = [row for _, row in _rows(sample[chosen.skip :], chosen) if row]
    header = looks_like_header(first_rows) if wanted.header is None else wanted.header
    names = header_names(path, first_rows[0]) if header else numbered_names(chosen.width)
    reading = Reading(
        encoding=encoding,
        separator=chosen.separator,
        quote=chosen.quote or "none",
        header=header,
        skip_lines=chosen.skip,
    )
    kept_quotes = wanted.quote is None and chosen.quotes.belong_to_texts
    return Delimited(reading, names, max(chosen.rows - header, int(more)), kept_quotes)


def read_rows(
    path: Path, found: Delimited, progress: Progress | None = None, head: bool = False
) -> Iterator[list[str]]:
    """Yield the rows below the header, of the first lines only with `head`.

    Raises `InputError`, with the line, for a row that does not fit, and for one that repeats the
    header.
    """
    reading = found.reading
    skip = reading.skip_lines or 0
    quote = None if reading.quote == "none" else reading.quote
    proposal = _Proposal(reading.separator or ",", quote, skip, len(found.columns))
    size = path.stat().st_size
    with path.open(encoding=reading.encoding, newline="") as file:
        lines: Iterable[str] = file
        if head:
            lines = first_lines(path, reading.encoding or "", SAMPLE_LINES, SAMPLE_CHARACTERS)[0]
        reader = _reader(islice(lines, skip, None), proposal)
        first: list[str] | None = None if reading.header else []
        start = 1
        try:
            for number, row in enumerate(reader):
                if len(row) != proposal.width:
                    if len(row) > 1 or (row and row[0].strip()):
                        places = range(skip + start, skip + reader.line_num + 1)
                        raise _Misfit(places, row)
                elif first is None:
                    first = row
                elif row[0] in first and sorted(row) == sorted(first):
                    raise InputError(
                        f"{clean(path)}: line {skip + start} repeats the header, as where two "
                        "files were joined; remove it"
                    )
                else:
                    yield row
                start = reader.line_num + 1
                if progress is not None and number % _ROWS_A_REPORT == 0:
                    progress({"what": "reading the rows", "done": bytes_read(file), "of": size})
        except (csv.Error, _Misfit) as error:
            if head:
                return  # cut off by the end of what was looked at
            places, row = range(skip + start, skip + start + 1), []
            if isinstance(error, _Misfit):
                places, row = error.places, error.row
            raise InputError(f"{clean(path)}: {_fault(places, row, proposal)}") from None


class _Misfit(Exception):
    """A row has not as many fields as the others."""

    def __init__(self, places: range, row: list[str]) -> None:
        super().__init__(places, row)
        self.places = places
        self.row = row


def _is_json(sample: list[str]) -> bool:
    try:
        return isinstance(json.loads(sample[0]), dict)
    except (IndexError, ValueError, RecursionError):
        return False


def _proposals(
    path: Path, wanted: Reading, sample: list[str], quotes: list[str]
) -> list[_Proposal]:
    """Return the readings to try; with quotes before without."""
    declared = declared_separator(sample)
    separators = list(SEPARATORS)
    if wanted.separator is not None:
        separators = [wanted.separator]
    elif declared is not None:
        separators = [declared]
    if wanted.skip_lines is not None:
        skip = wanted.skip_lines
    elif declared is not None:
        skip = 1
    else:
        skip = 0 if wanted.header is False else preamble(path, sample, separators)
    tried: list[str | None] = [*quotes, None]
    if wanted.quote is not None:
        tried = [None if wanted.quote == "none" else wanted.quote]
    return [_Proposal(separator, quote, skip) for separator in separators for quote in tried]


def _choose(
    path: Path, tried: list[_Proposal], sample_lines: int, verify: Verify | None
) -> _Proposal:
    """Return the one reading that holds for every row."""
    proposals = [proposal for proposal in tried if proposal.width > 1]
    fitting = [proposal for proposal in proposals if proposal.fault is None]
    if path.suffix.lower() in (".tsv", ".tab"):
        fitting = [proposal for proposal in fitting if proposal.separator == "\t"] or fitting
    if verify is not None and len(fitting) > 1:  # a single one is checked when it is read
        fitting = [verify(proposal) for proposal in fitting]
    holding = [proposal for proposal in fitting if proposal.fault is None]
    faulty = [proposal for proposal in (*proposals, *fitting) if proposal.fault is not None]
    if not holding:
        raise _misfit(path, max(faulty, key=_likeness, default=None), sample_lines)
    separators = [
        SEPARATORS.get(name, name) for name in dict.fromkeys(p.separator for p in holding)
    ]
    if len(separators) > 1:
        raise InputError(
            f"{clean(path)}: {' and '.join(separators)} both fit as the separator; add a header "
            "line such as text,label, or name it with data.reading.separator (a file called .tsv "
            "is tab separated)"
        )
    faulty = [proposal for proposal in faulty if proposal.separator == holding[0].separator]
    return _with_or_without_quotes(path, holding, faulty)


def _with_or_without_quotes(
    path: Path, holding: list[_Proposal], faulty: list[_Proposal]
) -> _Proposal:
    by_quote = {proposal.quote: proposal for proposal in holding}
    plain, double, single = (by_quote.get(quote) for quote in (None, '"', "'"))
    # tried only where a backslash stands before each quote within a field
    escaped = by_quote.get('\\"') or by_quote.get("\\'")
    if escaped is not None:
        return _unless_two_ways(path, escaped, by_quote.get((escaped.quote or "")[-1]), plain)
    if plain is None:
        if double is not None and single is not None and double.rows != single.rows:
            raise _two_ways(path, double, single)
        return double or single or holding[0]
    quotes = plain.quotes
    if double is not None and quotes.opened:
        # The same table with fewer rows: some quotes enclose line ends, or stray ones swallow rows.
        quoted = _unless_two_ways(path, double, plain)
        if not quotes.belong_to_texts:
            return quoted
    elif quotes.mostly_closed and not quotes.belong_to_texts:
        _refuse_broken(path, '"', faulty)
    if single is not None:
        return single if quotes.single_enclose else plain
    if quotes.mostly_single:
        _refuse_broken(path, "'", faulty)
    return plain


def _unless_two_ways(path: Path, quoted: _Proposal, *others: _Proposal | None) -> _Proposal:
    """Return a reading. Raises `InputError` if another makes other rows of the same table."""
    for other in others:
        if other is not None and other.width == quoted.width and other.rows != quoted.rows:
            raise _two_ways(path, quoted, other)
    return quoted


def _refuse_broken(path: Path, quote: str, faulty: list[_Proposal]) -> None:
    """Raise the fault of a reading with quotes, most of which do enclose fields, if it has one."""
    fitting = (proposal for proposal in faulty if proposal.quote in (f"\\{quote}", quote))
    broken = next(fitting, None)
    if broken is not None:
        raise InputError(
            f"{clean(path)}: {broken.fault} (if quotes enclose nothing here, say "
            "data.reading.quote=none)"
        )


def _two_ways(path: Path, quoted: _Proposal, other: _Proposal) -> InputError:
    return InputError(
        f"{clean(path)}: its quotes can be read in two ways, from line {quoted.spans} on "
        f"({quoted.rows:,} rows if they enclose fields, {other.rows:,} if not); say which with "
        "data.reading.quote, or save it as JSON Lines"
    )


def _likeness(proposal: _Proposal) -> tuple[int, bool]:
    return proposal.covered, proposal.quote is not None


def _misfit(path: Path, best: _Proposal | None, sample_lines: int) -> InputError:
    if best is None or best.covered * 2 < sample_lines - best.skip:
        tried = f"; of the table that is likeliest, {best.fault}" if best is not None else ""
        return InputError(
            f"{clean(path)}: no columns found from line 1 on; rows of text and label are needed, "
            "separated by comma, tab, semicolon or pipe (another sign: data.reading.separator)"
            f"{tried}"
        )
    return InputError(f"{clean(path)}: {best.fault}")


def _reader(lines: Iterable[str], proposal: _Proposal) -> Any:
    return csv.reader(
        lines,
        delimiter=proposal.separator,
        strict=True,
        **csv_options(proposal.quote),
    )


def _rows(lines: Iterable[str], proposal: _Proposal) -> Iterator[tuple[range, list[str]]]:
    """Yield the rows that are not blank, each with the numbers of its lines."""
    reader = _reader(lines, proposal)
    skip = proposal.skip
    start = 1
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield range(skip + start, skip + reader.line_num + 1), row
            start = reader.line_num + 1
    except csv.Error:
        # One row more, told apart by its missing fields: what began here never ended properly.
        yield range(skip + start, skip + reader.line_num + 1), []


def _try(sample: list[str], proposal: _Proposal, more: bool) -> _Proposal:
    """Return `proposal` with what the sample says about it."""
    rows = list(_rows(sample[proposal.skip :], proposal))
    if more and len(rows) > 1 and rows[-1][0][-1] >= len(sample):
        rows.pop()  # cut off by the end of the sample, not by a fault
    widths = Counter(len(row) for _, row in rows if row)
    if not widths:
        return proposal
    return _measure(rows, proposal, widths.most_common(1)[0][0])


def _verify(path: Path, encoding: str, proposal: _Proposal, progress: Progress | None) -> _Proposal:
    """Return `proposal` with what the whole file says about it."""
    lines = lines_of(path, encoding, proposal.skip, progress, "checking the rows")
    return _measure(_rows(lines, proposal), proposal, proposal.width)


def _measure(rows: Iterable[tuple[range, list[str]]], proposal: _Proposal, width: int) -> _Proposal:
    count = covered = 0
    quotes = QuotesOfRows()
    spans = 0
    fault = None
    for places, row in rows:
        count += 1
        spans = spans or (places[0] if len(places) > 1 else 0)
        if proposal.quote is None:
            quotes.note(row)
        if len(row) == width:
            covered += len(places)
        elif fault is None:
            fault = _fault(places, row, replace(proposal, width=width))
    return replace(
        proposal,
        width=width,
        rows=count,
        covered=covered,
        quotes=quotes,
        spans=spans,
        fault=fault,
    )


def _fault(places: range, row: list[str], proposal: _Proposal) -> str:
    if not row:
        return f"line {places[0]} opens a quote that is not closed properly; mend this line"
    name = SEPARATORS.get(proposal.separator, proposal.separator)
    above = places[0] <= _NEAR_TOP and len(row) < proposal.width
    return (
        f"line {places[0]} has {len(row)} fields separated by {name} where most lines have "
        f"{proposal.width}; mend this line, or quote the field that holds a {name}"
        + (", or skip what stands above the table with data.reading.skip_lines" if above else "")
    )
