"""What becomes of a text before a model reads it: tokens, what is cut off, padding."""

from collections.abc import Sequence
from typing import Any

from transformers import BatchEncoding, PreTrainedTokenizerBase

from tui_finetune.recipe import TokensSection
from tui_finetune.tasks.text_classification import collator
from tui_finetune.tasks.token_names import token_names

Texts = tuple[str, str | None]


def token_preview(
    texts: Texts, tokenizer: PreTrainedTokenizerBase, tokens: TokensSection
) -> dict[str, Any]:
    """Return the tokens of a text, or of two, as a model gets them, unpadded.

    Each token has its id, attention mask, whether it is special or unknown, of which text it is
    (0, 1, None) and from which character to which. `cut` says how many tokens are left out, and
    which parts of the texts these are.
    """
    text, pair = texts
    encoded = _encode(texts, tokenizer, tokens)
    ids: list[int] = encoded["input_ids"]
    special = tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
    owners = encoded.sequence_ids(0) if tokenizer.is_fast else [None] * len(ids)
    spans = encoded["offset_mapping"] if tokenizer.is_fast else [(0, 0)] * len(ids)
    names = token_names(ids, tokenizer)
    made = []
    for place, (name, index) in enumerate(zip(names, ids, strict=True)):
        start, end = spans[place] if spans[place][1] > spans[place][0] else (None, None)
        # some use one token for what is unknown and for the ends of a text
        own = bool(special[place]) and owners[place] is None
        unknown = index == tokenizer.unk_token_id and not own
        made.append(
            {
                "token": name,
                "id": index,
                "mask": encoded["attention_mask"][place],
                "special": own,
                "unknown": unknown,
                "text": owners[place],
                "start": start,
                "end": end,
            }
        )
    return {
        "texts": [text] if pair is None else [text, pair],
        "tokens": made,
        "names": [name for name in tokenizer.model_input_names if name in encoded],
        "max_length": tokens.max_length,
        "cut": _cut(texts, made, tokenizer),
    }


def batch_preview(
    batch: Sequence[Texts], tokenizer: PreTrainedTokenizerBase, tokens: TokensSection
) -> dict[str, Any]:
    """Return how long the rows of a batch are, and how much of it is padding once it is made."""
    rows = [_encode(texts, tokenizer, tokens) for texts in batch]
    names = [name for name in tokenizer.model_input_names if name in rows[0]]
    padded = collator(tokenizer, tokens)([{name: row[name] for name in names} for row in rows])
    mask = padded["attention_mask"]
    whole = [len(_whole(texts, tokenizer)["input_ids"]) for texts in batch]
    return {
        "rows": [
            {"length": len(row["input_ids"]), "whole_length": length}
            for row, length in zip(rows, whole, strict=True)
        ],
        "padded_length": int(mask.shape[1]),
        "padding": tokens.padding,
        "padding_share": 1 - float(mask.float().mean()),
        "padding_side": tokenizer.padding_side,
        "pad_token": str(tokenizer.pad_token),
        "pad_id": tokenizer.pad_token_id,
    }


def shapes(
    texts: Texts, token_count: int, batch: tuple[int, int], hidden_size: int | None, labels: int
) -> list[dict[str, Any]]:
    """Return the shapes from text to logits; `batch` are rows and tokens, 0 labels: not known."""
    rows, length = batch
    count = 1 if texts[1] is None else 2
    stages: list[tuple[str, list[int], str]] = [
        ("text", [count], "texts of a row" if count > 1 else "text of a row"),
        ("tokens", [token_count], "tokens of the row, special ones included"),
        ("input_ids", [rows, length], "rows of the batch x tokens, padded to the same length"),
    ]
    if hidden_size is not None:
        words = "a vector for each token"
        stages.append(("embeddings", [rows, length, hidden_size], words))
        stages.append(("hidden states", [rows, length, hidden_size], "the same after each layer"))
    if labels:
        stages.append(("logits", [rows, labels], "a number for each label"))
    return [{"name": name, "shape": shape, "words": words} for name, shape, words in stages]


def _encode(
    texts: Texts, tokenizer: PreTrainedTokenizerBase, tokens: TokensSection
) -> BatchEncoding:
    return tokenizer(
        *texts,
        truncation="longest_first",
        max_length=tokens.max_length,
        return_offsets_mapping=tokenizer.is_fast,
    )


def _whole(texts: Texts, tokenizer: PreTrainedTokenizerBase) -> BatchEncoding:
    return tokenizer(
        *texts, truncation=False, verbose=False, return_offsets_mapping=tokenizer.is_fast
    )


def _cut(
    texts: Texts, made: list[dict[str, Any]], tokenizer: PreTrainedTokenizerBase
) -> dict[str, Any]:
    """Return what of the texts is not among the tokens that were made."""
    whole = _whole(texts, tokenizer)
    missing = len(whole["input_ids"]) - len(made)
    tails = []
    if missing and tokenizer.is_fast:
        owners = whole.sequence_ids(0)
        for number, text in enumerate(texts):
            spans = [(token["start"], token["end"]) for token in made if token["text"] == number]
            lost = owners.count(number) - len(spans)
            if text is None or not lost:
                continue
            known = [span for span in spans if span[0] is not None]
            if tokenizer.truncation_side == "left":
                start, end = 0, min((start for start, _ in known), default=len(text))
            else:
                start, end = max((end for _, end in known), default=0), len(text)
            tails.append(
                {"text": number, "start": start, "end": end, "tail": text[start:end],
                 "tokens": lost}
            )  # fmt: skip
    return {"tokens": missing, "tails": tails}
