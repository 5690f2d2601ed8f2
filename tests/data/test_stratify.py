import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tui_finetune.data.stratify import stratify


@given(
    counts=st.lists(st.integers(3, 60), min_size=2, max_size=6),
    shares=st.tuples(st.floats(0.05, 0.45), st.floats(0.05, 0.45)),
    seed=st.integers(0, 9),
)
def test_every_row_is_in_one_split_and_every_label_in_each(counts, shares, seed):
    label = np.random.default_rng(seed).permutation(np.repeat(range(len(counts)), counts))
    sizes = [max(len(counts), round(share * len(label))) for share in shares]
    if len(label) - sum(sizes) < len(counts):
        return
    splits = stratify(label, sizes, seed)
    assert sorted(np.concatenate(splits)) == list(range(len(label)))
    assert [len(rows) for rows in splits] == [len(label) - sum(sizes), *sizes]
    assert all(set(label[rows]) == set(range(len(counts))) for rows in splits)


def test_the_shares_are_the_exact_ones_but_for_rounding_where_no_label_is_rare():
    label = np.repeat([0, 1, 2], [500, 333, 167])
    for size in (100, 101, 250):
        counts = np.bincount(label[stratify(label, [size], seed=0)[1]])
        assert np.abs(counts - np.array([0.5, 0.333, 0.167]) * size).max() < 1


def test_the_seed_decides():
    label = np.repeat([0, 1], 100)
    first, again, other = (stratify(label, [20, 20], seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
