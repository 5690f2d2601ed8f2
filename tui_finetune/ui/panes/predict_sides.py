"""The probabilities of one model, or of two side by side with their difference, as one types."""

from collections.abc import Mapping

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

from tui_finetune.text import clean
from tui_finetune.ui.widgets.bars import Probabilities, bar
from tui_finetune.ui.words import UNKNOWN

Scores = Mapping[str, float | None]

_LONGEST_LABEL = 24
_DIFFERENCE = "left − right"


class _Steady(Static):
    """Leaves the layout alone while the number of lines stays: it costs as much as painting."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show other content."""
        lines = str(self.content).count("\n"), bool(self.content)
        super().update(content, layout=lines != (str(content).count("\n"), bool(content)))


class OneSide(_Steady, Probabilities):
    """The probabilities of one model, or the number that it predicts."""

    def show_number(self, value: float) -> None:
        """Show a number instead."""
        self.show({})
        number = (f"{value:.4g}", "bold $primary")
        self.update(Content.assemble(("predicted  ", "$text-muted"), number))


class SideBySide(_Steady):
    """Each label with its probability by the left and by the right model, and how they differ.

    The order is that of the left model, the likeliest first; then come the labels that only the
    right one has. A label that a model does not have has a dash there.
    """

    DEFAULT_CSS = """
    SideBySide { height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._titles = ("", "")
        self._left: Scores = {}
        self._right: Scores = {}

    def show(self, titles: tuple[str, str], left: Scores, right: Scores) -> None:
        """Show these; an empty side has not answered yet. `titles` are clean."""
        self._titles, self._left, self._right = titles, left, right
        self._draw()

    def show_numbers(
        self, titles: tuple[str, str], left: float | None, right: float | None
    ) -> None:
        """Show the numbers that both predict; None: that side has not answered yet."""
        self._titles, self._left, self._right = titles, {}, {}
        figures = [UNKNOWN if number is None else f"{number:.4g}" for number in (left, right)]
        widths = [max(cell_len(title), len(figure)) for title, figure in
                  zip(titles, figures, strict=True)]  # fmt: skip
        difference = UNKNOWN if left is None or right is None else f"{left - right:+.4g}"
        names = "  ".join(_fitted(title, size) for title, size in zip(titles, widths, strict=True))
        cells = "  ".join(f"{figure:<{size}}" for figure, size in zip(figures, widths, strict=True))
        self.update(
            Content.assemble(
                (f"{names}  {_DIFFERENCE}\n", "$text-muted"), (cells, "bold"), f"  {difference}"
            )
        )

    def on_resize(self) -> None:
        """Fit the bars to the new width."""
        if self._left or self._right:
            self._draw()

    def _draw(self) -> None:
        labels = _ordered(self._left)
        labels += [label for label in _ordered(self._right) if label not in self._left]
        shown = [clean(label) for label in labels]
        width = max((cell_len(label) for label in shown), default=0)
        width = min(width, _LONGEST_LABEL, max(self.size.width // 4, 6))
        side = max((self.size.width - width - len(_DIFFERENCE) - 6) // 2, 8)
        left, right = (_fitted(title, side) for title in self._titles)
        lines = [Content.styled(f"{'':{width}}  {left}  {right}  {_DIFFERENCE}", "$text-muted")]
        for label, name in zip(labels, shown, strict=True):
            difference = _difference(self._left.get(label), self._right.get(label))
            lines.append(
                Content.assemble(
                    (_fitted(name, width), "bold" if label == labels[0] else ""), "  ",
                    *_side(self._left, label, side), "  ",
                    *_side(self._right, label, side), "  ",
                    f"{difference:>{len(_DIFFERENCE)}}",
                )
            )  # fmt: skip
        self.update(Content("\n").join(lines) if labels else "")


def _ordered(scores: Scores) -> list[str]:
    return sorted(scores, key=lambda label: -(scores[label] or 0.0))


def _side(scores: Scores, label: str, width: int) -> list[str | tuple[str, str]]:
    """Return a share with its bar; the likeliest of this side is the coloured one."""
    score = scores.get(label)
    share = UNKNOWN if score is None else f"{min(score, 1):.1%}"
    best = max(scores, key=lambda other: scores[other] or 0.0, default=None)
    colour = "$primary" if label == best else "$foreground 50%"
    return [f"{share:>6} ", (bar(score or 0.0, width - 7), colour)]


def _difference(left: float | None, right: float | None) -> str:
    """Return by how many points of a hundred the left probability is larger."""
    if left is None or right is None:
        return UNKNOWN
    points = round((left - right) * 100, 1)
    return f"{points + 0.0:+.1f}" if points else "0.0"


def _fitted(words: str, width: int) -> str:
    cut = cell_len(words) > width
    return set_cell_size(words, width - 1) + "…" if cut else set_cell_size(words, width)
