"""One line that names the keys that work here; a click presses one.

Textual's own footer mounts a widget for each key whenever they change, which took a third of the
time of showing another pane.
"""

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget


@dataclass(frozen=True)
class _Key:
    key: str
    shown: str
    description: str

    @property
    def width(self) -> int:
        """Cells, the blanks around it included."""
        return cell_len(self.shown) + cell_len(self.description) + 3


class KeyLine(Widget):
    """The keys of the widget with the focus and of all around it, as far as there is room."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Key, ...] = ()

    def on_mount(self) -> None:
        """Follow the changes of the keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def render(self) -> Content:
        """Return the line."""
        parts: list[tuple[str, str]] = []
        for key in self._in_sight():
            parts += [(f" {key.shown} ", "bold $accent"), (f"{key.description} ", "")]
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        end = 0
        for key in self._in_sight():
            end += key.width
            if event.x < end:
                self.app.simulate_key(key.key)
                return

    def _in_sight(self) -> list[_Key]:
        room = self.size.width
        keys = []
        for key in self._keys:
            room -= key.width
            if room < 0:
                break
            keys.append(key)
        return keys

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        actions: dict[str, _Key] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.enabled and (binding.show or binding.action == "command_palette"):
                shown = self.app.get_key_display(binding)
                key = _Key(binding.key, shown, binding.description)
                actions.setdefault(binding.action, key)
        keys = tuple(actions.values())
        if keys != self._keys:
            self._keys = keys
            self.refresh()
