"""Where the runs live."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "TUI_FINETUNE_HOME"


def home(chosen: str | Path | None = None) -> Path:
    """Return the home folder: `chosen`, else `$TUI_FINETUNE_HOME`, else the platform's data folder.

    The folder need not exist yet.
    """
    place = chosen or os.environ.get(VARIABLE) or platformdirs.user_data_dir("tui-finetune")
    return Path(place).expanduser().absolute()


def choose_home(chosen: str | Path | None = None) -> Path:
    """Like `home`, and hold to the choice in the rest of this process and in those it starts."""
    place = home(chosen)
    os.environ[VARIABLE] = str(place)
    return place


def runs_folder(home_folder: Path) -> Path:
    """Return the folder that holds a directory for each run."""
    return home_folder / "runs"


def run_of_model(folder: str) -> str | None:
    """Return the id of the run in whose directory a model folder lies, None if elsewhere."""
    path = Path(folder)
    return path.parent.name if path.parts[-3::2] == (runs_folder(path).name, "model") else None
