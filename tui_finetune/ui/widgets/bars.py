"""Horizontal bars in eighths of a cell, and the probabilities of labels drawn with them."""

import math
from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from tui_finetune.text import clean
from tui_finetune.ui.words import UNKNOWN

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LONGEST_LABEL = 30


def bar(share: float, width: int) -> str:
    """Return a bar of `width` cells of which `share` (0 to 1) is filled, to an eighth of a cell.

    What is more than nothing shows at least the thinnest stroke; what is no number is empty.
    """
    if not math.isfinite(share):
        return " " * width
    share = min(max(share, 0.0), 1.0)
    eighths = int(share * width * 8 + 0.5)
    if share > 0 and width > 0:
        eighths = max(eighths, 1)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def sparkline(values: Sequence[float], width: int, top: float | None = None) -> str:
    """Return the last `width` values as small columns from 0 to `top`, or to their maximum."""
    shown = [value for value in values if math.isfinite(value)][-width:]
    highest = top or max(shown, default=0.0) or 1.0
    return "".join("▁▂▃▄▅▆▇█"[min(max(int(value / highest * 8), 0), 7)] for value in shown)


class Probabilities(Static):
    """Each label with its probability as a bar and as a figure, the likeliest first."""

    DEFAULT_CSS = """
    Probabilities { height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._scores: list[tuple[str, float | None]] = []
        self._given: set[str] | None = None

    def show(self, scores: Mapping[str, float | None], given: Sequence[str] | None = None) -> None:
        """Show these labels instead of those before; None is a score that is not known.

        `given` are those that the text is given, where there may be several; None: the likeliest.
        """
        ordered = sorted(scores.items(), key=lambda item: -(item[1] or 0.0))
        self._given = None if given is None else {clean(label) for label in given}
        self._scores = [(clean(label), score) for label, score in ordered]
        self._draw()

    def on_resize(self) -> None:
        """Fit the bars to the new width."""
        self._draw()

    def _draw(self) -> None:
        labels = max((cell_len(label) for label, _ in self._scores), default=0)
        labels = min(labels, _LONGEST_LABEL, max(self.size.width // 3, 6))
        room = max(self.size.width - labels - 10, 1)
        lines = []
        for number, (label, score) in enumerate(self._scores):
            first = number == 0 if self._given is None else label in self._given
            if cell_len(label) > labels:
                label = set_cell_size(label, labels - 1) + "…"
            lines.append(
                Content.assemble(
                    (set_cell_size(label, labels), "bold" if first else ""),
                    f"  {UNKNOWN if score is None else f'{min(score, 1):.1%}':>6}  ",
                    (bar(score or 0.0, room), "$primary" if first else "$foreground 50%"),
                )
            )
        self.update(Content("\n").join(lines))
