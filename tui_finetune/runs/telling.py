"""Which figure of an evaluation says most about a run, and what it is called in short."""

from collections.abc import Mapping

# The usual ones, for a label, several labels and a number; they say more than a loss does.
_USUAL = ("accuracy", "f1", "mae", "rmse")

_SHORT = {
    "accuracy": "acc",
    "f1": "F1",
    "f1_micro": "F1micro",
    "f1_weighted": "F1weight",
    "f1_samples": "F1sample",
    "subset_accuracy": "exact",
    "hamming_loss": "hamming",
    "average_precision": "avgprec",
}


def most_telling(
    figures: Mapping[str, float | None], selection_metric: str = ""
) -> tuple[str, float] | None:
    """Return the figure that says most, with its name; None if none is known.

    That is the metric that chose the best epoch ("" unknown), or if it was the loss, the usual one
    of the task; else the loss, else any other.
    """
    chosen_by = selection_metric.removeprefix("eval_")
    chosen = (chosen_by,) if chosen_by != "loss" else ()
    for name in (*chosen, *_USUAL, "loss", *figures):
        value = figures.get(name)
        if value is not None:
            return name, value
    return None


def short_name(metric: str) -> str:
    """Return a metric's name for a narrow column: acc, F1, rmse; it may hold any characters."""
    return _SHORT.get(metric, metric.rpartition("/")[2])
