"""Copies of data files as Arrow, which are memory-mapped; one for each content of a file.

cache/<digest>/<how it was read>.arrow    the rows
cache/<digest>/<how it was asked>.json    which of them answers that, and what was detected
cache/sources/<name>.json                 the content that a file had when it was last read
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from tui_finetune.data.encodings import Progress
from tui_finetune.data.files import Detected, Rows
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading
from tui_finetune.text import clean

# Raised when the same file would be read otherwise than before.
_VERSION = 3

# A file changed within the resolution of its times may change again and show the same times.
_SETTLED_SECONDS = 2.0


@dataclass(frozen=True)
class Copy:
    """The rows of files that were read."""

    dataset: datasets.Dataset
    detected: Detected
    reading: Reading
    digest: str  # of the files' content


@dataclass(frozen=True)
class _Note:
    """What files held when they were last read."""

    digest: str
    stat: str | None  # of the files; None: it may stay the same though they change


def is_copied(files: list[Path], wanted: Reading, cache: Path) -> bool:
    """Return whether there is a copy of files that did not change since, without reading them."""
    note = _read_note(files, cache)
    return (
        note is not None
        and note.stat == _stat(files)[0]
        and (cache / note.digest / f"{_key(wanted)}.json").is_file()
    )


def copy_of(
    files: list[Path],
    wanted: Reading,
    cache: Path,
    read: Callable[[], Rows],
    progress: Progress | None = None,
    salt: str = "",
) -> Copy:
    """Return the copy of files, made from what `read` returns unless it is there.

    A copy of another content that the files had before is removed, unless other files have it, and
    so are those of the same content read in another way; who has them mapped keeps them. `salt` is
    what the rows hang on beside the files' content. Nothing is left behind if they cannot be read.
    """
    stat, settled = _stat(files)
    note = _read_note(files, cache)
    known = note is not None and note.stat == stat
    digest = note.digest if note is not None and known else _digest(files, salt, progress)
    copy = _load(cache / digest, wanted)
    if copy is None:
        _write(cache / digest, wanted, read())
        if _stat(files)[0] != stat:
            shutil.rmtree(cache / digest, ignore_errors=True)
            raise InputError(f"{clean(files[0])}: changed while it was read; try again")
        copy = _load(cache / digest, wanted)
        assert copy is not None
    if not known:
        written = {"digest": digest, "stat": stat if settled else None}
        _write_whole(_note_path(files, cache), written | {"first": str(files[0])})
    if note is not None and note.digest != digest:
        _prune(note.digest, cache)
    return copy


def _digest(files: list[Path], salt: str, progress: Progress | None) -> str:
    """Return a digest of the content, of a single file without salt that of its bytes."""
    total = sum(file.stat().st_size for file in files)
    done = 0
    digests = [salt] if salt else []
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                digest.update(chunk)
                done += len(chunk)
                if progress is not None:
                    progress({"what": "looking for changes", "done": done, "of": total})
        digests.append(digest.hexdigest())
    if len(digests) == 1:
        return digests[0][:32]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:32]


def _write(folder: Path, wanted: Reading, rows: Rows) -> None:
    first = next(rows.batches, None)  # what is wrong with the file mostly shows here
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    schema = rows.features.arrow_schema
    try:
        with (
            pa.OSFile(str(unfinished), "wb") as file,
            pa.ipc.new_stream(file, schema) as writer,
        ):
            for batch in chain([first] if first is not None else [], rows.batches):
                writer.write_batch(batch)
        folder.mkdir(exist_ok=True)  # another process may be reading the same file
        copy = folder / f"{_key(rows.reading)}.arrow"
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)
        pa.default_memory_pool().release_unused()
    answer = {
        "copy": copy.name,
        "detected": rows.detected,
        "reading": rows.reading.model_dump(mode="json"),
    }
    answers = [folder / f"{_key(asked)}.json" for asked in (wanted, rows.reading)]
    for path in answers:
        _write_whole(path, answer)
    for path in set(folder.iterdir()) - {copy, *answers}:
        if path.suffix in (".arrow", ".json"):  # what has another is being written by others
            path.unlink(missing_ok=True)


def _load(folder: Path, wanted: Reading) -> Copy | None:
    try:
        answer = json.loads((folder / f"{_key(wanted)}.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    dataset = datasets.Dataset.from_file(str(folder / answer["copy"]))
    reading = Reading.model_validate(answer["reading"])
    return Copy(dataset, answer["detected"], reading, folder.name)


def _key(reading: Reading) -> str:
    return _short(f"{_VERSION} {reading.model_dump_json()}")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def _stat(files: list[Path]) -> tuple[str, bool]:
    """Return what tells that no file was changed, and whether their last change is long past."""
    found = [file.stat() for file in files]
    times = [
        (each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns, each.st_ctime_ns)
        for each in found
    ]
    newest = max(max(each.st_mtime, each.st_ctime) for each in found)
    return _short(repr(times)), time.time() - newest > _SETTLED_SECONDS


def _note_path(files: list[Path], cache: Path) -> Path:
    names = "\n".join(str(file.absolute()) for file in files)
    return cache / "sources" / f"{_short(names)}.json"


def _read_note(files: list[Path], cache: Path) -> _Note | None:
    try:
        content = json.loads(_note_path(files, cache).read_bytes())
        return _Note(content["digest"], content["stat"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _prune(digest: str, cache: Path) -> None:
    """Remove the copies of a content that no file had when it was last read."""
    for path in (cache / "sources").glob("*.json"):
        if json.loads(path.read_bytes()).get("digest") == digest:
            return
    shutil.rmtree(cache / digest, ignore_errors=True)


def _write_whole(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(path)
