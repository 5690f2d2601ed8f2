"""The columns of the table of runs: their cells, their order, and which there is room for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.runs.figures import direction
from tui_finetune.runs.listing import RunSummary
from tui_finetune.runs.telling import short_name
from tui_finetune.text import clean
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import STATE_MARKS, UNKNOWN, ago, duration, figure, short_source

GAP = 2
_LONGEST = 60

# Not up to the full block, which would touch the line above.
_LEVELS = "▁▂▃▄▅▆▇"

# The best known metrics first; figures of different metrics are not compared.
_METRICS = ("accuracy", "f1", "loss")


@dataclass(frozen=True)
class Column:
    """A column: `order` is what its runs are sorted by, None where that is unknown."""

    key: str
    title: str
    width: int
    cell: Callable[[RunSummary, float], str]
    order: Callable[[RunSummary], Any] | None = None
    largest_first: bool = False
    right: bool = False


def columns_for(width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit in `width` cells, with their widths, in their order."""
    chosen = {key for key in COLUMNS if key not in _OPTIONAL}
    room = width - sum(COLUMNS[key].width + GAP for key in chosen) + GAP
    for key in _OPTIONAL:
        needed = COLUMNS[key].width + GAP
        if room - needed >= 0:
            chosen.add(key)
            room -= needed
    wider = {key: 0 for key in COLUMNS if key in chosen and key in _GROWING}
    for key, most in _GROWING.items():
        if key in wider:
            wider[key] = min(max(room, 0), most)
            room -= wider[key]
    return [
        (column, column.width + wider.get(key, 0))
        for key, column in COLUMNS.items()
        if key in chosen
    ]


def sorted_runs(runs: Sequence[RunSummary], key: str, backwards: bool) -> list[RunSummary]:
    """Return the runs by a column; those without a figure come last either way."""
    column = COLUMNS[key]
    order = column.order
    if order is None:
        return list(runs)
    keyed = [(order(run), run) for run in runs]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=column.largest_first is not backwards)
    return [run for _, run in known] + [run for value, run in keyed if value is None]


def header(columns: Sequence[tuple[Column, int]], sort: str, backwards: bool) -> Content:
    """Return the names of the columns; an arrow marks the one that the runs are sorted by."""
    cells: list[str | tuple[str, str]] = []
    for column, width in columns:
        falling = column.largest_first is not backwards
        title = f"{column.title}{'▼' if falling else '▲'}" if column.key == sort else column.title
        cell = title.rjust(width) if column.right else title.ljust(width)
        cells += [(cell, "bold" if column.key == sort else "$text-muted"), " " * GAP]
    return Content.assemble(*cells[:-1])


def line(
    run: RunSummary,
    columns: Sequence[tuple[Column, int]],
    now: float,
    marked: bool,
    losses: Sequence[float] | None,
) -> Content:
    """Return a run's line; `losses` are those of its training, None if not read yet."""
    cells: list[str | tuple[str, str]] = []
    for column, width in columns:
        if column.key == "loss":
            cells += [(trend(losses or (), width).ljust(width), "$primary"), " " * GAP]
            continue
        text, style = column.cell(run, now), ""
        if column.key == "state":
            style = STATE_MARKS.get(run.state, ("", "$text-muted"))[1]
        elif column.key == "name" and marked:
            text, style = f"◆ {text}", "bold $accent"
        elif column.key in ("tags", "data", "model"):
            style = "$text-muted"
        if column.right:
            text = _to_the_right(text, width)
        cells += [(fit(text, width), style), " " * GAP]
    return Content.assemble(*cells[:-1])


def _to_the_right(text: str, width: int) -> str:
    """Return a cell that ends in a figure; of the name before it only what there is room for."""
    if cell_len(text) > width:
        name, _, number = text.rpartition(" ")
        room = width - cell_len(number) - 1
        text = f"{fit(name, room)} {number}" if room > 2 else number
    return " " * (width - cell_len(text)) + text


def trend(values: Sequence[float], width: int) -> str:
    """Return a course as at most `width` small columns from its lowest to its highest value.

    Each column is the mean of its share of the values; one without a finite value is a blank.
    """
    count = min(width, len(values))
    means = [_mean(values[i * len(values) // count : (i + 1) * len(values) // count])
             for i in range(count)]  # fmt: skip
    known = [mean for mean in means if mean is not None]
    if not known:
        return ""
    lowest, spread = min(known), max(known) - min(known)
    return "".join(
        " " if mean is None else _LEVELS[int((mean - lowest) / spread * 6.999) if spread else 3]
        for mean in means
    )


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else None


def _state(run: RunSummary, now: float) -> str:
    return f"{STATE_MARKS.get(run.state, ('?', ''))[0]} {clean(run.state, 11)}"


def _told(run: RunSummary, split: str) -> str:
    told = run.told(split)
    if told is None:
        return UNKNOWN
    name, value = told
    validation = run.told("validation")
    if split == "test" and validation is not None and validation[0] == name:
        return _in_six_cells(value)
    return f"{clean(short_name(name), 8)} {_in_six_cells(value)}"


def _in_six_cells(value: float) -> str:
    """Return a figure whole: with three decimals, fewer if it is large, a power if it is small."""
    if value and not 0.0005 <= abs(value) < 1e5:
        return f"{value:.0e}" if math.isfinite(value) else UNKNOWN
    return figure(value, 3 - (abs(value) >= 10) - (abs(value) >= 100) - (abs(value) >= 1000))


def _goodness(split: str) -> Callable[[RunSummary], tuple[int, str, float] | None]:
    """Return by what runs are ordered: the metric, then how good the figure is."""

    def order(run: RunSummary) -> tuple[int, str, float] | None:
        told = run.told(split)
        if told is None:
            return None
        name, value = told
        known = -_METRICS.index(name) if name in _METRICS else -len(_METRICS)
        return known, name, -value if direction(name) == "lower" else value

    return order


def _epochs(run: RunSummary, now: float) -> str:
    if not run.epochs:
        return UNKNOWN
    whole, done = f"{run.epochs:g}", f"{int(run.epoch * 10) / 10:g}"
    if done == whole:
        return whole
    words = f"{done}/{whole}"
    return words if len(words) <= COLUMNS["epochs"].width else f"{int(run.epoch)}/{whole}"


def _tags(run: RunSummary, now: float) -> str:
    return clean(" ".join(run.tags), _LONGEST)


COLUMNS = {
    column.key: column
    for column in (
        Column("state", "state", 13, _state, lambda run: run.state),
        Column(
            "name", "name", 12, lambda run, now: clean(run.name, _LONGEST),
            lambda run: run.name.lower(),
        ),
        Column(
            "data", "data", 12, lambda run, now: short_source(run.data),
            lambda run: run.data.lower() or None,
        ),
        Column(
            "model", "model", 12, lambda run, now: short_source(run.model),
            lambda run: run.model.lower() or None,
        ),
        Column(
            "validation", "best val", 10, lambda run, now: _told(run, "validation"),
            _goodness("validation"), largest_first=True, right=True,
        ),
        Column(
            "test", "test", 6, lambda run, now: _told(run, "test"), _goodness("test"),
            largest_first=True, right=True,
        ),
        Column(
            "epochs", "epochs", 7, _epochs, lambda run: run.epoch or None, largest_first=True,
            right=True,
        ),
        Column(
            "took", "took", 5, lambda run, now: duration(run.duration), lambda run: run.duration,
            largest_first=True, right=True,
        ),
        Column(
            "started", "started", 10, lambda run, now: ago(run.started, now),
            lambda run: run.began, largest_first=True,
        ),
        Column("tags", "tags", 8, _tags, lambda run: run.tags or None),
        Column("loss", "loss", 12, lambda run, now: ""),
    )
}  # fmt: skip

# Shown where there is room, the first ones first.
_OPTIONAL = ("loss", "tags", "model", "data")

# What is left over goes to these, at most so many cells each.
_GROWING = {"name": 12, "validation": 4, "test": 4, "tags": 8, "model": 12, "data": 12}
