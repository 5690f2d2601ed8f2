"""The lines of the Compare pane: the runs, what follows from them, figures and settings across."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.runs.comparison import ComparedRun, Comparison, Group
from tui_finetune.runs.differences import short_value
from tui_finetune.runs.figures import TEST, Figure, direction, speed_words, title_of
from tui_finetune.text import clean
from tui_finetune.ui.widgets.plotting.raster import BRAILLE
from tui_finetune.ui.words import (
    STATE_MARKS,
    UNKNOWN,
    counted,
    duration,
    loss_figure,
)

# From this width on there is room for states in words and for the speed.
WIDE = 120

# A colour and a mark for each run: told apart by both, and by the dashes of its line.
COLOURS = (
    "$primary", "$accent", "$success", "$error", "#b48ead",
    "#5fb3b3", "#c5c8c6", "#e08f6a", "#9aa7f0", "#d08bb5",
)  # fmt: skip
MARKS = "●■▲◆○□△◇✚✖"
DASHES = len(BRAILLE.lines)

_LONGEST_NAME = 32
_STAR = "★"

# Which metric stands for a group of seeds: the first of these that it has.
_TELLING = ("eval_accuracy", "eval_f1", "eval_loss", "loss")


# --- runs ---


def short_names(labels: Sequence[str], width: int) -> list[str]:
    """Return the labels in at most `width` cells each, without the middle of those too long.

    Where that would make two the same, the beginning that all share is left out instead.
    """
    names = [clean(label) for label in labels]
    short = [shorten_middle(name, width) for name in names]
    if len(set(short)) == len(set(names)):
        return short
    first, last = min(names), max(names)
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    return [shorten_middle(f"…{name[shared:].lstrip()}", width) for name in names]


def shorten_middle(text: str, width: int) -> str:
    """Return a text in at most `width` cells, without its middle if it is longer."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    while cell_len(text[-tail:]) > tail and tail > 1:
        tail -= 1
    head = Content(text).truncate(width - 1 - cell_len(text[-tail:]))
    return f"{head.plain}…{text[-tail:]}"


def sample(place: int) -> Content:
    """Return the mark of a run in its colour."""
    return Content.styled(MARKS[place], f"bold {COLOURS[place]}")


def line_sample(place: int) -> Content:
    """Return how the lines of a run are drawn, and its mark."""
    return Content.styled(f"{BRAILLE.lines[place % DASHES][0]}{MARKS[place]}", COLOURS[place])


def star(text: str, best: bool) -> Content:
    """Return a figure, marked if it is the best."""
    return Content.styled(f"{_STAR}{text}", "bold $text-success") if best else Content(text)


def test_metric(comparison: Comparison) -> str | None:
    """Return which figure of the test rows stands beside a run."""
    known = [name for name in comparison.metrics if name.startswith(TEST)]
    return next((name for name in (f"{TEST}accuracy", *known) if name in known), None)


@dataclass(frozen=True)
class RunColumns:
    """What stands in the columns of the list of runs, for one width."""

    comparison: Comparison
    metric: str | None
    """The metric whose best and last values are shown."""
    width: int

    @property
    def wide(self) -> bool:
        """Whether states stand in words, and the speed beside them."""
        return self.width >= WIDE

    @property
    def names(self) -> int:
        """Cells for the names."""
        longest = max(cell_len(clean(label)) for label in self.comparison.labels)
        return min(longest, _LONGEST_NAME if self.wide else 22)

    @property
    def words(self) -> int:
        """Cells for what sets a run apart."""
        fixed = 4 + self.names + 2 + (15 if self.wide else 3) + sum(w for _, w in self.figures)
        needed = max(cell_len(run.differs) for run in self.comparison.runs) + 2
        return max(min(self.width - fixed - 1, needed), 8)

    @property
    def figures(self) -> list[tuple[str, int]]:
        """Titles and widths of the columns of figures."""
        titles: list[tuple[str, int]] = []
        if self.metric is not None:
            arrow = {"lower": " ↓", "higher": " ↑", None: ""}[direction(self.metric)]
            name = title_of(self.metric).replace("validation", "val")
            if self.wide:
                name = clean(name, 20)
                titles = [(f"best {name}{arrow}", max(len(name) + 9, 12)), ("last", 9)]
            else:
                titles = [(f"best{arrow}", 9), ("last", 8)]
        if tested := test_metric(self.comparison):
            titles.append((title_of(tested) if self.wide else "test", 15 if self.wide else 8))
        titles.append(("took", 7))
        if self.wide:
            titles += [("rows/s", 9), ("", 14)]
        return titles


def run_header(columns: RunColumns) -> Content:
    """Return the names of the columns."""
    state = f"{'state':<15}" if columns.wide else "   "
    start = f"    {'run':<{columns.names}}  {state}{'differs':<{columns.words}}"
    return Content.styled(start + "".join(f"{t:>{w}}" for t, w in columns.figures), "$text-muted")


def run_line(columns: RunColumns, place: int) -> Content:
    """Return a run: its mark, name, state, what sets it apart, and its figures."""
    comparison = columns.comparison
    run = comparison.runs[place]
    mark, style = STATE_MARKS.get(run.summary.state, ("?", "$text-muted"))
    state = f"{mark} {clean(run.summary.state, 12):<12}" if columns.wide else f"{mark} "
    name = short_names(comparison.labels, columns.names)[place]
    cells: list[Content] = []
    if columns.metric is not None:
        figure = run.figures.get(columns.metric, Figure(None))
        best = place in comparison.best.get(columns.metric, ())
        cells += [star(loss_figure(figure.best), best), Content(loss_figure(figure.final))]
    if tested := test_metric(comparison):
        value = run.figures.get(tested, Figure(None)).final
        cells.append(star(loss_figure(value), place in comparison.best.get(tested, ())))
    cells.append(Content(duration(run.seconds)))
    if columns.wide:
        cells += speed_cells(comparison, run)
    room = columns.words - 2
    return Content.assemble(
        line_sample(place), " ",
        (padded(name, columns.names), "bold"), "  ",
        (state, style), " ",
        Content.styled(run.differs, "$text-muted").truncate(room, ellipsis=True, pad=True), " ",
        *(_right(cell, width) for cell, (_, width) in zip(cells, columns.figures, strict=True)),
    )  # fmt: skip


def speed_cells(comparison: Comparison, run: ComparedRun) -> list[Content]:
    """Return how many rows a second were trained, and how that is to the fastest run."""
    speed = run.rows_per_second
    speeds = [other.rows_per_second for other in comparison.runs if other.rows_per_second]
    if not speed:
        return [Content(UNKNOWN), Content("")]
    slower = max(speeds) / speed
    words = f"{slower:.1f}x slower" if slower >= 1.05 else ""
    return [star(speed_words(speed), len(speeds) > 1 and slower == 1), Content(words)]


def _right(content: Content, width: int) -> Content:
    return Content.assemble(" " * max(width - content.cell_length, 1), content)


def padded(text: str, width: int) -> str:
    """Return a text with blanks behind it up to `width` cells."""
    return text + " " * max(width - cell_len(text), 0)


# --- what follows ---


def summary_lines(comparison: Comparison, most: int) -> list[Content]:
    """Return caveats, seeds, the test and what differs, each in a line, at most so many."""
    lines = [
        Content.assemble((" ! ", "bold $text-warning"), (words, "$text-warning"))
        for words in comparison.caveats
    ]
    lines.append(spread_line(comparison))
    lines += [_pair_line(comparison), _differs_line(comparison)]
    return lines[:most]


def spread_line(comparison: Comparison) -> Content:
    """Return mean and standard deviation over the seeds of the groups that have several runs."""
    groups = [group for group in comparison.groups if len(group.members) > 1]
    if not groups:
        return Content.assemble(
            (" seeds    ", "$text-muted"), "no two runs differ in their seeds alone: no spread"
        )
    parts = [group_words(comparison, group) for group in groups]
    return Content.assemble((" seeds    ", "$text-muted"), Content("   ").join(parts))


def group_words(comparison: Comparison, group: Group) -> Content:
    """Return who is in a group of seeds, and the spread of its most telling metric."""
    metric = next((name for name in _TELLING if name in group.spreads), None)
    tested = f"{TEST}accuracy"
    marks = Content("").join([sample(place) for place in group.members])
    figures = [name for name in (metric, tested) if name and name in group.spreads]
    words = ", ".join(
        f"{title_of(name)} {spread_words(group, name)} (n={group.spreads[name].count})"
        for name in figures
    )
    notes = ""
    if group.unfinished:
        notes += f" ({group.unfinished} not finished, left out)"
    if group.other_test_rows:
        notes += " (the split seeds differ, and so do the test rows)"
    return Content.assemble(marks, " ", words or "no figures yet", (notes, "$text-warning"))


def spread_words(group: Group, metric: str) -> str:
    """Return mean, standard deviation and number of a metric in a group."""
    spread = group.spreads.get(metric)
    if spread is None:
        return UNKNOWN
    if spread.deviation is None:
        return f"{loss_figure(spread.mean)} (one finished)"
    return f"{loss_figure(spread.mean)} ± {loss_figure(spread.deviation)}"


def _pair_line(comparison: Comparison) -> Content:
    """Return what the test of the two best runs says, or why there is none; and what else there is.

    The best are those with the best figure on the test rows; if that is not known of two runs, it
    is the first pair.
    """
    pairs = list(comparison.pairs)
    if len(pairs) > 1 and all(pair.p_value is None for pair in pairs):
        none = "no two of them have predictions of the same test rows"
        return Content.assemble((" test     ", "$text-muted"), none)
    best = two_best(comparison)
    pair = next((pair for pair in pairs if (pair.first, pair.second) == best), pairs[0])
    labels = short_names(comparison.labels, 16)
    more = len(pairs) - 1
    of_them = f"the best by {title_of(test_metric(comparison) or '')}, " if best else ""
    return Content.assemble(
        (" test     ", "$text-muted"), sample(pair.first), f" {labels[pair.first]} ",
        sample(pair.second), f" {labels[pair.second]}: ",
        pair.words(labels[pair.first], labels[pair.second]),
        (f"   {of_them}{counted(more, 'more pair')}" if more else "", "$text-muted"),
    )  # fmt: skip


def two_best(comparison: Comparison) -> tuple[int, int] | None:
    """Return the places of the two runs with the best figure of the test rows, in their order."""
    metric = test_metric(comparison)
    if metric is None:
        return None
    values = {
        place: value
        for place, run in enumerate(comparison.runs)
        if (value := run.figures.get(metric, Figure(None)).final) is not None
    }
    if len(values) < 2:
        return None
    ranked = sorted(values, key=values.__getitem__, reverse=direction(metric) != "lower")
    first, second = sorted(ranked[:2])
    return first, second


def _differs_line(comparison: Comparison) -> Content:
    if not comparison.differs:
        words = "nothing that all runs say" if comparison.unsaid else "nothing in the settings"
        return Content.assemble((" differs  ", "$text-muted"), words)
    parts = [
        f"{clean(key)} " + " | ".join(setting_words(run, key) for run in comparison.runs)
        for key in comparison.differs
    ]
    return Content.assemble((" differs  ", "$text-muted"), "   ".join(parts))


def seed_groups(comparison: Comparison) -> list[Group]:
    """Return the groups of seeds that have several runs."""
    return [group for group in comparison.groups if len(group.members) > 1]


def setting_words(run: ComparedRun, key: str) -> str:
    """Return the value of a setting of a run; a dash if it does not say it."""
    return short_value(run.settings[key]) if key in run.settings else UNKNOWN
