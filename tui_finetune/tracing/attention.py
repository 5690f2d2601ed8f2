"""Attention as a map from each token to each: of one head, averaged, or rolled out."""

import torch
from torch import Tensor


def attention_map(attentions: Tensor, layer: int, head: int | str) -> Tensor:
    """Return a map (tokens, tokens) of a layer, counted from 1; every row sums to 1.

    `attentions` are (layers, heads, tokens, tokens); `head` is an index, `mean`, or `rollout`.
    Rollout (Abnar and Zuidema, 2020, https://arxiv.org/abs/2005.00928) multiplies the maps of the
    layers up to this one, each averaged over heads and mixed half and half with the identity, for
    the residual connection.
    """
    if head == "mean":
        return attentions[layer - 1].mean(dim=0)
    if head == "rollout":
        rolled = torch.eye(attentions.shape[-1], device=attentions.device)
        for weights in attentions[:layer].mean(dim=1):
            mixed = 0.5 * weights + 0.5 * torch.eye(len(weights), device=weights.device)
            rolled = mixed @ rolled
        return rolled
    return attentions[layer - 1, int(head)]
