"""Compressed files of text: unpacked for as long as they are read."""

import lzma
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from tui_finetune.data.encodings import CHUNK, Progress
from tui_finetune.data_endings import endings
from tui_finetune.errors import InputError
from tui_finetune.text import clean

NAMES = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}


@contextmanager
def unpacked(path: Path, cache: Path, progress: Progress | None = None) -> Iterator[Path]:
    """Give the place of an unpacked copy of a file, under `cache` and removed at the end.

    What is raised as `InputError` meanwhile names the compressed file. Raises `InputError` too if
    that is damaged or ends too early.
    """
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="unpacked-", dir=cache))
    place = folder / path.stem
    try:
        _unpack(path, place, progress)
        yield place
    except InputError as error:
        raise InputError(str(error).replace(clean(place), clean(path))) from None
    finally:
        shutil.rmtree(folder)


def _unpack(path: Path, place: Path, progress: Progress | None) -> None:
    size = path.stat().st_size
    name = NAMES[endings(path)[1]]
    try:
        with path.open("rb") as raw, place.open("wb") as file:
            for piece in _xz(raw) if name == "xz" else _pieces(raw, name):
                file.write(piece)
                if progress is not None:
                    progress({"what": "unpacking", "done": raw.tell(), "of": size})
    except (OSError, EOFError, lzma.LZMAError) as error:
        if getattr(error, "errno", None):  # said by the system: it cannot be read, or written
            raise
        raise InputError(
            f"{clean(path)}: this is no whole {name} file ({clean(error, 120)}); pack it anew"
        ) from None


def _pieces(raw: BinaryIO, name: str) -> Iterator[bytes]:
    packed = pa.CompressedInputStream(pa.PythonFile(raw, "r"), name)
    while piece := packed.read(CHUNK):
        yield piece


def _xz(raw: BinaryIO) -> Iterator[bytes]:
    """Yield what several xz streams hold; the lzma module itself would skip a damaged later one."""
    decompressor = lzma.LZMADecompressor()
    packed = raw.read(CHUNK)
    while packed or not decompressor.needs_input:
        yield decompressor.decompress(packed, CHUNK)
        if decompressor.eof:
            packed = decompressor.unused_data or raw.read(CHUNK)
            if not packed:
                return
            decompressor = lzma.LZMADecompressor()
        else:
            packed = raw.read(CHUNK) if decompressor.needs_input else b""
    raise EOFError("it ends too early")
