"""Giving the focus at once, also in what is only just being shown."""

from textual.widget import Widget


def focus_now(widget: Widget, scroll_visible: bool = True) -> None:
    """Give the focus to a widget before the next key is handled.

    `Widget.focus` does it a message later, so that a key typed ahead, as over a slow connection,
    would still go to the widget before.
    """
    widget.screen.set_focus(widget, scroll_visible)


def about_to_show(widget: Widget) -> None:
    """Prepare a hidden widget to be shown and focused at once.

    To give the focus, Textual looks up places on the screen. If its map of them is out of date, it
    makes another, with the widget that was hidden; to the layout that follows it is then nothing
    new, and it never hears of its size (no `Resize`). Looked up before, the map is up to date.
    """
    _ = widget.size
