"""What one model answers to a sentence, or two models side by side."""

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui_finetune.runs.listing import summarise
from tui_finetune.text import clean
from tui_finetune.ui.panes.predict_live import Answer, Side
from tui_finetune.ui.panes.predict_sides import OneSide, SideBySide
from tui_finetune.ui.widgets.say import say


class PredictAnswers(VerticalScroll, can_focus=False):
    """Shows the answers, and above them the sentence they are about once it left its box."""

    DEFAULT_CSS = """
    PredictAnswers {
        height: auto; max-height: 60%; padding: 0 1; scrollbar-size-vertical: 1;
        & #predict-text { height: auto; max-height: 3; }
        & SideBySide { display: none; }
        &.-beside SideBySide { display: block; }
        &.-beside OneSide { display: none; }
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the sentence, and both forms of an answer."""
        yield Static(id="predict-text", markup=False)
        yield OneSide()
        yield SideBySide()

    def quote(self, *texts: str) -> None:
        """Show these texts above the answers; none: they stand in their boxes."""
        quoted = (
            Content.assemble(("“", "$text-muted"), clean(text), ("”", "$text-muted"))
            for text in texts
        )
        say(self, "#predict-text", Content(" ").join(quoted))

    def show_pages(self, pages: int) -> None:
        """Show more of many labels, that many screens further on."""
        self.scroll_relative(y=pages * max(self.size.height - 1, 1), animate=False)

    def show(self, sides: Sequence[Side], answers: Sequence[Answer | None]) -> None:
        """Show the answers of one side, or of two; without answers nothing is said of either."""
        if len(sides) < 2:
            self._show_one(answers[0] if answers else None)
            return
        versions = {side.version for side in sides}
        titles = (_title(sides[0], versions), _title(sides[1], versions))
        values = [answer.value if answer else None for answer in answers]
        if any(value is not None for value in values):
            self.query_one(SideBySide).show_numbers(titles, values[0], values[1])
            return
        scores = [(answer.scores or {}) if answer else {} for answer in answers]
        left, right = scores or ({}, {})
        self.query_one(SideBySide).show(titles, left, right)

    def _show_one(self, answer: Answer | None) -> None:
        side = self.query_one(OneSide)
        if answer is not None and answer.value is not None:
            side.show_number(answer.value)
        else:
            side.show((answer.scores if answer else None) or {}, answer.labels if answer else None)


def _title(side: Side, versions: Collection[str]) -> str:
    if side.version == "before":
        return "before fine-tuning"
    if "before" in versions:
        return "after fine-tuning"
    return clean(summarise(side.run).name, 40)
