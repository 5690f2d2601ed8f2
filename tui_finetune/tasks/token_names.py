"""Tokens as a person reads them."""

from transformers import PreTrainedTokenizerBase


def token_names(ids: list[int], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return the tokens as a reader knows them: byte-level ones decoded where they stand alone."""
    names = []
    for index, name in zip(ids, tokenizer.convert_ids_to_tokens(ids), strict=True):
        if name is None:
            names.append(f"<{index}>")
        elif name.isascii():
            names.append(name)
        else:
            decoded = tokenizer.decode([index])
            names.append(name if "\ufffd" in decoded or not decoded else decoded)
    return names
