"""What the figures of each epoch say, in words: drawn from the numbers and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal

from tui_finetune.runs.curves import Curve
from tui_finetune.runs.figures import direction
from tui_finetune.runs.history import Epoch, History

# A change of a loss below this share of it is within what another seed would give.
LOSS_NOISE = 0.01

# A change of an accuracy or F1 below half a point is a few rows of a small validation split.
SCORE_NOISE = 0.005

# The optimizer works on the training loss: a rise by half of the lowest is no noise any more,
# unless both are so small that the absolute rise (in nats) means nothing.
DIVERGING_FACTOR = 1.5
DIVERGING_LEAST = 0.1

# So many of the newest evaluations say whether the metric has a trend; fewer cannot.
NOISE_WINDOW = 6
NOISE_LEAST = 4

Kind = Literal[
    "first", "learning", "best", "improving", "plateau", "worse", "noisy", "overfitting",
    "diverging", "not a number",
]  # fmt: skip

WARNINGS: frozenset[Kind] = frozenset({"overfitting", "diverging", "not a number"})

_NAMES = {"loss": "val loss", "f1": "F1"}


@dataclass(frozen=True)
class Observation:
    """What the figures of one epoch say."""

    kind: Kind
    words: str
    """For the table; what follows a colon may be left out."""
    explanation: str
    """Why it is said, with the run's own figures."""
    setting: str = ""
    """The setting that would help, and how; empty where nothing needs help."""


def observe(
    epochs: Sequence[Epoch],
    metric: str,
    rows: int | None = None,
    learning_rate: float | None = None,
) -> list[Observation]:
    """Return one observation for each epoch, from it and those before it.

    `metric` is the number that chooses the best epoch, such as "eval_loss"; `rows` is how many the
    evaluation has and `learning_rate` the highest so far, None unknown. The first rule that holds
    is said:

    1. the validation loss was logged and is no number;
    2. the training loss is `DIVERGING_FACTOR` times its lowest value before, or more;
    3. the validation loss is above its lowest value before while the training loss has fallen
       since then: overfitting, since the first epoch of which that is true without a break; but
       an epoch that is the best one by another metric is said to be that;
    4. nothing came before it;
    5. both losses fell against the epoch before;
    6. the metric goes up and down by more than it has moved over the last evaluations;
    7. the metric is better than ever before;
    8. the validation loss or the metric is better than in the epoch before;
    9. neither moved by more than noise, or at least one got worse.
    """
    judge = _Judge(epochs, metric, rows, learning_rate)
    return [judge.observe(index) for index in range(len(epochs))]


def observe_history(history: History, epochs: Sequence[Epoch]) -> list[Observation]:
    """Return the observations of a run's epochs, with what else its journal says."""
    rows = history.stages.get("split", {}).get("validation")
    rates = history.curves.get("learning_rate", Curve()).values
    return observe(
        epochs,
        history.selection_metric,
        rows if isinstance(rows, int) and rows > 0 else None,
        max((rate for rate in rates if rate > 0), default=None),
    )


def value_of(epoch: Epoch, metric: str) -> float | None:
    """Return the epoch's number for a metric named as in the Trainer's log, or None."""
    return _number(epoch.metrics.get(metric.removeprefix("eval_")))


def best_epoch(epochs: Sequence[Epoch], metric: str) -> Epoch | None:
    """Return the epoch that the metric prefers, the earliest of equal ones."""
    scored = [epoch for epoch in epochs if value_of(epoch, metric) is not None]
    return max(scored, key=lambda epoch: _goodness(epoch, metric), default=None)


def lower_is_better(metric: str) -> bool:
    """Return whether a metric, by its name, is an error of which less is better."""
    return direction(metric) == "lower"


def metric_name(metric: str) -> str:
    """Return what a metric of the Trainer's log is called in a sentence: "val loss", "F1"."""
    name = metric.removeprefix("eval_")
    return _NAMES.get(name, name.replace("_", " "))


class _Judge:
    """Goes through the epochs in order; remembers the best and the lowest losses so far."""

    def __init__(
        self, epochs: Sequence[Epoch], metric: str, rows: int | None, rate: float | None
    ) -> None:
        self._epochs = epochs
        self._metric = metric
        self._name = metric_name(metric)
        self._rows = rows
        self._rate = rate
        self._best: Epoch | None = None
        self._lowest: Epoch | None = None
        self._lowest_train: Epoch | None = None
        self._since: Epoch | None = None

    def observe(self, index: int) -> Observation:
        """Return what the epoch at `index` says, and remember it."""
        now = self._epochs[index]
        previous = self._epochs[index - 1] if index else None
        former_best, lowest_train = self._best, self._lowest_train
        is_best = self._remember(now)
        if "loss" in now.metrics and _number(now.validation_loss) is None:
            return self._no_number(now)
        if lowest_train is not None and _diverges(lowest_train, now):
            return self._diverging(lowest_train, now)
        if self._since is not None and self._lowest is not None:
            return self._overfitting(self._lowest, self._since, now, is_best)
        if previous is None:
            return Observation("first", "first epoch", "There is nothing before it to compare.")
        loss_change = _relative(previous.validation_loss, now.validation_loss)
        train_change = _relative(previous.train_loss, now.train_loss)
        moved = _moved("val loss", previous.validation_loss, now.validation_loss)
        trained = _moved("training loss", previous.train_loss, now.train_loss)
        if max(loss_change, train_change) < -LOSS_NOISE:
            more = "train.num_train_epochs: more epochs, if the last one still says this"
            words = "learning: both losses fall"
            return Observation(
                "learning", words, f"Against {previous.place} {trained}{moved}", more
            )
        if noisy := self._noisy(index):
            return noisy
        if is_best:
            return self._best_so_far(former_best, now)
        gain, noise = self._gain(previous, now)
        figures = moved
        if self._metric != "eval_loss":
            figures += _moved(self._name, *(value_of(e, self._metric) for e in (previous, now)))
        figures = f"Against {previous.place} {figures}".rstrip()
        if loss_change < -LOSS_NOISE or gain > noise:
            return Observation("improving", "still improving", figures)
        if loss_change <= LOSS_NOISE and gain >= -noise:
            stop = "early_stopping.patience: 2 ends a run that stands still"
            return Observation("plateau", "plateau", f"{figures} That is no more than noise.", stop)
        lower = self._lower_rate("if it goes on", 2)
        return Observation("worse", "worse than the epoch before", figures, lower)

    def _remember(self, now: Epoch) -> bool:
        """Bring what is remembered up to this epoch; return whether it is the best so far."""
        is_best = value_of(now, self._metric) is not None and (
            self._best is None or _goodness(now, self._metric) > _goodness(self._best, self._metric)
        )
        if is_best:
            self._best = now
        loss, train = _number(now.validation_loss), _number(now.train_loss)
        if loss is not None:
            lowest = self._lowest.validation_loss if self._lowest else None
            if self._lowest is None or (lowest is not None and loss < lowest):
                self._lowest, self._since = now, None
            else:
                rises = _relative(lowest, loss) > LOSS_NOISE
                falls = _relative(self._lowest.train_loss, train) < -LOSS_NOISE
                self._since = (self._since or now) if rises and falls else None
        before = self._lowest_train.train_loss if self._lowest_train else None
        if train is not None and (before is None or train < before):
            self._lowest_train = now
        return is_best

    def _gain(self, before: Epoch, now: Epoch) -> tuple[float, float]:
        """Return by how much the metric got better, and what of that may be noise."""
        old, new = value_of(before, self._metric), value_of(now, self._metric)
        if old is None or new is None:
            return 0.0, 0.0
        if lower_is_better(self._metric):
            return -_relative(old, new), LOSS_NOISE
        return new - old, SCORE_NOISE

    # --- what is said ---

    def _no_number(self, now: Epoch) -> Observation:
        return Observation(
            "not a number",
            "loss is not a number: try a lower learning rate",
            f"The validation loss at {now.place} is infinite or no number: the weights have left "
            "the range in which the model computes.",
            self._lower_rate("or train.bf16 instead of train.fp16", 10),
        )

    def _diverging(self, lowest: Epoch, now: Epoch) -> Observation:
        return Observation(
            "diverging",
            "diverging: training loss rises",
            f"The training loss was {_figure(lowest.train_loss)} at {lowest.place} and is "
            f"{_figure(now.train_loss)} now: the steps overshoot.",
            self._lower_rate("or train.warmup_steps: more", 3),
        )

    def _overfitting(self, lowest: Epoch, since: Epoch, now: Epoch, is_best: bool) -> Observation:
        figures = (
            f"Since {lowest.place} val loss rose {_figure(lowest.validation_loss)} → "
            f"{_figure(now.validation_loss)} while training loss fell "
            f"{_figure(lowest.train_loss)} → {_figure(now.train_loss)}"
        )
        if is_best:
            best = f"; by {self._name}, {_figure(value_of(now, self._metric))}, it is the best yet."
            words = "best so far, though validation loss rises"
            return Observation("best", words, figures + best)
        kept = "" if self._best is None else f" The best is {self._best.place}."
        known = not math.isnan(lowest.number)
        fewer = f", or train.num_train_epochs: {math.ceil(lowest.number)}" if known else ""
        return Observation(
            "overfitting",
            f"overfitting since {since.place}: validation loss rises while training loss falls",
            f"{figures}: it learns its rows by heart.{kept}",
            f"early_stopping.patience: 2{fewer}; "
            "more rows, or train.weight_decay: 0.1, let it learn longer",
        )

    def _best_so_far(self, before: Epoch | None, now: Epoch) -> Observation:
        if before is None:
            return Observation("best", "best so far", f"It is the first with a {self._name}.")
        old, new = value_of(before, self._metric), value_of(now, self._metric)
        moved = _moved(self._name, old, new)
        figures = f"Against the best before, {before.place}, {moved}"
        return Observation("best", "best so far", figures + self._in_rows(old, new))

    def _noisy(self, index: int) -> Observation | None:
        """Say so if the metric turns again and again, by more than it moved over all of them."""
        window = self._epochs[max(index + 1 - NOISE_WINDOW, 0) : index + 1]
        values = [v for epoch in window if (v := value_of(epoch, self._metric)) is not None]
        if len(values) < NOISE_LEAST:
            return None
        changes = [after - before for before, after in pairwise(values)]
        turns = sum(before * after < 0 for before, after in pairwise(changes))
        swing, trend = fmean(map(abs, changes)), abs(values[-1] - values[0])
        least = SCORE_NOISE
        if lower_is_better(self._metric):
            least = LOSS_NOISE * fmean(map(abs, values))
        if turns < len(changes) / 2 or trend > swing or swing <= least:
            return None
        return Observation(
            "noisy",
            f"too noisy to say: {self._name} swings by {self._amount(swing)}",
            f"Over the last {len(values)} evaluations {self._name} goes up and down by "
            f"{self._amount(swing)} from one to the next, and by {self._amount(trend)} "
            f"from first to last.{self._by_chance(values)}",
            "data.validation: a larger share" + self._twice_the_rows(),
        )

    def _by_chance(self, values: Sequence[float]) -> str:
        """Say what chance alone does to a share of so few rows: sqrt(p (1 - p) / n)."""
        mean = fmean(values)
        if self._rows is None:
            return ""
        if not self._is_share() or not 0 < mean < 1:
            return f" The validation has {self._rows} rows."
        chance = math.sqrt(mean * (1 - mean) / self._rows)
        return f" With {self._rows} validation rows, ±{100 * chance:.1f} points are chance."

    def _in_rows(self, old: float | None, new: float | None) -> str:
        if old is None or new is None or self._metric != "eval_accuracy" or not self._rows:
            return ""
        more = round((new - old) * self._rows)
        return f" That is {more} of {self._rows} validation rows." if more > 0 else ""

    def _twice_the_rows(self) -> str:
        return "" if self._rows is None else f" than these {self._rows} rows"

    def _amount(self, change: float) -> str:
        return f"{100 * change:.1f} points" if self._is_share() else _figure(change)

    def _is_share(self) -> bool:
        return self._metric.removeprefix("eval_") in ("accuracy", "f1", "precision", "recall")

    def _lower_rate(self, also: str, divisor: int) -> str:
        """Name the learning rate, with one that is lower by about so much."""
        if self._rate is None:
            return f"train.learning_rate: lower; {also}"
        lower = f"{self._rate / divisor:.0e}".replace("e-0", "e-")
        return f"train.learning_rate: try {lower} instead of {self._rate:.2g}; {also}"


def _diverges(lowest: Epoch, now: Epoch) -> bool:
    least, loss = _number(lowest.train_loss), _number(now.train_loss)
    if loss is None or least is None:
        return False
    return loss >= least * DIVERGING_FACTOR and loss - least >= DIVERGING_LEAST


def _goodness(epoch: Epoch, metric: str) -> float:
    value = value_of(epoch, metric)
    if value is None:
        return -math.inf
    return -value if lower_is_better(metric) else value


def _relative(before: float | None, now: float | None) -> float:
    """Return the change as a share of the value before; unknown is no change."""
    before, now = _number(before), _number(now)
    if before is None or now is None:
        return 0.0
    return (now - before) / max(abs(before), 1e-12)


def _moved(name: str, before: float | None, now: float | None) -> str:
    """Return a sentence part such as "val loss 0.500 → 0.450 (-10%). "; empty if unknown."""
    before, now = _number(before), _number(now)
    if before is None or now is None:
        return ""
    share = f" ({100 * _relative(before, now):+.1f}%)" if "loss" in name and before else ""
    return f"{name} {_figure(before)} → {_figure(now)}{share}. "


def _figure(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.3g}" if abs(value) < 0.01 else f"{value:.3f}"


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
