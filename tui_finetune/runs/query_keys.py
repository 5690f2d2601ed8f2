"""The keys that a filter of runs can compare, and how their values are written.

state name data model task tag note id …  texts: `:` is "contains", `=` is "equals"
epochs step duration started ended        how far it came, how long it took, and when
accuracy f1 loss …                        the test figure, else the best epoch's
validation.accuracy test.f1 …             the figure of one split
train.learning_rate learning_rate …       a setting, or the last part of its key if no other has
"""

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tui_finetune.errors import InputError
from tui_finetune.recipe import SELECTION_METRICS, Recipe
from tui_finetune.runs.listing import RunSummary
from tui_finetune.runs.settings import flatten
from tui_finetune.text import clean

Query = Callable[[RunSummary], bool]
Number = Callable[[RunSummary], float | None]

_TEXTS: dict[str, Callable[[RunSummary], Sequence[str]]] = {
    "state": lambda run: (run.state,),
    "name": lambda run: (run.name,),
    "data": lambda run: (run.data,),
    "model": lambda run: (run.model,),
    "task": lambda run: (run.task,),
    "tag": lambda run: run.tags,
    "note": lambda run: (run.note,),
    "id": lambda run: (run.id,),
    "reason": lambda run: (run.reason,),
    "origin": lambda run: (run.origin or "own",),
}
_NUMBERS: dict[str, Number] = {
    "epochs": lambda run: run.epoch,
    "step": lambda run: run.step,
}
_DURATIONS: dict[str, Number] = {"duration": lambda run: run.duration}
_TIMES: dict[str, Number] = {"started": lambda run: run.started, "ended": lambda run: run.ended}

_STATES = (
    "queued", "starting", "running", "stopping", "finished", "stopped", "failed", "interrupted",
)  # fmt: skip

# Known before any run has them, as the evaluations of one of the kinds of labels give them.
_METRICS = frozenset(
    name.removeprefix("eval_") for names in SELECTION_METRICS.values() for name in names
)
_SETTINGS = frozenset(flatten(Recipe.model_validate({"data": {"source": "-"}}).model_dump()))

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": lambda one, other: math.isclose(one, other, rel_tol=1e-9),
    "!=": lambda one, other: not math.isclose(one, other, rel_tol=1e-9),
}

_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?%?")


@dataclass(frozen=True)
class Vocabulary:
    """The names of the figures and the dotted keys of the settings that runs have."""

    metrics: frozenset[str] = _METRICS
    settings: frozenset[str] = _SETTINGS - {"name"}

    @classmethod
    def of(cls, runs: Iterable[RunSummary]) -> "Vocabulary":
        """Return what these runs have, and what every run of this program has."""
        metrics, settings = set(cls.metrics), set(cls.settings)
        for run in runs:
            settings.update(run.settings)
            for values in run.metrics.values():
                metrics.update(values)
        return cls(frozenset(metrics), frozenset(settings))

    def setting(self, key: str) -> str | None:
        """Return the whole key of a setting, None if there is none.

        Raises `InputError` if the last part of a key is given, and several end so.
        """
        if key in self.settings:
            return key
        whole = sorted(known for known in self.settings if known.endswith(f".{key}"))
        if len(whole) > 1:
            some = " or ".join(clean(known, 60) for known in whole[:4])
            raise InputError(f"{clean(key, 40)} is the end of several settings: write {some}")
        return whole[0] if whole else None

    def names(self) -> list[str]:
        """Return every key that can be written whole."""
        return [
            *_TEXTS, *_NUMBERS, *_DURATIONS, *_TIMES, *self.metrics,
            *(f"{split}.{name}" for split in ("validation", "test") for name in self.metrics),
            *self.settings, *(key.rpartition(".")[2] for key in self.settings),
        ]  # fmt: skip


def compare(vocabulary: Vocabulary, key: str, sign: str, value: str) -> Query:
    """Return whether a run's `key` compares to a value so, as a function of the run.

    `sign` is one of : = == != < <= > >=. Raises `InputError` for a key that there is not, a value
    that cannot be one of the key's, and an order of texts.
    """
    sign = "=" if sign == "==" else sign
    name = key if key in vocabulary.metrics else key.lower()
    if name in _TEXTS:
        return _compare_text(name, sign, value)
    if name in _TIMES:
        return _compare_time(_TIMES[name], name, sign, value)
    if name in _DURATIONS:
        return _compare_number(_DURATIONS[name], sign, _seconds(name, sign, value))
    if name in _NUMBERS:
        return _compare_number(_NUMBERS[name], sign, _number(name, sign, value))
    split, _, metric = key.partition(".")
    if split in ("validation", "test") and metric in vocabulary.metrics:
        return _compare_number(_figure(metric, split), sign, _number(key, sign, value))
    if name in vocabulary.metrics:
        figure = _figure(name, "test", "validation")
        return _compare_number(figure, sign, _number(key, sign, value))
    if setting := vocabulary.setting(key):
        return _compare_setting(setting, sign, value)
    raise InputError(f"there is no key {clean(key, 40)}; {_instead(key, vocabulary)}")


def _instead(key: str, vocabulary: Vocabulary) -> str:
    close = difflib.get_close_matches(key.lower(), vocabulary.names(), 1)
    if close:
        return f"did you mean {clean(close[0], 60)}?"
    return 'there are state, model, accuracy, learning_rate and more; a text goes in quotes "…"'


def _figure(metric: str, *splits: str) -> Number:
    def figure(run: RunSummary) -> float | None:
        for split in splits:
            found = run.metrics.get(split, {}).get(metric)
            if found is not None:
                return found
        return None

    return figure


def _compare_number(of: Number, sign: str, wanted: float) -> Query:
    holds = _COMPARE["=" if sign == ":" else sign]

    def query(run: RunSummary) -> bool:
        found = of(run)
        return found is not None and holds(found, wanted)

    return query


def _compare_text(key: str, sign: str, value: str) -> Query:
    of, wanted = _TEXTS[key], value.lower()
    if sign not in (":", "=", "!="):
        raise InputError(f"{key} is a text: write {key}:… or {key}=… instead of {sign}")
    if key == "state" and not any(wanted in state for state in _STATES):
        raise InputError(f"no state is {clean(value, 30)}: there are {', '.join(_STATES)}")
    if sign == ":":
        return lambda run: any(wanted in text.lower() for text in of(run))
    equal = sign == "="
    return lambda run: any(wanted == text.lower() for text in of(run)) is equal


def _compare_setting(key: str, sign: str, value: str) -> Query:
    """Compare a number with a number, else texts; a run without the setting is never meant."""
    number = _parsed_number(value)
    wanted = value.lower()
    if number is None and sign not in (":", "=", "!="):
        _number(key, sign, value)
    holds = _COMPARE["=" if sign == ":" else sign]

    def query(run: RunSummary) -> bool:
        if key not in run.settings:
            return False
        found = run.settings[key]
        if isinstance(found, int | float) and not isinstance(found, bool) and number is not None:
            return holds(found, number)
        if sign == ":":
            return wanted in _text(found)
        return sign in ("=", "!=") and (_text(found) == wanted) is (sign == "=")

    return query


def _text(value: Any) -> str:
    """Return a setting as it would be written, in lower case."""
    if value is None:
        return "null"
    return " ".join(map(str, value)).lower() if isinstance(value, list) else str(value).lower()


def _parsed_number(value: str) -> float | None:
    if not _NUMBER.fullmatch(value):
        return None
    return float(value[:-1]) / 100 if value.endswith("%") else float(value)


def _number(key: str, sign: str, value: str) -> float:
    number = _parsed_number(value)
    if number is None:
        example = f"{clean(key, 40)}{sign}0.9"
        raise InputError(f"{clean(value, 30)} is no number: write one, such as {example}")
    return number


def _seconds(key: str, sign: str, value: str) -> float:
    """Return the seconds of 90, 45s, 10m, 1h30, 1h30m or 2d4h."""
    number = _parsed_number(value)
    if number is not None:
        return number
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms]|$)", value.lower())
    written = "".join(count + unit for count, unit in parts)
    if not parts or written != value.lower():
        example = f"{key}{sign}1h30"
        raise InputError(f"{clean(value, 30)} is no length of time: write one, such as {example}")
    seconds, previous = 0.0, 3600
    for count, unit in parts:
        previous = units[unit] if unit else previous // 60
        seconds += float(count) * previous
    return seconds


def _compare_time(of: Number, key: str, sign: str, value: str) -> Query:
    """Compare with a day, a month or whatever is written, as a whole."""
    begin, end = _span(key, sign, value)

    def query(run: RunSummary) -> bool:
        moment = of(run)
        if moment is None:
            return False
        match sign:
            case "<":
                return moment < begin
            case "<=":
                return moment < end
            case ">":
                return moment >= end
            case ">=":
                return moment >= begin
            case _:
                return (begin <= moment < end) is (sign != "!=")

    return query


def _span(key: str, sign: str, value: str) -> tuple[float, float]:
    """Return when 2026, 2026-11, 2026-11-01, 2026-11-01T12:30, today or yesterday begins and ends.

    In local time, as seconds since 1970.
    """
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": midnight, "yesterday": midnight - timedelta(days=1)}
    if begin := days.get(value.lower()):
        return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
    for pattern, length in (
        ("%Y-%m-%dT%H:%M", timedelta(minutes=1)), ("%Y-%m-%d", timedelta(days=1)),
        ("%Y-%m", timedelta(days=32)), ("%Y", timedelta(days=366)),
    ):  # fmt: skip
        try:
            begin = datetime.strptime(value, pattern)
            end = begin + length
            if pattern == "%Y-%m":
                end = end.replace(day=1)
            elif pattern == "%Y":
                end = end.replace(year=begin.year + 1, month=1, day=1)
            return begin.timestamp(), end.timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    example = f"{key}{sign}2026-11-01"
    raise InputError(f"{clean(value, 30)} is no date: write one, such as {example}")
