"""What a model folder must hold, and reading its small files; nothing heavy is imported."""

import importlib.util
import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from tui_finetune.text import clean

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"
PICKLE_INDEX = "pytorch_model.bin.index.json"

# The keys of the recipe that switch on what is refused otherwise.
ALLOW_PICKLE = "model.allow_pickle"
TRUST_REMOTE_CODE = "model.trust_remote_code"

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
    switch: str | None = None
    """The key of the recipe that would allow it all the same."""


class Tensor(NamedTuple):
    """A tensor of the weights, as the header of its file describes it."""

    dtype: str
    shape: tuple[int, ...]


def folder_problem(
    folder: Path, *, allow_pickle: bool = False, trust_remote_code: bool = False
) -> Problem | None:
    """Return the first thing that keeps a model folder from being loaded, None if it is whole.

    The weights' headers are read, so a file that was cut off is noticed; the weights are not, and
    of pickled ones nothing at all.
    """
    if not folder.is_dir():
        return Problem("is not a folder", "give the folder that holds config.json")
    return (
        _config_problem(folder, trust_remote_code)
        or _weights_problem(folder, allow_pickle)
        or tokenizer_problem(folder, trust_remote_code)
    )


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, an empty one if the file is absent or holds no object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that the weights consist of, whether they are there or not."""
    return _files(folder, WEIGHTS, WEIGHTS_INDEX)


def pickle_files(folder: Path) -> list[Path]:
    """Return the pickled files that the weights consist of, as far as transformers knows them."""
    return _files(folder, PICKLE, PICKLE_INDEX)


def weights_size(folder: Path) -> int | None:
    """Return the size in bytes of the weights that would be loaded, None if some are missing."""
    files = weight_files(folder) or pickle_files(folder)
    if not files or not all(path.is_file() for path in files):
        return None
    return sum(path.stat().st_size for path in files)


def code_files(folder: Path) -> list[str]:
    """Return the names of the Python files that come with a model."""
    return sorted(path.name for path in folder.glob("*.py"))


def needs_code(config: dict[str, Any]) -> bool:
    """Return whether a model of this config cannot be loaded without code of its own."""
    return bool(config.get("auto_map")) and not _known_to_transformers(
        str(config.get("model_type"))
    )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the names, types and shapes of a safetensors file, without loading it.

    Raises `OSError` or `SafetensorError` for a file that is absent, damaged or cut off.
    """
    with safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            name: Tensor(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()
        }


def _files(folder: Path, whole: str, index: str) -> list[Path]:
    if (folder / whole).exists():
        return [folder / whole]
    parts = read_json(folder / index).get("weight_map")
    names = {str(name) for name in parts.values()} if isinstance(parts, dict) else set()
    return [folder / name for name in sorted(names)]


def _config_problem(folder: Path, trust_remote_code: bool) -> Problem | None:
    if not (folder / "config.json").is_file():
        return Problem("has no config.json", "give a folder that save_pretrained has written")
    config = read_json(folder / "config.json")
    if not config:
        return Problem("has a config.json that is no JSON object", "copy or download it again")
    if trust_remote_code and config.get("auto_map"):
        return _code_problem(folder, config["auto_map"])
    if needs_code(config):
        return Problem(
            "needs code of its own (auto_map in config.json), which is not run",
            f"choose a model whose architecture transformers has, or read that code and set "
            f"{TRUST_REMOTE_CODE}: true",
            TRUST_REMOTE_CODE,
        )
    if not config.get("model_type"):
        return Problem(
            "has a config.json without model_type, so its architecture is unknown",
            "add model_type to it, or save the model again with save_pretrained",
        )
    return None


def _code_problem(folder: Path, auto_map: object) -> Problem | None:
    """Say what keeps the code that `auto_map` names from being run, if it may be run."""
    for place in _strings(auto_map):
        repository, dashes, module = place.rpartition("--")
        if dashes:
            return Problem(
                f"takes its code from another repository ({clean(repository, 80)}), which may "
                "change at any time",
                "put that code beside the model and take the repository out of auto_map",
            )
        file = f"{module.partition('.')[0]}.py"
        if not (folder / file).is_file():
            return Problem(f"lacks the code it needs ({clean(file, 80)})", "download it again")
    return None


def _strings(auto_map: object) -> list[str]:
    """Return the places in an auto_map: each a text, or of a tokenizer a slow and a fast one."""
    values = auto_map.values() if isinstance(auto_map, dict) else [auto_map]
    return [
        place
        for value in values
        for place in (value if isinstance(value, list) else [value])
        if isinstance(place, str)
    ]


def _weights_problem(folder: Path, allow_pickle: bool) -> Problem | None:
    files = weight_files(folder)
    if not files:
        return _without_safetensors(folder, allow_pickle)
    for path in files:
        if not path.is_file():
            return _part_missing(path)
        try:
            read_tensors(path)
        except (OSError, SafetensorError) as error:
            reason = clean(error, 120)
            return Problem(
                f"has damaged weights ({clean(path.name)}: {reason})", "copy or download it again"
            )
    return None


def _without_safetensors(folder: Path, allow_pickle: bool) -> Problem | None:
    pickled = pickle_files(folder)
    if pickled and allow_pickle:
        missing = next((path for path in pickled if not path.is_file()), None)
        return _part_missing(missing) if missing else None
    if pickled:
        return Problem(
            f"has only pickled weights ({clean(pickled[0].name)}), and loading those can run code",
            "save the model again with save_pretrained, which writes safetensors, or, if you "
            f"trust who made it, set {ALLOW_PICKLE}: true",
            ALLOW_PICKLE,
        )
    others = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
    if others:
        return Problem(
            f"has only pickled weights ({clean(others[0])}) that transformers does not know",
            "save the model again with save_pretrained, which writes safetensors",
        )
    return Problem(f"has no weights ({WEIGHTS} is missing)", "copy or download it again")


def _part_missing(path: Path) -> Problem:
    return Problem(
        f"has only a part of its weights ({clean(path.name)} is missing)",
        "copy or download it again",
    )


def tokenizer_problem(folder: Path, trust_remote_code: bool = False) -> Problem | None:
    """Return what is missing for the tokenizer, None if it is whole."""
    config = read_json(folder / "tokenizer_config.json")
    if trust_remote_code and config.get("auto_map"):
        return _code_problem(folder, config["auto_map"])
    for group in _TOKENIZER_FILES:
        if all(any(folder.glob(pattern)) for pattern in group):
            return None
    if config.get("tokenizer_class") in _WITHOUT_VOCABULARY:
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
