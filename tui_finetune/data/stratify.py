"""Cut rows into splits in which every label has its share."""

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


def _shares(counts: np.ndarray, size: int, most: np.ndarray) -> np.ndarray:
    """Divide `size` in proportion to `counts`, each part from 1 to `most`."""
    exact = counts * (size / counts.sum())
    parts: np.ndarray = np.clip(np.floor(exact).astype(np.int64), 1, most)
    while parts.sum() < size:
        parts[np.argmax(np.where(parts < most, exact - parts, -np.inf))] += 1
    while parts.sum() > size:
        parts[np.argmax(np.where(parts > 1, parts - exact, -np.inf))] -= 1
    return parts
