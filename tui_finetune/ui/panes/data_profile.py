"""The profile of the data in words: labels by split, lengths, and the columns of each part."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.panes.data_lengths import (
    character_lines,
    cut_lines,
    label_note,
    token_lines,
)
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN, counted

_LABELS = 50
_WIDE = 110
_SPLITS = ("train", "validation", "test")


def profile_words(
    profile: Mapping[str, Any], tokens: Finding, busy: Content, width: int
) -> Content:
    """Return all of a profile for a width in cells; `busy` is said while tokens are counted."""
    half = (width - 4) // 2 if width >= _WIDE else width
    left = character_lines(profile["lengths"], half)
    right = token_lines(tokens, busy, half)
    lengths = [*right, Content(""), *left]
    if width >= _WIDE:
        lengths = beside(left, right, half + 4)
    cut = cut_lines(tokens)
    # What can be changed with a key stands before what is only to be looked at.
    parts = [label_words(profile, width), cut, lengths, column_words(profile, width)]
    return Content("\n\n").join([Content("\n").join(part) for part in parts if part])


def beside(left: Sequence[Content], right: Sequence[Content], place: int) -> list[Content]:
    """Return lines side by side, those on the right from `place` on."""
    return [
        Content.assemble((one or Content("")).truncate(place, pad=True), other or Content(""))
        for one, other in zip_longest(left, right)
    ]


def label_words(profile: Mapping[str, Any], width: int) -> list[Content]:
    """Return the labels with their bars, counts in all rows and in each split; or the numbers."""
    if numbers := profile.get("numbers"):
        note = f"from {numbers['min']:.4g} to {numbers['max']:.4g}, median {numbers['median']:.4g}"
        title = f"Numbers in {clean(profile['label'], 30)}"
        return histogram_of_numbers(title, numbers["histogram"], note)
    labels: Mapping[str, int] = profile["labels"] or {}
    if not labels:
        return [Content.styled("No labels to count.", "$text-muted")]
    ordered = sorted(labels.items(), key=lambda item: -item[1])[:_LABELS]
    splits = profile.get("labels_by_split") or {}
    names = [name for name in _SPLITS if splits.get(name)]
    longest = min(max(cell_len(clean(label, 200)) for label, _ in ordered), 24)
    digits = max(len(f"{ordered[0][1]:,}"), 4)
    room = max(min(width - longest - digits - 9 - 11 * len(names), 30), 4)
    several = profile.get("problem_type") == "multi_label_classification"
    whole = profile["rows"] if several else sum(labels.values())
    title = f"{counted(len(labels), 'label')} in {clean(profile['label'], 30)}"
    heads = "".join(f"{name:>11}" for name in names)
    start = longest + room + 2
    lines = [
        Content.assemble(
            (fit(title, start), "bold"), (f"{'rows':>{digits}}      {heads}", "$text-muted")
        )
    ]
    for label, count in ordered:
        cells = "".join(f"{splits[name].get(label, 0):>11,}" for name in names)
        lines.append(
            Content.assemble(
                fit(clean(label, 200), longest) + " ",
                (bar(count / ordered[0][1], room), "$primary"),
                f" {count:>{digits},}",
                (f" {count / whole:4.0%} {cells}", "$text-muted"),
            )
        )
    if len(labels) > _LABELS:
        rest = sum(labels.values()) - sum(count for _, count in ordered)
        more = f"and {len(labels) - _LABELS} more with {counted(rest, 'row')}"
        lines.append(Content.styled(more, "$text-muted"))
    imbalance = label_note(profile)
    return [*lines, imbalance] if imbalance else lines


def histogram_of_numbers(
    title: str, counts: Sequence[tuple[float, int]], note: str
) -> list[Content]:
    """Return how many numbers fall into each tenth of their spread."""
    most = max((count for _, count in counts), default=0) or 1
    lines = [Content.assemble((title, "bold"), (f"  {note}", "$text-muted"))]
    for edge, count in counts:
        lines.append(
            Content.assemble(
                (f"≤ {edge:>9.4g} ", "$text-muted"),
                (bar(count / most, 30), "$primary"),
                f" {count:,}",
            )
        )
    return lines


def column_words(profile: Mapping[str, Any], width: int) -> list[Content]:
    """Return the columns of each part: type, missing and distinct values, and some of them."""
    by_part: Mapping[str, Any] = profile.get("columns_by_part") or {"train": profile["columns"]}
    rows = profile.get("rows_by_part") or {}
    lines: list[Content] = []
    name_room = 20 if width < _WIDE else 28
    for part, columns in by_part.items():
        title = f"Columns of {clean(part, 20)}"
        if part in rows:
            title += f", {counted(rows[part], 'row')}"
        heads = f"{'type':<12}{'missing':>9}{'distinct':>10}  samples"
        lines += [Content("")] if lines else []
        lines.append(Content.styled(title, "bold"))
        lines.append(Content.styled(" " * (name_room + 1) + heads, "$text-muted"))
        for column in columns:
            lines.append(_column_line(column, name_room, width))
    return lines


def _column_line(column: Mapping[str, Any], name_room: int, width: int) -> Content:
    missing, distinct = column["missing"], column["distinct"]
    samples = " · ".join(clean(sample, 60) or '""' for sample in column.get("samples") or [])
    start = Content.assemble(
        fit(clean(column["name"], 200), name_room) + " ",
        (fit(clean(column["type"], 40), 12), "$text-muted"),
        (f"{missing:>9,}", "$text-warning" if missing else "$text-muted"),
        f"{UNKNOWN if distinct is None else f'{distinct:,}':>10}  ",
    )
    return Content.assemble(start, (samples, "$text-muted")).truncate(width, ellipsis=True)
