"""The pipeline rail: the stages of a fine-tuning in one line, with their real shapes."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.widget import Widget

Mark = Literal["done", "present", "ahead"]

_STYLES = {"done": "$success", "present": "bold $accent", "ahead": "$text-muted"}
_SIGNS = {"done": "✓ ", "present": "● ", "ahead": ""}


@dataclass(frozen=True)
class Stage:
    """One stage: its mark, and its text in forms from the longest to the shortest."""

    mark: Mark
    forms: tuple[str, ...]


class PipelineRail(Widget):
    """Shows stages in one line, as long as there is room for."""

    DEFAULT_CSS = "PipelineRail { height: 1; padding: 0 1; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stages: list[Stage] = []

    def show(self, stages: list[Stage]) -> None:
        """Show these stages from now on."""
        if stages != self._stages:
            self._stages = stages
            self.refresh()

    def render(self) -> Content:
        """Return the line in the longest form that fits."""
        return rail_line(self._stages, self.content_size.width)


def rail_line(stages: list[Stage], width: int) -> Content:
    """Return the stages as one line of at most `width` cells.

    The present stage is the last to be shortened, of the others the later ones first.
    """
    shortest = [len(stage.forms) - 1 for stage in stages]
    levels = list(shortest)
    order = sorted(range(len(stages)), key=lambda index: stages[index].mark != "present")
    for index in order:
        for level in range(shortest[index]):
            tried = [*levels[:index], level, *levels[index + 1 :]]
            if _line(stages, tried).cell_length <= width:
                levels = tried
                break
    return _line(stages, levels).truncate(width, ellipsis=True)


def _line(stages: list[Stage], levels: list[int]) -> Content:
    parts: list[tuple[str, str]] = []
    for stage, level in zip(stages, levels, strict=True):
        if parts:
            parts.append((" ▸ ", "$text-disabled"))
        # Ticks are the first to go: the colour says the same, and the dot must stay.
        sign = "" if stage.mark == "done" and level else _SIGNS[stage.mark]
        parts.append((sign + stage.forms[level], _STYLES[stage.mark]))
    return Content.assemble(*parts)
