"""Cut rows into splits in which every label has its share."""

from collections.abc import Iterable, Sequence

import numpy as np


def stratify(label: np.ndarray, sizes: list[int], seed: int) -> list[np.ndarray]:
    """Return the positions of the rows of each split, ascending.

    `label` holds each row's label index from 0 on, `sizes` the rows wanted of each split but the
    first, which takes what is left. Each label is spread in proportion, but every split gets at
    least one row of it: scikit-learn's stratified split, with the same rounding, gives a rare
    label none. The caller has seen to it that every label has a row, and every split a place, for
    that.
    """
    counts = np.bincount(label)
    generator = np.random.default_rng(seed)
    left = [generator.permutation(np.flatnonzero(label == index)) for index in range(len(counts))]
    splits = []
    for number, size in enumerate(sizes):
        # a row of each label is kept for the splits after this one and for the first
        most = np.array([len(rows) for rows in left]) - (len(sizes) - number)
        taken = _shares(counts, size, most)
        pairs = zip(left, taken, strict=True)
        splits.append(np.sort(np.concatenate([rows[:count] for rows, count in pairs])))
        left = [rows[count:] for rows, count in zip(left, taken, strict=True)]
    return [np.sort(np.concatenate(left)), *splits]


def shuffle(rows: int, sizes: list[int], seed: int, first: Sequence[int] = ()) -> list[np.ndarray]:
    """Return the positions of the rows of each split, ascending, drawn by chance.

    `sizes` are the rows wanted of each split but the first, which takes what is left, and the
    positions `first` in any case. The caller has seen to it that there is room for those.
    """
    order = _order(rows, seed)
    order = order[~np.isin(order, np.asarray(first, dtype=np.int64))]
    ends = np.cumsum(sizes, dtype=np.int64)
    *drawn, left = np.split(order, ends)
    train = np.concatenate([left, np.asarray(first, dtype=np.int64)])
    return [np.sort(train), *(np.sort(positions) for positions in drawn)]


def first_of_each(label_lists: Sequence[Iterable[int]], seed: int) -> list[int]:
    """Return for each label a position whose row has it, drawn by chance; each stands once."""
    found: dict[int, int] = {}
    for position in _order(len(label_lists), seed).tolist():
        for label in label_lists[position]:
            found.setdefault(label, position)
    return sorted(set(found.values()))


def _order(rows: int, seed: int) -> np.ndarray:
    order: np.ndarray = np.random.default_rng(seed).permutation(rows)
    return order


def _shares(counts: np.ndarray, size: int, most: np.ndarray) -> np.ndarray:
    """Divide `size` in proportion to `counts`, each part from 1 to `most`."""
    exact = counts * (size / counts.sum())
    parts: np.ndarray = np.clip(np.floor(exact).astype(np.int64), 1, most)
    while parts.sum() < size:
        parts[np.argmax(np.where(parts < most, exact - parts, -np.inf))] += 1
    while parts.sum() > size:
        parts[np.argmax(np.where(parts > 1, parts - exact, -np.inf))] -= 1
    return parts
