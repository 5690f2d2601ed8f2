"""What a model folder must hold, and reading its small files; nothing heavy is imported."""

import importlib.util
import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from tui_finetune.text import clean

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"

# One of these groups is enough for AutoTokenizer.
_TOKENIZER_FILES = (
    ("tokenizer.json",),
    ("vocab.txt",),
    ("*.model",),
    ("*.spm",),
    ("vocab.json", "merges.txt"),
    ("tekken.json",),
    ("prophetnet.tokenizer",),
    ("byte_maps.json",),
)

# These read bytes or characters: their configuration is all there is of them.
_WITHOUT_VOCABULARY = {"ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer"}

_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


class Problem(NamedTuple):
    """Why a folder cannot be used: `what` continues its name, `advice` says what to do."""

    what: str
    advice: str


class Tensor(NamedTuple):
    """A tensor of the weights, as the header of its file describes it."""

    dtype: str
    shape: tuple[int, ...]


def folder_problem(folder: Path) -> Problem | None:
    """Return the first thing that keeps a model folder from being loaded, None if it is whole.

    The weights' headers are read, so a file that was cut off is noticed; the weights are not.
    """
    if not folder.is_dir():
        return Problem("is not a folder", "give the folder that holds config.json")
    return _config_problem(folder) or _weights_problem(folder) or _tokenizer_problem(folder)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, an empty one if the file is absent or holds no object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that the weights consist of, whether they are there or not."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    parts = read_json(folder / WEIGHTS_INDEX).get("weight_map")
    names = {str(name) for name in parts.values()} if isinstance(parts, dict) else set()
    return [folder / name for name in sorted(names)]


def weights_size(folder: Path) -> int | None:
    """Return the size of a folder's safetensors weights in bytes, None if some are missing."""
    files = weight_files(folder)
    if not files or not all(path.is_file() for path in files):
        return None
    return sum(path.stat().st_size for path in files)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the names, types and shapes of a safetensors file, without loading it.

    Raises `OSError` or `SafetensorError` for a file that is absent, damaged or cut off.
    """
    with safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            name: Tensor(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()
        }


def _config_problem(folder: Path) -> Problem | None:
    if not (folder / "config.json").is_file():
        return Problem("has no config.json", "give a folder that save_pretrained has written")
    config = read_json(folder / "config.json")
    if not config:
        return Problem("has a config.json that is no JSON object", "copy or download it again")
    model_type = config.get("model_type")
    if config.get("auto_map") and not _known_to_transformers(str(model_type)):
        return Problem(
            "needs code of its own (auto_map in config.json), which is never run",
            "choose a model whose architecture transformers has",
        )
    if not model_type:
        return Problem(
            "has a config.json without model_type, so its architecture is unknown",
            "add model_type to it, or save the model again with save_pretrained",
        )
    return None


def _weights_problem(folder: Path) -> Problem | None:
    files = weight_files(folder)
    if not files:
        pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
        if pickled:
            return Problem(
                f"has only pickled weights ({clean(pickled[0])}), and loading those can run code",
                "save the model again with save_pretrained, which writes safetensors",
            )
        return Problem(f"has no weights ({WEIGHTS} is missing)", "copy or download it again")
    for path in files:
        if not path.is_file():
            return Problem(
                f"has only a part of its weights ({clean(path.name)} is missing)",
                "copy or download it again",
            )
        try:
            read_tensors(path)
        except (OSError, SafetensorError) as error:
            reason = clean(error, 120)
            return Problem(
                f"has damaged weights ({clean(path.name)}: {reason})", "copy or download it again"
            )
    return None


def _tokenizer_problem(folder: Path) -> Problem | None:
    for group in _TOKENIZER_FILES:
        if all(any(folder.glob(pattern)) for pattern in group):
            return None
    if read_json(folder / "tokenizer_config.json").get("tokenizer_class") in _WITHOUT_VOCABULARY:
        return None
    return Problem(
        "has no tokenizer (tokenizer.json, vocab.txt, or vocab.json with merges.txt)",
        "save the model's tokenizer there with tokenizer.save_pretrained",
    )


def _known_to_transformers(model_type: str) -> bool:
    # Importing the library takes seconds; its folder of architectures answers at once. A part of
    # an architecture, such as gemma3_text, lies in the folder of the whole.
    package = importlib.util.find_spec("transformers")
    if package is None or not package.submodule_search_locations:
        return False
    wanted = model_type.replace("-", "_").lower()
    return any(
        wanted == entry.name or wanted.startswith(f"{entry.name}_")
        for entry in Path(package.submodule_search_locations[0], "models").iterdir()
        if entry.is_dir()
    )
