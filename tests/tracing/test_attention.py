import pytest
import torch

from tui_finetune.tracing.attention import attention_map

LAYERS, HEADS, TOKENS = 3, 4, 7


@pytest.fixture
def attentions():
    torch.manual_seed(0)
    return torch.randn(LAYERS, HEADS, TOKENS, TOKENS).softmax(dim=-1)


def test_a_head_is_shown_as_it_is(attentions):
    assert attention_map(attentions, 2, 3).equal(attentions[1, 3])


def test_the_mean_is_over_heads(attentions):
    expected = sum(attentions[2, head] for head in range(HEADS)) / HEADS
    torch.testing.assert_close(attention_map(attentions, 3, "mean"), expected)


def test_rollout_follows_every_path_through_the_layers(attentions):
    """Token by token: half stays, half is spread as the mean head attends."""
    for layer in range(1, LAYERS + 1):
        expected = torch.zeros(TOKENS, TOKENS)
        for start in range(TOKENS):
            share = torch.zeros(TOKENS)
            share[start] = 1.0
            for below in reversed(range(layer)):  # from the top down to the embedding
                share = 0.5 * share + 0.5 * share @ attentions[below].mean(dim=0)
            expected[start] = share
        torch.testing.assert_close(attention_map(attentions, layer, "rollout"), expected)


@pytest.mark.parametrize("head", [0, "mean", "rollout"])
def test_every_row_sums_to_one(attentions, head):
    sums = attention_map(attentions, LAYERS, head).sum(dim=-1)
    torch.testing.assert_close(sums, torch.ones(TOKENS))
