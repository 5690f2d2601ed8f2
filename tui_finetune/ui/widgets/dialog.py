"""A box over the panes, and whether one is open already."""

from textual.screen import ModalScreen, ScreenResultType
from textual.widget import Widget


class Dialog(ModalScreen[ScreenResultType]):
    """A box in the middle of the screen; what it holds stands in one `Vertical`."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 96%; height: auto; max-height: 90%;
            padding: 1 2; background: $surface; border: round $primary;
        }
        & Static { height: auto; }
        & OptionList { height: auto; padding: 0; border: none; background: $surface; }
        & OptionList:focus { border: none; }
    }
    """


def is_covered(widget: Widget) -> bool:
    """Return whether a dialog lies over the widget: a key pressed twice opens only one."""
    return widget.app.screen is not widget.screen
