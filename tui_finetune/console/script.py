"""The command `script`."""

from pathlib import Path

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.text import clean


def print_script(run: RunDirectory, out: Path | None) -> None:
    """Print the script that repeats a run, or write it to a file and say so."""
    from tui_finetune.training.script import script_of, write_script

    if out is None:
        print(script_of(run), end="")
        return
    write_script(run, out)
    print(f"wrote {clean(out)}; run it with: python {clean(out)}")
