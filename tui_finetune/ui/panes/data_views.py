"""The views of the Data pane: their names in a line that can have the focus."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui_finetune.ui.panes.evaluate_views import ViewLine

VIEWS = {"rows": "Rows", "profile": "Profile", "quality": "Quality", "tokens": "Tokens"}


class DataViews(ViewLine, can_focus=True):
    """Names of views; the arrows choose one, Enter or Down goes into it."""

    DEFAULT_CSS = "DataViews:focus { background: $primary 25%; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "beside(-1)", "View before", show=False),
        Binding("right", "beside(1)", "View", key_display="← →"),
        Binding("enter,down", "enter", "Into it", key_display="enter"),
    ]

    class Entered(Message):
        """The person wants to go into the present view."""

    def action_beside(self, step: int) -> None:
        """Choose the view beside the present one."""
        names = list(self._views)
        self.post_message(self.Chosen(names[(names.index(self.present) + step) % len(names)]))

    def action_enter(self) -> None:
        """Go into the present view."""
        self.post_message(self.Entered())
