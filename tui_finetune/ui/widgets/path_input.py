"""An input for the path of a file, with completion."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import DirectoryTree, Input
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from tui_finetune.data_endings import READ
from tui_finetune.text import clean

# A folder with more entries than this is searched no further while somebody types.
_MOST_ENTRIES = 5000


def complete_path(written: str, endings: tuple[str, ...] = READ) -> str | None:
    """Return the first path that begins as `written`: a folder (with a slash) or a file.

    Files are those with one of the endings; hidden ones are offered only after a dot. None if
    there is no such path.
    """
    folder, _, beginning = written.rpartition("/")
    top = Path(os.path.expanduser(f"{folder}/" if "/" in written else "."))
    try:
        with os.scandir(top) as scanned:
            entries = [entry for _, entry in zip(range(_MOST_ENTRIES), scanned, strict=False)]
    except (OSError, ValueError):
        return None
    for entry in sorted(entries, key=lambda entry: entry.name):
        name = entry.name
        if not name.startswith(beginning) or (name.startswith(".") and not beginning):
            continue
        if name != clean(name):  # typing it would not reach it
            continue
        start = f"{folder}/" if "/" in written else ""
        if entry.is_dir():
            return f"{start}{name}/"
        if name.lower().endswith(endings) and name != beginning:
            return f"{start}{name}"
    return None


class _PathSuggester(Suggester):
    def __init__(self, endings: tuple[str, ...]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings

    async def get_suggestion(self, value: str) -> str | None:
        return complete_path(value, self._endings)


class PathInput(Input):
    """Completes names of folders and files, of data unless told otherwise; Tab or Right accepts."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "Complete", show=False)]

    def __init__(
        self,
        *,
        placeholder: str = "",
        endings: tuple[str, ...] = READ,
        id: str | None = None,
    ) -> None:
        suggester = _PathSuggester(endings)
        super().__init__(placeholder=placeholder, suggester=suggester, compact=True, id=id)

    def action_complete(self) -> None:
        """Accept what is suggested; where nothing is, go to the next widget as Tab does."""
        before = self.value
        if self.cursor_at_end:
            self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()


class DataTree(DirectoryTree):
    """Folders and the data files in them."""

    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    ICON_FILE = "  "

    BINDINGS: ClassVar[list[BindingType]] = [Binding("backspace", "up", "Folder above")]

    def action_up(self) -> None:
        """Show the folder above the present one."""
        self.path = Path(self.path).absolute().parent

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Leave out what is hidden and files that are no data."""
        return [
            path
            for path in paths
            if not path.name.startswith(".") and (path.name.lower().endswith(READ) or path.is_dir())
        ]

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        """Return the label with an unfriendly name made harmless."""
        label = super().render_label(node, base_style, style)
        harmless = clean(label.plain)
        return label if harmless == label.plain else Text(harmless, style)
