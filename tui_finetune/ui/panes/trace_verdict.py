"""The stages of a trace that make the verdict: the head's logits, and their probabilities."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.panes.trace_stage import (
    LONGEST_LABEL,
    LONGEST_TITLE,
    SIDE_BY_SIDE,
    Document,
    Stage,
    beside,
    column,
    cursor_line,
    heading,
    label_name,
    label_order,
    missing_lines,
    position,
    short,
    signed,
    signed_bar,
    stage_of,
    window,
    wrapped,
)
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.words import UNKNOWN, figure

_LIST_WIDTH = 46

# Beside the bar of the label that is right.
_TRUE = "◂ true"

LABEL_KEYS: list[BindingType] = [
    Binding("down", "label(1)", "Label", key_display="↑↓"),
    Binding("up", "label(-1)", "Label before", show=False),
    Binding("home", "label_edge(0)", "First label", show=False),
    Binding("end", "label_edge(-1)", "Last label", show=False),
]


class LabelStage(Stage):
    """A stage with a cursor on the labels, the likeliest first."""

    BINDINGS: ClassVar[list[BindingType]] = LABEL_KEYS

    @property
    def label(self) -> str:
        """The label under the cursor, as the model names it."""
        assert self.document is not None
        name: str = self.document["labels"][label_order(self.document)[self.place.label]]
        return name

    def move_label(self, number: int) -> None:
        """Go to a label, as near as there is one."""
        if self.document is not None:
            self.place.label = max(min(number, len(self.document["labels"]) - 1), 0)
            self.redraw()

    def clicked(self, number: int) -> None:
        """Go to the label."""
        self.move_label(number)

    def scrolled(self, by: int) -> None:
        """Go to the labels further on."""
        self.action_label(by)

    def action_label(self, by: int) -> None:
        """Go to the next label or the one before."""
        self.move_label(self.place.label + by)

    def action_label_edge(self, end: int) -> None:
        """Go to the first (0) or the last (-1) label."""
        if self.document is not None:
            self.move_label(end % len(self.document["labels"]))


class HeadStage(LabelStage):
    """How the label under the cursor gets its logit: its bias and each feature's contribution."""

    def lines(self, document: Document, width: int, height: int) -> list[Content]:
        """Return the pooling in words, the labels, and the sum of one of them."""
        stage = stage_of(document, "head")
        above = wrapped(f"pooling: {stage['pooling']}", width, "$text-muted")[: max(height // 4, 1)]
        room = height - len(above)
        if width >= SIDE_BY_SIDE:
            labels = self._labels(document, stage, _LIST_WIDTH - 2, room, len(above))
            terms = self._terms(document, stage, width - _LIST_WIDTH, room)
            return above + beside(labels, terms, _LIST_WIDTH)
        count = len(document["labels"])
        if room - count - 2 >= 12:
            labels = self._labels(document, stage, width, count + 1, len(above))
            above += [*labels, Content("")]
        return above + self._terms(document, stage, width, height - len(above))

    def _labels(
        self, document: Document, stage: dict[str, Any], width: int, height: int, first: int
    ) -> list[Content]:
        order = label_order(document)
        largest = max(abs(entry["logit"] or 0.0) for entry in stage["logits"])
        rows = window(self.place.label, height - 1, len(order))
        title = f"  {column('label', LONGEST_LABEL)}{'logit':>8}"
        lines = [heading(title, position(self.place.label, height - 1, len(order)))]
        self.note_clickable(first + 1, rows)
        for row in rows:
            logit = stage["logits"][order[row]]["logit"]
            line = Content.assemble(
                column(label_name(document, order[row]), LONGEST_LABEL), f"{signed(logit):>8}  ",
                signed_bar(logit, largest, min(width - LONGEST_LABEL - 14, 31)),
            )  # fmt: skip
            lines.append(cursor_line(line, row == self.place.label, self.has_focus, width))
        return lines

    def _terms(
        self, document: Document, stage: dict[str, Any], width: int, height: int
    ) -> list[Content]:
        order = label_order(document)
        label = order[self.place.label]
        entry = stage["logits"][label]
        title = Content.assemble(
            ("the logit of ", "$text-muted"),
            (short(label_name(document, label), LONGEST_TITLE), "bold"),
            (f"  {self.place.label + 1} of {len(order)}", "$text-muted"),
        )  # fmt: skip
        if entry["rest"] is None:
            alone = Content.assemble("logit ", (signed(entry["logit"]), "bold"))
            return [title, alone, *missing_lines(document, width)]
        terms = folded_terms(entry, stage["features"], max(height - 4, 1))
        largest = max(abs(value or 0.0) for _, value in [*terms, ("", entry["logit"])])
        names = max(len(name) for name, _ in terms)
        room = min(max(width - names - 14, 9), 61)
        lines = [title]
        for number, (name, value) in enumerate(terms):
            sign = "  " if number == 0 else "+ "
            lines.append(_term(sign, name, value, names, largest, room))
        lines.append(Content.styled("─" * (names + 12 + room), "$text-disabled"))
        result = _term("= ", "logit", entry["logit"], names, largest, room)
        return [*lines, result.stylize("bold")]


def folded_terms(
    entry: dict[str, Any], features: int | None, most: int
) -> list[tuple[str, float | None]]:
    """Return what a logit is the sum of in at most `most` terms (3 at least): bias, features, rest.

    What has no room goes into the rest, so that the sum stays true.
    """
    largest = entry["contributions"]
    shown = largest[: max(most - 2, 1)]
    rest = entry["rest"] + sum(part["value"] for part in largest[len(shown) :])
    others = "the others" if features is None else f"the other {features - len(shown):,}"
    named = [(f"feature {part['feature']}", part["value"]) for part in shown]
    return [("bias", entry["bias"]), *named, (others, rest)]


def _term(
    sign: str, name: str, value: float | None, names: int, largest: float, room: int
) -> Content:
    return Content.assemble(
        (sign, "$text-muted"), f"{name:<{names}} {signed(value):>8}  ",
        signed_bar(value, largest, room),
    )  # fmt: skip


class PredictStage(LabelStage):
    """The labels' probabilities, as they come out and as they are after calibration."""

    def lines(self, document: Document, width: int, height: int) -> list[Content]:
        """Return the verdict and the bars."""
        stage = stage_of(document, "predict")
        lines = [*_verdict(document, stage), Content("")]
        order = label_order(document)
        calibrated = stage["calibrated"]
        bars = 2 if calibrated else 1
        room = (width - LONGEST_LABEL - 3 - len(_TRUE)) // bars - 9
        room = max(min(room, 60), 8)
        shown = height - len(lines) - 3
        rows = window(self.place.label, shown, len(order))
        title = f"  {column('label', LONGEST_LABEL)}{'softmax of the logits':<{room + 9}}"
        if calibrated:
            title += f"at temperature {figure(stage['temperature'], 2)}"
        lines.append(heading(title, position(self.place.label, shown, len(order))))
        self.note_clickable(len(lines), rows)
        for row in rows:
            lines.append(self._bars(document, stage, row, order[row], room, width))
        if not calibrated:
            words = "no temperature is known, so these are as sure as the model is, right or not"
            lines += [Content(""), heading(words)]
        return lines

    def _bars(
        self,
        document: Document,
        stage: dict[str, Any],
        row: int,
        label: int,
        room: int,
        width: int,
    ) -> Content:
        name = label_name(document, label)
        parts = [Content.styled(column(name, LONGEST_LABEL), "bold" if row == 0 else "")]
        parts.append(_share(stage["probabilities"][label], room, "$primary"))
        if stage["calibrated"]:
            parts.append(_share(stage["calibrated"][label], room, "$accent"))
        true = document["labels"][label] == stage["true"]
        parts.append(Content.styled(_TRUE if true else "", "$text-success"))
        line = Content("").join(parts)
        return cursor_line(line, row == self.place.label, self.has_focus, width)


def _share(value: float | None, room: int, style: str) -> Content:
    share = UNKNOWN if value is None else f"{value:.1%}"
    return Content.assemble((bar(value or 0.0, room), style), f" {share:>6}  ")


def _verdict(document: Document, stage: dict[str, Any]) -> list[Content]:
    order = label_order(document)
    share = figure(stage["probabilities"][order[0]], 3)
    said = Content.assemble(
        ("the model says ", "$text-muted"),
        (short(label_name(document, order[0]), LONGEST_LABEL), "bold"),
        (f" with {share}", "$text-muted"),
    )
    if stage["true"] is None:
        beside_true = Content.styled("no true label was given for this text", "$text-muted")
    elif stage["true"] == stage["label"]:
        beside_true = Content.styled("✓ that is the true label", "$text-success")
    else:
        words = f"✗ the true label is {short(clean(stage['true']), LONGEST_LABEL)}"
        beside_true = Content.styled(words, "bold $text-error")
    return [Content.assemble(said, "   ", beside_true)]
