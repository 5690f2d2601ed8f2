"""Giving the focus at once."""

from textual.widget import Widget


def focus_now(widget: Widget, scroll_visible: bool = True) -> None:
    """Give the focus to a widget before the next key is handled.

    `Widget.focus` does it a message later, so that a key typed ahead, as over a slow connection,
    would still go to the widget before.
    """
    widget.screen.set_focus(widget, scroll_visible)
