"""The vocabulary around a token's word vector."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tui_finetune.tasks.token_names import token_names

NEIGHBOURS = 10


@torch.inference_mode()
def nearest_tokens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, token_id: int
) -> list[tuple[str, float]]:
    """Return the tokens whose word vectors point most nearly the same way, with the cosine."""
    table = model.get_input_embeddings().weight
    cosines = torch.nn.functional.cosine_similarity(table, table[token_id], dim=-1)
    cosines[token_id] = -torch.inf
    best = cosines.topk(min(NEIGHBOURS, len(cosines) - 1))
    names = token_names(best.indices.tolist(), tokenizer)
    return list(zip(names, best.values.tolist(), strict=True))
