"""A text as the model takes it in: its tokens, where they stand, and what was cut off."""

from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from tui_finetune.tasks.token_names import token_names

# A tokenizer written in Python may need minutes for a megabyte.
_LONGEST_COUNTED = 200_000


@dataclass(frozen=True)
class Token:
    """One token; `start` and `end` are characters of the text, None if the tokenizer is slow."""

    token: str
    id: int
    start: int | None
    end: int | None
    special: bool
    unknown: bool


@dataclass(frozen=True)
class Cut:
    """What did not fit: how many tokens (None: not counted), and from which character on."""

    tokens: int | None
    start: int | None
    max_length: int


@dataclass(frozen=True)
class Tokens:
    """A tokenized text. `inputs` are the model's, each of shape (1, tokens)."""

    text: str
    tokens: list[Token]
    cut: Cut
    inputs: dict[str, Tensor]


def tokenize(text: str, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Tokens:
    """Tokenize as for a prediction, and keep where each token stands in the text."""
    encoded = tokenizer(text, truncation=True, max_length=max_length, return_tensors="pt")
    inputs = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
    ids: list[int] = inputs["input_ids"][0].tolist()
    special = tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
    offsets = _offsets(text, tokenizer, max_length) if tokenizer.is_fast else [None] * len(ids)
    tokens = []
    for index, name in enumerate(token_names(ids, tokenizer)):
        start, end = offsets[index] or (None, None)
        # some use one token for what is unknown and for the ends of a text
        unknown = ids[index] == tokenizer.unk_token_id and (
            start is not None or not tokenizer.is_fast
        )
        own = bool(special[index]) and not unknown
        tokens.append(Token(name, ids[index], start, end, own, unknown))
    return Tokens(text, tokens, _cut(text, tokens, tokenizer, max_length), inputs)


def _offsets(
    text: str, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[tuple[int, int] | None]:
    encoded = tokenizer(text, truncation=True, max_length=max_length, return_offsets_mapping=True)
    return [(start, end) if end > start else None for start, end in encoded["offset_mapping"]]


def _cut(
    text: str, tokens: list[Token], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> Cut:
    if len(tokens) < max_length:
        return Cut(0, None, max_length)
    if not tokenizer.is_fast and len(text) > _LONGEST_COUNTED:
        return Cut(None, None, max_length)
    whole = len(tokenizer(text)["input_ids"])
    if whole <= len(tokens):
        return Cut(0, None, max_length)
    ends = [token.end for token in tokens if token.end is not None]
    return Cut(whole - len(tokens), max(ends, default=None), max_length)
