"""Cut the rows that a source brings into the splits that it does not bring."""

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tui_finetune.data.labels import in_order, indices
from tui_finetune.data.stratify import first_of_each, shuffle, stratify
from tui_finetune.data.targets import label_column
from tui_finetune.data.whole_rows import RowsRefused, WholeRows
from tui_finetune.recipe import DataSection, ProblemType
from tui_finetune.text import clean

LABELS_NAMED = 10


def cut_rows(
    main: WholeRows,
    labels: tuple[str, ...],
    data: DataSection,
    problem_type: ProblemType,
    brought: set[str],
) -> tuple[dict[str, datasets.Dataset], str]:
    """Return the splits that are cut from the main file, and in words how."""
    total = len(main.kept)
    shares = {
        name: share
        for name, share in (("validation", data.validation), ("test", data.test))
        if not isinstance(share, str) and share > 0 and name not in brought
    }
    sizes = {name: round(total * share) for name, share in shares.items()}
    all_sizes = {"train": total - sum(sizes.values())} | sizes
    kept = main.targets.take(main.kept)
    if problem_type == "single_label_classification":
        label = indices(kept, labels)
        _check_labels(main.origin, labels, label, all_sizes)
        cut, words = stratify(label, list(sizes.values()), data.seed), "stratified by label"
    elif problem_type == "multi_label_classification":
        label_lists = label_column(kept, labels)
        needed = first_of_each([indices or [] for indices in label_lists], data.seed)
        _require_two(main.origin, labels, total)
        _check_room(main.origin, all_sizes, {"train": len(needed)})
        cut = shuffle(total, list(sizes.values()), data.seed, needed)
        words = "shuffled; every label has a row in train"
    else:
        _check_numbers(main.origin, kept, all_sizes)
        cut, words = shuffle(total, list(sizes.values()), data.seed), "shuffled"
    whole = main.labelled(labels)
    return {
        name: whole.select(main.kept[positions], keep_in_memory=True)
        for name, positions in zip(all_sizes, cut, strict=True)
    }, words if sizes else "as they came"


def _check_labels(
    origin: str, labels: tuple[str, ...], label: np.ndarray, sizes: dict[str, int]
) -> None:
    _require_two(origin, labels, len(label))
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


def _check_numbers(origin: str, numbers: pa.Array, sizes: dict[str, int]) -> None:
    if pc.count_distinct(numbers).as_py() == 1:
        raise RowsRefused(
            "One number only",
            f"{clean(origin)}: every row has the number {numbers[0].as_py():g}; "
            "there is nothing to learn (is this the right column?)",
            len(numbers),
        )
    _check_room(origin, sizes, {})


def _require_two(origin: str, labels: tuple[str, ...], rows: int) -> None:
    if len(labels) == 1:
        raise RowsRefused(
            "One label only",
            f"{clean(origin)}: every row has the label {clean(labels[0], 40)}; "
            "at least two labels are needed (is this the right column?)",
            rows,
        )


def _check_room(origin: str, sizes: dict[str, int], needed: dict[str, int]) -> None:
    """Raise `RowsRefused` for a split with fewer rows than needed, one if nothing is said."""
    for name, size in sizes.items():
        if size < needed.get(name, 1):
            raise RowsRefused(
                "A split is too small",
                f"{clean(origin)}: {name} gets {size} of {sum(sizes.values()):,} rows, and "
                f"{needed.get(name, 1)} are needed; change data.validation and data.test, or add "
                "rows",
                size,
            )


def check_known(rows: WholeRows, labels: tuple[str, ...]) -> None:
    """Raise `RowsRefused` for labels that the rows to train on do not have."""
    present = rows.targets.take(rows.kept)
    if present.type != pa.string():
        present = present.flatten()
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
