"""Folders of texts: a file for each text, in a folder named after its label."""

from collections.abc import Iterator
from pathlib import Path

import datasets
import pyarrow as pa

from tui_finetune.data.encodings import Progress, by_mark, why_not_cp1252
from tui_finetune.data.files import Detected, Rows
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading
from tui_finetune.text import clean

_FEATURES = datasets.Features(
    {name: datasets.Value("string") for name in ("text", "label", "file")}
)
_BATCH_FILES = 1_000


def text_rows(files: list[Path], wanted: Reading, progress: Progress | None = None) -> Rows:
    """Return a row for each file: its text, its folder as the label, and its name.

    Each file is what its byte order mark says, else UTF-8, else cp1252, unless `wanted` names an
    encoding. Raises `InputError`, while the rows are read, for a file that is neither.
    """
    detected: Detected = {"kind": "a text a file", "files": len(files)}
    return Rows(_FEATURES, _batches(files, wanted.encoding, progress), detected, Reading())


def _batches(
    files: list[Path], encoding: str | None, progress: Progress | None
) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(files), _BATCH_FILES):
        part = files[start : start + _BATCH_FILES]
        rows = [(_text(file, encoding), file.parent.name, file.name) for file in part]
        if progress is not None:
            done = start + len(part)
            progress({"what": "reading the texts", "done": done, "of": len(files)})
        columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
        yield pa.record_batch(columns, schema=_FEATURES.arrow_schema)


def _text(path: Path, encoding: str | None) -> str:
    content = path.read_bytes()
    try:
        text = content.decode(encoding or by_mark(content) or "utf-8")
    except UnicodeDecodeError as error:
        objection = f"is no {clean(encoding)} ({error.reason})" if encoding else None
        objection = objection or why_not_cp1252(lambda: [content])
        if objection:
            raise InputError(
                f"{clean(path)}: {objection}; name the encoding of the texts with "
                "data.reading.encoding"
            ) from None
        text = content.decode("cp1252")
    if "\0" in text:
        raise InputError(f"{clean(path)}: this holds a NUL character, so it is no text file")
    return text
