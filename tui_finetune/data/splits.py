"""From a data section of a recipe to the splits that training works on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from tui_finetune.data.columns import choose_columns
from tui_finetune.data.cut import check_known, cut_rows
from tui_finetune.data.decisions import Decision
from tui_finetune.data.encodings import Progress
from tui_finetune.data.files import Detected
from tui_finetune.data.parts import chosen_splits, parts_of
from tui_finetune.data.source import Source, agreed, open_source
from tui_finetune.data.targets import names_in, problem_type_of
from tui_finetune.data.whole_rows import decided, whole_rows
from tui_finetune.errors import InputError
from tui_finetune.recipe import Columns, DataSection, ProblemType, Reading, Splits
from tui_finetune.recipe import Source as Named


@dataclass(frozen=True)
class PreparedData:
    """Rows ready for training.

    The splits have the columns `text`, `text_pair` where there is one, `label` (an index, a list of
    indices, or a number, by the problem type) and `row`.
    """

    splits: datasets.DatasetDict  # train, validation and perhaps test
    problem_type: ProblemType
    labels: tuple[str, ...]  # the name of each label index; of a regression the label's column
    columns: Columns  # text and label named
    cut: str  # how the rows were divided, in words
    source_columns: tuple[str, ...]  # all columns of the main file
    rows: int  # rows read, of all files together
    dropped: int  # rows left out
    decisions: tuple[Decision, ...]  # those of the recipe, with the rows that they concerned
    detected: Detected
    reading: Reading  # how delimited text was read, where the files agree
    chosen: Splits  # which split of the source each part is
    sources: dict[str, Named]  # source, and validation and test if they are of their own; settled
    digests: dict[str, str]  # of the content of each file, by its path

    def identity(self) -> dict[str, Any]:
        """Return, fit for JSON, what is the same only if the same rows fall into each split."""
        sizes = {name: rows.num_rows for name, rows in self.splits.items()}
        return {"digests": self.digests, "labels": list(self.labels), "splits": sizes}

    def references(self, split: str) -> list[Any]:
        """Return what the rows of a split are labelled with: names, lists of them, or numbers."""
        labels: list[Any] = self.splits[split]["label"][:]
        if self.problem_type == "regression":
            return labels
        if self.problem_type == "multi_label_classification":
            return [[self.labels[index] for index in indices] for indices in labels]
        return [self.labels[index] for index in labels]

    def settled(self, data: DataSection) -> DataSection:
        """Return the section that led here with what was guessed written down."""
        found = {"columns": self.columns, "reading": self.reading, "splits": self.chosen}
        return data.model_copy(update={**found, **self.sources})


def prepare(
    data: DataSection,
    cache: Path | None = None,
    problem_type: ProblemType | None = None,
    progress: Progress | None = None,
) -> PreparedData:
    """Open the data, check its rows and split them; a problem type of None is found out.

    Splits that the source brings are taken as `parts_of` says. Shares of `validation` and `test`
    are of the whole table, seeded; a file of its own is taken whole. The column `row` of a split is
    a row's number in the part that it was taken from, from 0 on. With one label a
    row the splits are stratified, and every label has a row in each that is cut; with several,
    every label has a row in train; numbers are only shuffled. A file of its own may lack labels.

    Raises `InputError` for what `open_source` and `choose_columns` refuse, for shares out of
    range, empty texts or labels (unless `data.drop_empty`), a single label, labels with too few
    rows for the splits, and labels of a split's file that train does not have.
    """
    _check_shares(data)
    source = open_source(data.source, data.reading, cache, progress)
    return split(source, data, cache, problem_type, progress)


def split(
    source: Source,
    data: DataSection,
    cache: Path | None = None,
    problem_type: ProblemType | None = None,
    progress: Progress | None = None,
) -> PreparedData:
    """Do what `prepare` does with the source already open."""
    _check_shares(data)
    parts = parts_of(source, data, cache, progress)
    settled = {"source": source.settled} | {
        name: part.settled
        for name, part in parts.items()
        if isinstance(getattr(data, name, None), str)
    }
    train = parts.pop("train")
    columns = choose_columns(train.dataset, data.columns, train.origin)
    assert columns.label is not None
    kind = problem_type or problem_type_of(train.dataset, columns.label, data.label_separator)
    main = whole_rows(train, columns, data, kind)
    others = {name: whole_rows(part, columns, data, kind) for name, part in parts.items()}
    main, others, decisions = decided(main, others, data)
    kept = main.targets.take(main.kept)
    labels = (columns.label,) if kind == "regression" else names_in(kept)
    splits, cut = cut_rows(main, labels, data, kind, set(others))
    for name, rows in others.items():
        if kind != "regression":
            check_known(rows, labels)
        splits[name] = rows.labelled(labels).select(rows.kept, keep_in_memory=True)
    files = [main, *others.values()]
    read = sum(rows.read for rows in files)
    return PreparedData(
        splits=datasets.DatasetDict(
            {name: splits[name] for name in ("train", "validation", "test") if name in splits}
        ),
        problem_type=kind,
        labels=labels,
        columns=columns,
        cut=cut,
        source_columns=tuple(train.dataset.column_names),
        rows=read,
        dropped=read - sum(len(rows.kept) for rows in files),
        decisions=tuple(decisions),
        detected=source.detected,
        reading=agreed([train, *parts.values()]) or data.reading,
        chosen=chosen_splits(source, data) if len(source.splits) > 1 else data.splits,
        sources=settled,
        digests={rows.origin: rows.digest for rows in files},
    )


def column_of(rows: datasets.Dataset, name: str) -> pa.Array:
    """Return a column of chosen rows at once; `datasets` gathers them one by one."""
    column, chosen = rows.data.column(name).combine_chunks(), rows._indices
    return column if chosen is None else column.take(chosen.column(0).combine_chunks())


@dataclass(frozen=True)
class LabelledRows:
    """The rows of one file that have a text and a label, unsplit."""

    texts: list[str]
    pairs: list[str] | None  # the second texts, where the rows have one
    labels: list[Any]  # names, lists of names, or numbers
    rows: list[int]  # their numbers in the file, from 0 on
    others: datasets.Dataset  # all rows of the file, with the other columns
    digest: str  # of the file's content


def labelled_rows(
    data: DataSection, problem_type: ProblemType, cache: Path | None = None
) -> LabelledRows:
    """Return a whole file, unsplit. Raises `InputError` as `prepare` does for its rows."""
    source = open_source(data.source, data.reading, cache)
    columns = choose_columns(source.dataset, data.columns, source.origin)
    whole = whole_rows(source, columns, data, problem_type)
    used = {columns.text, columns.text_pair, columns.label}
    others = set(source.dataset.column_names) - used
    texts = whole.texts.select(whole.kept)
    return LabelledRows(
        texts=texts["text"][:],
        pairs=texts["text_pair"][:] if columns.text_pair is not None else None,
        labels=whole.targets.take(whole.kept).to_pylist(),
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
