"""What a text becomes, against the tokenizer asked directly."""

import numpy as np
import pytest

from tui_finetune.models.loading import load_tokenizer
from tui_finetune.recipe import TokensSection
from tui_finetune.tasks.token_lengths import (
    drawn,
    mean_as_cut,
    suggested_max_length,
    token_lengths,
    truncated_shares,
)
from tui_finetune.tasks.token_preview import batch_preview, shapes, token_preview


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return load_tokenizer(tiny_model())


def preview(tokenizer, text, pair=None, max_length=8):
    return token_preview((text, pair), tokenizer, TokensSection(max_length=max_length))


def test_a_text_that_fits_is_whole_and_its_special_tokens_are_marked(tokenizer):
    found = preview(tokenizer, "the film was zzz")
    assert [each["token"] for each in found["tokens"]] == [
        "[CLS]", "the", "film", "was", "[UNK]", "[SEP]",
    ]  # fmt: skip
    assert [each["id"] for each in found["tokens"]] == tokenizer("the film was zzz")["input_ids"]
    assert [each["special"] for each in found["tokens"]] == [True, *[False] * 4, True]
    assert [each["unknown"] for each in found["tokens"]] == [*[False] * 4, True, False]
    assert {each["mask"] for each in found["tokens"]} == {1}
    assert found["cut"] == {"tokens": 0, "tails": []}


def test_the_tail_is_what_the_tokens_leave_out(tokenizer):
    text = "the film was good and the end was bad"
    found = preview(tokenizer, text, max_length=6)
    (tail,) = found["cut"]["tails"]
    assert tail["tail"] == " and the end was bad"
    assert text[: tail["start"]] == "the film was good"
    assert found["cut"]["tokens"] == tail["tokens"] == 5


def test_of_two_texts_the_longer_is_cut_first(tokenizer):
    found = preview(tokenizer, "the film was good and the end was bad", "a plot", max_length=9)
    assert [each["text"] for each in found["tokens"]] == [None, *[0] * 4, None, 1, 1, None]
    assert [tail["text"] for tail in found["cut"]["tails"]] == [0]
    assert found["texts"] == ["the film was good and the end was bad", "a plot"]


def test_a_text_cut_in_front_loses_its_beginning(tokenizer):
    tokenizer.truncation_side = "left"
    try:
        found = preview(tokenizer, "the film was good and bad", max_length=5)
    finally:
        tokenizer.truncation_side = "right"
    assert found["cut"]["tails"][0]["tail"] == "the film was "


def test_padding_fills_a_batch_to_its_longest_row_or_to_the_maximum(tokenizer):
    rows = [("good", None), ("the film was good", None), ("the film was good and bad " * 3, None)]
    dynamic = batch_preview(rows[:2], tokenizer, TokensSection(max_length=16))
    assert [row["length"] for row in dynamic["rows"]] == [3, 6]
    assert dynamic["padded_length"] == 6
    assert dynamic["padding_share"] == pytest.approx(3 / 12)
    fixed = batch_preview(rows, tokenizer, TokensSection(max_length=16, padding="max_length"))
    assert [row["whole_length"] for row in fixed["rows"]] == [3, 6, 20]
    assert fixed["padded_length"] == 16
    assert fixed["padding_share"] == pytest.approx(1 - (3 + 6 + 16) / 48)
    assert (dynamic["pad_token"], dynamic["pad_id"]) == ("[PAD]", 0)


def test_shapes_that_are_not_known_are_left_out():
    names = [stage["name"] for stage in shapes(("a", None), 3, (4, 6), None, 0)]
    assert names == ["text", "tokens", "input_ids"]
    full = {stage["name"]: stage["shape"] for stage in shapes(("a", "b"), 5, (4, 6), 32, 2)}
    assert full["hidden states"] == [4, 6, 32]
    assert (full["text"], full["logits"]) == ([2], [4, 2])


def test_lengths_are_those_of_the_tokenizer(tokenizer):
    from datasets import Dataset

    rows = Dataset.from_dict({"text": ["good " * n for n in (1, 5, 50)], "text_pair": ["bad"] * 3})
    lengths = token_lengths(rows, tokenizer, lambda step: None)
    assert lengths.tolist() == [5, 9, 54]
    assert mean_as_cut(lengths, 8) == (5 + 8 + 8) / 3


@pytest.mark.parametrize(
    ("p99", "longest", "readable", "suggested"),
    [(20, 33, 512, 40), (20, 400, 512, 24), (400, 600, 512, 512), (3, 3, None, 8)],
)
def test_the_suggestion_holds_all_or_nearly_all(p99, longest, readable, suggested):
    assert suggested_max_length(p99, longest, readable) == suggested


def test_shares_that_a_maximum_cuts_off():
    lengths = np.array([10, 20, 30, 200])
    shares = truncated_shares(lengths, 128, (24,))
    assert shares == [
        [16, 0.75, 3], [24, 0.5, 2], [32, 0.25, 1], [64, 0.25, 1], [128, 0.25, 1],
    ]  # fmt: skip
    assert truncated_shares(lengths, None, (24,))[-1] == [256, 0.0, 0]


def test_of_many_rows_some_are_drawn_always_the_same():
    assert drawn(50).tolist() == list(range(50))
    some = drawn(30_000)
    assert len(np.unique(some)) == 20_000
    assert (some == drawn(30_000)).all()
