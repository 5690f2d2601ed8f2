"""From a data section of a recipe to the splits that training works on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.columns import choose_columns
from tui_finetune.data.labels import in_order, indices, label_names
from tui_finetune.data.source import Detected, Source, open_source
from tui_finetune.data.stratify import stratify
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns, DataSection
from tui_finetune.text import clean

ROWS_NAMED = 5
LABELS_NAMED = 10


class RowsRefused(InputError):
    """The rows cannot be trained on; `title` sums up why, `count` says how many are concerned."""

    def __init__(self, title: str, message: str, count: int) -> None:
        super().__init__(message)
        self.title = title
        self.count = count


@dataclass(frozen=True)
class PreparedData:
    """Rows ready for training."""

    splits: datasets.DatasetDict  # train, validation and perhaps test, with text, label and row
    labels: tuple[str, ...]  # the name of each label index
    columns: Columns  # both named
    source_columns: tuple[str, ...]  # all columns of the main file
    rows: int  # rows read, of all files together
    dropped: int  # rows left out because their text or label is empty
    detected: Detected
    digests: dict[str, str]  # of the content of each file, by its path

    def identity(self) -> dict[str, Any]:
        """Return, fit for JSON, what is the same only if the same rows fall into each split."""
        sizes = {name: rows.num_rows for name, rows in self.splits.items()}
        return {"digests": self.digests, "labels": list(self.labels), "splits": sizes}

    def settled(self, data: DataSection) -> DataSection:
        """Return the section that led here with what was guessed written down."""
        header = self.detected.get("header")
        found = {"columns": self.columns, "header": header if isinstance(header, bool) else None}
        return data.model_copy(update=found)


@dataclass(frozen=True)
class _Rows:
    """The rows of one file whose text and label are there."""

    origin: str
    digest: str
    texts: datasets.Dataset  # the column text, of all rows of the file
    names: pa.Array  # the name of the label of each of them
    kept: np.ndarray  # which of them are whole
    read: int


def prepare(data: DataSection, cache: Path | None = None) -> PreparedData:
    """Open the data, check its rows and split them.

    Shares of `validation` and `test` are of the whole table, stratified by label and seeded; a
    file of its own is taken whole. The column `row` of a split is a row's number in its file, from
    0 on. Every label has a row in each split that is cut; a file of its own may lack some.

    Raises `InputError` for what `open_source` and `choose_columns` refuse, for shares out of
    range, empty texts or labels (unless `data.drop_empty`), a single label, labels with too few
    rows for the splits, and labels of a split's file that train does not have.
    """
    _check_shares(data)
    return split(open_source(data.source, data.header, cache), data, cache)


def split(source: Source, data: DataSection, cache: Path | None = None) -> PreparedData:
    """Do what `prepare` does with the source already open."""
    _check_shares(data)
    columns = choose_columns(source.dataset, data.columns, str(source.path))
    main = _whole_rows(source, columns, data)
    others = {
        name: _whole_rows(open_source(value, data.header, cache), columns, data)
        for name, value in (("validation", data.validation), ("test", data.test))
        if isinstance(value, str)
    }
    labels = in_order(main.names.take(main.kept).to_pylist())
    splits = _cut(main, labels, data)
    for name, rows in others.items():
        _check_known(rows, labels)
        splits[name] = _labelled(rows, labels).select(rows.kept, keep_in_memory=True)
    files = [main, *others.values()]
    read = sum(rows.read for rows in files)
    return PreparedData(
        splits=datasets.DatasetDict(
            {name: splits[name] for name in ("train", "validation", "test") if name in splits}
        ),
        labels=labels,
        columns=columns,
        source_columns=tuple(source.dataset.column_names),
        rows=read,
        dropped=read - sum(len(rows.kept) for rows in files),
        detected=source.detected,
        digests={rows.origin: rows.digest for rows in files},
    )


@dataclass(frozen=True)
class LabelledRows:
    """The rows of one file that have a text and a label, unsplit."""

    texts: list[str]
    labels: list[str]
    rows: list[int]  # their numbers in the file, from 0 on
    others: datasets.Dataset  # all rows of the file, with the other columns
    digest: str  # of the file's content


def labelled_rows(data: DataSection, cache: Path | None = None) -> LabelledRows:
    """Return a whole file, unsplit. Raises `InputError` as `prepare` does for its rows."""
    source = open_source(data.source, data.header, cache)
    columns = choose_columns(source.dataset, data.columns, data.source)
    whole = _whole_rows(source, columns, data)
    others = set(source.dataset.column_names) - {columns.text, columns.label}
    return LabelledRows(
        texts=whole.texts.select(whole.kept)["text"][:],
        labels=whole.names.take(whole.kept).to_pylist(),
        rows=whole.kept.tolist(),
        others=source.dataset.select_columns(
            [name for name in source.dataset.column_names if name in others]
        ),
        digest=source.digest,
    )


def _check_shares(data: DataSection) -> None:
    total = 0.0
    for name, share in (("validation", data.validation), ("test", data.test)):
        if isinstance(share, str):
            continue
        total += share
        if not (0 <= share < 1) or (name == "validation" and share == 0):
            least = "above 0" if name == "validation" else "0 (none) or more"
            raise InputError(
                f"data.{name}: {share:g} is no share of the rows; it must be {least} and below 1, "
                "or name a file"
            )
    if total >= 1:
        raise InputError(
            f"data.validation and data.test: together {total:g} leaves no rows to train on; "
            "their sum must be below 1"
        )


def _whole_rows(source: Source, columns: Columns, data: DataSection) -> _Rows:
    origin = str(source.path)
    columns = choose_columns(source.dataset, columns, origin)
    assert columns.text is not None
    assert columns.label is not None
    texts = source.dataset.select_columns([columns.text])
    if columns.text != "text":  # renaming a column to its own name is an error
        texts = texts.rename_column(columns.text, "text")
    names = label_names(source.dataset, columns.label, origin)
    no_text = np.asarray(is_empty(texts.data.column("text")))
    no_label = np.asarray(pc.is_null(names))
    empty = no_text | no_label
    if empty.any() and not data.drop_empty:
        faults = [
            f"{missing.sum():,} with an empty {what} ({_numbers(missing)})"
            for what, missing in (("text", no_text), ("label", no_label))
            if missing.any()
        ]
        raise RowsRefused(
            "Empty cells",
            f"{clean(origin)}: of {len(empty):,} rows there are {' and '.join(faults)}; "
            "mend them, or leave them out with data.drop_empty=true",
            int(empty.sum()),
        )
    if empty.all():
        raise RowsRefused(
            "No rows left",
            f"{clean(origin)}: every row has an empty text or label; check the columns "
            f"{clean(columns.text, 40)} and {clean(columns.label, 40)}",
            len(empty),
        )
    return _Rows(origin, source.digest, texts, names, np.flatnonzero(~empty), len(empty))


def is_empty(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which texts are missing, or blank from end to end."""
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(texts), ""), True)


def _numbers(chosen: np.ndarray) -> str:
    rows = [f"{row + 1}" for row in np.flatnonzero(chosen)[:ROWS_NAMED]]
    more = ", …" if chosen.sum() > ROWS_NAMED else ""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(rows)}{more}, counted from 1"


def _cut(main: _Rows, labels: tuple[str, ...], data: DataSection) -> dict[str, datasets.Dataset]:
    total = len(main.kept)
    shares = {
        name: share
        for name, share in (("validation", data.validation), ("test", data.test))
        if not isinstance(share, str) and share > 0
    }
    sizes = {name: round(total * share) for name, share in shares.items()}
    names = ["train", *sizes]
    label = indices(main.names, labels)[main.kept]
    _check_labels(main.origin, labels, label, {"train": total - sum(sizes.values())} | sizes)
    cut = stratify(label, list(sizes.values()), data.seed)
    whole = _labelled(main, labels)
    return {
        name: whole.select(main.kept[positions], keep_in_memory=True)
        for name, positions in zip(names, cut, strict=True)
    }


def _check_labels(
    origin: str, labels: tuple[str, ...], label: np.ndarray, sizes: dict[str, int]
) -> None:
    if len(labels) == 1:
        raise RowsRefused(
            "One label only",
            f"{clean(origin)}: every row has the label {clean(labels[0], 40)}; "
            "at least two labels are needed (is this the right column?)",
            len(label),
        )
    counts = np.bincount(label, minlength=len(labels))
    rare = [index for index in np.argsort(counts, kind="stable") if counts[index] < len(sizes)]
    if rare:
        listed = [f"{clean(labels[index], 40)} has {counts[index]}" for index in rare]
        raise RowsRefused(
            "Too few rows of a label",
            f"{clean(origin)}: too few rows of {len(rare)} of {len(labels)} labels: "
            f"{_some(listed)}, and {len(sizes)} are needed, one in each of "
            f"{', '.join(sizes)}; add rows, or leave the label out",
            len(rare),
        )
    for name, size in sizes.items():
        if size < len(labels):
            raise RowsRefused(
                "A split is too small",
                f"{clean(origin)}: {name} gets {size} of {len(label):,} rows, too few for one of "
                f"each of the {len(labels)} labels; change data.validation and data.test"
                + ("" if name == "train" else ", or add rows"),
                size,
            )


def _check_known(rows: _Rows, labels: tuple[str, ...]) -> None:
    present = rows.names.take(rows.kept)
    unknown = in_order(set(present.to_pylist()) - set(labels))
    if unknown:
        count = pc.sum(pc.is_in(present, value_set=pa.array(unknown, pa.string()))).as_py()
        raise RowsRefused(
            "Labels that train does not have",
            f"{clean(rows.origin)}: the rows to train on have no label "
            f"{_some([clean(name, 40) for name in unknown])} ({count:,} rows here do); "
            f"they have {_some([clean(name, 40) for name in labels])}",
            count,
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:LABELS_NAMED]) + (", …" if len(names) > LABELS_NAMED else "")


def _labelled(rows: _Rows, labels: tuple[str, ...]) -> datasets.Dataset:
    """Return the columns text, label and row of the whole file; the texts stay on disk."""
    labelled = rows.texts.add_column("label", indices(rows.names, labels))
    return labelled.add_column("row", np.arange(rows.read))
