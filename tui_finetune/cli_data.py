"""The commands that look before a training: `profile`, `check` and `script`.

As in `cli`, each imports what it needs itself.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui_finetune import home
from tui_finetune.cli_runs import Home, Json, Run, find
from tui_finetune.errors import InputError

if TYPE_CHECKING:
    from tui_finetune.recipe import Recipe

EXIT_INPUT = 2

Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any key of the recipe; repeatable."),
]


def profile(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA", help="Files, a folder, a hub name or a recipe.")
    ],
    model: Annotated[
        str | None, typer.Option(help="Count the texts' tokens as this model does.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="The column with the texts.")] = None,
    text_pair: Annotated[str | None, typer.Option(help="The column with second texts.")] = None,
    label: Annotated[str | None, typer.Option(help="The column with the labels.")] = None,
    assignments: Assignments = None,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Say what data holds: columns, labels, lengths, and what is wrong with its rows."""
    recipe = Path(data[0]) if Path(data[0]).suffix in (".yaml", ".yml") else None
    flags = {
        "data.source": None if recipe else data[0] if len(data) == 1 else data,
        "model.source": model,
        "data.columns.text": text,
        "data.columns.text_pair": text_pair,
        "data.columns.label": label,
    }
    wanted = recipe_of(recipe, flags, assignments or [])
    home.choose_home(home_folder)
    from tui_finetune.console.profile import print_profile
    from tui_finetune.recipe import with_absolute_paths

    with_model = model is not None or recipe is not None
    print_profile(with_absolute_paths(wanted, Path.cwd()), with_model, as_json)


def check(
    recipe: Annotated[Path, typer.Argument(help="A recipe (YAML).")],
    assignments: Assignments = None,
    measuring: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Train some steps to measure them.")
    ] = True,
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Say what is wrong with a recipe before it is trained, and what it takes."""
    wanted = recipe_of(recipe, {}, assignments or [])
    place = home.choose_home(home_folder)
    from tui_finetune.console.preflight import check_recipe

    if not check_recipe(wanted, place, measuring, as_json):
        raise typer.Exit(EXIT_INPUT)


def script(
    run: Run,
    out: Annotated[Path | None, typer.Option(help="Write it here, else to stdout.")] = None,
    home_folder: Home = None,
) -> None:
    """Write a Python script that repeats a run with plain transformers, without this program."""
    found = find(home_folder, run)
    from tui_finetune.console.script import print_script

    print_script(found, out)


def recipe_of(path: Path | None, flags: dict[str, Any], assignments: list[str]) -> "Recipe":
    """Return the recipe of a file, or an empty one, with the flags and --set applied."""
    from tui_finetune.recipe import load_recipe, parse_recipe, set_value

    content = load_recipe(path).model_dump() if path else {"data": {}}
    for key, value in flags.items():
        if value is not None:
            *sections, field = key.split(".")
            place = content
            for section in sections:
                place = place.setdefault(section, {})
            place[field] = value
    for assignment in assignments:
        set_value(content, assignment)
    if not content["data"]:
        raise InputError("nothing to train on: give a recipe, or --data FILE")
    return parse_recipe(content, str(path) if path else "the recipe")
