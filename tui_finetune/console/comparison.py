"""Runs side by side as text, and as one document."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tui_finetune.console.progress_display import loss_figure
from tui_finetune.console.show import print_json
from tui_finetune.runs.comparison import ComparedRun, Comparer, Comparison
from tui_finetune.runs.differences import short_value
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.figures import Figure, direction, speed_words, title_of
from tui_finetune.runs.listing import summary_document
from tui_finetune.runs.paired import Pair, p_words
from tui_finetune.text import UNKNOWN, clean, duration

# From this width on the last value stands beside the best one.
_WIDE = 110

_LONGEST_CELL = 30


def print_comparison(runs: Sequence[RunDirectory], as_json: bool) -> None:
    """Print two to ten runs side by side. Raises `InputError` if they are not two to ten."""
    comparison = Comparer(runs).read()
    if as_json:
        print_json(comparison_document(comparison))
        return
    console = Console()
    parts: list[tuple[str, RenderableType]] = [
        ("", _runs_table(comparison)),
        ("best" if console.width < _WIDE else "best, last", _figures_table(comparison, console)),
        ("spread over seeds", _groups(comparison)),
        ("settings that differ", _settings_table(comparison)),
        ("test rows", _pairs(comparison)),
    ]
    for title, part in parts:
        if title:
            console.print(Text(f"\n{title}", style="bold underline"))
        console.print(part)
    for caveat in comparison.caveats:
        console.print(Text(f"! {clean(caveat)}", style="yellow"))


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data; runs are named by their ids.

    `metrics` has each metric's last and best value of each run, `best` the runs with the best one.
    A run that does not say a setting has no entry for it in `differs`.
    """
    runs = comparison.runs
    ids = comparison.ids
    said = [*comparison.differs, *comparison.unsaid]
    return {
        "runs": [
            {
                **summary_document(run.summary),
                "label": run.label,
                "differs": run.differs,
                "seconds": run.seconds,
                "rows_per_second": run.rows_per_second,
            }
            for run in runs
        ],
        "metrics": {
            metric: {
                run.summary.id: vars(run.figures[metric]) for run in runs if metric in run.figures
            }
            for metric in comparison.metrics
        },
        "best": {
            metric: [ids[place] for place in sorted(places)]
            for metric, places in comparison.best.items()
            if places
        },
        "groups": [
            {
                "runs": [ids[place] for place in group.members],
                "unfinished": group.unfinished,
                "other_test_rows": group.other_test_rows,
                "metrics": {
                    name: {"n": one.count, "mean": one.mean, "deviation": one.deviation}
                    for name, one in group.spreads.items()
                },
            }
            for group in comparison.groups
        ],
        "differs": {
            key: {run.summary.id: run.settings[key] for run in runs if key in run.settings}
            for key in said
        },
        "same": {key: runs[0].settings[key] for key in comparison.same},
        "environment": {
            key: {run.summary.id: run.environment.get(key) for run in runs}
            for key in comparison.environment
        },
        "pairs": [_pair_document(pair, ids) for pair in comparison.pairs],
        "caveats": list(comparison.caveats),
    }


def _pair_document(pair: Pair, ids: Sequence[str]) -> dict[str, Any]:
    """Return a pair: b rows are right only in the first run, c only in the second, of n in both."""
    names = {"first": ids[pair.first], "second": ids[pair.second]}
    if pair.p_value is None:
        return {**names, "p_value": None, "why_not": pair.why_not, "common": pair.common}
    return {
        **names,
        "n": pair.rows,
        "b": pair.only_first,
        "c": pair.only_second,
        "both_right": pair.both_right,
        "both_wrong": pair.both_wrong,
        "p_value": pair.p_value,
        "p_holm": pair.p_holm,
    }


def _table(comparison: Comparison, first: str) -> Table:
    """Return a table with a column for each run, headed by its number."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first)
    for number in range(1, len(comparison.runs) + 1):
        table.add_column(f"#{number}", justify="right", overflow="fold")
    return table


def _runs_table(comparison: Comparison) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("run", overflow="fold")
    for name in ("state", "differs"):
        table.add_column(name)
    for name in ("took", "rows/s", ""):
        table.add_column(name, justify="right", no_wrap=True)
    fastest = max((run.rows_per_second or 0.0 for run in comparison.runs), default=0.0)
    for number, run in enumerate(comparison.runs, 1):
        table.add_row(
            f"#{number}",
            Text(clean(run.label)),
            Text(clean(run.summary.state, 12)),
            Text(clean(run.differs, 60)),
            duration(run.seconds),
            *_speed(run, fastest),
        )
    return table


def _speed(run: ComparedRun, fastest: float) -> tuple[str, str]:
    if not run.rows_per_second:
        return UNKNOWN, ""
    slower = fastest / run.rows_per_second
    return speed_words(run.rows_per_second), f"{slower:.1f}x slower" if slower >= 1.05 else ""


def _figures_table(comparison: Comparison, console: Console) -> Table:
    table = _table(comparison, "")
    for metric in comparison.metrics:
        side = direction(metric)
        arrow = {"lower": " ↓", "higher": " ↑", None: ""}[side]
        cells = []
        for place, run in enumerate(comparison.runs):
            found = run.figures.get(metric, Figure(None))
            best = place in comparison.best[metric]
            words = loss_figure(found.best if side else found.final)
            if console.width >= _WIDE and found.best is not None and found.best != found.final:
                words += f", {loss_figure(found.final)}"
            cells.append(Text(f"★ {words}" if best else words, style="bold green" if best else ""))
        note = comparison.weights_words(metric)
        title = Text(clean(title_of(metric), 40) + arrow)
        table.add_row(title.append(f"\n{note}" if note else "", style="dim"), *cells)
    return table


def _groups(comparison: Comparison) -> RenderableType:
    groups = [group for group in comparison.groups if len(group.members) > 1]
    if not groups:
        return Text("no two runs differ in their seeds alone: one run each, no spread")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("mean ± standard deviation")
    notes = []
    for group in groups:
        members = " ".join(f"#{place + 1}" for place in group.members)
        count = len(group.members) - group.unfinished
        table.add_column(f"{members} (n={count})", justify="right")
        if group.unfinished:
            notes.append(f"{members}: {group.unfinished} not finished and left out")
        if group.other_test_rows:
            notes.append(f"{members}: the split seeds differ, each run has other test rows")
    for metric in comparison.metrics:
        spreads = [group.spreads.get(metric) for group in groups]
        if any(spreads):
            cells = (
                UNKNOWN
                if one is None
                else f"{loss_figure(one.mean)} ± {loss_figure(one.deviation)}"
                for one in spreads
            )
            table.add_row(Text(clean(title_of(metric), 40)), *cells)
    return Group(table, *(Text(note, style="yellow") for note in notes))


def _settings_table(comparison: Comparison) -> RenderableType:
    if not (comparison.differs or comparison.environment):
        return Text("none")
    table = _table(comparison, "")
    for key in comparison.differs:
        cells = [
            clean(short_value(run.settings[key]), _LONGEST_CELL) if key in run.settings else UNKNOWN
            for run in comparison.runs
        ]
        table.add_row(Text(clean(key)), *map(Text, cells))
    for key in comparison.environment:
        values = [clean(run.environment.get(key, UNKNOWN), 30) for run in comparison.runs]
        table.add_row(Text(clean(key), style="dim"), *map(Text, values))
    if comparison.unsaid:
        count = f"{len(comparison.unsaid)} more are not said by every run"
        return Group(table, Text(count, style="dim"))
    return table


def _pairs(comparison: Comparison) -> RenderableType:
    """Return the tests of all pairs, with what many pairs mean for the p values."""
    tested = [pair for pair in comparison.pairs if pair.p_value is not None]
    lines = [
        Text.assemble(
            (f"#{pair.first + 1} #{pair.second + 1}  ", "bold"),
            clean(pair.words(f"#{pair.first + 1}", f"#{pair.second + 1}")),
            (
                f"  (Holm {p_words(pair.p_holm)})"
                if len(tested) > 1 and pair.p_holm is not None
                else "",
                "dim",
            ),
        )
        for pair in comparison.pairs
    ]
    if not tested:
        reasons = dict.fromkeys(pair.why_not for pair in comparison.pairs)
        return Group(*(Text(f"no test: {clean(reason)}") for reason in reasons))
    lines.append(Text("McNemar's exact test (binomial, two-sided)", style="dim"))
    return Group(*lines)
