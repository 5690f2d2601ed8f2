"""Texts that are nearly the same, found by MinHash and locality-sensitive hashing.

Two texts are compared by the pieces of five characters that they consist of, without regard to
case, blanks and punctuation; they are nearly the same if they share at least four of five of all
their pieces (Jaccard similarity). Candidates come from MinHash signatures (Broder, 1997), cut into
bands (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, chapter 3); each is then compared
in full, so none is claimed that is not so. One at the very border may be missed: of those that
share exactly four of five, one of five hundred.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rensa import RMinHash
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

Progress = Callable[[dict[str, Any]], None]

SIMILARITY = 0.8
CHARACTERS = 1_000  # of each text are compared

_PIECE = 5
_BANDS = 21
_BAND_ROWS = 6  # texts with similarity s share a band with probability 1 - (1 - s^6)^21
_SEED = 42
_TEXTS_AT_ONCE = 5_000
_PAIRS_AT_ONCE = 2_000

# Of texts that share a band, each is held against so many, the likest first: whatever the texts
# are, no more pairs come up.
_NEIGHBOURS = 3

# What the signatures agree in, far below the similarity, is not worth comparing.
_LEAST_AGREEMENT = SIMILARITY - 0.12

# So many characters of pairs are compared at most, half of what is left in each band.
_MOST_COMPARED = 50_000_000

_Pairs = np.ndarray  # (pairs, 2) positions of texts


@dataclass(frozen=True)
class NearDuplicates:
    """Groups of texts; each text is nearly the same as another of its group."""

    groups: list[list[int]]  # positions, ascending
    complete: bool  # False: there were too many alike to compare all of them


def near_duplicates(texts: pa.ChunkedArray, progress: Progress | None = None) -> NearDuplicates:
    """Return the groups of texts that are nearly the same; texts must not repeat.

    Takes time in proportion to the characters, at most `CHARACTERS` a text. Texts without a letter
    or digit are left out.
    """
    plain = _plain(texts)
    chosen = np.flatnonzero(np.asarray(pc.greater(pc.utf8_length(plain), 0)))
    plain = plain.take(pa.array(chosen))
    if len(plain) < 2:
        return NearDuplicates([], True)
    groups, complete = _groups(plain, _signatures(plain, progress), progress)
    return NearDuplicates([chosen[members].tolist() for members in groups], complete)


def _groups(
    texts: pa.Array, signatures: np.ndarray, progress: Progress | None
) -> tuple[list[np.ndarray], bool]:
    """Return the positions of the texts of each group, and whether all candidates were compared."""
    count = len(texts)
    lengths = np.asarray(pc.utf8_length(texts), dtype=np.int64)
    group = np.arange(count)
    compared: np.ndarray = np.zeros(0, dtype=np.int64)
    edges: list[_Pairs] = []
    left, complete = _MOST_COMPARED, True
    for band in range(_BANDS):
        _tell(progress, "comparing texts that are alike", band, _BANDS)
        codes = np.setdiff1d(_side_by_side(signatures, band), compared, assume_unique=True)
        pairs = np.stack([codes // count, codes % count], axis=1)
        apart = group[pairs[:, 0]] != group[pairs[:, 1]]
        pairs = _likely(pairs[apart], signatures)
        within = np.cumsum(lengths[pairs].sum(axis=1)) <= left // 2
        complete &= bool(within.all())
        pairs = pairs[within]
        left -= int(lengths[pairs].sum())
        compared = np.union1d(compared, pairs[:, 0] * count + pairs[:, 1])
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            _tell(progress, "comparing texts that are alike", band, _BANDS)
            some = pairs[start : start + _PAIRS_AT_ONCE]
            edges.append(some[_similarity(texts, some) >= SIMILARITY])
        if edges:
            one, other = np.concatenate(edges).T
            graph = csr_array((np.ones(len(one)), (one, other)), shape=(count, count))
            group = connected_components(graph, directed=False)[1]
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return sorted((each for each in members if len(each) > 1), key=lambda each: each[0]), complete


def _plain(texts: pa.ChunkedArray) -> pa.Array:
    """Return texts in lower case, with one blank between words and nothing else."""
    cut = pc.utf8_slice_codeunits(texts, 0, 2 * CHARACTERS)
    words = pc.replace_substring_regex(pc.utf8_lower(cut), r"[^\p{L}\p{N}\p{M}]+", " ")
    plain = pc.utf8_slice_codeunits(pc.utf8_trim(words, " "), 0, CHARACTERS)
    return plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain


def _pieces(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashed pieces of all texts, 64 bits each, and where those of each text begin.

    A piece begins at each character; the last ones of a text run into its end.
    """
    lengths = np.asarray(pc.utf8_length(texts), dtype=np.int64)
    end = "\0" * (_PIECE - 1)
    joined = "".join(text + end for text in texts.to_pylist())
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashed: np.ndarray = np.zeros(len(codes) - _PIECE + 1, np.uint64)
    for place in range(_PIECE):
        hashed = hashed * np.uint64(0x100000001B3) + codes[place : len(hashed) + place]
    # the finalizer of SplitMix64 (Steele, Lea, Flood, 2014)
    hashed = (hashed ^ (hashed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashed = (hashed ^ (hashed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashed ^= hashed >> np.uint64(31)
    begins_piece: np.ndarray = np.ones(len(codes), dtype=bool)
    ends = np.cumsum(lengths + _PIECE - 1)
    for place in range(1, _PIECE):
        begins_piece[ends - place] = False
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return hashed[begins_piece[: len(hashed)]], starts


def _signatures(texts: pa.Array, progress: Progress | None) -> np.ndarray:
    """Return a MinHash signature for each text: (texts, bands times rows of a band)."""
    parts = []
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        _tell(progress, "looking for texts that are alike", start, len(texts))
        pieces, starts = _pieces(texts.slice(start, _TEXTS_AT_ONCE))
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            pieces, starts.astype(np.uint64), _BANDS * _BAND_ROWS, _SEED
        )
        parts.append(np.array(matrix.to_rows(), dtype=np.uint32))
    signatures: np.ndarray = np.concatenate(parts)
    return signatures


def _side_by_side(signatures: np.ndarray, band: int) -> np.ndarray:
    """Return the pairs of texts that share a band, each as one number: first * texts + second.

    The texts are sorted by the band and by what comes after it, so that the likest stand side by
    side, and each is paired with its next ones.
    """
    turned = np.roll(signatures, -band * _BAND_ROWS, axis=1)[:, : 2 * _BAND_ROWS]
    turned = turned.astype(np.uint64)
    keys = turned[:, ::2] << np.uint64(32) | turned[:, 1::2]
    order = np.lexsort(keys.T[::-1])
    shared = keys[order][:, : _BAND_ROWS // 2]
    codes = []
    for step in range(1, _NEIGHBOURS + 1):
        same = (shared[step:] == shared[:-step]).all(axis=1)
        one, other = order[:-step][same], order[step:][same]
        codes.append(np.minimum(one, other) * len(order) + np.maximum(one, other))
    return _once(np.concatenate(codes))


def _likely(pairs: _Pairs, signatures: np.ndarray) -> _Pairs:
    """Return the pairs whose signatures agree enough to be compared, the likest first."""
    parts = [
        (signatures[some[:, 0]] == signatures[some[:, 1]]).mean(axis=1)
        for some in np.array_split(pairs, len(pairs) // 100_000 + 1)
    ]
    agreement = np.concatenate(parts)
    order = np.argsort(-agreement, kind="stable")
    likely: _Pairs = pairs[order[: int((agreement >= _LEAST_AGREEMENT).sum())]]
    return likely


def _similarity(texts: pa.Array, pairs: _Pairs) -> np.ndarray:
    """Return the share of all their pieces that the texts of each pair have in common."""
    left, right = (_distinct(texts.take(pa.array(pairs[:, side]))) for side in (0, 1))
    common = np.intersect1d(left, right, assume_unique=True)
    in_left, in_right, in_both = (
        np.bincount((keys >> np.uint64(48)).astype(np.int64), minlength=len(pairs))
        for keys in (left, right, common)
    )
    similarity: np.ndarray = in_both / (in_left + in_right - in_both)
    return similarity


def _distinct(texts: pa.Array) -> np.ndarray:
    """Return the pieces of each text once: its number in the upper 16 bits, 48 bits of hash."""
    pieces, starts = _pieces(texts)
    owner: np.ndarray = np.repeat(np.arange(len(texts), dtype=np.uint64), np.diff(starts))
    return _once(owner << np.uint64(48) | pieces >> np.uint64(16))


def _once(values: np.ndarray) -> np.ndarray:
    """Do what `np.unique` does, which hashes whole numbers and takes up to forty times as long."""
    values = np.sort(values)
    first: np.ndarray = np.ones(len(values), dtype=bool)
    first[1:] = values[1:] != values[:-1]
    distinct: np.ndarray = values[first]
    return distinct


def _tell(progress: Progress | None, what: str, done: int, of: int) -> None:
    if progress is not None:
        progress({"what": what, "done": done, "of": of})
