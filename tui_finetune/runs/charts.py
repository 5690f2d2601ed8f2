"""Which charts a run has, from what was logged: what belongs together stands in one of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tui_finetune.runs.history import History

Unit = Literal["number", "seconds", "bytes", "percent"]
Role = Literal["train", "validation", "test", "machine"]

# Shares of rows: their axis ends at one.
SHARES = frozenset({"accuracy", "f1", "precision", "recall"})

# What an evaluation says of itself, not of the model.
EVALUATION_COSTS = (
    "runtime",
    "samples_per_second",
    "steps_per_second",
    "model_preparation_time",
    "jit_compilation_time",
)

# Parts of one quantity, as preference training (KTO, DPO) logs them: "rewards/chosen".
_PAIRED = ("chosen", "rejected", "margins")

_TITLES = {
    "f1": "F1",
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
    "kl": "KL",
}
_FIRST = ("loss", "accuracy", "f1")


@dataclass(frozen=True)
class Line:
    """One line of a chart."""

    name: str
    """For the legend."""
    key: str
    """Its name in `History.curves`; in `machine` for the role "machine"; in `test` for "test"."""
    role: Role


@dataclass(frozen=True)
class Chart:
    """Lines that share a y axis."""

    title: str
    lines: tuple[Line, ...]
    unit: Unit = "number"
    in_brief: tuple[Line, ...] = ()
    """What stands for the lines in a small chart, if they are too many for that."""

    @property
    def is_share(self) -> bool:
        """Whether its values are shares of rows, from 0 to 1."""
        return self.lines[0].key.removeprefix("eval_") in SHARES

    def matches(self, words: Sequence[str]) -> bool:
        """Return whether each of these words stands in the title or in the name of a line."""
        names = [self.title, *(text for line in self.lines for text in (line.name, line.key))]
        text = " ".join(names).casefold()
        return all(word.casefold() in text for word in words)


def charts_of(history: History, expected: Sequence[str] = ()) -> list[Chart]:
    """Return the charts of a run, what matters most first.

    The order: loss, the metric that chooses the best epoch, accuracy, F1, other metrics of the
    evaluations, rewards, learning rate, gradient norm, whatever else is logged, the machine, and
    last how long the evaluations took. A metric `expected` to be logged has its chart already.
    """
    sets = _evaluation_sets(history.curves)
    groups: dict[str, list[Line]] = {name: [] for name in expected}
    for key in history.curves:
        quantity, line = _place(key, sets)
        groups.setdefault(quantity, []).append(line)
    for name in history.test or {}:
        if name in groups:
            groups[name].append(Line("test", name, "test"))
    for name in expected:
        if not groups[name]:
            groups[name].append(Line("validation", f"eval_{name}", "validation"))
    chosen_by = history.selection_metric.removeprefix("eval_")
    ordered = sorted(groups, key=lambda name: _rank(name, groups[name], chosen_by))  # stable
    charts = [_chart(name, groups[name]) for name in ordered]
    if history.class_weighted and charts[:1] and ordered[0] == "loss":
        charts[0] = _weighted(charts[0])
    costs = [chart for chart in charts if _costs(chart)]
    others = [chart for chart in charts if not _costs(chart)]
    return [*others, *_machine_charts(history.machine), *costs]


def is_cost(name: str) -> bool:
    """Return whether an evaluation's figure, named without "eval_", says how long it took."""
    return name.endswith(EVALUATION_COSTS)


def _evaluation_sets(keys: Iterable[str]) -> list[str]:
    """Return the names of the evaluation sets if there are several, the longest first.

    The Trainer logs "eval_imdb_loss" and "eval_imdb_runtime" for a set named imdb.
    """
    found = (re.fullmatch(r"eval_(.+)_runtime", key) for key in keys)
    return sorted((match[1] for match in found if match), key=len, reverse=True)


def _place(key: str, sets: Sequence[str]) -> tuple[str, Line]:
    """Return the quantity that a logged name is one of, and its line."""
    if key.startswith("eval_"):
        rest = key.removeprefix("eval_")
        for name in sets:
            if rest.startswith(f"{name}_"):
                return rest.removeprefix(f"{name}_"), Line(name, key, "validation")
        quantity, part = _parts(rest)
        return quantity, Line(f"{part} validation".lstrip(), key, "validation")
    if key.startswith("test_"):
        return key.removeprefix("test_"), Line("test logged", key, "validation")
    quantity, part = _parts(key.removeprefix("train_"))
    return quantity, Line(part or "train", key, "train")


def _parts(name: str) -> tuple[str, str]:
    """Split "rewards/chosen" into the quantity and its part; other names have no part."""
    quantity, _, part = name.rpartition("/")
    return (quantity, part) if quantity and part in _PAIRED else (name, "")


def _rank(quantity: str, lines: Sequence[Line], chosen_by: str) -> tuple[int, int]:
    if quantity == "loss":
        return 0, 0
    if quantity == chosen_by:
        return 1, 0
    if quantity in _FIRST:
        return 2, _FIRST.index(quantity)
    if any(line.role != "train" for line in lines):
        return 3, 0
    if quantity.startswith("reward"):
        return 4, 0
    if quantity in ("learning_rate", "grad_norm"):
        return 5, 0 if quantity == "learning_rate" else 1
    return (7, 0) if quantity == "num_input_tokens_seen" else (6, 0)


def _chart(quantity: str, lines: Sequence[Line]) -> Chart:
    is_time = quantity.endswith(("runtime", "_time")) and all(
        line.role == "validation" for line in lines
    )
    order = {"train": 0, "validation": 1, "test": 2, "machine": 3}
    ordered = tuple(sorted(lines, key=lambda line: order[line.role]))
    title = _TITLES.get(quantity, quantity.replace("_", " "))
    if is_time or is_cost(quantity):
        title = f"evaluation {title}"
    return Chart(title, ordered, "seconds" if is_time else "number")


def _weighted(chart: Chart) -> Chart:
    """Return the chart of losses that count rows of rare labels more, which the test does not."""
    lines = (
        replace(line, name="test, not weighted") if line.role == "test" else line
        for line in chart.lines
    )
    return replace(chart, title=f"{chart.title}, classes weighted", lines=tuple(lines))


def _costs(chart: Chart) -> bool:
    return all(line.role == "validation" and is_cost(line.key) for line in chart.lines)


def _machine_charts(keys: Iterable[str]) -> list[Chart]:
    """Return the charts of the samples: what the run takes of the machine."""
    known = set(keys)
    gpus = sorted({int(m[1]) for key in known if (m := re.match(r"gpu(\d+)/", key))})

    def chart(title: str, unit: Unit, *lines: tuple[str, str]) -> list[Chart]:
        found = tuple(Line(name, key, "machine") for name, key in lines if key in known)
        return [Chart(title, found, unit)] if found else []

    def of_gpus(title: str, unit: Unit, quantity: str) -> list[Chart]:
        each = chart(title, unit, *((f"GPU {n}", f"gpu{n}/{quantity}") for n in gpus))
        ends = ((which, f"gpus/{which}/{quantity}") for which in ("highest", "mean", "lowest"))
        spread = chart(title, unit, *ends)
        return [replace(each[0], in_brief=spread[0].lines)] if each and spread else each

    charts = chart("throughput, rows/s", "number", ("rows/s", "rows_per_second"))
    if len(gpus) == 1:
        own, used = f"gpu{gpus[0]}/used_by_run", f"gpu{gpus[0]}/used"
        charts += chart("GPU memory", "bytes", ("this run", own), ("all in use", used))
    else:
        charts += of_gpus("GPU memory of this run", "bytes", "used_by_run")
        charts += of_gpus("GPU memory in use", "bytes", "used")
    charts += of_gpus("GPU utilisation", "percent", "utilisation")
    charts += of_gpus("GPU temperature, °C", "number", "temperature")
    charts += of_gpus("GPU power, W", "number", "power")
    charts += chart("memory", "bytes", ("this run", "process_rss"), ("machine", "host_used"))
    return charts + chart("CPU", "percent", ("CPU", "cpu_percent"))
