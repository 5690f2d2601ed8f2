"""What a person wrote about a run: another name, tags, a note. Kept apart from what the run says.

The training process replaces the status file twice a second, so nothing of a person's is in it.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tui_finetune.errors import InputError
from tui_finetune.text import clean

if TYPE_CHECKING:
    from tui_finetune.runs.directory import RunDirectory
    from tui_finetune.runs.status import Status

LONGEST_NAME = 60


@dataclass(frozen=True)
class About:
    """A person's words about a run. `name` goes before the run's own; None: it has only that."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""


def read_about(run: "RunDirectory") -> About:
    """Return what was written about a run; nothing if the file is missing or damaged."""
    try:
        content = json.loads(run.about.read_bytes())
        name, tags, note = content.get("name"), content.get("tags") or (), content.get("note")
    except (OSError, ValueError, AttributeError, RecursionError):
        return About()
    return About(
        name=name if isinstance(name, str) and name else None,
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        note=note if isinstance(note, str) else "",
    )


def write_about(run: "RunDirectory", about: About) -> None:
    """Replace what was written about a run, atomically.

    Raises `InputError` if the name is too long or the file cannot be written.
    """
    if about.name is not None and len(about.name) > LONGEST_NAME:
        raise InputError(f"a name has at most {LONGEST_NAME} characters, not {len(about.name)}")
    temporary = run.about.with_name(f".{run.about.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(asdict(about)), encoding="utf-8")
        os.replace(temporary, run.about)
    except OSError as error:
        reason = clean(error.strerror)
        raise InputError(f"run {clean(run.id)}: cannot write about it ({reason})") from None


def change_about(run: "RunDirectory", **changes: Any) -> None:
    """Change some fields of what was written about a run. Raises as `write_about` does."""
    write_about(run, replace(read_about(run), **changes))


def name_of(run: "RunDirectory", status: "Status") -> str:
    """Return what a run is called: a person's name for it, else its own, else its id."""
    return read_about(run).name or status.name or run.id


def parse_tags(text: str) -> tuple[str, ...]:
    """Return the tags in a text: words set apart by blanks or commas, each once, in order."""
    return tuple(dict.fromkeys(tag for tag in re.split(r"[\s,]+", text) if tag))
