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


def test_the_shares_are_those_of_scikit_learn_where_no_label_is_rare():
    from sklearn.model_selection import train_test_split

    label = np.repeat([0, 1, 2], [500, 333, 167])
    _, theirs = train_test_split(label, test_size=100, stratify=label, random_state=0)
    ours = label[stratify(label, [100], seed=0)[1]]
    assert np.abs(np.bincount(ours) - np.bincount(theirs)).max() <= 1


def test_the_seed_decides():
    label = np.repeat([0, 1], 100)
    first, again, other = (stratify(label, [20, 20], seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
