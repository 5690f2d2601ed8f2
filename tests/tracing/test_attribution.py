"""Integrated gradients on every family, against an integral made here and a word that decides."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.recipe import parse_recipe
from tui_finetune.tracing.attribution import (
    attribution_document,
    baseline_token,
    integrated_gradients,
)
from tui_finetune.tracing.tokens import tokenize
from tui_finetune.tracing.trace import trace

NAMES = [
    "bert", "roberta", "distilbert", "albert", "deberta-v2", "electra", "modernbert", "gpt2",
    "llama", "qwen2", "qwen3",
]  # fmt: skip
TEXT = "the actor was dull, and nobody was moved by the plot"


class Cancelled(Exception):
    """What progress raises when nobody wants the answer any more."""


def nothing(_):
    """Take progress in and do nothing with it."""


def attribute(model, tokenizer, label=0, progress=nothing, text=TEXT):
    tokens = tokenize(text, tokenizer, 64)
    special = [token.special for token in tokens.tokens]
    baseline = baseline_token(model, tokenizer, tokens.inputs["input_ids"])
    found = integrated_gradients(model, tokens.inputs, special, baseline, label, progress)
    return found, tokens, special, baseline


def vectors(model, tokens, special, baseline):
    """Return the word vectors of a text and of its baseline."""
    ids = tokens.inputs["input_ids"]
    swapped = ids.clone()
    swapped[0, [index for index, own in enumerate(special) if not own]] = baseline
    embedding = model.get_input_embeddings()
    with torch.no_grad():
        return embedding(ids), embedding(swapped)


def logits_of(model, tokens, embeds):
    """Return the logits of vectors handed over in place of the tokens."""
    return model(inputs_embeds=embeds, attention_mask=tokens.inputs["attention_mask"]).logits


@pytest.fixture(params=NAMES)
def member(request, family):
    return family(request.param)


def test_the_values_sum_to_the_difference_of_the_logits(member):
    model, tokenizer = member
    for label in range(3):
        found, tokens, special, baseline = attribute(model, tokenizer, label)
        text, start = vectors(model, tokens, special, baseline)
        with torch.no_grad():
            logit = logits_of(model, tokens, text)[0, label].item()
            baseline_logit = logits_of(model, tokens, start)[0, label].item()
        assert found.logit == pytest.approx(logit, abs=1e-5)
        assert found.baseline_logit == pytest.approx(baseline_logit, abs=1e-5)
        assert found.total == pytest.approx(sum(found.values), abs=1e-9)
        assert found.error == pytest.approx(
            found.total - (found.logit - found.baseline_logit), abs=1e-9
        )
        assert abs(found.error) <= max(0.01 * abs(logit - baseline_logit), 4e-3)
        assert found.exact


def test_the_text_and_its_baseline_lie_apart(member):
    """Else a sum of zeros would pass for one that fits."""
    found, *_ = attribute(*member)
    assert max(map(abs, found.values)) > 0.01


def test_special_tokens_are_in_the_baseline_too_and_add_nothing(member):
    found, _, special, _ = attribute(*member)
    assert all(value == 0 for value, own in zip(found.values, special, strict=True) if own)
    assert all(value != 0 for value, own in zip(found.values, special, strict=True) if not own)


@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2", "llama"])
def test_the_values_are_those_of_an_integral_over_the_vectors_themselves(family, name):
    """Gauss-Legendre by numpy's nodes, autograd, and vectors in place of tokens; no captum."""
    model, tokenizer = family(name)
    found, tokens, special, baseline = attribute(model, tokenizer, 2)
    text, start = vectors(model, tokens, special, baseline)
    nodes, weights = np.polynomial.legendre.leggauss(100)
    total = torch.zeros_like(text)
    for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
        point = (start + (node + 1) / 2 * (text - start)).requires_grad_()
        logit = logits_of(model, tokens, point)[0, 2]
        total += weight / 2 * torch.autograd.grad(logit, point)[0]
    expected = (total * (text - start)).sum(dim=-1)[0]
    torch.testing.assert_close(torch.tensor(found.values), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["roberta", "gpt2", "llama"])
def test_a_baseline_of_pad_tokens_keeps_the_places_and_the_token_that_is_read(family, name):
    """These models look for pad tokens among the ids, and must not find those of the baseline."""
    model, tokenizer = family(name)
    tokens = tokenize(TEXT, tokenizer, 64)
    special = [token.special for token in tokens.tokens]
    pad = tokenizer.pad_token_id
    found = integrated_gradients(model, tokens.inputs, special, pad, 0, nothing)
    with torch.no_grad():
        logits = logits_of(model, tokens, vectors(model, tokens, special, pad)[1])
    assert found.baseline_logit == pytest.approx(logits[0, 0].item(), abs=1e-5)


def test_the_pad_token_stands_for_no_token_if_it_has_a_vector(family):
    model, tokenizer = family("gpt2")
    ids = torch.tensor([[5, 6]])
    assert baseline_token(model, tokenizer, ids) == tokenizer.pad_token_id


def test_a_pad_token_without_length_gives_way_to_the_next_mark(family):
    model, tokenizer = family("deberta-v2")
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    weight = model.get_input_embeddings().weight
    assert weight[tokenizer.pad_token_id].norm() == 0
    assert baseline_token(model, tokenizer, ids) == tokenizer.mask_token_id


def test_more_steps_are_taken_while_the_error_is_too_large(family):
    """From a vector of length 0 on, the first steps miss where the norms begin to give numbers."""
    model, tokenizer = family("deberta-v2")
    tokens = tokenize(TEXT, tokenizer, 64)
    special = [token.special for token in tokens.tokens]
    pad = tokenizer.pad_token_id
    found = integrated_gradients(model, tokens.inputs, special, pad, 0, nothing)
    assert found.steps in (64, 128, 256)
    assert found.exact or found.steps == 256


def test_progress_goes_on_to_its_end_in_small_batches(family):
    model, tokenizer = family("bert")
    heard = []
    long = " ".join([TEXT] * 4)
    found, tokens, *_ = attribute(model, tokenizer, progress=heard.append, text=long)
    at_once = 256 // len(tokens.tokens)
    assert found.steps == 32
    assert len(heard) == 4 + -(-32 // at_once)
    done = [one["done"] for one in heard]
    assert done == sorted(done)
    assert all(0 <= one["done"] < one["of"] for one in heard)


@pytest.mark.parametrize("calls", [1, 2, 3, 4, 5])
def test_a_model_is_left_as_it_was_wherever_the_work_is_cancelled(member, calls):
    model, tokenizer = member
    tokens = tokenize(TEXT, tokenizer, 64)
    with torch.no_grad():
        before = model(**tokens.inputs).logits
    hooks = hook_counts(model)
    left = calls

    def cancel(_):
        nonlocal left
        left -= 1
        if left == 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        attribute(model, tokenizer, progress=cancel)
    assert hook_counts(model) == hooks
    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert model(**tokens.inputs).logits.equal(before)


def test_a_model_gets_no_gradients_and_stays_in_its_mode(member):
    model, tokenizer = member
    hooks, needed = hook_counts(model), [weight.requires_grad for weight in model.parameters()]
    attribute(model, tokenizer)
    assert all(weight.grad is None for weight in model.parameters())
    assert [weight.requires_grad for weight in model.parameters()] == needed
    assert hook_counts(model) == hooks
    assert not model.training
    assert torch.is_grad_enabled()


def hook_counts(model):
    """Count what listens to each module; transformers itself leaves some on a model it has seen."""
    return [
        (len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))
        for module in model.modules()
    ]


# --- a word that decides ---

PLAIN = ["a", "film", "with", "end", "the", "was", "scene", "plot", "actor", "[MASK]"]
DECIDING = {0: "bad", 1: "[MASK]", 2: "good"}


@pytest.fixture(scope="module")
def taught(family):
    """A BERT trained until `good` and `bad` decide, wherever they are, and [MASK] says nothing."""
    from transformers import BertForSequenceClassification

    plain, tokenizer = family("bert")
    torch.manual_seed(1)
    model = BertForSequenceClassification(plain.config)
    chance = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(150):
        labels = chance.integers(3, size=32)
        inputs = tokenizer([sentence(chance, label) for label in labels], return_tensors="pt")
        model(**inputs, labels=torch.tensor(labels)).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval(), tokenizer


def sentence(chance, label):
    """Return six words, one of which decides."""
    words = list(chance.choice(PLAIN, 5))
    words.insert(int(chance.integers(6)), DECIDING[int(label)])
    return " ".join(words)


@pytest.mark.parametrize("label", [0, 2])
def test_the_word_that_decides_has_the_largest_value(taught, label):
    model, tokenizer = taught
    chance = np.random.default_rng(7)
    for _ in range(10):
        text = sentence(chance, label)
        found, tokens, *_ = attribute(model, tokenizer, label, text=text)
        named = zip(found.values, tokens.tokens, strict=True)
        (largest, token), (second, _), *_ = sorted(named, key=lambda pair: -pair[0])
        assert token.token == DECIDING[label], text
        assert largest > 3 * second, text


# --- the document ---


@pytest.fixture
def traced(family):
    model, tokenizer = family("llama")
    recipe = parse_recipe({"data": {"source": "none"}, "tokens": {"max_length": 64}}, "test")
    return trace(TrainedModel(Path("llama"), "after", recipe, model, tokenizer), TEXT)


def test_a_document_is_of_the_predicted_label_unless_another_is_asked_for(traced):
    logits = dict(zip(traced.labels, traced.seen.logits.tolist(), strict=True))
    document = attribution_document(traced, None, nothing)
    assert document["label"] == max(logits, key=logits.__getitem__)
    for label in logits:
        document = attribution_document(traced, label, nothing)
        assert document["label"] == label
        assert document["logit"] == pytest.approx(logits[label], abs=1e-5)


def test_a_document_is_plain_json_with_a_check_that_holds(traced):
    document = attribution_document(traced, None, nothing)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert len(document["values"]) == len(traced.tokens.tokens)
    assert document["check"]["value"] == abs(document["error"])
    assert document["check"]["holds"]
    assert document["steps"] == 32
    assert document["baseline"].startswith("the same text with <s> in place of")


def test_a_label_that_the_model_does_not_have_gives_a_clear_line(traced):
    with pytest.raises(InputError, match=r"^label 'happy\ufffd': .* its labels begin: negative"):
        attribution_document(traced, "happy\x1b", nothing)
