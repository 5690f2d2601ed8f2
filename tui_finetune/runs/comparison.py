"""Two to ten runs side by side: figures, what differs in their settings, the spread over seeds."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui_finetune.errors import InputError
from tui_finetune.runs.curves import Axis
from tui_finetune.runs.differences import (
    PLACES,
    SEEDS,
    comparable,
    differing_words,
    keys_that_differ,
    short_key,
    sort_settings,
)
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.environment import read_environment
from tui_finetune.runs.figures import (
    TRAIN_LOSS,
    Figure,
    direction,
    metrics_in_order,
    read_figures,
    speed,
    time_taken,
)
from tui_finetune.runs.history import History, HistoryReader
from tui_finetune.runs.listing import RunSummary, summarise
from tui_finetune.runs.paired import (
    Pair,
    TestRows,
    compare_pairs,
    read_digests,
    read_test_rows,
)
from tui_finetune.text import clean

FEWEST, MOST = 2, 10

# The losses that class weights change; that of the test rows has none.
_WEIGHTED_LOSSES = (TRAIN_LOSS, "eval_loss")

# Steps of an epoch may differ by this share and still be the same: a last, smaller batch.
_SAME_EPOCH = 0.01


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs. `label` is its name, with more where several have the same."""

    summary: RunSummary
    label: str
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    digests: Mapping[str, str]
    """Of the contents of its data files."""
    history: History
    figures: Mapping[str, Figure]
    differs: str
    """What sets its settings apart, in a word or two."""
    seconds: float | None
    """From its start to its end, or until now."""
    rows_per_second: float | None

    @property
    def steps_per_epoch(self) -> float | None:
        """Steps of an epoch, as planned or as logged."""
        if self.history.steps_per_epoch:
            return float(self.history.steps_per_epoch)
        for curve in self.history.curves.values():
            if curve.steps and curve.epochs[-1] > 0:
                return curve.steps[-1] / curve.epochs[-1]
        return None


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of a figure over runs that differ in seeds."""

    count: int
    mean: float
    deviation: float | None
    """None for a single run."""


@dataclass(frozen=True)
class Group:
    """Runs whose settings are equal but for seeds; by their places."""

    members: tuple[int, ...]
    spreads: Mapping[str, Spread]
    """Of the best value of each metric with a better side, over the finished runs."""
    unfinished: int
    """How many members are left out of the spreads."""
    other_test_rows: bool
    """Whether the seed of the splits differs, so that each run has other test rows."""


@dataclass(frozen=True)
class Comparison:
    """The runs in the order they were named, and what follows from putting them side by side."""

    runs: Sequence[ComparedRun]
    metrics: Sequence[str]
    """Every logged metric, those of two or more runs first."""
    best: Mapping[str, frozenset[int]]
    """The places of the runs with the best figure, for metrics that two or more runs have."""
    groups: Sequence[Group]
    differs: Sequence[str]
    """Settings with two or more known values."""
    unsaid: Sequence[str]
    """Settings that only some of the runs say, with one value."""
    same: Sequence[str]
    environment: Sequence[str]
    """What differs in the environments."""
    caveats: Sequence[str]
    """Why figures may not be of the same thing."""
    pairs: Sequence[Pair]

    @property
    def labels(self) -> list[str]:
        """The runs' labels."""
        return [run.label for run in self.runs]

    @property
    def ids(self) -> list[str]:
        """The runs' ids."""
        return [run.summary.id for run in self.runs]

    def weights_words(self, metric: str) -> str:
        """Return in a few words whether a loss counts rows of rare labels more; else nothing."""
        if metric not in _WEIGHTED_LOSSES:
            return ""
        having = [run for run in self.runs if metric in run.figures]
        weighted = sum(run.history.class_weighted for run in having)
        if weighted == len(having):
            return "classes weighted, in the test not" if weighted else ""
        return f"classes weighted in {weighted} of {len(having)}" if weighted else ""

    @property
    def default_axis(self) -> Axis:
        """The epoch where an epoch has another number of steps from run to run, else the step."""
        steps = [run.steps_per_epoch for run in self.runs if run.steps_per_epoch]
        apart = bool(steps) and max(steps) > min(steps) * (1 + _SAME_EPOCH)
        return "epoch" if apart else "step"


@dataclass(frozen=True)
class _Figures:
    of: RunSummary
    figures: dict[str, Figure]
    speed: float | None


class Comparer:
    """Follows the runs that are compared. Raises `InputError` unless they are two to ten."""

    def __init__(self, runs: Sequence[RunDirectory]) -> None:
        check_choice(runs)
        self.runs = tuple(runs)
        self.runs_read = 0
        """How many of the runs `read` is done with; the first time it may take long."""
        self.given_up = False
        """Whether nobody waits for `read`: it goes to the end of the run that it is at."""
        self._readers = [HistoryReader(run) for run in runs]
        self._figures: dict[RunDirectory, _Figures] = {}
        self._test_rows: dict[RunDirectory, tuple[int, TestRows]] = {}
        self._pairs: tuple[list[str], list[TestRows], list[Pair]] = [], [], []

    def read(self) -> Comparison:
        """Take in what came since the last call and return the comparison as it is now."""
        grown = []
        for reader in self._readers:
            grown.append(not self.given_up and reader.update())
            self.runs_read = len(grown)
        summaries = [summarise(run) for run in self.runs]
        settings = [summary.settings for summary in summaries]
        labels = distinct_labels(summaries, settings)
        differs, unsaid, same = sort_settings(settings)
        words = differing_words(settings, differs)
        runs = []
        for place, (summary, reader) in enumerate(zip(summaries, self._readers, strict=True)):
            found = self._read_figures(reader, summary, grown[place])
            runs.append(
                ComparedRun(
                    summary=summary,
                    label=labels[place],
                    settings=settings[place],
                    environment=read_environment(summary.run),
                    digests=read_digests(summary.run),
                    history=reader.history,
                    figures=found.figures,
                    differs=words[place],
                    seconds=time_taken(summary, reader.history),
                    rows_per_second=found.speed,
                )
            )
        metrics = metrics_in_order(run.figures for run in runs)
        return Comparison(
            runs=runs,
            metrics=metrics,
            best={name: best_of(runs, name) for name in metrics},
            groups=_groups(runs),
            differs=differs,
            unsaid=unsaid,
            same=same,
            environment=keys_that_differ([run.environment for run in runs]),
            caveats=_caveats(runs),
            pairs=self._compare_pairs(runs),
        )

    def _read_figures(self, reader: HistoryReader, summary: RunSummary, news: bool) -> "_Figures":
        """Return a run's figures, computed again only if something came."""
        known = self._figures.get(summary.run)
        if news or known is None or known.of != summary:
            history = reader.history
            known = _Figures(summary, read_figures(history, summary), speed(summary, history))
            self._figures[summary.run] = known
        return known

    def _compare_pairs(self, runs: Sequence[ComparedRun]) -> list[Pair]:
        """Return the pairs, compared again only if one has other predictions or another name."""
        labels = [run.label for run in runs]
        tested_on = [self._read_test_rows(run.summary.run) for run in runs]
        known_labels, known, pairs = self._pairs
        if labels != known_labels or any(
            one is not other for one, other in zip(tested_on, known, strict=True)
        ):
            digests, settings = [run.digests for run in runs], [run.settings for run in runs]
            pairs = compare_pairs(tested_on, digests, settings, labels)
            self._pairs = labels, tested_on, pairs
        return pairs

    def _read_test_rows(self, run: RunDirectory) -> TestRows:
        """Read a run's test predictions, unless they are those that were read before."""
        try:
            changed = (run.evaluation / "test.jsonl").stat().st_mtime_ns
        except OSError:
            changed = 0
        known = self._test_rows.get(run)
        if known is None or known[0] != changed:
            known = self._test_rows[run] = changed, read_test_rows(run)
        return known[1]


def check_choice(runs: Sequence[RunDirectory]) -> None:
    """Raise `InputError` unless these are two to ten runs, each another."""
    if not FEWEST <= len(runs) <= MOST:
        raise InputError(f"{FEWEST} to {MOST} runs can be compared, not {len(runs)}")
    for run, times in Counter(runs).items():
        if times > 1:
            raise InputError(f"run {clean(run.id)}: named {times} times; name each run once")


def best_of(runs: Sequence[ComparedRun], metric: str) -> frozenset[int]:
    """Return the places of the runs with the best value, all of equal ones.

    None is best where fewer than two runs have the figure, or neither side is better.
    """
    values = {
        place: figure.best
        for place, run in enumerate(runs)
        if (figure := run.figures.get(metric)) is not None and figure.best is not None
    }
    side = direction(metric)
    if len(values) < 2 or side is None:
        return frozenset()
    top = min(values.values()) if side == "lower" else max(values.values())
    return frozenset(place for place, value in values.items() if value == top)


# --- names ---


def distinct_labels(
    summaries: Sequence[RunSummary], settings: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return a name for each run; equal ones get their seed, or else the end of their id."""
    labels = []
    for summary, said in zip(summaries, settings, strict=True):
        namesakes = [n for n, other in enumerate(summaries) if other.name == summary.name]
        seeds = [settings[n].get("train.seed") for n in namesakes]
        if len(namesakes) == 1:
            labels.append(summary.name)
        elif None not in seeds and len(set(seeds)) == len(seeds):
            labels.append(f"{summary.name} seed {said['train.seed']}")
        else:
            labels.append(f"{summary.name} {summary.id[-4:]}")
    return labels


# --- seeds, and what speaks against comparing ---


def spread(values: Sequence[float]) -> Spread:
    """Return mean and sample standard deviation of one or more values."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Spread(len(values), statistics.fmean(values), deviation)


def _groups(runs: Sequence[ComparedRun]) -> list[Group]:
    """Return the groups, in the order of their first runs; runs with unknown settings have none."""
    members: dict[object, list[int]] = {}
    for place, run in enumerate(runs):
        known = {"data.source", "model.source"} <= run.settings.keys()
        kept = {k: comparable(v) for k, v in run.settings.items() if k not in SEEDS | PLACES}
        contents = tuple(sorted(run.digests.values()))
        identity = (tuple(sorted(kept.items())), contents) if known else place
        members.setdefault(identity, []).append(place)
    return [_group(runs, places) for places in members.values()]


def _group(runs: Sequence[ComparedRun], places: Sequence[int]) -> Group:
    finished = [runs[place] for place in places if runs[place].summary.state == "finished"]
    spreads = {}
    for metric in metrics_in_order(run.figures for run in finished):
        values = [
            figure.best
            for run in finished
            if (figure := run.figures.get(metric)) is not None and figure.best is not None
        ]
        if values:
            spreads[metric] = spread(values)
    seeds = {runs[place].settings.get("data.seed") for place in places}
    return Group(tuple(places), spreads, len(places) - len(finished), len(seeds) > 1)


def _caveats(runs: Sequence[ComparedRun]) -> list[str]:
    """Return why the runs' figures may be of different rows."""
    said = []
    contents = {tuple(sorted(run.digests.values())) for run in runs if run.digests}
    sources = {run.summary.data for run in runs if run.summary.data}
    unknown = sum(not (run.digests or run.summary.data) for run in runs)
    if len({run.summary.task for run in runs if run.summary.task}) > 1:
        said.append("the tasks differ: their figures mean different things")
    if len(contents) > 1 or (not contents and len(sources) > 1):
        said.append("the data differ: their figures are of different rows")
    elif unknown:
        of_them = f"{unknown} of {len(runs)} runs"
        said.append(f"what data {of_them} had is not known: figures may be of different rows")
    elif keys := keys_that_differ([run.settings for run in runs], ["data.seed", "data.validation"]):
        what = " and ".join(f"the {short_key(key)}" for key in keys)
        verb = "differs" if len(keys) == 1 else "differ"
        said.append(f"{what} {verb}: the validation figures are of different rows")
    if len({run.history.class_weighted for run in runs}) > 1:
        said.append("only some weight their classes: train and validation losses do not compare")
    return said
