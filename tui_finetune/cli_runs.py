"""The `runs` commands: what the home holds, listed, shown, named and deleted.

As in `cli`, each imports what it needs itself.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui_finetune import home

if TYPE_CHECKING:
    from tui_finetune.runs.directory import RunDirectory

runs_app = typer.Typer(help="List runs, show, name, tag, import, delete.")

Home = Annotated[
    Path | None, typer.Option("--home", help="Where the runs live.", envvar=home.VARIABLE)
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Id, its beginning, name, or 'last'.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]


def find(home_folder: Path | None, run: str) -> "RunDirectory":
    """Return the run that a command means."""
    from tui_finetune.runs.directory import find_run

    return find_run(home.choose_home(home_folder), run)


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="QUERY",
            help="Only these, such as 'state:failed or accuracy>0.9 not tag:old'.",
        ),
    ] = "",
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """List all runs, the newest first."""
    if context.invoked_subcommand is None:
        from tui_finetune.console.show import print_runs

        print_runs(home.choose_home(home_folder), as_json, query)


@runs_app.command("show")
def runs_show(run: Run, as_json: Json = False, home_folder: Home = None) -> None:
    """Show a run: its state, recipe, epochs and metrics."""
    from tui_finetune.console.show import print_run_in_full

    print_run_in_full(find(home_folder, run), as_json)


@runs_app.command("compare")
def runs_compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN...", help="Two to ten, named as RUN elsewhere.")
    ],
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Compare runs: figures, settings, the spread over seeds, and their test predictions."""
    from tui_finetune.console.comparison import print_comparison

    print_comparison([find(home_folder, run) for run in runs], as_json)


@runs_app.command("import")
def runs_import(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="A run, or a folder of runs.")
    ],
    as_json: Json = False,
    home_folder: Home = None,
) -> None:
    """Take in runs of others: Trainer folders and TensorBoard event files. They stay as they are.

    A run that goes on is followed as its files grow.
    """
    from tui_finetune.console.imports import print_imports

    print_imports(home.choose_home(home_folder), folders, as_json)


@runs_app.command("rename")
def runs_rename(
    run: Run,
    name: Annotated[str, typer.Argument(help="The new name; '' for the run's own again.")],
    home_folder: Home = None,
) -> None:
    """Give a run another name."""
    from tui_finetune.runs.about import change_about, name_of
    from tui_finetune.runs.status import read_status
    from tui_finetune.text import clean

    found = find(home_folder, run)
    change_about(found, name=name.strip() or None)
    print(f"{clean(found.id)} is called {clean(name_of(found, read_status(found.status)))}")


@runs_app.command("tag")
def runs_tag(
    run: Run,
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="Words without blanks.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them away.")] = False,
    home_folder: Home = None,
) -> None:
    """Give a run tags, or take them away."""
    from tui_finetune.runs.about import change_about, parse_tags, read_about
    from tui_finetune.text import clean

    found = find(home_folder, run)
    named, present = parse_tags(" ".join(tags)), read_about(found).tags
    kept = tuple(tag for tag in present if tag not in named)
    after = kept if remove else tuple(dict.fromkeys((*present, *named)))
    change_about(found, tags=after)
    print(f"{clean(found.id)} has the tags: {clean(' '.join(after)) or 'none'}")


@runs_app.command("note")
def runs_note(
    run: Run,
    text: Annotated[str, typer.Argument(help="What to remember of it; '' for nothing.")],
    home_folder: Home = None,
) -> None:
    """Write a note on a run, in the place of the one before."""
    from tui_finetune.runs.about import change_about
    from tui_finetune.text import clean

    found = find(home_folder, run)
    change_about(found, note=text.strip())
    print(f"{clean(found.id)}: the note is kept")


@runs_app.command("delete")
def runs_delete(
    run: Run,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home_folder: Home = None,
) -> None:
    """Delete a run with its checkpoints and model, after a question."""
    from tui_finetune.runs.directory import folder_size
    from tui_finetune.runs.listing import delete_run

    found = find(home_folder, run)
    size = folder_size(found.path) / 1e6
    if not yes:
        typer.confirm(f"Delete run {found.id} ({size:.0f} MB)?", abort=True)
    delete_run(found)
    print(f"deleted {found.id} ({size:.0f} MB)")
