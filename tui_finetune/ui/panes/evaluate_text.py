"""What the Evaluate pane says: figures with their intervals, and sentences drawn from them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN, counted, figure, loss_figure

Document = Mapping[str, Any]

# The metrics by their names in the engine's answer, those that matter most first.
METRICS = {
    "accuracy": "accuracy ↑",
    "f1": "F1, macro ↑",
    "precision": "precision, macro ↑",
    "recall": "recall, macro ↑",
    "mcc": "MCC ↑",
    "roc_auc": "ROC AUC ↑",
    "average_precision": "avg. precision ↑",
    "loss": "loss ↓",
    "ece": "calibr. error ↓",
    "f1_weighted": "F1, weighted ↑",
    "precision_weighted": "prec., weighted ↑",
    "recall_weighted": "recall, weighted ↑",
    "f1_micro": "F1, micro ↑",
    "precision_micro": "precision, micro ↑",
    "recall_micro": "recall, micro ↑",
}
_NAME = 19
_INTERVAL = 16
_WIDEST_AXIS = 60
_NARROWEST_AXIS = 8


def interval_figure(interval: Sequence[float | None] | None) -> str:
    """Return an interval as `[0.871, 0.945]`, or a dash."""
    if interval is None or None in interval:
        return UNKNOWN
    low, high = interval
    return f"[{figure(low)}, {figure(high)}]"


def with_interval(value: float | None, interval: Sequence[float | None] | None) -> str:
    """Return a figure with its interval: `0.912  [0.871, 0.945]`."""
    if interval is None or None in interval:
        return figure(value)
    return f"{figure(value)}  {interval_figure(interval)}"


def axis_line(
    value: float | None,
    interval: Sequence[float | None] | None,
    width: int,
    before: float | None = None,
    top: float = 1.0,
) -> Content:
    """Return a figure as a bar from 0 to `top`: `━━━○━━━━├─●─┤┈┈`.

    The dot is the value, the brackets its interval, the ring the value before.
    """
    if value is None or width < 1:
        return Content(" " * width)

    def place(number: float) -> int:
        return min(int(min(max(number / top, 0.0), 1.0) * width), width - 1)

    cells = [("━", "$primary 60%")] * place(value)
    cells += [("┈", "$foreground 25%")] * (width - len(cells))
    low, high = interval if interval is not None else (None, None)
    if low is not None and high is not None:
        first, last = place(low), place(high)
        cells[first : last + 1] = [("─", "$accent")] * (last - first + 1)
        cells[first], cells[last] = ("├", "$accent"), ("┤", "$accent")
    if before is not None:
        cells[place(before)] = ("○", "bold $foreground")
    cells[place(value)] = ("●", "bold $accent")
    groups = groupby(cells, key=itemgetter(1))
    return Content.assemble(*(("".join(sign for sign, _ in run), style) for style, run in groups))


# --- 1 Summary ---


def summary(document: Document, width: int) -> Content:
    """Return what the training brought, in words and as a table."""
    before = document["baselines"]["before"]
    majority = document["baselines"]["majority"]
    names = [
        name
        for name in METRICS
        if any(
            figures.get(name) is not None
            for figures in (
                document["metrics"],
                majority["metrics"],
                (before or majority)["metrics"],
            )
        )
    ]
    axis = max(min(width - _NAME - 22 - 2 - _INTERVAL - 2, _WIDEST_AXIS), _NARROWEST_AXIS)
    share = f"{document['confidence']:.0%} interval"
    title = f"{'metric':<{_NAME}}{'before':>6}{'majority':>9}{'now':>7}  {share:<{_INTERVAL}}  "
    lines = [*verdicts(document), Content("")]
    lines.append(Content.styled(title + "● now  ○ before", "$text-muted").truncate(width))
    lines += [_metric_line(document, name, axis) for name in names]
    return Content("\n").join(lines)


def _metric_line(document: Document, name: str, axis: int) -> Content:
    now = document["metrics"].get(name)
    interval = document["intervals"].get(name)
    majority = document["baselines"]["majority"]["metrics"].get(name)
    before = (document["baselines"]["before"] or {"metrics": {}})["metrics"].get(name)
    high = interval[1] if interval else None
    known = [number for number in (now, before, high) if number is not None]
    top = max(known, default=1.0) if name == "loss" else 1.0
    words = loss_figure if name == "loss" else figure
    return Content.assemble(
        f"{METRICS[name]:<{_NAME}}",
        (f"{words(before):>6}{words(majority):>9}", "$text-muted"),
        (f"{words(now):>7}", "bold"),
        (f"  {interval_figure(interval):<{_INTERVAL}}  ", "$text-muted"),
        axis_line(now, interval, axis, before, top or 1.0),
    )


def verdicts(document: Document) -> list[Content]:
    """Return sentences: how good it is, what the training brought, and whether that is chance."""
    now = document["metrics"].get("accuracy")
    interval = document["intervals"].get("accuracy")
    first = Content.assemble(
        ("Accuracy ", ""), (with_interval(now, interval), "bold"),
        f" on {counted(document['rows'], 'row')}, {counted(len(document['labels']), 'label')}.",
    )  # fmt: skip
    parts = [_against_before(document), _against_majority(document)]
    return [first, *(part for part in parts if part)]


def _against_before(document: Document) -> Content:
    before = document["baselines"]["before"]
    if before is None:
        problem = document["baselines"].get("before_problem") or "it was not asked"
        return Content.styled(f"The model before fine-tuning: {clean(problem, 300)}", "$text-muted")
    now, then = document["metrics"].get("accuracy"), before["metrics"].get("accuracy")
    if now is None or then is None:
        return Content("")
    # Paired: both models saw the same rows.
    low, high = (before.get("difference") or {}).get("interval") or (None, None)
    if low is None or high is None:
        return Content(f"Training brought {now - then:+.3f} ({figure(then)} before).")
    came = f"Training brought {now - then:+.3f}  {interval_figure([low, high])}"
    came += f" ({figure(then)} before): "
    if low > 0:
        return Content.assemble(came, ("more than chance.", "$text-success"))
    if high < 0:
        return Content.assemble(came, ("worse, by more than chance.", "$text-error"))
    return Content.assemble(came, ("it may be chance.", "$text-warning"))


def _against_majority(document: Document) -> Content:
    majority = document["baselines"]["majority"]
    always = majority["metrics"].get("accuracy")
    interval = document["intervals"].get("accuracy")
    if always is None or interval is None or None in interval:
        return Content("")
    low, high = interval
    same = f"Always saying “{clean(majority['label'], 40)}” would reach {figure(always)}: "
    if low > always:
        return Content.assemble(same, ("the model is better than that.", "$text-success"))
    if high < always:
        return Content.assemble(same, ("the model is worse than that.", "$text-error"))
    return Content.assemble(same, ("not surely less than the model.", "$text-warning"))


# --- 4 Calibration ---


def calibration(document: Document) -> Content:
    """Return in words how far the scores can be taken for probabilities."""
    found = document["calibration"]
    ece, temperature = found["ece"], found["temperature"]
    off = UNKNOWN if ece is None else f"{ece * 100:.1f}"
    lines = [
        Content.assemble(
            "Calibration error (ECE) ", (figure(ece), "bold"), f": scores are {off} points off."
        ),
        _tendency(found["bins"]),
    ]
    if temperature is None:
        none = "No temperature: it is fitted on validation rows, and there are no predictions."
        lines.append(Content.styled(none, "$text-muted"))
    else:
        lines.append(
            Content.assemble(
                "Temperature ", (figure(temperature, 2), "bold"),
                f" (from the validation rows) makes it {'softer' if temperature > 1 else 'sharper'}"
                ": error ", (figure(found["ece_scaled"]), "bold"), ".",
            )
        )  # fmt: skip
    bars = "█ the share that is right  ◆ the mean score: in a calibrated model they meet."
    return Content("\n").join([*lines, Content.styled(bars, "$text-muted")])


def _tendency(bins: Sequence[Mapping[str, Any]]) -> Content:
    filled = [
        one
        for one in bins
        if one["rows"] and one["confidence"] is not None and one["accuracy"] is not None
    ]
    rows = sum(one["rows"] for one in filled)
    if not rows:
        return Content("")
    gap = sum(one["rows"] * (one["confidence"] - one["accuracy"]) for one in filled) / rows
    if abs(gap) < 0.01:
        return Content.styled("On the whole it is as sure as it is right.", "$text-success")
    words = "surer than it is right" if gap > 0 else "less sure than it is right"
    return Content.styled(
        f"On the whole it is {words}, by {abs(gap) * 100:.1f} points.", "$text-warning"
    )


# --- 7 Slices ---


def slices(document: Document, width: int) -> Content:
    """Return the accuracy on parts of the rows; parts that are surely worse are marked."""
    whole = document["metrics"].get("accuracy")
    groups = document["slices"]
    names = [group["column"] for group in groups]
    names += [one["name"] for group in groups for one in group["slices"]]
    longest = max((cell_len(clean(name)) for name in names), default=0)
    name = max(min(longest, max(width // 4, 12)), 6)
    axis = max(min(width - name - 8 - 7 - _INTERVAL - 7 - 11, _WIDEST_AXIS), _NARROWEST_AXIS)
    lines = []
    for group in groups:
        title = f"{'rows':>8}{'acc.':>7}  {'95% interval':<{_INTERVAL}}{'F1':>6}"
        lines += [
            Content.assemble(
                (fit(clean(group["column"], 200), name), "bold"), (title, "$text-muted")
            ),
            *(_slice_line(one, whole, name, axis) for one in group["slices"]),
            Content(""),
        ]
    if not lines:
        return Content.styled("There is nothing to divide the rows by.", "$text-muted")
    last = f"○ is the accuracy on all rows, {figure(whole)}."
    return Content("\n").join([*lines, Content.styled(last, "$text-muted")])


def _slice_line(one: Mapping[str, Any], whole: float | None, name: int, axis: int) -> Content:
    interval = one["interval"]
    low, high = interval if interval is not None else (None, None)
    remark = ("", "")
    if whole is not None and high is not None and high < whole:
        remark = ("  ▼ worse", "$text-error")
    elif whole is not None and low is not None and low > whole:
        remark = ("  ▲ better", "$text-success")
    return Content.assemble(
        fit(clean(one["name"], 200), name),
        f"{one['rows']:>8}",
        (f"{figure(one['accuracy']):>7}", "bold"),
        (f"  {interval_figure(interval):<{_INTERVAL}}{figure(one['f1']):>6}  ", "$text-muted"),
        axis_line(one["accuracy"], interval, axis, whole),
        remark,
    )
