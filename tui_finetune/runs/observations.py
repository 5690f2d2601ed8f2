"""What the figures of each epoch say, in words: drawn from the numbers and nothing else."""

import math
from collections.abc import Sequence

from tui_finetune.runs.history import Epoch

# A change of a loss below this share of it is within what another seed would give.
LOSS_NOISE = 0.01

# A change of an accuracy or F1 below half a point is a few rows of a small validation split.
SCORE_NOISE = 0.005

# The optimizer works on the training loss: a rise by half of the lowest is no noise any more,
# unless both are so small that the absolute rise (in nats) means nothing.
DIVERGING_FACTOR = 1.5
DIVERGING_LEAST = 0.1

NOT_A_NUMBER = "loss is not a number: try a lower learning rate"
DIVERGING = "diverging: training loss rises"
FIRST = "first epoch"
LEARNING = "learning: both losses fall"
BEST = "best so far"
BEST_BUT = "best so far, though validation loss rises"
IMPROVING = "still improving"
PLATEAU = "plateau"
WORSE = "worse than the epoch before"

_FIELDS = {
    "eval_loss": "validation_loss",
    "eval_accuracy": "accuracy",
    "eval_precision": "precision",
    "eval_recall": "recall",
    "eval_f1": "f1",
}


def observe(epochs: Sequence[Epoch], metric: str) -> list[str]:
    """Return one observation for each epoch, from it and those before it.

    `metric` is the number that chooses the best epoch, such as "eval_loss". The first rule that
    holds is said:

    1. the validation loss is no number;
    2. the training loss is `DIVERGING_FACTOR` times its lowest value before, or more;
    3. the validation loss is above its lowest value before while the training loss has fallen
       since then: overfitting, since the first epoch of which that is true without a break; but
       an epoch that is the best one by another metric is said to be that;
    4. nothing came before it;
    5. both losses fell against the epoch before;
    6. the metric is better than ever before;
    7. the validation loss or the metric is better than in the epoch before;
    8. neither moved by more than noise, or at least one got worse.
    """
    return [_observe(epochs[: index + 1], metric) for index in range(len(epochs))]


def value_of(epoch: Epoch, metric: str) -> float | None:
    """Return the epoch's number for a metric named as in the Trainer's log, or None."""
    return _number(getattr(epoch, _FIELDS.get(metric, ""), None))


def best_epoch(epochs: Sequence[Epoch], metric: str) -> Epoch | None:
    """Return the epoch that the metric prefers, the earliest of equal ones."""
    scored = [epoch for epoch in epochs if value_of(epoch, metric) is not None]
    return max(scored, key=lambda epoch: _goodness(epoch, metric), default=None)


def _observe(epochs: Sequence[Epoch], metric: str) -> str:
    *before, now = epochs
    loss = _number(now.validation_loss)
    if loss is None:
        return NOT_A_NUMBER
    if _diverges(before, now):
        return DIVERGING
    best = best_epoch(epochs, metric) is now
    since = _overfitting_since(epochs)
    if since is not None:
        number = f"{round(since.number, 2):g}"
        overfitting = (
            f"overfitting since epoch {number}: validation loss rises while training loss falls"
        )
        return BEST_BUT if best else overfitting
    if not before:
        return FIRST
    previous = before[-1]
    loss_change = _relative(_number(previous.validation_loss), loss)
    train_change = _relative(_number(previous.train_loss), _number(now.train_loss))
    if max(loss_change, train_change) < -LOSS_NOISE:
        return LEARNING
    if best:
        return BEST
    gain = _goodness(now, metric) - _goodness(previous, metric)
    noise = SCORE_NOISE
    if metric == "eval_loss":
        gain, noise = -loss_change, LOSS_NOISE
    if loss_change < -LOSS_NOISE or gain > noise:
        return IMPROVING
    return PLATEAU if loss_change <= LOSS_NOISE and gain >= -noise else WORSE


def _diverges(before: Sequence[Epoch], now: Epoch) -> bool:
    losses = [loss for epoch in before if (loss := _number(epoch.train_loss)) is not None]
    loss = _number(now.train_loss)
    if loss is None or not losses:
        return False
    lowest = min(losses)
    return loss >= lowest * DIVERGING_FACTOR and loss - lowest >= DIVERGING_LEAST


def _overfitting_since(epochs: Sequence[Epoch]) -> Epoch | None:
    """Return the first epoch of the overfitting that lasts until the last one, or None."""
    numbered = [epoch for epoch in epochs if _number(epoch.validation_loss) is not None]
    lowest = min(numbered, key=lambda epoch: _number(epoch.validation_loss) or 0.0)
    since: Epoch | None = None
    for epoch in numbered[numbered.index(lowest) + 1 :]:
        rises = _relative(lowest.validation_loss, epoch.validation_loss) > LOSS_NOISE
        falls = _relative(lowest.train_loss, epoch.train_loss) < -LOSS_NOISE
        since = (since or epoch) if rises and falls else None
    return since


def _goodness(epoch: Epoch, metric: str) -> float:
    value = value_of(epoch, metric)
    if value is None:
        return -math.inf
    return -value if metric.endswith("loss") else value


def _relative(before: float | None, now: float | None) -> float:
    """Return the change as a share of the value before; unknown is no change."""
    if before is None or now is None:
        return 0.0
    return (now - before) / max(abs(before), 1e-12)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
