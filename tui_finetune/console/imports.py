"""The command that takes in runs of others."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from tui_finetune.console.show import print_json
from tui_finetune.runs.imports.follow import read_source
from tui_finetune.runs.imports.importing import look, take
from tui_finetune.runs.listing import summarise, summary_document
from tui_finetune.text import clean


def print_imports(home: Path, folders: list[Path], as_json: bool) -> None:
    """Take the runs in the folders and print a line for each, or their `runs` documents.

    Raises `InputError` if there is none in one of the folders; then none is taken.
    """
    found = [translation for folder in folders for translation in look(folder)]
    runs = take(home, found)
    if as_json:
        print_json([summary_document(summarise(run)) for run in runs])
        return
    console = Console(soft_wrap=True)
    for run in runs:
        summary = summarise(run)
        of = f" of {summary.total_steps:,}" if summary.total_steps else ""
        facts = f"  {clean(summary.state)} at step {summary.step:,}{of}  {clean(summary.name, 60)}"
        console.print(Text(clean(run.id), style="bold") + Text(facts))
        source = read_source(run)
        for problem in source.problems if source else ():
            console.print(Text(f"  {clean(problem, 300)}", style="yellow"))
    console.print(Text(f"next   tui-finetune runs show {clean(runs[-1].id)}", style="dim"))
