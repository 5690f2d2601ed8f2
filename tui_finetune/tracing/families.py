"""What the stages need to know of each architecture: one table.

Every name is a path to a module: in the base model (`model.base_model`) for the embedding and the
last norm, in the classifier for its output layer. A module that a model lacks, such as the
position embeddings of DeBERTa-v3, is passed over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

Pooling = Literal["first", "last", "mean"]


@dataclass(frozen=True)
class Family:
    """How the models of one architecture are put together.

    `parts` are the lookups whose sum, passed through `then` in this order, is the first hidden
    state; for those that have it in the layers instead, `positions` says where a position counts.
    `final_norm` is applied to the last hidden state before the head sees it. `features` goes from
    hidden states (states, tokens, hidden size), normalised, and the index of the token that is read
    to what the `output` layer takes in, (states, features).
    """

    parts: dict[str, str]
    then: tuple[str, ...]
    positions: str
    final_norm: str | None
    pooling: str
    features: Callable[[PreTrainedModel, Tensor, int], Tensor]
    output: str


def family_of(model: PreTrainedModel) -> Family | None:
    """Return what is known of a classifier's architecture, None if it is not in the table."""
    return FAMILIES.get(model.config.model_type)


def pooling_of(family: Family, model: PreTrainedModel) -> Pooling:
    """Return which tokens the head reads."""
    if getattr(model.config, "classifier_pooling", "cls") == "mean":
        return "mean"
    return "last" if family.output == "score" else "first"


def module_at(model: nn.Module, path: str) -> nn.Module | None:
    """Return the module at a dotted path, None if there is none."""
    for name in path.split("."):
        model = getattr(model, name, None)
        if model is None:
            return None
    return model


# --- from hidden states to what the output layer takes in ---


def _bert(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    return model.base_model.pooler(hidden)


def _albert(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    body = model.base_model
    return body.pooler_activation(body.pooler(hidden[:, 0]))


def _distilbert(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    return torch.relu(model.pre_classifier(hidden[:, 0]))


def _roberta(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    return torch.tanh(model.classifier.dense(hidden[:, 0]))


def _electra(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    return model.classifier.activation(model.classifier.dense(hidden[:, 0]))


def _deberta(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    return model.pooler(hidden)


def _modernbert(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    mean = model.config.classifier_pooling == "mean"
    return model.head(hidden.mean(dim=1) if mean else hidden[:, 0])


def _decoder(model: PreTrainedModel, hidden: Tensor, position: int) -> Tensor:
    return hidden[:, position]


# --- the table ---

_ABSOLUTE = "each position has a vector of its own, added here"
_RELATIVE = "positions count inside the layers, as distances between tokens"
_ROTARY = "positions count inside the layers, where they turn queries and keys"

_BERT_PARTS = {
    "word": "embeddings.word_embeddings",
    "position": "embeddings.position_embeddings",
    "type": "embeddings.token_type_embeddings",
}
_FIRST_TOKEN_DENSE_TANH = "the first token's vector passes a dense layer and tanh"
_FIRST_TOKEN_DENSE_GELU = "the first token's vector passes a dense layer and GELU"
_LAST_TOKEN = "the last token's vector is read: it alone has seen the whole text"

_ROBERTA = Family(
    parts=_BERT_PARTS,
    then=("embeddings.LayerNorm",),
    positions=_ABSOLUTE,
    final_norm=None,
    pooling=_FIRST_TOKEN_DENSE_TANH,
    features=_roberta,
    output="classifier.out_proj",
)
_LLAMA = Family(
    parts={"word": "embed_tokens"},
    then=(),
    positions=_ROTARY,
    final_norm="norm",
    pooling=_LAST_TOKEN,
    features=_decoder,
    output="score",
)

FAMILIES: dict[str, Family] = {
    "bert": Family(
        parts=_BERT_PARTS,
        then=("embeddings.LayerNorm",),
        positions=_ABSOLUTE,
        final_norm=None,
        pooling=_FIRST_TOKEN_DENSE_TANH,
        features=_bert,
        output="classifier",
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "distilbert": Family(
        parts={name: path for name, path in _BERT_PARTS.items() if name != "type"},
        then=("embeddings.LayerNorm",),
        positions=_ABSOLUTE,
        final_norm=None,
        pooling="the first token's vector passes a dense layer and ReLU",
        features=_distilbert,
        output="classifier",
    ),
    "albert": Family(
        parts=_BERT_PARTS,
        then=("embeddings.LayerNorm", "encoder.embedding_hidden_mapping_in"),
        positions=_ABSOLUTE,
        final_norm=None,
        pooling=_FIRST_TOKEN_DENSE_TANH,
        features=_albert,
        output="classifier",
    ),
    "deberta-v2": Family(
        parts=_BERT_PARTS,
        then=("embeddings.embed_proj", "embeddings.LayerNorm"),
        positions=_RELATIVE,
        final_norm=None,
        pooling=_FIRST_TOKEN_DENSE_GELU,
        features=_deberta,
        output="classifier",
    ),
    "electra": Family(
        parts=_BERT_PARTS,
        then=("embeddings.LayerNorm", "embeddings_project"),
        positions=_ABSOLUTE,
        final_norm=None,
        pooling=_FIRST_TOKEN_DENSE_GELU,
        features=_electra,
        output="classifier.out_proj",
    ),
    "modernbert": Family(
        parts={"word": "embeddings.tok_embeddings"},
        then=("embeddings.norm",),
        positions=_ROTARY,
        final_norm="final_norm",
        pooling="the vector passes a dense layer, its activation and a norm",
        features=_modernbert,
        output="classifier",
    ),
    "gpt2": Family(
        parts={"word": "wte", "position": "wpe"},
        then=(),
        positions=_ABSOLUTE,
        final_norm="ln_f",
        pooling=_LAST_TOKEN,
        features=_decoder,
        output="score",
    ),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
}
