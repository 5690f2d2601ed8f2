"""The Hugging Face hub and its cache: what is here, what can be had, fetching and searching it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelInfo, constants, get_session, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # the HTTP library's own, by which each of its errors can be caught
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (
    build_hf_headers,
    filter_repo_objects,
    hf_raise_for_status,
    tqdm,
)

from tui_finetune.errors import InputError
from tui_finetune.models.folders import (
    ALLOW_PICKLE,
    PICKLE,
    PICKLE_INDEX,
    TRUST_REMOTE_CODE,
    WEIGHTS,
    WEIGHTS_INDEX,
    needs_code,
)
from tui_finetune.text import clean

Progress = Callable[[dict[str, Any]], None]

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
_PICKLES = ["pytorch_model*.bin"]
_CODE = ["*.py"]
_UNWANTED = ["*/*"]

# Seconds for the hub's first answer, per address that its name stands for.
_TIMEOUT = 4.0

# How often a download tells how far it is.
_TELL_SECONDS = 0.2

# The order of a search, and what it asks of each model beside its name.
_FIRST = {
    "sort": "downloads",
    "expand": [
        "downloads", "likes", "tags", "safetensors", "gated", "lastModified", "pipeline_tag",
    ],
}  # fmt: skip

_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}


class Refused(InputError):
    """A model that is known but cannot be used as the recipe stands."""

    def __init__(self, message: str, switch: str | None = None, folder: Path | None = None) -> None:
        super().__init__(message)
        self.switch = switch
        """The key of the recipe that would allow it."""
        self.folder = folder
        """Where it lies, if it is here."""


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


def download(
    name: str,
    revision: str | None,
    otherwise: str,
    missing: str,
    progress: Progress,
    *,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
) -> str:
    """Fetch a model of the hub into the cache and return its folder.

    `missing` says that it is not here, `otherwise` what to do when it cannot be had. `progress`
    hears of bytes done and to come, from several threads. Files that are here already are not
    fetched again. Raises `InputError` if it cannot be had, or not as allowed.
    """
    shown = shown_name(name, revision)
    with quiet_hub():
        progress({"what": "asking the hub", "done": 0, "of": 0})
        info = _ask(name, revision, shown, missing, otherwise)
        here = cached_folder(name, revision)
        patterns = [*_WANTED, *_required(info, shown, otherwise, allow_pickle, trust_remote_code)]
        try:
            folder = snapshot_download(
                name,
                revision=revision,
                allow_patterns=patterns,
                ignore_patterns=_UNWANTED,
                tqdm_class=_bytes_counter(name, _size_of(info, patterns, here), progress),
            )
            return str(folder)
        except (HTTPError, OSError, RuntimeError) as error:
            raise InputError(
                f"the download of {shown} broke off ({clean(error, 160)}); try again: what is "
                "already here is kept"
            ) from None


def search(words: str, limit: int) -> list[dict[str, Any]]:
    """Ask the hub for models whose names hold `words`, those downloaded most often first.

    Each is a dict of source, kind ("hub"), name, downloads (of the last 30 days), likes, license,
    size_bytes (safetensors weights), parameters, safetensors, gated, task and last_modified
    (seconds since 1970); None is unknown. Raises `InputError` if the hub gives no answer.
    """
    try:
        with quiet_hub():
            # HfApi.list_models asks five times over before it says that nobody answers.
            answer = get_session().get(
                f"{constants.ENDPOINT}/api/models",
                params={**({"search": words} if words else {}), **_FIRST, "limit": limit},
                headers=build_hf_headers(),
                timeout=_TIMEOUT,
            )
            hf_raise_for_status(answer)
            return [_hub_entry(ModelInfo(**found)) for found in answer.json()]
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise InputError(f"the hub answers with error {status}; try later") from None
    except (HTTPError, OSError, ValueError, TypeError):
        # the last two: something answers that is not the hub
        raise InputError(
            "the hub cannot be reached; connect, or choose among the models that are here"
        ) from None


def shown_name(name: str, revision: str | None) -> str:
    """Return how a hub model is called in messages."""
    return f"model '{clean(name)}'" + (f" at '{clean(revision)}'" if revision else "")


def _ask(name: str, revision: str | None, shown: str, missing: str, otherwise: str) -> ModelInfo:
    """Return what the hub says of a model; raise `InputError` unless it has it and answers."""
    try:
        return HfApi().model_info(name, revision=revision, timeout=_TIMEOUT, files_metadata=True)
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


def _required(
    info: ModelInfo, shown: str, otherwise: str, allow_pickle: bool, trust_remote_code: bool
) -> list[str]:
    """Return the patterns of files that this model needs beside the usual ones, if allowed."""
    files = {file.rfilename for file in info.siblings or []}
    if needs_code(info.config or {}) and not trust_remote_code:
        raise Refused(
            f"{shown} needs code of its own, which is not run; pick another model, or {otherwise}, "
            f"or read that code and set {TRUST_REMOTE_CODE}: true",
            TRUST_REMOTE_CODE,
        )
    code = _CODE if trust_remote_code else []
    if not files.isdisjoint((WEIGHTS, WEIGHTS_INDEX)):
        return code
    pickled = not files.isdisjoint((PICKLE, PICKLE_INDEX))
    if pickled and allow_pickle:
        return [*code, *_PICKLES]
    message = (
        f"{shown} has no weights in safetensors on the hub, and loading pickled ones can run "
        f"code; pick another model, or {otherwise}"
    )
    if pickled:
        message += f", or, if you trust who made it, set {ALLOW_PICKLE}: true"
    raise Refused(message, ALLOW_PICKLE if pickled else None)


def _size_of(info: ModelInfo, patterns: list[str], here: Path | None) -> int:
    """Return the bytes of the files that fit and are not here, 0 if the hub does not say."""
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    wanted = filter_repo_objects(sizes, allow_patterns=patterns, ignore_patterns=_UNWANTED)
    return sum(sizes[name] for name in wanted if here is None or not (here / name).exists())


def _bytes_counter(name: str, size: int, progress: Progress) -> type[tqdm]:
    """Return a class that the hub's library takes for its progress bars, and that tells us."""
    what, lock = f"downloading {clean(name, 60)}", threading.Lock()
    done, told = 0, time.monotonic()

    class BytesCounter(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # This bar of the library's counts the bytes of all files, the others something else.
            self._counts = kwargs.get("name") == "huggingface_hub.snapshot_download"
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal done, told
            if not self._counts:
                return
            with lock:
                done += int(n or 0)
                if time.monotonic() - told >= _TELL_SECONDS:
                    told = time.monotonic()
                    progress({"what": what, "done": done, "of": max(size, done), "unit": "bytes"})

    return BytesCounter


def _hub_entry(info: ModelInfo) -> dict[str, Any]:
    weights = info.safetensors
    counts: dict[str, int] = dict(weights.parameters) if weights else {}
    licences = [tag for tag in info.tags or [] if tag.startswith("license:")]
    sized = counts and all(dtype in _BYTES for dtype in counts)
    return {
        "source": info.id,
        "kind": "hub",
        "name": info.id,
        "downloads": info.downloads,
        "likes": info.likes,
        "license": licences[0].partition(":")[2] if licences else None,
        "size_bytes": sum(_BYTES[kind] * number for kind, number in counts.items())
        if sized
        else None,
        "parameters": weights.total if weights else None,
        "safetensors": weights is not None,
        "gated": bool(info.gated),
        "task": info.pipeline_tag,
        "last_modified": info.last_modified.timestamp() if info.last_modified else None,
    }


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep the hub's library from writing warnings to the terminal."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
