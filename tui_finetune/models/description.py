"""What is known of a model without loading it: from its config, card and weight headers."""

import math
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from tui_finetune.errors import InputError
from tui_finetune.models.folders import (
    code_files,
    pickle_files,
    read_json,
    read_tensors,
    tokenizer_problem,
    weight_files,
    weights_size,
)
from tui_finetune.models.hub import Progress, Refused
from tui_finetune.models.sources import in_silence, model_folder
from tui_finetune.recipe import ModelSection
from tui_finetune.text import clean

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


def describe(model: ModelSection, progress: Progress = in_silence) -> dict[str, Any]:
    """Return what is known of a model, fit for JSON; what is not known is None.

    Keys: source, path, revision (commit of a hub model), architecture (class name), model_type,
    parameters (numbers learnt), size_bytes (weights on disk), layers, hidden_size, heads,
    vocabulary (tokens), max_length (tokens), head (what the architecture is made for, "" for a
    bare one), has_head (for classifying sequences), labels (of that head, in order), license,
    weights ("safetensors" or "pickle"), tokenizer (whether it is there), code (names of Python
    files that come with it).

    Raises `InputError` as `model_folder` does; a model of the hub is downloaded, and `progress`
    hears of it.
    """
    folder = model_folder(model, progress)
    return {"source": model.source, "path": str(folder), **_facts(folder, model)}


def look_at(model: ModelSection, progress: Progress = in_silence) -> dict[str, Any]:
    """Return what `describe` does, and why the model cannot be used if it cannot.

    The key problem is None or {"message", "switch"}; switch is the key of the recipe that would
    allow it, or None. Raises `InputError` if there is nothing to describe.
    """
    try:
        return {**describe(model, progress), "problem": None}
    except Refused as refusal:
        folder, problem = refusal.folder, {"message": str(refusal), "switch": refusal.switch}
        if folder is None and refusal.switch is None:
            raise
    known: dict[str, Any] = {"path": None}
    if folder is not None and folder.is_dir():
        unopened = model.model_copy(update={"allow_pickle": False})
        known = {"path": str(folder), **_facts(folder, unopened)}
    return {"source": model.source, **known, "problem": problem}


def _facts(folder: Path, model: ModelSection) -> dict[str, Any]:
    """Return what the files of a folder say; pickled weights are opened only if they may be."""
    config = read_json(folder / "config.json")
    architectures = config.get("architectures")
    named = architectures if isinstance(architectures, list) else []
    architecture = str(named[0]) if named else None
    head = _head(architecture)
    has_head = None if head is None else head == "SequenceClassification"
    kind = "safetensors" if weight_files(folder) else "pickle" if pickle_files(folder) else None
    return {
        "revision": folder.name if folder.parent.name == "snapshots" else None,
        "architecture": architecture,
        "model_type": config.get("model_type"),
        "parameters": _parameters(folder, config, model.allow_pickle),
        "size_bytes": weights_size(folder),
        "layers": _number(config, _LAYERS),
        "hidden_size": _number(config, _HIDDEN_SIZE),
        "heads": _number(config, _HEADS),
        "vocabulary": _number(config, ("vocab_size",)),
        "max_length": _max_length(folder, config),
        "head": head,
        "has_head": has_head,
        "labels": _labels(config) if has_head else None,
        "license": _license(folder),
        "weights": kind,
        "tokenizer": tokenizer_problem(folder, model.trust_remote_code) is None,
        "code": code_files(folder),
    }


def _head(architecture: str | None) -> str | None:
    """Return what follows "For" in the name of an architecture, "" for a bare model."""
    if architecture is None:
        return None
    if architecture.endswith("LMHeadModel"):
        return "CausalLM"
    return architecture.rpartition("For")[2] if "For" in architecture else ""


def _parameters(folder: Path, config: dict[str, Any], pickle: bool) -> int | None:
    if "quantization_config" in config:
        # several numbers are packed into one there
        return None
    if weight_files(folder):
        try:
            files = [read_tensors(path) for path in weight_files(folder)]
        except (OSError, SafetensorError):
            return None
        # integers are positions and the like, which are not learnt
        return sum(
            math.prod(tensor.shape)
            for tensors in files
            for tensor in tensors.values()
            if "F" in tensor.dtype
        )
    return _pickled_parameters(folder) if pickle else None


def _pickled_parameters(folder: Path) -> int:
    """Count the parameters of pickled weights, with everything refused in them but tensors."""
    import torch

    count = 0
    for path in pickle_files(folder):
        try:
            tensors = torch.load(path, map_location="meta", weights_only=True).values()
            count += sum(part.numel() for part in tensors if part.is_floating_point())
        except Exception as error:  # a pickle can fail in any way
            reason = clean(str(error).strip().partition("\n")[0], 160)
            raise InputError(
                f"model folder '{clean(folder)}' has pickled weights ({clean(path.name)}) that are "
                f"damaged or hold more than tensors ({reason}); choose another model"
            ) from None
    return count


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return None


def _max_length(folder: Path, config: dict[str, Any]) -> int | None:
    positions = _number(config, _POSITIONS)
    pad = config.get("pad_token_id")
    if positions and isinstance(pad, int) and config.get("model_type") in _POSITIONS_AFTER_PAD:
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
