"""Changing what a widget says, only if it really changes."""

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


def say(pane: Widget, part: str, content: Content) -> None:
    """Let the `Static` that `part` selects in `pane` say `content`, unless it does already.

    A layout costs as much as painting the whole screen, so it is left out where the height cannot
    change: the same number of lines, none of them wrapped.
    """
    widget = next(iter(pane.query(part).results(Static)), None)
    if widget is None:  # the screen is being taken apart, and an answer still came
        return
    shown = widget.content
    before = shown if isinstance(shown, Content) else Content(str(shown))
    if not before.is_same(content):
        layout = _shape(before, widget) != _shape(content, widget)
        widget.update(content, layout=layout)
        if layout:
            # Textual keeps the height it measured while an earlier layout was still due; a change
            # of the rules, even of none, makes it measure again.
            widget.styles.merge_rules({})


def _shape(content: Content, widget: Static) -> list[int]:
    """Return how many lines of the widget's width each line of the content takes."""
    width = max(widget.size.width, 1)
    return [-(-line.cell_length // width) for line in content.split("\n")]
