"""Open any source of rows as memory-mapped datasets: files, folders, datasets of the hub."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from glob import glob, has_magic
from pathlib import Path

import datasets
import pyarrow as pa

from tui_finetune.data.copies import Copy, copy_of, is_copied
from tui_finetune.data.encodings import Progress
from tui_finetune.data.files import Detected, Rows, kind_of, rows_of
from tui_finetune.data.folders import Layout, layout_of_files, layout_of_folder
from tui_finetune.data.hub import commit_of, hub_name, load_from_hub
from tui_finetune.data.packed import NAMES, unpacked
from tui_finetune.data.text_files import text_rows
from tui_finetune.data_endings import DELIMITED, KNOWN, endings
from tui_finetune.errors import InputError
from tui_finetune.home import home
from tui_finetune.recipe import Reading, source_words
from tui_finetune.recipe import Source as Named
from tui_finetune.text import clean

# What comes of a file that the system does not give, or that is damaged.
UNREADABLE = (OSError, pa.ArrowException, ValueError, NotImplementedError)

# A hub name with a slice behind it, such as imdb train[:1%].
_SLICED = re.compile(r"(?P<name>\S+?)(?:\s+\w+)?\[[^\[\]]*\]")


@dataclass(frozen=True)
class Source:
    """An opened source."""

    origin: str  # its name, for messages
    splits: dict[str, datasets.Dataset]  # as it brings them, each with all its rows in their order
    detected: Detected  # kind; of text files also how they are written, where they agree
    digest: str  # of the content
    reading: Reading  # how delimited text was read, where the files agree
    settled: Named  # what names these very rows: a dataset of the hub by its commit, files as ever

    @property
    def dataset(self) -> datasets.Dataset:
        """The only split, or the one called train. Raises `InputError` if there is neither."""
        if len(self.splits) == 1:
            return next(iter(self.splits.values()))
        if "train" not in self.splits:
            names = ", ".join(clean(name, 40) for name in self.splits)
            raise InputError(
                f"{clean(self.origin)}: none of its splits is called train ({names}); "
                "name one with data.splits.train"
            )
        return self.splits["train"]


def open_source(
    source: Named,
    reading: Reading | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Source:
    """Open files, a folder or a dataset of the hub; no network is used for what lies on disk.

    What `reading` says of delimited text is taken as it says; the rest is found out. Cells of
    delimited text are read as text, as they stand. The rows are kept as Arrow files under `cache`
    (by default in the home folder), made anew when a file changes. `progress` is called while
    they are made; what it raises ends that, and nothing is left behind.

    Raises `InputError` that says what is wrong with the source, where, and what to do.
    """
    reading = reading or Reading()
    cache = cache or home() / "cache" / "datasets"
    origin = source_words(source)
    layout = layout_of(source)
    if layout is None:
        return _from_hub(str(source))
    copies = {
        split: [_copy(of_copy, reading, cache, progress, layout.texts) for of_copy in sets]
        for split, sets in layout.sets().items()
    }
    every = [copy for of_split in copies.values() for copy in of_split]
    return Source(
        origin,
        {split: _joined(layout.files[split], of_split) for split, of_split in copies.items()},
        _agreed_detected(every, layout),
        every[0].digest if len(every) == 1 else _short_digest(copy.digest for copy in every),
        _common([copy.reading for copy in every if copy.reading != Reading()]),
        source,
    )


def layout_of(source: Named) -> Layout | None:
    """Return the files that a source names, by split; None if it is a dataset of the hub.

    Raises `InputError` for a file that is not there or of no known kind.
    """
    try:
        names = [source] if isinstance(source, str) else source
        paths = [path for name in names for path in _fitting(name)]
        if len(paths) > 1:
            for path in paths:
                kind_of(path)
            return layout_of_files(paths)
        path = paths[0]
        if path.is_dir():
            return layout_of_folder(path)
        if not path.exists() and endings(path)[0] not in KNOWN and hub_name(str(path)):
            return None
        kind_of(path)
    except OSError as error:
        raise unreadable(source_words(source), error) from None
    return Layout({"train": [path]})


def _fitting(name: str) -> list[Path]:
    """Return the path of a name, or, of a pattern such as part-*.csv, all that fit it."""
    # unlike Path's, os.path's expanduser leaves ~nobody as it is
    path = Path(os.path.expanduser(name))
    if path.exists():
        return [path]
    if "://" in name:
        raise InputError(
            f"{clean(name)}: this is an address, and nothing is fetched from there; download the "
            "file, or name a dataset of the hub as user/name"
        )
    if (sliced := _SLICED.fullmatch(name)) and hub_name(sliced["name"]):
        raise InputError(
            f"{clean(name)}: there is no such file; of a dataset of the hub, give "
            f"{clean(sliced['name'])} as data.source, and the slice, such as train[:1%], as "
            "data.splits.train"
        )
    fitting = sorted(glob(str(path), recursive=True)) if has_magic(name) else []
    return [Path(each) for each in fitting] or [path]


def _copy(
    files: list[Path], reading: Reading, cache: Path, progress: Progress | None, texts: bool
) -> Copy:
    try:
        wanted = _wanted(files[0], reading, texts)
        if texts:
            salt = "\n".join(f"{file.parent.name}/{file.name}" for file in files)
            read = partial(text_rows, files, wanted, progress)
            return copy_of(files, wanted, cache, read, progress, salt)
        if endings(files[0])[1]:
            return _copy_of_packed(files[0], wanted, cache, progress)
        read = partial(rows_of, files[0], wanted, progress)
        return copy_of(files, wanted, cache, read, progress)
    except UNREADABLE as error:
        raise unreadable(files[0], error) from None


def _copy_of_packed(path: Path, wanted: Reading, cache: Path, progress: Progress | None) -> Copy:
    with ExitStack() as until_copied:

        def read() -> Rows:  # not called if there is a copy
            place = until_copied.enter_context(unpacked(path, cache, progress))
            rows = rows_of(place, wanted, progress)
            return replace(rows, detected=rows.detected | {"compression": NAMES[endings(path)[1]]})

        return copy_of([path], wanted, cache, read, progress)


def _wanted(path: Path, reading: Reading, texts: bool) -> Reading:
    """Return what of a reading concerns a file; the copies of others do not hang on it."""
    if texts:
        return Reading(encoding=reading.encoding)
    return reading if kind_of(path) in DELIMITED else Reading()


def is_read(layout: Layout, reading: Reading, cache: Path) -> bool:
    """Return whether all files were read in this way before and did not change since."""
    return all(
        is_copied(files, _wanted(files[0], reading, layout.texts), cache)
        for sets in layout.sets().values()
        for files in sets
    )


def unreadable(path: object, error: Exception) -> InputError:
    """Return the error that says why a file cannot be read."""
    if isinstance(error, OSError) and error.strerror is not None:
        return InputError(f"{clean(path)}: cannot read this file ({clean(error.strerror)})")
    return InputError(f"{clean(path)}: this file cannot be read ({clean(error, 160)})")


def _joined(files: list[Path], copies: list[Copy]) -> datasets.Dataset:
    """Return the rows of all files, one after another. Raises `InputError` if columns differ."""
    first = copies[0].dataset
    for file, copy in zip(files[1:], copies[1:], strict=False):
        columns, expected = set(copy.dataset.column_names), set(first.column_names)
        if columns != expected:
            odd = ", ".join(clean(name, 40) for name in sorted(columns ^ expected))
            raise InputError(
                f"{clean(file)}: its columns are not those of {clean(files[0])} (they differ in "
                f"{odd}); files read together need the same columns"
            )
        for name in first.column_names:
            if copy.dataset.features[name] != first.features[name]:
                raise InputError(
                    f"{clean(file)}: the column {clean(name, 40)} holds "
                    f"{clean(copy.dataset.features.arrow_schema.field(name).type, 40)}, in "
                    f"{clean(files[0])} it holds "
                    f"{clean(first.features.arrow_schema.field(name).type, 40)}; write both alike"
                )
    if len(copies) == 1:
        return first
    # the order of columns may differ
    parts = [copy.dataset.select_columns(first.column_names) for copy in copies]
    return datasets.concatenate_datasets(parts)


def agreed(sources: Sequence[Source]) -> Reading | None:
    """Return how the delimited text among the sources was read, null where they differ.

    None if none of them is delimited text.
    """
    readings = [source.reading for source in sources if source.reading != Reading()]
    return _common(readings) if readings else None


def _common(readings: list[Reading]) -> Reading:
    if not readings:
        return Reading()
    common = {
        name: value
        for name, value in readings[0].model_dump().items()
        if all(getattr(other, name) == value for other in readings)
    }
    return Reading.model_validate(common)


def _agreed_detected(copies: list[Copy], layout: Layout) -> Detected:
    found: Detected = {
        name: value
        for name, value in copies[0].detected.items()
        if all(copy.detected.get(name) == value for copy in copies)
    }
    if len(copies) > 1:
        found["files"] = len(copies)
    if layout.left_out:
        found["left out"] = ", ".join(layout.left_out)
    return found


def _short_digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _from_hub(source: str) -> Source:
    name = hub_name(source)
    assert name is not None
    splits = load_from_hub(name)
    # the fingerprint hangs on the commit and the configuration
    digest = _short_digest(f"{split} {dataset._fingerprint}" for split, dataset in splits.items())
    config = next(iter(splits.values())).info.config_name
    detected: Detected = {"kind": "hub dataset", "configuration": config or "default"}
    commit = commit_of(splits)
    if commit is not None:
        detected["commit"] = commit
    settled = name.at(commit or name.revision).source
    return Source(str(name.at(None)), splits, detected, digest, Reading(), settled)
