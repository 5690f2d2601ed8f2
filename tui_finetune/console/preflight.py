"""The command `check`: what a preflight found, as text in the terminal."""

import json
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_finetune.console.show import print_json
from tui_finetune.console.work_progress import progress_on_stderr
from tui_finetune.recipe import Recipe, parse_value
from tui_finetune.text import clean

MARKS = {"error": ("✗", "bold red"), "warning": ("!", "bold yellow"), "info": ("·", "dim")}


def check_recipe(recipe: Recipe, home: Path, measuring: bool, as_json: bool) -> bool:
    """Look at a recipe, print what was found, and return whether it can be started."""
    # Also what only training loads, so that the measured process holds what a run holds.
    import tui_finetune.training.supervisor  # noqa: F401
    from tui_finetune.training.preflight import preflight

    with progress_on_stderr() as progress:
        found = [each.document() for each in preflight(recipe, home, progress, measuring)]
    if as_json:
        print_json(found)
    else:
        print_preflight(found)
    return not any(finding["severity"] == "error" for finding in found)


def print_preflight(found: list[dict[str, Any]]) -> None:
    """Print the findings, and at the end whether the recipe can be started."""
    console = Console()
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(ratio=1)
    for finding in found:
        mark, style = MARKS[finding["severity"]]
        title_style = "bold" if finding["severity"] == "info" else style
        words = Text.assemble((clean(finding["title"]), title_style), "\n")
        words.append(clean(finding["message"]))
        if finding["fix"]:
            words.append(f"\n{assignments_of(finding['fix'])}", style="cyan")
        table.add_row(Text(mark, style=style), words)
    console.print(table)
    counts = {name: sum(each["severity"] == name for each in found) for name in MARKS}
    if counts["error"]:
        verdict = Text("this recipe cannot be started as it is", style="bold red")
    else:
        verdict = Text("this recipe can be started", style="bold green")
    if warnings := counts["warning"]:
        verdict.append(f", {warnings} warning{'s' if warnings > 1 else ''}", style="yellow")
    console.print(verdict)


def assignments_of(fix: dict[str, Any]) -> str:
    """Return a change of the recipe as the options that make it."""
    changes = [f"{clean(key)}={clean(_as_yaml(value))}" for key, value in fix.items()]
    return " ".join(f"--set {shlex.quote(change)}" for change in changes)


def _as_yaml(value: Any) -> str:
    """Return a value as YAML in a line, without quotes where none are needed."""
    plain = isinstance(value, str) and parse_value(value) == value
    return value if plain else json.dumps(value)
