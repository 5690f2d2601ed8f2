"""What the Runs pane says above and below its table."""

from dataclasses import dataclass

from textual.content import Content

from tui_finetune.runs.listing import RunSummary
from tui_finetune.text import clean
from tui_finetune.ui.panes.runs_columns import COLUMNS
from tui_finetune.ui.panes.runs_table import RunsTable
from tui_finetune.ui.words import short_source

EMPTY = Content.assemble(
    ("No runs yet.\n\n", "bold"),
    ("F1", "bold $text-accent"), " choose the data     ",
    ("F2", "bold $text-accent"), " a model     ",
    ("F3", "bold $text-accent"), " tune and start\n\n",
    ("i", "bold $text-accent"), " import runs that another program made",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """How many runs there are; how many of them are still to be read, go on, and are listed."""

    total: int
    unread: int
    active: int
    listed: int


def title(found: Found, table: RunsTable, marked: int) -> Content:
    """Return how many runs there are, which of them are in sight, and in which order."""
    if not found.total:
        return Content("")
    count = f" {found.total:,} run{'s' * (found.total != 1)}"
    if found.unread:
        count = f" reading {found.total - found.unread:,} of{count}"
    parts: list[str | tuple[str, str]] = [(count, "bold")]
    if found.active:
        parts.append((f", {found.active} going on", "$text-success"))
    if found.listed < found.total - found.unread:
        parts.append((f"   {found.listed:,} match", "$text-accent"))
    first, last = table.place
    if last - first + 1 < found.listed:
        parts.append((f"   rows {first:,} to {last:,}", "$text-muted"))
    parts.append((f"   by {COLUMNS[table.sort].title}", "$text-muted"))
    if marked:
        parts.append((f"   ◆ {marked} marked", "$text-accent"))
    return Content.assemble(*parts)


def about_run(run: RunSummary | None) -> Content:
    """Return two lines about a run: why it ended or what it is made of; its tags and note."""
    if run is None:
        return Content("")
    origin = {"script": "a script's run, ", "import": "imported, "}.get(run.origin, "")
    first = f"{origin}{short_source(run.data)} ▸ {short_source(run.model)}   {clean(run.id, 100)}"
    if run.reason:
        first = f"{clean(run.state, 20)}: {clean(run.reason, 300)}"
    second = f"{clean(' '.join(run.tags), 200)}   ".lstrip()
    return Content.assemble(
        (f" {first}\n", "$text-muted"), (f" {second}", "$text-accent"), clean(run.note, 300)
    )
