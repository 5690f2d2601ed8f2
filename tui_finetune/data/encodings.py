"""Find the encoding of a text file, by decoding all of it."""

import codecs
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.text import clean

CHUNK = 1 << 20

_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def find_encoding(path: Path) -> tuple[str, bool]:
    """Return the encoding of the text file at `path`, and whether a double quote occurs in it.

    It is utf-8-sig (with a byte order mark), utf-8 or cp1252: the first that decodes the whole
    file. Raises `InputError` for anything else: UTF-16, NUL bytes, bytes that cp1252 leaves
    undefined.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_WIDE_MARKS):
        raise InputError(f"{clean(path)}: this file is UTF-16 or UTF-32; save it as UTF-8")
    has_quotes = False
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    cp1252 = True
    read = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            if (nul := chunk.find(b"\0")) >= 0:
                raise InputError(
                    f"{clean(path)}: byte {read + nul:,} is NUL, so this is no text file; "
                    "save it as UTF-8 text"
                )
            has_quotes = has_quotes or b'"' in chunk
            utf8 = utf8 if utf8 and _decodes(utf8, chunk) else None
            cp1252 = cp1252 and _is_cp1252(chunk)
            if utf8 is None and not cp1252:
                raise InputError(
                    f"{clean(path)}: this text is neither UTF-8 nor cp1252 (Western European); "
                    "save it as UTF-8"
                )
            if not chunk:
                break
            read += len(chunk)
    if utf8 is None:
        return "cp1252", has_quotes
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8", has_quotes


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError:
        return False
    return True


def _is_cp1252(chunk: bytes) -> bool:
    try:
        chunk.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True
