"""Presets to choose from, each with what it would change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui_finetune.errors import InputError
from tui_finetune.presets import (
    UNSET,
    Preset,
    delete_preset,
    differences,
    own_presets,
    preset_path,
    presets,
    save_preset,
)
from tui_finetune.text import clean
from tui_finetune.ui.draft import DEFAULTS, Draft
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.tune_fields import as_yaml
from tui_finetune.ui.widgets.dialog import Dialog, is_covered
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.say import say
from tui_finetune.ui.words import counted


class PresetScreen(Dialog[Preset | None]):
    """Answers with the preset to take over, or None; saves the present settings, deletes own."""

    DEFAULT_CSS = """
    PresetScreen {
        & > Vertical { width: 78; max-width: 100%; padding: 0 2; }
        & OptionList { max-height: 8; scrollbar-size-vertical: 1; }
        & #changes { margin-top: 1; }
        & Input { display: none; margin-top: 1; }
        & Input.-shown { display: block; }
        & #problem { color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("s", "save", "Save the present settings as a preset"),
        Binding("d", "delete", "Delete"),
    ]

    def __init__(self, draft: Draft, home: Path) -> None:
        super().__init__()
        self._draft = draft
        self._home = home
        self._presets: list[Preset] = []

    def compose(self) -> ComposeResult:
        """Lay out the list and the changes."""
        with Vertical():
            yield Static(
                Content.assemble(("Presets", "bold"), ("   Enter sets one", "$text-muted")),
                markup=False,
            )
            yield OptionList()
            yield Static(id="changes", markup=False)
            yield Input(placeholder="a name for the present settings", compact=True)
            yield Static(id="problem", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Fill the list, which the screen gives the focus to."""
        self._fill()

    def _fill(self, chosen: Path | None = None) -> None:
        content = self._draft.content
        parameters = (self._draft.model.result or {}).get("parameters")
        if not self.query(OptionList):
            return  # the dashboard is left while this opens
        own, problems = own_presets(self._home)
        self._presets = presets(content, parameters, self._draft.derived().train) + own
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(preset)) for preset in self._presets])
        paths = [preset.path for preset in self._presets]
        options.highlighted = paths.index(chosen) if chosen in paths and chosen else 0
        more = f" (and {counted(len(problems) - 1, 'more file')})" if problems[1:] else ""
        self._say_problem(problems[0] + more if problems else "")

    def _present(self) -> Preset | None:
        if not self._presets:  # not laid out yet
            return None
        highlighted = self.query_one(OptionList).highlighted
        return None if highlighted is None else self._presets[highlighted]

    def _say_problem(self, problem: str) -> None:
        say(self, "#problem", Content(clean(problem, 500)))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        preset = self._present()
        if preset is None:
            return
        changes = differences(self._draft.content, preset.values, DEFAULTS)
        say(self, "#changes", changes_content(preset, changes))
        self.refresh_bindings()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._presets[event.option_index])

    def action_save(self) -> None:
        """Ask for the name."""
        entry = self.query_one(Input)
        entry.add_class("-shown")
        focus_now(entry)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to delete only what a person saved."""
        present = self._present()
        return action != "delete" or (present is not None and present.path is not None)

    @work
    async def action_delete(self) -> None:
        """Delete the highlighted preset after a question."""
        preset = self._present()
        if preset is None or preset.path is None or is_covered(self):
            return
        title = f"Delete the preset {clean(preset.title, 60)}?"
        details = f"{clean(preset.path, 200)} is removed; this cannot be taken back."
        if await self.app.push_screen_wait(Question(title, details, "delete")):
            try:
                delete_preset(preset.path)
            except InputError as error:
                self._say_problem(str(error))
                return
            self._fill()

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        self._save_as(event.value)

    @work
    async def _save_as(self, name: str) -> None:
        try:
            path = preset_path(self._home, name)
            others = {preset.path: preset.title for preset in self._presets}
            if path.exists():
                title = f"{clean(others.get(path, path.name), 60)} is there already."
                details = f"Replace it by the present settings? It is {clean(path, 200)}."
                if not await self.app.push_screen_wait(Question(title, details, "replace")):
                    return
            save_preset(self._home, name, self._draft.content)
        except InputError as error:
            self._say_problem(str(error))
            return
        self._close_input()
        self._fill(path)

    def action_back(self) -> None:
        """Leave the name, or answer with none."""
        if self.query_one(Input).has_focus:
            self._close_input()
        else:
            self.dismiss(None)

    def _close_input(self) -> None:
        focus_now(self.query_one(OptionList))
        self.query_one(Input).remove_class("-shown")


def changes_content(preset: Preset, changes: Sequence[tuple[str, Any, Any]]) -> Content:
    """Return in words what a preset is, and in a line each what it would change."""
    lines = [Content.styled(clean(preset.meaning, 200), "$text-muted")]
    for key, present, wanted in changes:
        lines.append(
            Content.assemble(
                f"{clean(key.removeprefix('train.'), 38):<38}  ",
                (_words(present), "$text-muted"),
                " → ",
                (_words(wanted), "bold $text-accent"),
            )
        )
    if not changes:
        lines.append(Content("changes nothing: all of it is set like this"))
    return Content("\n").join(lines)


def _words(value: Any) -> str:
    return "not set" if value is UNSET else clean(as_yaml(value), 24)


def _line(preset: Preset) -> Content:
    saved = " (saved)" if preset.path else ""
    return Content.assemble(clean(preset.title, 60), (saved, "$text-muted"))
