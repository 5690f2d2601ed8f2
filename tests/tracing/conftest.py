"""A tiny random classifier of each family that the traces know, with a tokenizer of its own."""

import re
from collections.abc import Callable
from typing import Any

import pytest

LABELS = ["negative", "neutral", "positive"]
SENTENCES = [
    "a good film with a bad end",
    "the film was good and the end was bad",
    "a great plot, a lovely scene and a fine actor",
    "the actor was dull and the plot was awful",
    "it is not a very good scene, but a quite lovely end",
    "poor film; nobody was moved by it",
]
WORDS = sorted({word for sentence in SENTENCES for word in re.findall(r"\w+", sentence)})
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDPIECE = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
ROBERTA = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "mask_token": "<mask>",
}
# Weights large enough that attention is not even and the figures of tokens differ.
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.2,
}


@pytest.fixture(scope="session")
def family() -> Callable[[str], tuple[Any, Any]]:
    """Return the model, in evaluation mode, and the tokenizer of a family, by its model type.

    Both are made once: a test that changes one must change it back.
    """
    made: dict[str, tuple[Any, Any]] = {}

    def get(name: str) -> tuple[Any, Any]:
        if name not in made:
            tokenizer = _TOKENIZERS[name]()
            made[name] = _model(name, tokenizer), tokenizer
        return made[name]

    return get


def _model(name: str, tokenizer: Any) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    special = {
        f"{which}_token_id": getattr(tokenizer, f"{which}_token_id")
        for which in ("pad", "bos", "eos", "cls", "sep")
    }
    config = AutoConfig.for_model(
        name,
        vocab_size=len(tokenizer),
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        **special,
        **_CONFIGS[name],
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        # as trained ones are: biases are not 0, nor norms 1
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


_CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {**SIZES, "max_position_embeddings": 64},
    # positions begin after the pad token's id
    "roberta": {**SIZES, "max_position_embeddings": 66, "type_vocab_size": 1},
    "distilbert": {
        "dim": 32,
        "n_layers": 2,
        "n_heads": 4,
        "hidden_dim": 64,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
    },
    "albert": {**SIZES, "embedding_size": 16, "max_position_embeddings": 64},
    # as DeBERTa-v3 has it
    "deberta-v2": {
        **SIZES,
        "embedding_size": 16,
        "max_position_embeddings": 64,
        "relative_attention": True,
        "position_buckets": 16,
        "max_relative_positions": -1,
        "position_biased_input": False,
        "type_vocab_size": 0,
        "pos_att_type": ["p2c", "c2p"],
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "pooler_hidden_size": 32,
    },
    "electra": {**SIZES, "embedding_size": 16, "max_position_embeddings": 64},
    "modernbert": {**SIZES, "max_position_embeddings": 64, "local_attention": 8},
    "gpt2": {
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 64,
        "initializer_range": 0.2,
    },
    "llama": {**SIZES, "num_key_value_heads": 2, "max_position_embeddings": 64},
    "qwen2": {**SIZES, "num_key_value_heads": 2, "max_position_embeddings": 64},
    "qwen3": {**SIZES, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64},
}


def _wordpiece() -> Any:
    """BERT's: words in lower case, else their letters, with ## after the first."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    pieces = [*WORDPIECE.values(), *",;.", *WORDS, *LETTERS, *(f"##{one}" for one in LETTERS)]
    numbered = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(numbered, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return _wrapped(tokenizer, WORDPIECE, "[CLS] $A [SEP]")


def _unigram() -> Any:
    """ALBERT's and DeBERTa-v3's: pieces that begin with the space before them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    scores = dict.fromkeys(WORDPIECE.values(), 0.0)
    scores |= {f"\u2581{word}": -3.0 for word in WORDS}
    scores |= dict.fromkeys(["\u2581", *",;.", *LETTERS], -6.0)
    tokenizer = Tokenizer(models.Unigram(list(scores.items()), unk_id=1))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return _wrapped(tokenizer, WORDPIECE, "[CLS] $A [SEP]")


def _bytes(special: dict[str, str], frame: str | None = None) -> Any:
    """RoBERTa's and the decoders': pairs of bytes; `frame` is what is put around a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=list(dict.fromkeys(special.values())),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return _wrapped(tokenizer, special, frame)


def _wrapped(tokenizer: Any, special: dict[str, str], frame: str | None) -> Any:
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    if frame is not None:
        marks = [mark for mark in frame.split() if mark != "$A"]
        tokenizer.post_processor = TemplateProcessing(
            single=frame, special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in marks]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=64,
        **special,
    )


_END = "<|endoftext|>"
_TOKENIZERS: dict[str, Callable[[], Any]] = {
    "bert": _wordpiece,
    "distilbert": _wordpiece,
    "electra": _wordpiece,
    "albert": _unigram,
    "deberta-v2": _unigram,
    "roberta": lambda: _bytes(ROBERTA, "<s> $A </s>"),
    "modernbert": lambda: _bytes(WORDPIECE, "[CLS] $A [SEP]"),
    # has no pad token of its own: its end token serves
    "gpt2": lambda: _bytes(dict.fromkeys(("bos_token", "eos_token", "pad_token"), _END)),
    "llama": lambda: _bytes(
        {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}, "<s> $A"
    ),
    "qwen2": lambda: _bytes({"eos_token": "<|im_end|>", "pad_token": _END}),
    "qwen3": lambda: _bytes({"eos_token": "<|im_end|>", "pad_token": _END}),
}
