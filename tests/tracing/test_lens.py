"""Models that learned that one word of a text decides: the head lens finds the word."""

import random

import pytest
import torch

from tui_finetune.tracing.capture import capture
from tui_finetune.tracing.tokens import tokenize

PLAIN = ["a", "film", "plot", "end", "scene", "actor"]
DECIDING = {"good": 1, "bad": 0}


def texts(count, seed):
    """Return texts of two to eight words, one of which decides, where it stands, and the label."""
    chance = random.Random(seed)
    for _ in range(count):
        word = chance.choice(sorted(DECIDING))
        words = chance.choices(PLAIN, k=chance.randint(1, 7))
        place = chance.randint(0, len(words))
        words.insert(place, word)
        yield words, place, DECIDING[word]


@pytest.fixture(scope="module")
def taught():
    """A tiny model of a kind, trained until it knows."""
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        BertTokenizer,
        GPT2Config,
        GPT2ForSequenceClassification,
    )

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLAIN, *DECIDING]
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(words)})

    def teach(kind):
        torch.manual_seed(0)
        if kind == "bert":
            config = BertConfig(
                vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                intermediate_size=64, max_position_embeddings=32, initializer_range=0.2,
            )  # fmt: skip
            model = BertForSequenceClassification(config)
        else:
            config = GPT2Config(
                vocab_size=len(words), n_embd=32, n_layer=2, n_head=4, n_positions=32,
                initializer_range=0.2, pad_token_id=0, bos_token_id=2, eos_token_id=3,
            )  # fmt: skip
            model = GPT2ForSequenceClassification(config)
        optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
        rows = sorted(texts(2048, seed=1), key=lambda row: len(row[0]))
        batches = [rows[start : start + 32] for start in range(0, len(rows), 32)]
        random.Random(0).shuffle(batches)
        for batch in batches:
            inputs = tokenizer(
                [" ".join(words) for words, _, _ in batch],
                return_tensors="pt", padding=True, add_special_tokens=kind == "bert",
            )  # fmt: skip
            inputs.pop("token_type_ids")
            labels = torch.tensor([label for _, _, label in batch])
            optimizer.zero_grad()
            model(**inputs, labels=labels).loss.backward()
            optimizer.step()
        return model.eval()

    def lens(model, words):
        tokens = tokenize(" ".join(words), tokenizer, 32)
        ids = tokens.inputs["input_ids"]
        if model.config.model_type == "gpt2":  # it has no marks at the ends
            ids = ids[:, 1:-1]
        tokens.inputs.clear()
        tokens.inputs.update(input_ids=ids)
        return capture(model, tokens).lens

    return teach, lens


OPPOSITE = {"good": "bad", "bad": "good"}


def test_only_the_deciding_word_turns_the_lens(taught):
    teach, lens = taught
    model = teach("bert")
    for words, place, label in texts(20, seed=2):
        share = lens(model, words).logits.softmax(dim=-1)[-1, label]
        assert share > 0.8
        drops = []
        for index, word in enumerate(words):
            other = [*words[:index], OPPOSITE.get(word, "scene"), *words[index + 1 :]]
            drops.append(share - lens(model, other).logits.softmax(dim=-1)[-1, label])
        assert drops[place] > 0.6
        assert max(drops[:place] + drops[place + 1 :]) < 0.2


def test_before_the_first_layer_the_head_knows_nothing_of_the_text(taught):
    teach, lens = taught
    model = teach("bert")
    first = [lens(model, words).logits[0] for words, _, _ in texts(5, seed=3)]
    assert all(logits.equal(first[0]) for logits in first)


def test_a_decoders_lens_turns_at_the_deciding_word(taught):
    """Its head can be put on every token: none before that word knows, and the word does."""
    teach, lens = taught
    model = teach("gpt2")
    for words, place, label in texts(20, seed=4):
        other = [OPPOSITE.get(word, word) for word in words]
        shares = lens(model, words).tokens.softmax(dim=-1)[-1, :, label]
        opposite = lens(model, other).tokens.softmax(dim=-1)[-1, :, label]
        torch.testing.assert_close(shares[:place], opposite[:place])
        assert shares[place] > 0.8
        assert opposite[place] < 0.3


def test_an_encoders_head_is_not_put_on_other_tokens(taught):
    teach, lens = taught
    assert lens(teach("bert"), ["a", "good", "film"]).tokens is None
