"""What is known of a model without loading it: from its config, card and weight headers."""

import math
import re
from pathlib import Path
from typing import Any

from tui_finetune.models.folders import read_json, read_tensors, weight_files, weights_size
from tui_finetune.models.sources import model_folder
from tui_finetune.recipe import ModelSection

# The names that architectures have for the same thing.
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HIDDEN_SIZE = ("hidden_size", "d_model", "n_embd", "dim")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_POSITIONS = ("max_position_embeddings", "n_positions")

# These number positions from the pad token's id + 1, so that many of their positions are no use.
_POSITIONS_AFTER_PAD = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer"}

# What a tokenizer says that knows no limit is about 1e30.
_NO_LIMIT = 10**9

_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)\r?\n---", re.DOTALL)
_LICENSE = re.compile(r"""^license:[ \t]*["']?([^\s"'#\[]+)""", re.MULTILINE)


def describe(model: ModelSection) -> dict[str, Any]:
    """Return what is known of a model, fit for JSON; what is not known is None.

    Keys: source, path, architecture (class name), model_type, parameters (numbers learnt),
    size_bytes (weights on disk), layers, hidden_size, heads, vocabulary (tokens), max_length
    (tokens), has_head (for classifying sequences), labels (of that head, in order), license.

    Raises `InputError` as `model_folder` does; a model of the hub is downloaded.
    """
    folder = model_folder(model)
    config = read_json(folder / "config.json")
    architectures = config.get("architectures")
    architecture = str(architectures[0]) if isinstance(architectures, list | tuple) else None
    has_head = architecture.endswith("ForSequenceClassification") if architecture else None
    return {
        "source": model.source,
        "path": str(folder),
        "architecture": architecture,
        "model_type": config["model_type"],
        "parameters": _parameters(folder, config),
        "size_bytes": weights_size(folder),
        "layers": _number(config, _LAYERS),
        "hidden_size": _number(config, _HIDDEN_SIZE),
        "heads": _number(config, _HEADS),
        "vocabulary": _number(config, ("vocab_size",)),
        "max_length": _max_length(folder, config),
        "has_head": has_head,
        "labels": _labels(config) if has_head else None,
        "license": _license(folder),
    }


def _parameters(folder: Path, config: dict[str, Any]) -> int | None:
    if "quantization_config" in config:
        # several numbers are packed into one there
        return None
    tensors = [tensor for path in weight_files(folder) for tensor in read_tensors(path).values()]
    # integers are positions and the like, which are not learnt
    return sum(math.prod(tensor.shape) for tensor in tensors if "F" in tensor.dtype)


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return None


def _max_length(folder: Path, config: dict[str, Any]) -> int | None:
    positions = _number(config, _POSITIONS)
    pad = config.get("pad_token_id")
    if positions and isinstance(pad, int) and config["model_type"] in _POSITIONS_AFTER_PAD:
        positions -= pad + 1
    tokenizer = _number(read_json(folder / "tokenizer_config.json"), ("model_max_length",))
    return min(
        (limit for limit in (positions, tokenizer) if limit and limit < _NO_LIMIT), default=None
    )


def _labels(config: dict[str, Any]) -> list[str] | None:
    names = config.get("id2label")
    if not isinstance(names, dict) or not all(key.isdecimal() for key in names):
        return None
    return [str(names[key]) for key in sorted(names, key=int)]


def _license(folder: Path) -> str | None:
    # Front matter can hold thousands of lines of results: too much YAML to parse for one of them.
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    front_matter = _FRONT_MATTER.match(card)
    license_line = _LICENSE.search(front_matter[1]) if front_matter else None
    return license_line[1] if license_line else None
