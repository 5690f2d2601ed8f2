"""A reliability diagram in text: how sure the model is, beside how often it is right."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content
from textual.widgets import Static

from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.words import UNKNOWN, figure

# A difference below this is none that rows of this number could show.
_SMALL_GAP = 0.02

# The cells of a line beside its bar.
_FIGURES = 51
_NARROWEST_BAR = 10
_WIDEST_BAR = 60


class Reliability(Static):
    """A line for each bin of the score: its rows, its mean score and its accuracy."""

    DEFAULT_CSS = """
    Reliability { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._bins: Sequence[Mapping[str, Any]] = []

    def show(self, bins: Sequence[Mapping[str, Any]]) -> None:
        """Show these bins: `{"low", "high", "rows", "confidence", "accuracy"}`."""
        self._bins = bins
        self.update(reliability_lines(bins, self.size.width))

    def on_resize(self) -> None:
        """Fit the bars to the new width."""
        self.update(reliability_lines(self._bins, self.size.width))


def reliability_lines(bins: Sequence[Mapping[str, Any]], width: int) -> Content:
    """Return a line for each bin: accuracy as a bar, the mean score as a mark on it.

    In a calibrated model each bar ends at its mark. Empty bins side by side are one line: with few
    labels there are no low scores.
    """
    room = min(max(width - _FIGURES, _NARROWEST_BAR), _WIDEST_BAR)
    axis = f"0{'1':>{room - 1}}"
    title = f"{'score':<13}{'rows':>6}  {'mean':>5}  {'right':>5}  {axis}  {'difference'}"
    lines = [Content.styled(title, "$text-muted")]
    lines += [_bin_line(one, room) for one in _empty_ones_merged(bins)]
    return Content("\n").join(lines)


def _empty_ones_merged(bins: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    merged: list[Mapping[str, Any]] = []
    for one in bins:
        if merged and not one["rows"] and not merged[-1]["rows"]:
            merged[-1] = {**one, "low": merged[-1]["low"]}
        else:
            merged.append(one)
    return merged


def _bin_line(one: Mapping[str, Any], room: int) -> Content:
    score, right = one["confidence"], one["accuracy"]
    edges = f"{figure(one['low'], 2)} to {figure(one['high'], 2)}"
    start = f"{edges:<13}{one['rows']:>6}  "
    if not one["rows"] or score is None or right is None:
        return Content.styled(f"{start}{UNKNOWN:>5}  {UNKNOWN:>5}", "$text-disabled")
    return Content.assemble(
        f"{start}{figure(score):>5}  {figure(right):>5}  ",
        _marked_bar(score, right, room),
        "  ",
        _difference(right - score),
    )


def _marked_bar(score: float, right: float, room: int) -> Content:
    drawn = bar(right, room)
    mark = min(int(min(max(score, 0.0), 1.0) * room), room - 1)
    return Content.assemble(
        (drawn[:mark], "$primary"), ("◆", "bold $accent"), (drawn[mark + 1 :], "$primary")
    )


def _difference(gap: float) -> Content:
    if abs(gap) < _SMALL_GAP:
        return Content.styled(f"{gap:+.2f}", "$text-muted")
    return Content.styled(f"{gap:+.2f} {'too sure' if gap < 0 else 'unsure'}", "$text-warning")
