"""A drop-down that leaves Up and Down to the form it stands in."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Select


class DropDown(Select[str], inherit_bindings=False):
    """Opens with Enter or the space bar alone; Textual's own opens with Up and Down too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "show_overlay", "Open the choices", show=False)
    ]
