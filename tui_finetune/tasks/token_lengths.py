"""How long texts are in tokens, what a maximum cuts off, and which maximum fits."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

Progress = Callable[[dict[str, Any]], None]

# More say no more of a share.
MOST_ROWS = 20_000

RULE = (
    "the longest text, rounded up to a multiple of 8, which suits GPUs; if it has more than twice "
    "the tokens of 99 % of the texts, what these need; at most what the model can read. More than "
    "that costs nothing where each batch is padded to its longest text"
)

_AT_ONCE = 1_000


def token_lengths(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, progress: Progress
) -> np.ndarray:
    """Return the tokens of each row's `text`, and `text_pair`; special ones too, nothing cut."""
    lengths: list[int] = []
    for start in range(0, len(rows), _AT_ONCE):
        progress({"what": "counting tokens", "done": start, "of": len(rows)})
        batch = rows[start : start + _AT_ONCE]
        encoded = tokenizer(batch["text"], batch.get("text_pair"), truncation=False, verbose=False)
        lengths += map(len, encoded["input_ids"])
    counted: np.ndarray = np.array(lengths, dtype=np.int64)
    return counted


def drawn(rows: int) -> np.ndarray:
    """Return the positions of at most `MOST_ROWS` of so many rows, ascending, always the same."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    positions: np.ndarray = np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False)
    positions.sort()
    return positions


def mean_as_cut(lengths: np.ndarray, maximum: int) -> float:
    """Return how many tokens a text has on average if it is cut off at `maximum`."""
    return float(np.minimum(lengths, maximum).mean())


def suggested_max_length(p99: int, longest: int, longest_input: int | None) -> int:
    """Return a maximum that fits, by `RULE`; `longest_input` is what the model can read."""
    wanted = max(8, -(-(longest if longest <= 2 * p99 else p99) // 8) * 8)
    return wanted if longest_input is None else min(wanted, longest_input)


def truncated_shares(
    lengths: np.ndarray, longest_input: int | None, also: Iterable[int]
) -> list[list[float]]:
    """Return for each maximum its tokens, the share of texts it cuts off, and how many they are.

    The maxima are powers of two up to the first that cuts nothing off, none of them more than the
    model can read; that; and those of `also`.
    """
    powers = [1 << power for power in range(4, 18)]
    enough = next((power for power in powers if power >= lengths.max()), powers[-1])
    most = enough if longest_input is None else min(enough, longest_input)
    maxima = {*(power for power in powers if power <= most), *also, most, longest_input or most}
    cut = {each: int((lengths > each).sum()) for each in sorted(maxima)}
    return [[each, count / len(lengths), count] for each, count in cut.items()]
