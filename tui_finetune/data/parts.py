"""Which rows of the sources are for training, for choosing the model, and for the end."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import datasets

from tui_finetune.data.encodings import Progress
from tui_finetune.data.source import Source, open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection, Splits
from tui_finetune.text import clean

# Rows from one on, before the other, of a split.
_Range = tuple[str, int, int]


def parts_of(
    source: Source, data: DataSection, cache: Path | None = None, progress: Progress | None = None
) -> dict[str, Source]:
    """Return the rows of `train`, and of `validation` and `test` where they are not cut from it.

    A file that `data.validation` or `data.test` names comes first, then the split that
    `data.splits` names, then the one of that name that the source brings and nobody else takes;
    with a share of 0 none. Raises `InputError` for a split that is not there, for a slice that is
    none or empty, and for slices that share rows.
    """
    taken = chosen_splits(source, data)
    ranges = {
        name: _ranges(source, getattr(taken, name), name)
        for name in ("train", "validation", "test")
        if getattr(taken, name) is not None
    }
    for one, other in combinations(ranges, 2):
        _check_apart(one, other, ranges)
    parts = {name: _part(source, of_part) for name, of_part in ranges.items()}
    for name, value in (("validation", data.validation), ("test", data.test)):
        if isinstance(value, str):
            opened = open_source(value, data.reading, cache, progress)
            parts[name] = replace(opened, splits={name: opened.dataset})
    return parts


def open_part(
    data: DataSection, name: str, cache: Path | None = None, progress: Progress | None = None
) -> Source:
    """Return the rows that a part was taken from: its own, or those of train if it was cut."""
    value = getattr(data, name)
    if isinstance(value, str):
        return open_source(value, data.reading, cache, progress)
    source = open_source(data.source, data.reading, cache, progress)
    parts = parts_of(source, data, cache, progress)
    return parts.get(name, parts["train"])


def train_part(source: Source, data: DataSection) -> Source:
    """Return the rows of train alone, as `parts_of` does."""
    name = chosen_splits(source, data).train
    assert name is not None
    return _part(source, _ranges(source, name, "train"))


def chosen_splits(source: Source, data: DataSection) -> Splits:
    """Return the split of the source that each part is; null for one that it has not."""
    wanted = data.splits
    names = list(source.splits)
    train = wanted.train or (names[0] if len(names) == 1 else "train")
    used = {_base(train), *(_base(name) for name in (wanted.validation, wanted.test) if name)}
    found = {"train": train}
    for name, value in (("validation", data.validation), ("test", data.test)):
        chosen = getattr(wanted, name)
        if isinstance(value, str) or (chosen is not None and chosen == train):
            continue  # a file of its own, or cut from train
        if chosen is None and name in names and name not in used and value != 0:
            chosen = name
        if chosen is not None:
            found[name] = chosen
    return Splits.model_validate(found)


def _base(spec: str) -> str:
    return spec.partition("[")[0].strip()


def _ranges(source: Source, spec: str, part: str) -> list[_Range]:
    """Return the rows that a name such as train, train[:10%] or train[:5]+test[5:] means."""
    sizes = {name: len(rows) for name, rows in source.splits.items()}
    unknown = [base for piece in spec.split("+") if (base := _base(piece)) not in sizes]
    if unknown:
        listed = ", ".join(clean(name, 40) for name in sizes)
        raise InputError(
            f"{clean(source.origin)}: there is no split {clean(unknown[0], 40)} for {part}; it "
            f"brings {listed}; name one with data.splits.{part}"
        )
    if spec in sizes:
        return [(spec, 0, sizes[spec])]
    try:
        pieces = datasets.ReadInstruction.from_spec(spec).to_absolute(sizes)
        ranges = [(str(each.splitname), each.from_ or 0, each.to) for each in pieces]
    except (ValueError, AssertionError) as error:
        raise InputError(
            f"data.splits.{part}: {clean(spec, 60)} is no slice ({clean(error, 80)}); write one "
            "such as train[:10%] or train[100:200]"
        ) from None
    for name, start, stop in ranges:
        if start >= stop:
            raise InputError(
                f"data.splits.{part}: {clean(spec, 60)} holds no rows; {clean(name, 40)} has "
                f"{sizes[name]:,}"
            )
    return ranges


def _check_apart(one: str, other: str, ranges: dict[str, list[_Range]]) -> None:
    for name, start, stop in ranges[one]:
        for other_name, other_start, other_stop in ranges[other]:
            shared = min(stop, other_stop) - max(start, other_start)
            if name == other_name and shared > 0:
                raise InputError(
                    f"data.splits: {one} and {other} share {shared:,} rows of {clean(name, 40)}; "
                    "the rows to judge with must not be trained on"
                )


def _part(source: Source, ranges: list[_Range]) -> Source:
    pieces = [
        source.splits[name]
        if (start, stop) == (0, len(source.splits[name]))
        else source.splits[name].select(range(start, stop))
        for name, start, stop in ranges
    ]
    rows = pieces[0] if len(pieces) == 1 else datasets.concatenate_datasets(pieces)
    origin = source.origin
    if len(source.splits) > 1 or len(rows) < len(source.splits[ranges[0][0]]):
        words = "+".join(f"{name}[{start}:{stop}]" for name, start, stop in ranges)
        whole = len(ranges) == 1 and len(rows) == len(source.splits[ranges[0][0]])
        origin = f"{origin} ({ranges[0][0] if whole else words})"
    return replace(source, origin=origin, splits={ranges[0][0]: rows})
