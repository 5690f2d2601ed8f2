"""Fields in lines, each with a value to choose by the arrows, some also to be typed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui_finetune.text import clean
from tui_finetune.ui.words import UNKNOWN


@dataclass(frozen=True)
class Choice:
    """A field: its dotted key in the recipe, its name, and values with their words."""

    key: str
    name: str
    values: Sequence[tuple[Any, str]]
    """The first is that of a recipe that says nothing."""
    note: str
    read: Callable[[str], Any] | None = None
    """Makes a value of what is typed; raises `ValueError` for what is none. None: no typing."""


class FormLines(Widget, can_focus=True, inherit_bindings=False):
    """Up and Down choose a field, Left and Right its value, letters write one."""

    DEFAULT_CSS = """
    FormLines { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Field above", show=False),
        Binding("down", "move(1)", "Field below", show=False),
        Binding("left", "step(-1)", "Value before", show=False),
        Binding("right", "step(1)", "Value", key_display="← →"),
        Binding("backspace", "erase", "Erase", show=False),
        Binding("delete", "reset", "As at first", key_display="del"),
    ]

    class Changed(Message):
        """A value is another one."""

    def __init__(self, fields: Sequence[Choice], values: dict[str, Any]) -> None:
        super().__init__()
        self._fields = fields
        self._values = dict(values)
        self._typed: str | None = None
        self._here = 0

    @property
    def field(self) -> Choice:
        """The field under the cursor."""
        return self._fields[self._here]

    def values(self) -> dict[str, Any]:
        """Return the values by their keys. Raises `ValueError` for what is typed and is none."""
        if self._typed:
            assert self.field.read is not None
            return {**self._values, self.field.key: self.field.read(self._typed)}
        return dict(self._values)

    def render(self) -> Content:
        """Return the fields, the note of the one under the cursor below them."""
        room = max(len(field.name) for field in self._fields) + 2
        lines = []
        for number, field in enumerate(self._fields):
            here = number == self._here
            words = self._words(field)
            style = "$text-muted" if self._values[field.key] == field.values[0][0] else "bold"
            if here and self._typed is not None:
                words, style = self._typed + "▏", "bold"
            arrows = ("‹ ", " ›") if here else ("  ", "  ")
            line = Content.assemble(
                ("▸ " if here else "  ", "bold $accent"),
                (field.name.ljust(room), ""),
                (arrows[0], "$text-accent"),
                (words, style),
                (arrows[1], "$text-accent"),
            ).truncate(self.size.width, pad=True)
            lines.append(line.stylize_before("on $block-cursor-background") if here else line)
        lines.append(Content.styled("  " + self.field.note, "$text-muted"))
        return Content("\n").join(lines)

    def _words(self, field: Choice) -> str:
        value = self._values[field.key]
        known = [words for each, words in field.values if each == value]
        return known[0] if known else clean(UNKNOWN if value is None else value, 40)

    def _settle(self) -> bool:
        """Take what is typed; return whether it is a value."""
        try:
            self._values = self.values()
        except ValueError as error:
            self.notify(clean(error, 200), markup=False)
            return False
        self._typed = None
        return True

    def action_move(self, step: int) -> None:
        """Go to another field."""
        if self._settle():
            self._here = (self._here + step) % len(self._fields)
            self.refresh()

    def action_step(self, step: int) -> None:
        """Take the value beside this one."""
        self._typed = None
        values = [value for value, _ in self.field.values]
        present = self._values[self.field.key]
        # What was typed stands beside the first.
        number = values.index(present) if present in values else 0
        self._set(values[(number + step) % len(values)])

    def action_reset(self) -> None:
        """Take the value of a recipe that says nothing."""
        self._set(self.field.values[0][0])

    def action_erase(self) -> None:
        """Take the last letter away; without any left, the value is the first again."""
        if self._typed is not None:
            self._typed = self._typed[:-1] or None
        elif self.field.read is not None and self._values[self.field.key] is not None:
            self._typed = str(self._values[self.field.key])[:-1] or None
        if self._typed is None:
            self._values[self.field.key] = self.field.values[0][0]
        self.refresh()
        self.post_message(self.Changed())

    def on_key(self, event: events.Key) -> None:
        """Write a value."""
        if event.is_printable and event.character and self.field.read is not None:
            event.stop()
            event.prevent_default()
            self._typed = clean((self._typed or "") + event.character, 60)
            self.refresh()
            self.post_message(self.Changed())

    def on_paste(self, event: events.Paste) -> None:
        """Write what is pasted."""
        if self.field.read is not None:
            event.stop()
            self._typed = clean((self._typed or "") + event.text.strip(), 60)
            self.refresh()
            self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Go to the field under the mouse; there, take its next value."""
        place = event.get_content_offset(self)
        if place is None or place.y >= len(self._fields):
            return
        if place.y == self._here:
            self.action_step(1)
        elif self._settle():
            self._here = place.y
            self.refresh()

    def _set(self, value: Any) -> None:
        self._typed = None
        self._values[self.field.key] = value
        self.refresh()
        self.post_message(self.Changed())
