"""From the command to the first paint: checks the terminal, then opens the dashboard."""

import sys
from pathlib import Path

from tui_finetune.errors import InputError


def open_dashboard(home: Path, recipe: Path | None = None) -> None:
    """Open the dashboard, with a recipe's file on its start; exits when it is left.

    Raises `InputError` if there is no terminal, one that cannot show the drawings, or if the
    recipe is wrong.
    """
    # Textual draws on stderr, so that stdout may be a pipe.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError("the dashboard needs a terminal; without one: tui-finetune train --help")
    encoding = sys.stderr.encoding
    try:
        "│⣿●".encode(encoding)
    except UnicodeEncodeError:
        raise InputError(
            f"this terminal's encoding is {encoding}, and the dashboard draws with Unicode; "
            "set LANG=C.UTF-8"
        ) from None
    from tui_finetune.ui.app import Dashboard

    app = Dashboard(home, recipe)
    error = app.run()
    if error is not None:
        raise error
    sys.exit(app.return_code or 0)
