"""A small screen that takes in runs of others."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.imports.follow import present_status
from tui_finetune.runs.imports.importing import imported, look, take
from tui_finetune.runs.imports.translate import Translation
from tui_finetune.text import clean
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.path_input import PathInput
from tui_finetune.ui.words import state_mark

RUNS_SHOWN = 200

_ASK = (
    "A folder that the Trainer wrote, TensorBoard event files, or a folder of such runs.\n"
    "Only their figures are read; nothing in the folder is changed."
)


class ImportScreen(ModalScreen[list[RunDirectory] | None]):
    """Asks for a folder, shows the runs in it, and takes them; answers with them, or None."""

    DEFAULT_CSS = """
    ImportScreen {
        align: center middle;
        & > Vertical {
            width: 100; max-width: 96%; height: auto;
            padding: 1 2; background: $surface; border: round $primary;
        }
        & Label { color: $text-muted; margin-top: 1; }
        & Input { margin: 0; background: $panel; }
        & VerticalScroll { height: auto; max-height: 45vh; margin-top: 1; }
        & #import-found { height: auto; }
        & #import-line { height: auto; min-height: 1; margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("up", "scroll_found(-1)", show=False),
        Binding("down", "scroll_found(1)", show=False),
        Binding("pageup", "scroll_found(-10)", show=False),
        Binding("pagedown", "scroll_found(10)", show=False),
    ]

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._found: list[Translation] = []
        self._busy = False

    def compose(self) -> ComposeResult:
        """Lay out the path, what was found there, and the line that says what to do."""
        with Vertical():
            yield Static(Content.styled("Import runs of others", "bold"))
            yield Label("folder", markup=False)
            yield PathInput(placeholder="path of a run, or of a folder of runs", id="import-path")
            yield Static(id="import-line", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(Content.styled(_ASK, "$text-muted"), id="import-found", markup=False)

    def on_mount(self) -> None:
        """Begin at the path."""
        focus_now(self.query_one("#import-path"))
        self._say("Enter looks into it, Tab completes, Esc goes back", "$text-muted")

    @on(Input.Changed, "#import-path")
    def _path_changed(self) -> None:
        """Forget what was found in another folder."""
        if self._found:
            self._found = []
            self.query_one("#import-found", Static).update(Content.styled(_ASK, "$text-muted"))
            self._say("Enter looks into it, Tab completes, Esc goes back", "$text-muted")

    @on(Input.Submitted, "#import-path")
    def _path_entered(self, event: Input.Submitted) -> None:
        event.stop()
        path = event.value.strip()
        if not path:
            self._say("Name a folder first.", "$text-warning")
        elif not self._busy:
            self._take() if self._found else self._look(path)

    @work
    async def _look(self, path: str) -> None:
        self._working(f"◐ looking into {clean(path, 60)}")
        try:
            found, known = await asyncio.to_thread(_look_for, Path(path), self._home)
        except InputError as error:
            self._say(f"✗ {clean(error, 400)}", "$text-error")
        else:
            self._found = found
            self.query_one("#import-found", Static).update(found_lines(found, known))
            self._say(f"Enter takes {_those(len(found))}, Esc goes back", "$text-accent")
        self._rest()

    @work
    async def _take(self) -> None:
        self._working("◐ reading all of their figures")
        try:
            runs = await asyncio.to_thread(take, self._home, self._found)
        except InputError as error:
            self._say(f"✗ {clean(error, 400)}", "$text-error")
            self._rest()
        else:
            self.dismiss(runs)

    def action_leave(self) -> None:
        """Answer with none."""
        self.dismiss(None)

    def action_scroll_found(self, lines: int) -> None:
        """Move the list of what was found."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _working(self, words: str) -> None:
        self._busy = True
        self.query_one("#import-path", Input).disabled = True
        self._say(words, "$text-accent")

    def _rest(self) -> None:
        self._busy = False
        path = self.query_one("#import-path", Input)
        path.disabled = False
        focus_now(path)

    def _say(self, words: str, style: str) -> None:
        self.query_one("#import-line", Static).update(Content.styled(words, style))


def found_lines(found: list[Translation], known: set[Path]) -> Content:
    """Return a line for each run that was found, and one for each file that was left out."""
    lines = [_found_line(run, run.folder in known) for run in found[:RUNS_SHOWN]]
    if len(found) > RUNS_SHOWN:
        lines.append(Content.styled(f"and {len(found) - RUNS_SHOWN:,} more", "$text-muted"))
    return Content("\n").join(lines)


def _found_line(run: Translation, known: bool) -> Content:
    status = present_status(run)
    of = f" of {status.total_steps:,}" if status.total_steps else ""
    line = Content.assemble(
        f"{clean(status.name, 24):<25}",
        state_mark(status.state),
        " " * (13 - len(status.state)),
        f"step {status.step:,}{of}" if status.step else "no steps recorded",
        ("  in the list" if known else "", "$text-accent"),
    )
    problems = [Content.styled(f"  ! {clean(p, 200)}", "$text-warning") for p in run.problems]
    return Content("\n").join([line, *problems])


def _look_for(folder: Path, home: Path) -> tuple[list[Translation], set[Path]]:
    return look(folder), set(imported(home))


def _those(number: int) -> str:
    return "it" if number == 1 else f"these {number:,} runs"
