"""Datasets of the Hugging Face hub, from its cache where they are there."""

import glob
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import datasets
from datasets.packaged_modules.cache.cache import Cache
from huggingface_hub import HfApi, is_offline_mode
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,  # the HTTP library's own, by which each of its errors can be caught
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tui_finetune.errors import InputError
from tui_finetune.text import clean

# user/name or an old name without a user; a configuration and a revision may follow
_NAME = re.compile(
    r"(?P<name>(?:[\w-][\w.-]*/)?[\w-][\w.-]*)(?::(?P<config>[\w.+-]+))?(?:@(?P<revision>[\w./-]+))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")

_TIMEOUT = 4.0

Splits = dict[str, datasets.Dataset]


@dataclass(frozen=True)
class HubName:
    """A dataset of the hub, its configuration, and a branch, tag or commit of it."""

    name: str
    config: str | None
    revision: str | None = None

    @property
    def source(self) -> str:
        """The name as a source: user/name:config@revision."""
        config = f":{self.config}" if self.config else ""
        return self.name + config + (f"@{self.revision}" if self.revision else "")

    def __str__(self) -> str:
        return clean(self.source)

    def at(self, revision: str | None) -> "HubName":
        """Return the dataset at another revision; None: its newest."""
        return replace(self, revision=revision)


def hub_name(source: str) -> HubName | None:
    """Return what a source names on the hub, None if it cannot be a name there."""
    found = _NAME.fullmatch(source)
    return HubName(found["name"], found["config"], found["revision"]) if found else None


def commit_of(splits: Splits) -> str | None:
    """Return the commit that splits were fetched at: the name of the folder they are kept in."""
    files = next(iter(splits.values())).cache_files
    name = Path(files[0]["filename"]).parent.name if files else ""
    return name if _COMMIT.fullmatch(name) else None


def load_from_hub(wanted: HubName) -> Splits:
    """Return the splits of a dataset: of the Hugging Face cache, else fetched.

    Nothing is fetched if HF_HUB_OFFLINE is set. Raises `InputError` if there is no such dataset or
    configuration, or if the hub cannot be reached.
    """
    with _quiet():
        cached = _from_cache(wanted)
        if cached is not None:
            return cached
        if is_offline_mode():
            raise _missing(wanted, "it is not in the cache, and HF_HUB_OFFLINE is set; unset it")
        _ask_hub(wanted)
        try:
            return _load(wanted)
        except (datasets.exceptions.DatasetsError, HTTPError, OSError, RuntimeError) as error:
            raise InputError(f"{wanted}: cannot be fetched ({clean(error, 200)})") from None


def _from_cache(wanted: HubName) -> Splits | None:
    if wanted.revision is not None:
        return _at_commit(wanted)
    offline = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = True
    try:
        return _load(wanted)
    except (ConnectionError, FileNotFoundError, datasets.exceptions.DatasetsError):
        return None
    except InputError:
        if is_offline_mode():
            raise
        return None  # another configuration is in the cache; the hub may have this one
    finally:
        datasets.config.HF_HUB_OFFLINE = offline


def _at_commit(wanted: HubName) -> Splits | None:
    """Return the splits of one commit from the cache; offline, `datasets` would take the newest."""
    user, _, name = wanted.name.rpartition("/")
    folder = (f"{user}___" if user else "") + datasets.naming.camelcase_to_snakecase(name)
    cache = Path(datasets.config.HF_DATASETS_CACHE)
    found = [
        place
        for place in cache.glob(f"{glob.escape(folder)}/*/*/*")
        if place.name == wanted.revision and wanted.config in (None, place.parts[-3])
    ]
    if len(found) != 1:
        return None
    config, version, commit = found[0].parts[-3:]
    builder = Cache(
        dataset_name=name, repo_id=wanted.name, config_name=config, version=version, hash=commit
    )
    return _by_name(builder.as_dataset())


def _by_name(loaded: datasets.DatasetDict) -> Splits:
    return {str(split): dataset for split, dataset in loaded.items()}


def _load(wanted: HubName) -> Splits:
    try:
        loaded = datasets.load_dataset(wanted.name, wanted.config, revision=wanted.revision)
    except ValueError as error:
        if "onfig" not in str(error):
            raise InputError(f"{wanted}: cannot be read ({clean(error, 200)})") from None
        # a missing or unknown configuration; the message lists them
        reason = re.split(r"\s(?:Please specify|Example of usage)", str(error))[0].strip()
        raise InputError(
            f"{wanted}: {clean(reason, 300)}; write the configuration behind a colon, such as "
            f"{clean(wanted.name)}:CONFIG"
        ) from None
    return _by_name(loaded)


def _ask_hub(wanted: HubName) -> None:
    """Raise `InputError` unless the hub answers and has the dataset."""
    try:
        HfApi().dataset_info(wanted.name, revision=wanted.revision, timeout=_TIMEOUT)
    except GatedRepoError:
        raise InputError(
            f"{wanted}: this dataset is gated: ask for access on its page on the hub and set "
            "HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise _missing(
            wanted, "it is not on the hub, or it is private; check its name, or set HF_TOKEN"
        ) from None
    except RevisionNotFoundError:
        raise _missing(wanted, "it has no such revision; name another behind the @") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise _missing(wanted, f"the hub answers with error {status}; try later") from None
    except (HTTPError, OSError, ValueError):
        reason = "it is not in the cache, and the hub cannot be reached; connect"
        raise _missing(wanted, reason) from None


def _missing(wanted: HubName, reason: str) -> InputError:
    return InputError(
        f"{wanted}: there is no such file or folder here, and as a dataset of the hub: {reason}"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars and log lines of the hub's libraries."""
    bars = datasets.are_progress_bars_disabled()
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not bars:
            datasets.enable_progress_bars()
