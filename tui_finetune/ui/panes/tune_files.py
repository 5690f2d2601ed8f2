"""The recipe as a file: which one to open, where to save it."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, dump_recipe, load_recipe
from tui_finetune.recipe_edit import dump_recipe_over
from tui_finetune.runs.directory import write_whole
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.widgets.dialog import Dialog
from tui_finetune.ui.widgets.path_input import PathInput

ENDINGS = (".yaml", ".yml")


class RecipeFileScreen(Dialog[Path | None]):
    """Asks for the path of a recipe file."""

    DEFAULT_CSS = "RecipeFileScreen Input { margin-top: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Back")]

    def __init__(self, title: str, words: str, suggested: str) -> None:
        super().__init__()
        self._words = (title, words)
        self._suggested = suggested

    def compose(self) -> ComposeResult:
        """Lay out the path."""
        title, words = self._words
        with Vertical():
            yield Static(
                Content.assemble((title, "bold"), "\n", (words, "$text-muted")), markup=False
            )
            path = PathInput(placeholder="a path that ends in .yaml", endings=ENDINGS)
            path.value = self._suggested
            yield path

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the path."""
        event.stop()
        if written := event.value.strip():
            self.dismiss(Path(written).expanduser().absolute())

    def action_close(self) -> None:
        """Answer with none."""
        self.dismiss(None)


async def ask_and_open(app: App[Any], draft: Draft) -> bool:
    """Let the person open a recipe file; return whether the draft is that recipe now."""
    words = "Tab completes, Enter opens it; ctrl+z brings the present settings back"
    path = await app.push_screen_wait(RecipeFileScreen("Open a recipe", words, ""))
    if path is None:
        return False
    try:
        recipe = await asyncio.to_thread(load_recipe, path)
    except InputError as error:
        app.notify(str(error), severity="error", timeout=10, markup=False)
        return False
    draft.replace(recipe)
    draft.file = path
    return True


async def ask_and_save(app: App[Any], draft: Draft) -> None:
    """Let the person save the draft as a recipe file; comments in an older one are kept."""
    try:
        recipe = draft.as_written()
        suggested = draft.file or Path.cwd() / f"{recipe.run_name()}.yaml"
        words = "Enter saves it; of a file that is there, comments and order are kept"
        path = await app.push_screen_wait(
            RecipeFileScreen("Save the recipe", words, clean(suggested))
        )
        if path is None or not (path == draft.file or await _may_write(app, path)):
            return
        await asyncio.to_thread(save_recipe, recipe, path)
    except InputError as error:
        app.notify(str(error), severity="error", timeout=10, markup=False)
        return
    draft.file = path
    app.notify(f"saved {clean(path, 200)}", markup=False)


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe to a file; in one that is there already, only what differs is changed.

    Raises `InputError` if that is no recipe, or cannot be read or written.
    """
    try:
        if path.exists():
            written = path.read_bytes().decode()  # with its own ends of lines
            content = dump_recipe_over(recipe, written, path)
        else:
            content = dump_recipe(recipe)
        write_whole(path, content)
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or error, 100)
        raise InputError(f"{clean(path)}: cannot be saved ({reason})") from None


async def _may_write(app: App[Any], path: Path) -> bool:
    if not await asyncio.to_thread(path.exists):
        return True
    title = f"{clean(path.name, 60)} is there already."
    details = "Write these settings into it? Its comments are kept."
    return await app.push_screen_wait(Question(title, details, "write"))
