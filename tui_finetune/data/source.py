"""Open a local file of rows as a memory-mapped dataset."""

import csv
import glob
import hashlib
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from tui_finetune.data.formats import SEPARATORS, detect
from tui_finetune.data.json_rows import json_features, json_rows
from tui_finetune.errors import InputError
from tui_finetune.home import home
from tui_finetune.text import clean

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
JSON = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")

Detected = dict[str, str | bool]


@dataclass(frozen=True)
class Source:
    """An opened file."""

    path: Path
    dataset: datasets.Dataset  # as in the file: all its rows, in its order
    detected: Detected  # kind; of delimited text also encoding, separator, quoted, header
    digest: str  # of the file's content


def open_source(source: str, header: bool | None = None, cache: Path | None = None) -> Source:
    """Open a CSV, TSV, JSON Lines or Parquet file as a dataset, without any network.

    `header` says whether the first row of delimited text names the columns; None: guess it. Cells
    of delimited text are read as text, as they stand. The rows are kept as Arrow files under
    `cache` (by default in the home folder), one folder for each content, so that a changed file is
    read anew.

    Raises `InputError` that says what is wrong with the file, where, and what to do.
    """
    path = Path(os.path.expanduser(source))  # unlike Path's, it leaves ~nobody as it is
    try:
        kind = _kind_of(path)
        if path.stat().st_size == 0:
            raise InputError(f"{clean(path)}: this file is empty; it needs rows of text and label")
        folder = (cache or home() / "cache" / "datasets") / _digest(path)
        if kind in DELIMITED:
            return _open_delimited(path, header, folder)
        if kind in JSON:
            return _open_json(path, folder)
        return _open_parquet(path, folder)
    except OSError as error:
        raise InputError(
            f"{clean(path)}: cannot read this file ({clean(error.strerror or error)})"
        ) from None


def _kind_of(path: Path) -> str:
    if path.is_dir():
        raise InputError(f"{clean(path)}: this is a folder; name a file in it")
    if not path.is_file():
        raise InputError(f"{clean(path)}: no such file; check the path")
    suffix = path.suffix.lower()
    if suffix not in DELIMITED + JSON + PARQUET:
        raise InputError(
            f"{clean(path)}: unknown kind of file ({clean(suffix) or 'no ending'}); "
            f"known are {', '.join(DELIMITED + JSON + PARQUET)}"
        )
    return suffix


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _open_delimited(path: Path, header: bool | None, folder: Path) -> Source:
    found = detect(path, header)
    if found.rows == 0:
        raise InputError(f"{clean(path)}: this file has a header only; it needs rows below it")
    with _loading(path, folder):
        dataset = datasets.load_dataset(
            "csv",
            data_files=[glob.escape(str(path.absolute()))],
            split="train",
            cache_dir=str(folder),
            # pandas' own tokenizer differs from the csv module in corners; this engine is it
            engine="python",
            encoding=found.encoding,
            sep=found.separator,
            quoting=csv.QUOTE_MINIMAL if found.quoted else csv.QUOTE_NONE,
            header=0 if found.header else None,
            names=list(found.columns),
            features=datasets.Features(dict.fromkeys(found.columns, datasets.Value("string"))),
            # without converters 007 becomes 7, whatever the features say
            converters=dict.fromkeys(found.columns, str),
            # NA, null and nothing at all stay the text that they are
            keep_default_na=False,
            na_filter=False,
        )
    _check_rows(path, dataset, found.rows)
    detected: Detected = {
        "kind": "delimited text",
        "encoding": found.encoding,
        "separator": SEPARATORS[found.separator],
        "quoted": found.quoted,
        "header": found.header,
    }
    return Source(path, dataset, detected, folder.name)


def _open_json(path: Path, folder: Path) -> Source:
    features, rows = json_features(path)
    # tuples: a list here would mean shards, one generator for each
    names = tuple(features)
    texts = tuple(name for name in names if features[name].dtype == "string")
    with _loading(path, folder):
        dataset = datasets.Dataset.from_generator(
            json_rows,
            features=features,
            cache_dir=str(folder),
            gen_kwargs={"path": path.absolute(), "names": names, "texts": texts},
        )
    _check_rows(path, dataset, rows)
    return Source(path, dataset, {"kind": "JSON", "encoding": "utf-8"}, folder.name)


def _open_parquet(path: Path, folder: Path) -> Source:
    try:
        with pq.ParquetFile(path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
    except pa.ArrowException as error:
        raise InputError(
            f"{clean(path)}: this is no whole Parquet file ({clean(error, 120)}); write it anew"
        ) from None
    if rows == 0:
        raise InputError(f"{clean(path)}: this file has columns only; it needs rows")
    if len(set(schema.names)) < len(schema.names):
        raise InputError(f"{clean(path)}: two of its columns have the same name; rename one")
    with _loading(path, folder):
        features = datasets.Features.from_arrow_schema(schema)
        for name, feature in features.items():
            if getattr(feature, "dtype", None) == "large_string":
                features[name] = datasets.Value("string")  # one type of text for all that follows
        dataset = datasets.load_dataset(
            "parquet",
            data_files=[glob.escape(str(path.absolute()))],
            split="train",
            cache_dir=str(folder),
            features=features,
            # the default is the size of the first row group, which may be 0
            batch_size=10_000,
        )
    _check_rows(path, dataset, rows)
    return Source(path, dataset, {"kind": "Parquet"}, folder.name)


def _check_rows(path: Path, dataset: datasets.Dataset, expected: int) -> None:
    if len(dataset) != expected:
        raise InputError(
            f"{clean(path)}: {len(dataset)} rows were read of {expected}; save it as JSON Lines"
        )


@contextmanager
def _loading(path: Path, folder: Path) -> Iterator[None]:
    """Keep `datasets` quiet while it reads, and leave no half-read file behind."""
    bars = datasets.are_progress_bars_disabled()
    verbosity = datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # pandas warns that converters and features both give a type
            warnings.simplefilter("ignore")
            yield
    except (datasets.exceptions.DatasetGenerationError, pa.ArrowException, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = clean(error.__cause__ or error, 160)
        raise InputError(f"{clean(path)}: this file cannot be read ({reason})") from None
    finally:
        datasets.logging.set_verbosity(verbosity)
        if not bars:
            datasets.enable_progress_bars()
