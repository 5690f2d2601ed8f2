"""One line that names the panes and their keys; a click shows a pane."""

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class TabLine(Widget):
    """Names with a digit each, the present one marked."""

    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; }"

    present: reactive[str | None] = reactive(None)

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, tabs: dict[str, str], id: str | None = None) -> None:
        super().__init__(id=id)
        self._tabs = tabs

    def render(self) -> Content:
        """Return the line."""
        parts: list[tuple[str, str]] = []
        for number, (tab, title) in enumerate(self._tabs.items(), 1):
            here = tab == self.present
            # Reverse video, not only a colour: it must be seen without colours too.
            parts.append((self._before(number), "bold reverse $accent" if here else "$accent"))
            parts.append((f"{title} ", "bold reverse $accent" if here else "$text-muted"))
        return Content.assemble(*parts)

    def _before(self, number: int) -> str:
        """Return what stands before a title; with a blank more where all fit so."""
        wide = sum(len(title) + 4 for title in self._tabs.values()) <= self.content_size.width
        return f" {number} " if wide else f"{number} "

    def on_click(self, event: events.Click) -> None:
        """Find the tab under the mouse."""
        offset = event.get_content_offset(self)
        end = 0
        for number, (tab, title) in enumerate(self._tabs.items(), 1):
            end += len(self._before(number)) + len(title) + 1
            if offset is not None and offset.x < end:
                self.post_message(self.Chosen(tab))
                return
