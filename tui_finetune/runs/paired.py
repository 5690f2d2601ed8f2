"""Two runs' predictions of their test rows, row by row: which one is right where the other errs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from tui_finetune.runs.differences import short_value
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.mcnemar import LEVEL, holm, mcnemar_exact
from tui_finetune.text import clean


@dataclass(frozen=True)
class Judged:
    """A row and what the model said of it. `row` is its place in the file."""

    row: int
    text: str
    true: str
    label: str

    @property
    def key(self) -> tuple[int, str, str]:
        """What is the same only if it is the same row."""
        return self.row, self.text, self.true

    @property
    def right(self) -> bool:
        """Whether the prediction is the true label."""
        return self.label == self.true


Rows = dict[tuple[int, str, str], Judged]


@dataclass(frozen=True)
class TestRows:
    """The test rows of a run with its predictions; without any, `missing` says why."""

    __test__ = False  # no test case, whatever pytest thinks of the name

    rows: Rows = field(default_factory=dict)
    missing: str = ""


@dataclass(frozen=True)
class Disagreement:
    """A row that one of two runs has right and the other wrong."""

    row: int
    text: str
    true: str
    first: str
    second: str

    @property
    def first_is_right(self) -> bool:
        """Whether it is the first run that is right."""
        return self.first == self.true


@dataclass(frozen=True)
class Pair:
    """Two of the compared runs by their places, and how their test predictions differ.

    `why_not` says why there is no test; `common` rows are then in both runs' test rows.
    """

    first: int
    second: int
    rows: int = 0
    both_right: int = 0
    both_wrong: int = 0
    disagreements: tuple[Disagreement, ...] = ()
    p_value: float | None = None
    p_holm: float | None = None
    """The p value corrected for the number of pairs that were tested."""
    why_not: str = ""
    common: int = 0

    @property
    def only_first(self) -> int:
        """Rows that only the first run has right."""
        return sum(row.first_is_right for row in self.disagreements)

    @property
    def only_second(self) -> int:
        """Rows that only the second run has right."""
        return len(self.disagreements) - self.only_first

    def words(self, first: str, second: str) -> str:
        """Return what the test says of the two runs, which have these names."""
        if self.p_value is None or self.p_holm is None:
            return f"no test: {self.why_not}"
        counts = f"{self.only_first} against {self.only_second} of {self.rows:,} rows"
        if not self.disagreements:
            return f"of {self.rows:,} rows both have the same right: no difference at all"
        better = first if self.only_first > self.only_second else second
        if self.p_holm < LEVEL:
            verdict = f"{better} is better by more than chance"
        elif self.p_value < LEVEL:
            verdict = (
                f"{better} looks better, but so many pairs were looked at that it may be chance"
            )
        else:
            verdict = "not enough rows to call one better"
        return f"{counts}, p {p_words(self.p_value)}: {verdict}"


def p_words(p_value: float) -> str:
    """Return what a p value is, in three decimals and never 0: "= 0.064", "< 0.001"."""
    return f"= {p_value:.3f}" if p_value >= 0.0005 else "< 0.001"


def read_test_rows(run: RunDirectory) -> TestRows:
    """Read what a run predicted of its test rows; a missing or damaged file is said, not raised."""
    try:
        lines = (run.evaluation / "test.jsonl").read_text(encoding="utf-8").splitlines()
        judged = [_judged(json.loads(line)) for line in lines]
    except FileNotFoundError:
        return TestRows(missing="no predictions of test rows")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return TestRows(missing="its predictions cannot be read")
    if not judged:
        return TestRows(missing="no predictions of test rows")
    return TestRows({row.key: row for row in judged})


def read_digests(run: RunDirectory) -> dict[str, str]:
    """Return the digests of the data files that a run was split from, as far as they are known."""
    try:
        digests = json.loads(run.data.read_bytes())["digests"]
        return {str(path): str(digest) for path, digest in digests.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def compare_pairs(
    tested_on: Sequence[TestRows],
    digests: Sequence[Mapping[str, str]],
    settings: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> list[Pair]:
    """Return every pair of runs, in order, with Holm's correction over those that can be tested."""

    def compare(first: int, second: int) -> Pair:
        for place in (first, second):
            if tested_on[place].missing:
                why = f"{clean(labels[place], 40)}: {tested_on[place].missing}"
                return Pair(first, second, why_not=why)
        one, other = tested_on[first].rows, tested_on[second].rows
        if one.keys() != other.keys():
            why = _why_rows_differ(*(_Origin(digests[n], settings[n]) for n in (first, second)))
            return Pair(first, second, why_not=why, common=len(one.keys() & other.keys()))
        return _test(first, second, one, other)

    pairs = [compare(first, second) for first, second in combinations(range(len(labels)), 2)]
    tested = [number for number, pair in enumerate(pairs) if pair.p_value is not None]
    corrected = holm([pairs[number].p_value or 0.0 for number in tested])
    for number, p_value in zip(tested, corrected, strict=True):
        pairs[number] = replace(pairs[number], p_holm=p_value)
    return pairs


def _test(first: int, second: int, one: Rows, other: Rows) -> Pair:
    """Compare two runs' predictions of the same rows."""
    both = [(row, other[key]) for key, row in one.items()]
    disagreements = tuple(
        Disagreement(row.row, row.text, row.true, row.label, beside.label)
        for row, beside in both
        if row.right != beside.right
    )
    only_first = sum(row.first_is_right for row in disagreements)
    return Pair(
        first,
        second,
        rows=len(both),
        both_right=sum(row.right and beside.right for row, beside in both),
        both_wrong=sum(not row.right and not beside.right for row, beside in both),
        disagreements=disagreements,
        p_value=mcnemar_exact(only_first, len(disagreements) - only_first),
    )


@dataclass(frozen=True)
class _Origin:
    digests: Mapping[str, str]
    settings: Mapping[str, Any]


def _why_rows_differ(one: _Origin, other: _Origin) -> str:
    """Return the reason why two runs were not judged on the same rows."""
    contents = sorted(one.digests.values()), sorted(other.digests.values())
    if all(contents) and contents[0] != contents[1]:
        same_files = one.digests.keys() == other.digests.keys()
        return "the data file was changed between them" if same_files else "their data files differ"
    for key, name in (("data.seed", "split seeds"), ("data.test", "test shares")):
        values = one.settings.get(key), other.settings.get(key)
        if None not in values and values[0] != values[1]:
            said = " and ".join(short_value(value) for value in values)
            return f"other test rows, their {name} differ ({said})"
    return "they were not tested on the same rows"


def _judged(saved: dict[str, Any]) -> Judged:
    return Judged(int(saved["row"]), str(saved["text"]), str(saved["true"]), str(saved["label"]))
