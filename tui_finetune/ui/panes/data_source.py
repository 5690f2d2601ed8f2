"""How a source is written in one line: a path, several, a pattern, a folder, a name on the hub."""

import glob
import re
from pathlib import Path

from textual import events
from textual.suggester import Suggester

from tui_finetune.recipe import Source
from tui_finetune.ui.widgets.path_input import PathInput, complete_path

BETWEEN = " ; "

# A source, then a slice of its splits, such as train[:1%] or train[:10]+test[:10].
_SLICE = re.compile(r"(.*\S)\s+(\w+\[[^\[\]]*\](?:\+\w+\[[^\[\]]*\])*)")


def read_source(written: str) -> tuple[Source, str | None]:
    """Return the source that is written, files absolute, and the slice behind it if there is one.

    Several files stand between semicolons with a blank on both sides; a pattern such as
    part-*.csv means all files that fit it.
    """
    written = written.strip()
    found = _SLICE.fullmatch(written)
    if found is None or _exists(written):
        return _files(written), None
    return _files(found[1]), found[2]


def write_source(source: Source, slice_of: str | None = None) -> str:
    """Return a source as `read_source` reads it, files below the working folder relative to it."""
    names = [source] if isinstance(source, str) else source
    words = BETWEEN.join(shortened(name) for name in names)
    return f"{words} {slice_of}" if slice_of and "[" in slice_of else words


def shortened(source: str | Path) -> str:
    """Return a path as it is best read: relative to the working folder if it lies below it."""
    path = Path(source)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(source)


def _files(written: str) -> Source:
    names = [name.strip() for name in written.split(BETWEEN) if name.strip(" ;")]
    found = [path for name in names for path in _fitting(name)]
    return found[0] if len(found) == 1 else found


def _fitting(name: str) -> list[str]:
    if _exists(name):
        return [str(Path(name).expanduser().absolute())]
    if set("*?[") & set(name):
        # the working folder's own name is no pattern
        pattern = str(Path(glob.escape(str(Path.cwd()))) / Path(name).expanduser())
        return sorted(glob.glob(pattern, recursive=True)) or [name]
    return [name]


def _exists(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long, nobody's home, a zero byte
        return False


class _LastPathSuggester(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        before, sign, last = value.rpartition(BETWEEN)
        found = complete_path(last)
        return None if found is None else before + sign + found


# What Textual does only when all around the input has seen the key. The dashboard begins here:
# somebody may type while the panes around are still being made, and letters are taken at once.
_IN_ORDER = {"enter": "submit", "ctrl+u": "delete_left_all", "backspace": "delete_left"}


class SourceInput(PathInput):
    """Completes the last of several paths; keys count in the order in which they were pressed."""

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id)
        self.suggester = _LastPathSuggester()

    async def on_key(self, event: events.Key) -> None:
        """Do what a key means before the next one is taken."""
        if action := _IN_ORDER.get(event.key):
            event.stop()
            event.prevent_default()
            await self.run_action(action)
