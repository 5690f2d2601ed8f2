"""The tables of the Compare pane with a column for each run: its figures, and its settings."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from tui_finetune.runs.comparison import ComparedRun, Comparison, Group
from tui_finetune.runs.figures import TEST, Figure, direction, title_of
from tui_finetune.text import clean
from tui_finetune.ui.panes.compare_text import (
    padded,
    sample,
    seed_groups,
    setting_words,
    short_names,
    shorten_middle,
    speed_cells,
    spread_words,
    star,
)
from tui_finetune.ui.words import STATE_MARKS, UNKNOWN, duration, loss_figure, short_source

_NARROWEST_CELL, _WIDEST_CELL = 17, 26
_NOTHING = Content("")
_UNSAID = Content("What a run does not say is —, and that is not equal to what another says.")


@dataclass(frozen=True)
class AcrossLine:
    """A line of a table with a column for each run; a heading has no cells."""

    name: str
    cells: Sequence[Content] = ()
    detail: Content = _NOTHING


@dataclass(frozen=True)
class AcrossColumns:
    """The columns of a table with one for each run, as far as they are in sight."""

    comparison: Comparison
    groups: Sequence[Group]
    """Groups of seeds that have a column too."""
    names: int
    """Cells for the names of the lines."""
    first: int
    width: int

    @property
    def count(self) -> int:
        """How many columns there are."""
        return len(self.comparison.runs) + len(self.groups)

    @property
    def cell(self) -> int:
        """Cells of a column."""
        room = (self.width - self.names) // self.count
        return max(min(room, _WIDEST_CELL), _NARROWEST_CELL)

    @property
    def shown(self) -> int:
        """How many columns are in sight."""
        return min(max((self.width - self.names) // self.cell, 1), self.count)

    def pick(self, cells: Sequence[Content]) -> Content:
        """Return those of a line's cells that are in sight, side by side."""
        shown = cells[self.first : self.first + self.shown]
        room = self.cell - 2
        return Content("").join(
            [Content.assemble(c.truncate(room, ellipsis=True, pad=True), "  ") for c in shown]
        )


def across_header(columns: AcrossColumns) -> Content:
    """Return the runs' marks and names above their columns."""
    names = short_names(columns.comparison.labels, columns.cell - 4)
    titles = [Content.assemble(sample(n), " ", (name, "bold")) for n, name in enumerate(names)]
    for group in columns.groups:
        marks = Content("").join([sample(place) for place in group.members])
        titles.append(Content.assemble(marks, (" mean ± sd", "bold")))
    place = ""
    if columns.shown < columns.count:
        place = f"{columns.first + 1} to {columns.first + columns.shown} of {columns.count}"
    return Content.assemble((f"{place:<{columns.names}}", "$text-muted"), columns.pick(titles))


def across_line(columns: AcrossColumns, line: AcrossLine) -> Content:
    """Return a line of the table, or a heading."""
    if not line.cells:
        return Content.styled(line.name, "bold")
    name = padded(shorten_middle(clean(line.name), columns.names - 1), columns.names)
    return Content.assemble((name, "$text-muted"), columns.pick(line.cells))


def figure_lines(comparison: Comparison) -> list[AcrossLine]:
    """Return a line for each metric, and those about state, time and speed."""
    lines = [
        _about("state", comparison, lambda run: _state_cell(run)),
        _about("took", comparison, lambda run: Content(duration(run.seconds))),
        _about("rows/s", comparison, lambda run: speed_cells(comparison, run)[0]),
        _about("to the fastest", comparison, lambda run: speed_cells(comparison, run)[1]),
    ]
    return [_metric_line(comparison, name) for name in comparison.metrics] + lines


def _metric_line(comparison: Comparison, metric: str) -> AcrossLine:
    best = comparison.best[metric]
    arrow = {"lower": " ↓", "higher": " ↑", None: ""}[direction(metric)]
    cells = []
    for place, run in enumerate(comparison.runs):
        figure = run.figures.get(metric, Figure(None))
        shown = star(loss_figure(figure.best if direction(metric) else figure.final), place in best)
        last = loss_figure(figure.final)
        if figure.best is not None and loss_figure(figure.best) != last:
            shown = Content.assemble(shown, (f" → {last}", "$text-muted"))
        cells.append(shown)
    groups = seed_groups(comparison)
    cells += [Content(spread_words(group, metric)) for group in groups]
    named = Content.assemble(
        (f"{title_of(metric)}{arrow}", "bold"), f"   logged as {clean(metric)}",
        (f"   {comparison.weights_words(metric)}\n", "$text-warning"),
    )  # fmt: skip
    detail = Content("\n").join(
        [_figure_detail(comparison, place, metric) for place in range(len(comparison.runs))]
    )
    return AcrossLine(f"{title_of(metric)}{arrow}", cells, Content.assemble(named, detail))


def _figure_detail(comparison: Comparison, place: int, metric: str) -> Content:
    run = comparison.runs[place]
    figure = run.figures.get(metric, Figure(None))
    words = f"last {loss_figure(figure.final)}"
    if figure.best is not None and not metric.startswith(TEST):
        words = f"best {loss_figure(figure.best)}"
        if figure.best_epoch is not None and not math.isnan(figure.best_epoch):
            words += f" at epoch {round(figure.best_epoch, 2):g}"
        words += f", last {loss_figure(figure.final)}"
    return Content.assemble(sample(place), f" {shorten_middle(clean(run.label), 40)}: ", words)


def _about(name: str, comparison: Comparison, cell: Callable[[ComparedRun], Content]) -> AcrossLine:
    cells = [cell(run) for run in comparison.runs]
    return AcrossLine(name, cells + [Content("")] * len(seed_groups(comparison)))


def _state_cell(run: ComparedRun) -> Content:
    mark, style = STATE_MARKS.get(run.summary.state, ("?", "$text-muted"))
    return Content.styled(f"{mark} {clean(run.summary.state, 12)}", style)


def setting_lines(comparison: Comparison, everything: bool) -> list[AcrossLine]:
    """Return the settings that differ, the environments' differences, and if wanted all others."""
    differs = [_setting(comparison, key) for key in comparison.differs]
    lines = [AcrossLine(f"differs ({len(differs)})"), *differs]
    if comparison.environment:
        lines.append(AcrossLine(f"environment ({len(comparison.environment)})"))
        lines += [_environment(comparison, key) for key in comparison.environment]
    if comparison.unsaid:
        said = f"not said by every run ({len(comparison.unsaid)})"
        lines.append(AcrossLine(said, detail=_UNSAID))
        lines += [_setting(comparison, key) for key in comparison.unsaid if everything]
    lines.append(AcrossLine(f"the same ({len(comparison.same)})"))
    return lines + [_setting(comparison, key) for key in comparison.same if everything]


def _setting(comparison: Comparison, key: str) -> AcrossLine:
    return _said(comparison, key, [setting_words(run, key) for run in comparison.runs])


def _environment(comparison: Comparison, key: str) -> AcrossLine:
    values = [clean(run.environment.get(key, UNKNOWN), 200) for run in comparison.runs]
    return _said(comparison, key, values)


def _said(comparison: Comparison, key: str, values: Sequence[str]) -> AcrossLine:
    """Return a line of values, those set off that are not the most frequent one."""
    usual = max(values, key=values.count)
    cells = []
    for value in values:
        tone = "$text-muted" if value == UNKNOWN else "" if value == usual else "bold $text-accent"
        # Of a path the end tells more than the beginning; the whole of it stands below the list.
        cells.append(Content.styled(short_source(value), tone))
    parts = [Content.assemble(sample(place), f" {value}") for place, value in enumerate(values)]
    whole = Content.assemble((f"{clean(key)}\n", "bold"), Content("\n").join(parts))
    return AcrossLine(clean(key), cells, whole)
