"""Find the encoding of a text file, by decoding all of it."""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tui_finetune.data.quotes import QuotesOfFile
from tui_finetune.errors import InputError
from tui_finetune.text import clean

CHUNK = 1 << 20

# What is longer is no line of text, and would not be held in memory.
LONGEST_LINE = 2**26

Progress = Callable[[dict[str, Any]], None]

_MARKS = {  # the longer first: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_MARK = "\ufeff"

# Half of the characters of a text in a Latin script, so a quarter of its bytes.
_SURE_SHARE_OF_ZEROS = 0.25

_NAME_IT = "name its encoding with data.reading.encoding, or save it as UTF-8"

_UTF8_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
# Of cp1252: undefined bytes; signs that no word of a Western language holds; a capital with an
# accent behind a small letter; the sign for any currency, which is the euro of ISO 8859-15; rows of
# letters that all have accents. They speak of another encoding: cp1250, cp1251, GBK, Mac Roman.
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_ODD_SIGN = re.compile(
    rb"[A-Za-z]"
    rb"[\x80\x82\x84\x86-\x89\x8b\x95\x98\x9b\xa1-\xa7\xab\xac\xaf\xb1-\xb3\xb6\xb8\xb9\xbb-\xbf]"
    rb"[A-Za-z]"
    rb"|[a-z][\x8a\x8c\x8e\x9f]"
    rb"|(?<![\x80-\xff])\xa4"
)
_ACCENTS_ONLY = re.compile(rb"[\xc0-\xff]{4,}|[\xa1-\xff]{8,}")


class _Undecodable(Exception):
    """The bytes of a line are not of the encoding."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason


def find_encoding(
    path: Path,
    wanted: str | None = None,
    progress: Progress | None = None,
    head: bool = False,
) -> tuple[str, list[str]]:
    """Return the encoding of the text file at `path`, and which quotes may enclose fields in it.

    `wanted` is checked; None: what a byte order mark says, else UTF-8, UTF-16 without a mark where
    that is sure, cp1252. With `head` only the first mebibyte is looked at. `progress` is called
    with the bytes done.

    Raises `InputError` with the line if no encoding is sure: bytes that do not decode, or that
    decode to what no text holds; NUL characters; a byte order mark at the beginning of a later
    line, where two files were joined.
    """
    with path.open("rb") as file:
        start = file.read(1 << 16)
    mark = by_mark(start)
    if wanted is not None and mark and codecs.lookup(wanted).name.startswith(mark[:5]):
        wanted = mark  # the same, with the mark left out
    encoding = wanted or mark or _wide(start) or "utf-8"
    try:
        return encoding, _check(path, encoding, progress, head)
    except _Undecodable as error:
        line, reason = error.line, error.reason
    if wanted is not None or encoding != "utf-8":
        raise InputError(
            f"{clean(path)}: line {line} is no {clean(encoding)} ({clean(reason)}); mend it, or "
            f"{_NAME_IT}"
        )
    if objection := why_not_cp1252(lambda: _chunks(path, None, head)):
        raise InputError(f"{clean(path)}: {objection}; {_NAME_IT}")
    return "cp1252", _check(path, "cp1252", progress, head)


def why_not_cp1252(chunks: Callable[[], Iterable[bytes]]) -> str | None:
    """Return what speaks against bytes that are no UTF-8 being cp1252, with its line; else None."""
    characters = high = 0
    lines = 1
    first_stray: int | None = None
    for chunk in chunks():
        found = _objection(chunk)
        if found is not None:
            place, reason = found
            line = lines + chunk.count(b"\n", 0, place)
            return f"line {line} {reason}"
        valid = _UTF8_CHARACTER.findall(chunk)
        characters += len(valid)
        strays = _HIGH.findall(chunk)
        high += len(strays) - sum(map(len, valid))
        if first_stray is None and len(strays) > sum(map(len, valid)):
            rest = _UTF8_CHARACTER.sub(lambda match: b"?" * len(match[0]), chunk)
            stray = _HIGH.search(rest)
            first_stray = lines + chunk[: stray.start() if stray else 0].count(b"\n")
        lines += chunk.count(b"\n")
    # É before a closing quote looks like a character of UTF-8 too, but that is rare.
    if characters * 100 >= high and characters:
        return f"line {first_stray or 1} is no UTF-8, while other text in it is"
    return None


def _objection(chunk: bytes) -> tuple[int, str] | None:
    if match := _UNDEFINED.search(chunk):
        return match.start(), "is neither UTF-8 nor cp1252 (Western European)"
    if match := _ODD_SIGN.search(chunk):
        signs = match[0].decode("cp1252")
        return match.start(), f"would hold {signs} as cp1252, so that is likely not its encoding"
    for match in _ACCENTS_ONLY.finditer(chunk):
        if len(set(match[0])) > 2:  # fewer is somebody shouting
            word = match[0].decode("cp1252", "replace")
            return match.start(), (
                f"would hold {clean(word, 12)} as cp1252, so that is likely not its encoding"
            )
    return None


def by_mark(start: bytes) -> str | None:
    """Return the encoding that a byte order mark at the start of a text names, if any."""
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)


def _wide(start: bytes) -> str | None:
    """Return UTF-16 without a byte order mark if nothing else can be meant."""
    start = start[: len(start) // 2 * 2]
    for encoding, zeros, others in (
        ("utf-16-le", start[1::2], start[0::2]),
        ("utf-16-be", start[0::2], start[1::2]),
    ):
        if zeros.count(0) >= _SURE_SHARE_OF_ZEROS * len(start) > 0 and not others.count(0):
            text = start.decode(encoding, "replace")
            controls = {character for character in text if unicodedata.category(character) == "Cc"}
            if controls <= set("\t\r\n"):
                return encoding
    return None


def _check(path: Path, encoding: str, progress: Progress | None, head: bool) -> list[str]:
    """Decode the file and return the quotes that are worth trying."""
    quotes = QuotesOfFile()
    unbroken = 0
    before = "\n"
    for lines, text in _decoded(path, encoding, progress, head):
        if (nul := text.find("\0")) >= 0:
            raise InputError(
                f"{clean(path)}: line {lines + _line_ends(text[:nul])} holds a NUL character, so "
                "this is no text file; save it as UTF-8 text"
            )
        if (mark := _mark_at_line_start(before, text)) >= 0:
            raise InputError(
                f"{clean(path)}: line {lines + _line_ends(text[:mark])} begins with a byte order "
                "mark, as where two files were joined; remove it"
            )
        last = max(text.rfind("\n"), text.rfind("\r"))
        unbroken = len(text) - 1 - last if last >= 0 else unbroken + len(text)
        if unbroken > LONGEST_LINE:
            raise InputError(
                f"{clean(path)}: line {lines + _line_ends(text)} is longer than {LONGEST_LINE:,} "
                "characters; this is no table of texts"
            )
        quotes.note(text)
        before = text[-1:] or before
    return quotes.worth_trying()


def undecodable_line(path: Path, encoding: str) -> int:
    """Return the first line of a file whose bytes are not of the encoding, 0 if all are."""
    try:
        for _ in _decoded(path, encoding, None, False):
            pass
    except _Undecodable as error:
        return error.line
    return 0


def _decoded(
    path: Path, encoding: str, progress: Progress | None, head: bool
) -> Iterator[tuple[int, str]]:
    """Yield the text in pieces, each with the number of the line that it begins in."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    for chunk in _chunks(path, progress, head):
        try:
            text = decoder.decode(chunk, final=not chunk and not head)
        except UnicodeDecodeError as error:
            read = error.object[: error.start].decode(encoding, "replace")
            raise _Undecodable(lines + _line_ends(read), error.reason) from None
        yield lines, text
        lines += _line_ends(text)


def _mark_at_line_start(before: str, text: str) -> int:
    place = text.find(_MARK)
    while place >= 0:
        if (text[place - 1] if place else before) in ("\n", "\r"):
            return place
        place = text.find(_MARK, place + 1)
    return -1


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _chunks(path: Path, progress: Progress | None, head: bool) -> Iterator[bytes]:
    """Yield the file's bytes, at the end an empty piece."""
    size = path.stat().st_size
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            done += len(chunk)
            if progress is not None:
                progress({"what": "checking the encoding", "done": done, "of": size})
            yield chunk
            if head:
                break
    yield b""
