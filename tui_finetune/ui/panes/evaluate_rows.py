"""The lines of the Evaluate pane's lists: classes, cells, mistakes and doubtful labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.panes.evaluate_text import axis_line, with_interval
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN, counted, figure

Row = Mapping[str, Any]

# The text of a line; the whole of it stands below the list.
_LONGEST_TEXT = 400

# From this width on figures have their intervals beside them.
_WIDE = 120

# By what classes are ordered, in words.
ORDERS = ("lowest F1 first", "most rows first", "as in the model")


@dataclass(frozen=True)
class Filter:
    """Which mistakes are shown; None is any label."""

    true: str | None = None
    predicted: str | None = None

    def __bool__(self) -> bool:
        return self != Filter()

    def holds(self, mistake: Row) -> bool:
        """Return whether a mistake is one of those; of several labels, any of the wrong ones."""
        if "wrong" in mistake:
            return self.true is None or self.true in mistake["wrong"]
        right_true = self.true is None or mistake["true"] == self.true
        return right_true and (self.predicted is None or mistake["label"] == self.predicted)

    def words(self) -> str:
        """Return the filter in words."""
        true = "any label" if self.true is None else f"“{clean(self.true, 40)}”"
        predicted = "another" if self.predicted is None else f"“{clean(self.predicted, 40)}”"
        return f"{true} taken for {predicted}"


def share(value: float | None) -> str:
    """Return a share or a score in per cent, five cells wide."""
    if value is None:
        return f"{UNKNOWN:>5}"
    return f"{value:5.1%}" if value < 0.9995 else " 100%"


def longest(values: Sequence[object], limit: int) -> int:
    """Return the cells of the longest of these texts, at most `limit`."""
    return min(max((cell_len(clean(value, 200)) for value in values), default=0), limit)


# --- classes ---


def ordered_classes(classes: Sequence[Row], order: int) -> list[Row]:
    """Return the classes in one of `ORDERS`; those that do not occur have no F1 and come last."""
    if order == 0:
        return sorted(classes, key=lambda one: 2.0 if one["f1"] is None else one["f1"])
    return sorted(classes, key=lambda one: -one["support"]) if order == 1 else list(classes)


def class_header(labels: int, width: int) -> Content:
    """Return the names of the columns of classes."""
    figures = ("precision", "recall", "F1")
    cell = 24 if width >= _WIDE else 10
    words = f"{'label':<{labels}}{'rows':>8}{'predicted':>11}"
    aligned = "".join(f"{name:<{cell}}" if cell > 10 else f"{name:>{cell}}" for name in figures)
    return Content.styled(f"{words}{'   ' if cell > 10 else ''}{aligned}", "$text-muted")


def class_line(one: Row, labels: int, width: int) -> Content:
    """Return a class: its rows, how often it is predicted, and how well."""
    start = f"{fit(clean(one['label'], 200), labels)}{one['support']:>8}{one['predicted']:>11}"
    names = ("precision", "recall", "f1")
    if width >= _WIDE:
        cells = [f"{with_interval(one[name], _interval(one, name)):<24}" for name in names]
        start += "   " + "".join(cells)
    else:
        start += "".join(f"{figure(one[name]):>10}" for name in names)
    room = min(max(width - cell_len(start) - 2, 0), 40)
    return Content.assemble(start, "  ", axis_line(one["f1"], _interval(one, "f1"), room))


def class_detail(one: Row) -> Content:
    """Return all figures of a class with their intervals, in two lines."""
    rows = f"   {counted(one['support'], 'row')}, predicted {one['predicted']} times\n"
    return Content.assemble(
        (clean(one["label"], 200), "bold"), ("  F1 ", "$text-muted"),
        with_interval(one["f1"], _interval(one, "f1")),
        (rows, "$text-muted"),
        ("precision ", "$text-muted"),
        with_interval(one["precision"], _interval(one, "precision")),
        ("   recall ", "$text-muted"), with_interval(one["recall"], _interval(one, "recall")),
    )  # fmt: skip


def _interval(one: Row, name: str) -> Sequence[float | None] | None:
    intervals: Mapping[str, Sequence[float | None]] = one.get("intervals") or {}
    return intervals.get(name)


# --- the cells of the confusion matrix ---


def cell_header(width: int) -> Content:
    """Return the names of the columns of confused labels."""
    return Content.styled(f"{'rows':>6}  {'share':>5}  true → predicted", "$text-muted")


def cell_line(cell: Row, width: int) -> Content:
    """Return two labels that were confused, and how often."""
    room = max((width - 18) // 2, 4)
    return Content.assemble(
        (f"{cell['count']:>6}", "bold"),
        (f"  {share(cell['share'])}  ", "$text-muted"),
        _confused(cell["true"], cell["predicted"], room),
    )


def _confused(true: object, predicted: object, room: int) -> Content:
    names = (Content(clean(name, 200)).truncate(room, ellipsis=True) for name in (true, predicted))
    first, second = names
    return Content.assemble(first, (" → ", "$text-muted"), second)


# --- mistakes and doubtful labels ---


@dataclass(frozen=True)
class RowColumns:
    """The widths of the columns of a list of rows."""

    number: int
    labels: int

    @classmethod
    def of(cls, rows: Sequence[Row], other: str) -> "RowColumns":
        """Return the widths for rows whose second label has the name `other`."""
        number = len(str(max((row["row"] for row in rows), default=0) + 1))
        names = {str(row[name]) for row in rows for name in ("true", other)}
        return cls(max(number, 3), max(longest(sorted(names), 24), 4))

    def label_room(self, width: int) -> int:
        """Return the cells for each of the two labels in a list of `width`."""
        return min(self.labels, max(width // 6, 6))


def row_header(columns: RowColumns, figures: str, labels: str, width: int) -> Content:
    """Return the names of the columns of a list of rows."""
    room = columns.label_room(width) * 2 + 3
    words = f"{'row':>{columns.number}}  {figures}  {labels:<{room}}  text"
    return Content.styled(words, "$text-muted")


def mistake_line(row: Row, columns: RowColumns, width: int) -> Content:
    """Return a wrong row: its number, its score, both labels and the beginning of its text."""
    return row_line(row, columns, share(row["score"]), row["label"], width)


def label_error_line(row: Row, columns: RowColumns, width: int) -> Content:
    """Return a row with a doubtful label: how far it fits, and what was suggested instead."""
    return row_line(row, columns, f"{figure(row['quality'], 2):>7}", row["suggested"], width)


def row_line(row: Row, columns: RowColumns, figures: str, other: object, width: int) -> Content:
    """Return a row: its number, a figure, what is true and what else was said, and its text."""
    room = columns.label_room(width)
    labels = _confused(row["true"], other, room).truncate(room * 2 + 3, pad=True)
    return Content.assemble(
        (f"{row['row'] + 1:>{columns.number}}  ", "$text-muted"),
        (f"{figures}  ", "bold"),
        labels,
        "  ",
        whole_text(row, _LONGEST_TEXT),
    )


def whole_text(row: Row, longest: int = 10**6) -> str:
    """Return a row's text, and its second one where it has one, clean."""
    text = clean(row["text"], longest)
    return f"{text} | {clean(row['text_pair'], longest)}" if row.get("text_pair") else text


def mistake_detail(row: Row) -> Content:
    """Return all about a wrong row, with its whole text."""
    return Content.assemble(
        (f"row {row['row'] + 1}", "bold"), "  true ", (clean(row["true"], 200), "$text-success"),
        ", predicted ", (clean(row["label"], 200), "$text-error"),
        f" with {share(row['score']).strip()}\n", whole_text(row),
    )  # fmt: skip


def label_error_detail(row: Row, note: str) -> Content:
    """Return all about a row with a doubtful label, with its whole text, and a note."""
    return Content.assemble(
        (f"row {row['row'] + 1}", "bold"), "  in the data ",
        (clean(row["true"], 200), "$text-warning"), ", the model suggests ",
        (clean(row["suggested"], 200), "$text-success"),
        f" with {share(row['score']).strip()}\n", whole_text(row),
        (f"\n{clean(note)}", "$text-muted"),
    )  # fmt: skip
