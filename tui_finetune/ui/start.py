"""From the command to the first paint: checks the terminal, then opens the dashboard."""

import sys
from pathlib import Path

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe


def open_dashboard(home: Path, recipe: Recipe | None = None) -> None:
    """Open the dashboard and return when it is left.

    Raises `InputError` if there is no terminal, or one that cannot show the drawings.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError("the dashboard needs a terminal; without one: tui-finetune train --help")
    encoding = sys.stdout.encoding
    try:
        "│⣿●".encode(encoding)
    except UnicodeEncodeError:
        raise InputError(
            f"this terminal's encoding is {encoding}, and the dashboard draws with Unicode; "
            "set LANG=C.UTF-8"
        ) from None
    from tui_finetune.ui.app import Dashboard

    Dashboard(home, recipe).run()
