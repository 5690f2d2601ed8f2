"""A line that says what is being waited for, how far it is, and for how long already."""

from typing import Any

from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.words import duration, size

_BAR = 20


def busy_line(progress: dict[str, Any], seconds: float) -> Content:
    """Return what goes on, as a bar too where it is known how far it is.

    `progress` is as the engine reports it; with `"unit": "bytes"` its amounts are bytes.
    """
    what = clean(progress.get("what") or "asking the engine", 40)
    done, of = progress.get("done"), progress.get("of")
    gone = f"  {duration(seconds)}" if seconds >= 1 else ""
    far: list[str | tuple[str, str]] = []
    if done is not None and of:
        amounts = [size(n) if progress.get("unit") == "bytes" else f"{n:,}" for n in (done, of)]
        far = ["  ", (bar(done / of, _BAR), "$primary on $surface"), f" {' of '.join(amounts)}"]
    return Content.assemble(
        ("◐ ", "$text-accent"), what, *far, (f"{gone}   Esc cancels", "$text-muted")
    )
