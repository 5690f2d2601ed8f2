"""The run directory: where everything about a run lies, and how a run is named and found."""

import os
import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.home import runs_folder
from tui_finetune.recipe import Recipe, dump_recipe, load_recipe
from tui_finetune.runs.about import name_of
from tui_finetune.runs.status import read_status
from tui_finetune.text import clean

# Beside the Trainer's files in a checkpoint; written last, so a checkpoint with it is whole.
RESUME_STATE = "resume_state.pt"


@dataclass(frozen=True)
class RunDirectory:
    """The paths inside one run's directory. Nothing is opened or made by looking at them."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id, the name of its directory."""
        return self.path.name

    @property
    def recipe(self) -> Path:
        """Everything needed to run it again."""
        return self.path / "recipe.yaml"

    @property
    def environment(self) -> Path:
        """Versions, device, host, command."""
        return self.path / "environment.json"

    @property
    def arguments(self) -> Path:
        """The `TrainingArguments` as they were really used, defaults and all."""
        return self.path / "training_arguments.json"

    @property
    def data(self) -> Path:
        """Which files with which contents the run was split from."""
        return self.path / "data.json"

    @property
    def status(self) -> Path:
        """The present state, replaced atomically."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """An empty file, locked by the process that works on the run."""
        return self.path / "lock"

    @property
    def about(self) -> Path:
        """What a person wrote about the run: name, tags, note."""
        return self.path / "about.json"

    @property
    def journal(self) -> Path:
        """What happened, a JSON object a line, append-only."""
        return self.path / "journal.jsonl"

    @property
    def control(self) -> Path:
        """Requests to the run."""
        return self.path / "control"

    @property
    def log(self) -> Path:
        """What libraries printed, and tracebacks."""
        return self.path / "trainer.log"

    @property
    def checkpoints(self) -> Path:
        """The Trainer's checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The best model with its tokenizer, once the run is finished."""
        return self.path / "model"

    @property
    def evaluation(self) -> Path:
        """Metrics and predictions on the validation and test rows."""
        return self.path / "evaluation"

    def load_recipe(self) -> Recipe:
        """Read the run's recipe. Raises `InputError` if it is missing or damaged."""
        return load_recipe(self.recipe)

    def newest_checkpoint(self) -> Path | None:
        """Return the newest checkpoint that is whole, or None."""
        for checkpoint in sorted(self.checkpoints.glob("checkpoint-*"), key=_step, reverse=True):
            if (checkpoint / RESUME_STATE).is_file():
                return checkpoint
        return None

    def trained_model(self) -> Path | None:
        """Return the folder to predict with: the best model, else the newest whole checkpoint."""
        if (self.model / "config.json").is_file():
            return self.model
        return self.newest_checkpoint()

    def has_model(self) -> bool:
        """Return whether there is a model to predict with; not if its folder cannot be read now."""
        with suppress(OSError):
            return self.trained_model() is not None
        return False

    def require_model(self) -> Path:
        """Return the folder to predict with. Raises `InputError` as long as there is none."""
        folder = self.trained_model()
        if folder is None:
            raise InputError(
                f"run {clean(self.id)}: no model yet; "
                "the first checkpoint is saved at the end of the first epoch"
            )
        return folder


def create_run(home: Path, recipe: Recipe) -> RunDirectory:
    """Make the directory of a new run, with its recipe in it."""
    name = recipe.run_name()
    run = create_run_directory(home, name)
    write_whole(run.recipe, dump_recipe(recipe.model_copy(update={"name": name})))
    return run


def create_run_directory(home: Path, name: str, began: float | None = None) -> RunDirectory:
    """Make an empty run with an id of its own. Raises `InputError` if the home is not writable.

    `began` is the time in its id, in seconds since 1970; None is now.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "run"
    while True:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(began))
        path = runs_folder(home) / f"{stamp}-{slug}-{secrets.token_hex(2)}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            reason = clean(error.strerror)
            raise InputError(
                f"{clean(path.parent)}: cannot make a run here ({reason}); choose a --home"
            ) from None
        break
    run = RunDirectory(path)
    run.control.mkdir()
    return run


def all_runs(home: Path) -> list[RunDirectory]:
    """Return all runs, the newest first."""
    folder = runs_folder(home)
    return [RunDirectory(folder / run_id) for run_id in run_ids(folder)]


def run_ids(folder: Path) -> list[str]:
    """Return the ids of the runs in a folder of runs, the newest first; none if there is none."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted((name for name in names if not name.startswith(".")), reverse=True)


def find_run(home: Path, wanted: str) -> RunDirectory:
    """Return the run meant by an id, a unique beginning of one, a name, or `last`.

    A name that several runs have means the newest of them. Raises `InputError` if no run or more
    than one is meant.
    """
    if not wanted.strip():
        raise InputError("no run is named; give an id, its beginning, a name, or last")
    runs = all_runs(home)
    if not runs:
        raise InputError(f"no runs in {clean(home)} yet; start one with: tui-finetune train")
    if wanted == "last":
        return runs[0]
    for run in runs:
        if run.id == wanted:
            return run
    for run in runs:
        if name_of(run, read_status(run.status)) == wanted:
            return run
    beginnings = [run for run in runs if run.id.startswith(wanted)]
    if len(beginnings) == 1:
        return beginnings[0]
    if beginnings:
        some = ", ".join(clean(run.id) for run in beginnings[:3])
        raise InputError(f"run {clean(wanted)}: {len(beginnings)} runs begin so: {some}")
    raise InputError(f"run {clean(wanted)}: no such run; see: tui-finetune runs")


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below `folder`."""
    return sum(file.stat().st_size for file in _files(folder))


def write_whole(path: Path, content: str) -> None:
    """Write a text file so that a reader sees the old content or the new one, never a half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(content, encoding="utf-8")
    os.replace(temporary, path)


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1
