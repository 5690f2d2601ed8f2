"""Where tokens stand in a text, with the starter's tokenizer and one that is slow."""

import pytest
from transformers import ByT5Tokenizer

from tui_finetune.models.loading import load_tokenizer
from tui_finetune.models.sources import model_folder
from tui_finetune.recipe import ModelSection
from tui_finetune.tracing.tokens import tokenize


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(model_folder(ModelSection()))


def placed(made):
    return [made.text[token.start : token.end] for token in made.tokens if token.start is not None]


def test_tokens_are_those_of_the_tokenizer_and_stand_where_they_were(tokenizer):
    made = tokenize("Unbelievably good!", tokenizer, 16)
    assert [token.id for token in made.tokens] == tokenizer("Unbelievably good!")["input_ids"]
    assert "".join(placed(made)) == "Unbelievablygood!"
    words = len(made.tokens) - 2
    assert [token.special for token in made.tokens] == [True, *[False] * words, True]
    assert made.tokens[0].token == "[CLS]"
    assert made.tokens[0].start is None
    assert made.cut.tokens == 0


def test_a_word_that_the_vocabulary_lacks_is_unknown_and_not_special(tokenizer):
    made = tokenize("good \U0001f600 film", tokenizer, 16)
    (unknown,) = [token for token in made.tokens if token.unknown]
    assert unknown.token == "[UNK]"
    assert not unknown.special
    assert made.text[unknown.start : unknown.end] == "\U0001f600"


def test_a_long_text_says_how_many_tokens_were_cut_off_and_where(tokenizer):
    text = " ".join(["film"] * 100)
    made = tokenize(text, tokenizer, 16)
    assert len(made.tokens) == 16
    assert made.cut.tokens == 102 - 16
    assert text[: made.cut.start] == " ".join(["film"] * 14)


def test_a_text_that_just_fits_is_not_cut(tokenizer):
    made = tokenize(" ".join(["film"] * 14), tokenizer, 16)
    assert len(made.tokens) == 16
    assert made.cut.tokens == 0


@pytest.mark.parametrize(
    "text", ["سيارة جديدة", "שלום עולם", "👩‍👩‍👧 family", "电影很好", "a\u202eb", "\x1b[31mred"]
)
def test_any_script_keeps_its_places(tokenizer, text):
    made = tokenize(text, tokenizer, 64)
    places = [(token.start, token.end) for token in made.tokens if token.start is not None]
    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)


def test_a_megabyte_is_cut_and_counted(tokenizer):
    made = tokenize("word " * 200_000, tokenizer, 128)
    assert len(made.tokens) == 128
    assert made.cut.tokens == 200_002 - 128


def test_a_slow_tokenizer_gives_tokens_without_places():
    made = tokenize("gut \u00fc", ByT5Tokenizer(), 16)
    assert [token.id for token in made.tokens] == ByT5Tokenizer()("gut \u00fc")["input_ids"]
    assert all(token.start is None for token in made.tokens)
    assert made.tokens[-1].special


def test_a_slow_tokenizer_does_not_count_what_a_megabyte_has_beyond_the_cut():
    made = tokenize("x" * 300_000, ByT5Tokenizer(), 16)
    assert len(made.tokens) == 16
    assert made.cut.tokens is None
