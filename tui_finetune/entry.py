"""Where the program begins: the dashboard opens at once, all else goes to the commands."""

import argparse
import sys
from pathlib import Path

from tui_finetune import home, process
from tui_finetune.errors import InputError

EXIT_INPUT = 2
EXIT_INTERRUPTED = 130


def main() -> None:
    """Open the dashboard or run a command; wrong input ends in one line and exit code 2."""
    process.settle()
    try:
        options = dashboard_options(sys.argv[1:])
        if options is None:
            from tui_finetune.cli import app

            app(prog_name="tui-finetune")
        else:
            from tui_finetune.ui.start import open_dashboard

            open_dashboard(home.choose_home(options.home), options.recipe)
    except InputError as error:
        print(f"tui-finetune: {error}", file=sys.stderr)
        sys.exit(EXIT_INPUT)
    except KeyboardInterrupt:
        print("tui-finetune: interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def dashboard_options(words: list[str]) -> argparse.Namespace | None:
    """Return `home` and `recipe` if the words ask for the dashboard, None for anything else.

    The library behind the commands takes a quarter of the time to the first paint to load.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--home")
    parser.add_argument("--recipe", type=Path)
    try:
        options, rest = parser.parse_known_args(words)
    except argparse.ArgumentError:
        return None
    return None if rest else options
