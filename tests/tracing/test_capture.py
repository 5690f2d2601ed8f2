"""On every family of the table, what is captured is what a plain forward pass computes."""

import copy

import pytest
import torch

from tui_finetune.tracing.capture import capture, plain_logits
from tui_finetune.tracing.checks import bias_of, checks, contributions
from tui_finetune.tracing.families import FAMILIES, family_of, module_at
from tui_finetune.tracing.tokens import tokenize

NAMES = [
    "bert", "roberta", "distilbert", "albert", "deberta-v2", "electra", "modernbert", "gpt2",
    "llama", "qwen2", "qwen3",
]  # fmt: skip
TEXT = "a good film with a bad end"


@pytest.fixture(params=NAMES)
def caught(request, family):
    model, tokenizer = family(request.param)
    tokens = tokenize(TEXT, tokenizer, 32)
    return model, tokens, capture(model, tokens)


def test_the_table_has_every_family_that_is_tested():
    assert set(NAMES) <= set(FAMILIES)


def test_every_check_holds(caught):
    model, tokens, seen = caught
    made = checks(model, seen, plain_logits(model, tokens))
    assert [check.name for check in made] == [
        "embedding", "attention", "head", "contributions", "logits",
    ]  # fmt: skip
    assert all(check.holds for check in made), made
    assert all(check.tolerance == 1e-5 for check in made)


def test_hidden_states_are_the_layers_own_outputs(caught):
    model, tokens, seen = caught
    layers = len(seen.hidden) - 1
    with torch.no_grad():
        output = model(**tokens.inputs, output_hidden_states=True)
    for layer in range(layers):
        torch.testing.assert_close(seen.hidden[layer], output.hidden_states[layer][0])
    last = seen.hidden[-1]
    final_norm = family_of(model).final_norm
    if final_norm is not None:  # transformers gives the last state normalised
        assert not torch.allclose(last, output.hidden_states[-1][0], atol=1e-3)
        with torch.no_grad():
            last = module_at(model.base_model, final_norm)(last)
    torch.testing.assert_close(last, output.hidden_states[-1][0], atol=1e-5, rtol=1e-5)


def test_the_last_lens_is_the_models_own_output(caught):
    _, _, seen = caught
    assert seen.lens is not None
    assert seen.lens.logits.shape == (len(seen.hidden), 3)
    torch.testing.assert_close(seen.lens.logits[-1], seen.logits, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(seen.lens.logits[0], seen.logits, atol=1e-3)


def test_contributions_and_bias_sum_to_the_logits(caught):
    _, _, seen = caught
    total = contributions(seen).sum(dim=1) + bias_of(seen)
    torch.testing.assert_close(total, seen.logits, atol=1e-5, rtol=1e-5)


def test_the_model_is_left_as_it_was(caught):
    model, tokens, _ = caught
    before = model.config._attn_implementation, hooks(model)
    capture(model, tokens)
    assert (model.config._attn_implementation, hooks(model)) == before


def hooks(model):
    """All hooks there are; transformers leaves its own in place from the first time on."""
    modules = list(model.modules())
    return [(dict(module._forward_hooks), dict(module._forward_pre_hooks)) for module in modules]


def test_a_model_that_changed_meanwhile_fails_its_checks(family):
    model, tokenizer = family("bert")
    tokens = tokenize(TEXT, tokenizer, 32)
    seen = capture(model, tokens)
    weight = model.base_model.pooler.dense.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight.add_(0.1)
    try:
        made = {check.name: check for check in checks(model, seen, plain_logits(model, tokens))}
    finally:
        with torch.no_grad():
            weight.copy_(kept)
    assert not made["head"].holds
    assert not made["logits"].holds
    assert made["attention"].holds


def test_a_figure_that_is_no_number_does_not_hold(family):
    model, tokenizer = family("bert")
    seen = capture(model, tokenize(TEXT, tokenizer, 32))
    nothing = torch.full_like(seen.logits, torch.nan)
    assert not checks(model, seen, nothing)[-1].holds


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_modernbert_reads_the_first_token_or_the_mean(family, pooling):
    model, tokenizer = family("modernbert")
    before = model.config.classifier_pooling
    model.config.classifier_pooling = pooling
    try:
        tokens = tokenize(TEXT, tokenizer, 32)
        seen = capture(model, tokens)
        made = checks(model, seen, plain_logits(model, tokens))
    finally:
        model.config.classifier_pooling = before
    assert all(check.holds for check in made), made
    assert (seen.position is None) == (pooling == "mean")


def test_an_unknown_family_gets_what_is_generic(family):
    from transformers import MPNetConfig, MPNetForSequenceClassification

    _, tokenizer = family("bert")
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=64, num_labels=3, initializer_range=0.3,
    )  # fmt: skip
    model = MPNetForSequenceClassification(config).eval()
    tokens = tokenize(TEXT, tokenizer, 32)
    tokens.inputs.pop("token_type_ids", None)
    seen = capture(model, tokens)
    made = checks(model, seen, plain_logits(model, tokens))
    assert [check.name for check in made] == ["attention", "contributions", "logits"]
    assert all(check.holds for check in made)
    assert seen.lens is None
    assert seen.parts == {}


def test_an_unknown_decoder_shows_the_token_that_it_reads(family):
    from transformers import GPTNeoXConfig, GPTNeoXForSequenceClassification

    _, tokenizer = family("gpt2")
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=64, num_labels=3, initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = GPTNeoXForSequenceClassification(config).eval()
    tokens = tokenize(TEXT, tokenizer, 32)
    made = checks(model, capture(model, tokens), plain_logits(model, tokens))
    assert all(check.holds for check in made), made
    assert "contributions" in [check.name for check in made]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 5e-2), (torch.float16, 1e-2)]
)
@pytest.mark.parametrize("name", ["bert", "modernbert", "llama"])
def test_tolerances_follow_the_dtype(family, name, dtype, tolerance):
    model, tokenizer = family(name)
    model = copy.deepcopy(model).to(dtype)
    tokens = tokenize(TEXT, tokenizer, 32)
    made = checks(model, capture(model, tokens), plain_logits(model, tokens))
    assert {check.tolerance for check in made} == {tolerance}
    assert all(check.holds for check in made), made
