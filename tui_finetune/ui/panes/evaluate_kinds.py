"""What the Evaluate pane says of rows with several labels each, and of predicted numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.panes.evaluate_rows import Row, class_detail, whole_text
from tui_finetune.ui.panes.evaluate_text import axis_line, interval_figure
from tui_finetune.ui.widgets.confusion import fit
from tui_finetune.ui.words import UNKNOWN, counted, figure, loss_figure

Document = Mapping[str, Any]

SETS = "multi_label_classification"
NUMBERS = "regression"

# The views that have something to show.
VIEWS = {
    SETS: {"summary": "Summary", "classes": "Labels", "mistakes": "Mistakes", "slices": "Slices"},
    NUMBERS: {"summary": "Summary", "mistakes": "Errors", "slices": "Slices"},
}

# The metrics of each kind, those that matter most first.
METRICS = {
    SETS: {
        "subset_accuracy": "subset accuracy ↑",
        "f1_micro": "F1, micro ↑",
        "f1": "F1, macro ↑",
        "f1_samples": "F1, samples ↑",
        "f1_weighted": "F1, weighted ↑",
        "hamming_loss": "Hamming loss ↓",
        "average_precision": "avg. precision ↑",
        "loss": "loss ↓",
        "precision": "precision, macro ↑",
        "recall": "recall, macro ↑",
        "precision_micro": "precision, micro ↑",
        "recall_micro": "recall, micro ↑",
    },
    NUMBERS: {
        "mae": "mean abs. error ↓",
        "rmse": "RMSE ↓",
        "mse": "mean sq. error ↓",
        "r2": "R² ↑",
        "pearson": "Pearson ↑",
        "spearman": "Spearman ↑",
    },
}
_BASELINES = {SETS: "majority", NUMBERS: "mean"}
_NAME = 19
_INTERVAL = 16


def number(value: float | None) -> str:
    """Return a number in the data's own unit, with four significant digits."""
    return UNKNOWN if value is None else f"{value:.4g}"


def summary(document: Document, width: int) -> Content:
    """Return what the training brought, in words and as a table."""
    kind = document["problem_type"]
    baseline = document["baselines"][_BASELINES[kind]]["metrics"]
    before = (document["baselines"]["before"] or {"metrics": {}})["metrics"]
    share = f"{document['confidence']:.0%} interval"
    title = f"{'metric':<{_NAME}}{'before':>9}{_BASELINES[kind]:>9}{'now':>9}  {share}"
    verdicts = _set_verdicts if kind == SETS else _number_verdicts
    lines = [*verdicts(document), Content(""), Content.styled(title, "$text-muted")]
    for name, words in METRICS[kind].items():
        show = _figures(kind, name)
        interval = document["intervals"].get(name)
        span = UNKNOWN if not interval else f"[{show(interval[0])}, {show(interval[1])}]"
        others = f"{show(before.get(name)):>9}{show(baseline.get(name)):>9}"
        now = document["metrics"].get(name)
        lines.append(
            Content.assemble(
                f"{words:<{_NAME}}", (others, "$text-muted"), (f"{show(now):>9}", "bold"),
                (f"  {span}", "$text-muted"),
            )
        )  # fmt: skip
    return Content("\n").join(lines)


def _figures(kind: str, name: str) -> Callable[[float | None], str]:
    if kind == NUMBERS and name in ("mae", "rmse", "mse"):
        return number
    return loss_figure if name == "loss" else figure


def _set_verdicts(document: Document) -> list[Content]:
    metrics, intervals = document["metrics"], document["intervals"]
    where = f" on {counted(document['rows'], 'row')}, {counted(len(document['labels']), 'label')}."
    lines = [
        Content.assemble(
            "All labels right in ", (f"{metrics['subset_accuracy']:.1%}", "bold"),
            f" of the rows {interval_figure(intervals.get('subset_accuracy'))}{where}",
        ),
        _change(document, "subset_accuracy", higher=True, show=figure),
    ]  # fmt: skip
    always = document["baselines"]["majority"]
    given = [clean(label, 20) for label in always["labels"]]
    names = ", ".join([*given[:3], *(["…"] if given[3:] else [])])
    what = f"“{names}”, frequent as they are" if given else "no label, as none is frequent"
    always_f1 = figure(always["metrics"].get("f1_micro"))
    lines.append(Content(f"Always giving {what}: F1, micro {always_f1}."))
    if found := document.get("thresholds"):
        best, half = found["metrics"].get("f1"), metrics.get("f1")
        words = f"With thresholds from the validation rows F1, macro is {figure(best)} here"
        lines.append(
            Content.styled(
                f"{words} ({figure(half)} at 0.5); predict --best-thresholds uses them.",
                "$text-muted",
            )
        )
    return [line for line in lines if line]


def _number_verdicts(document: Document) -> list[Content]:
    metrics, intervals = document["metrics"], document["intervals"]
    bias = document["bias"]
    tendency = f"on the whole {number(abs(bias))} too {'high' if bias > 0 else 'low'}"
    span = intervals.get("mae")
    reach = UNKNOWN if not span else f"[{number(span[0])}, {number(span[1])}]"
    lines = [
        Content.assemble(
            "Off by ", (number(metrics["mae"]), "bold"),
            f" {reach} on average of {counted(document['rows'], 'row')}, {tendency}.",
        ),
        _change(document, "mae", higher=False, show=number),
    ]  # fmt: skip
    mean = document["baselines"]["mean"]
    always = f"Always saying the mean, {number(mean['value'])}, is off by "
    always += f"{number(mean['metrics']['mae'])}: "
    if span and span[1] < mean["metrics"]["mae"]:
        verdict = ("the model is better than that.", "$text-success")
    elif span and span[0] > mean["metrics"]["mae"]:
        verdict = ("the model is worse than that.", "$text-error")
    else:
        verdict = ("not surely more than the model.", "$text-warning")
    return [line for line in [*lines, Content.assemble(always, verdict)] if line]


def _change(
    document: Document, name: str, *, higher: bool, show: Callable[[float | None], str]
) -> Content:
    """Say by how much the training changed a figure, and whether that is more than chance."""
    before = document["baselines"]["before"]
    if before is None:
        problem = document["baselines"].get("before_problem") or "it was not asked"
        return Content.styled(f"The model before fine-tuning: {clean(problem, 300)}", "$text-muted")
    difference = before["difference"]
    low, high = difference["interval"] or (None, None)
    sign = "+" if difference[name] >= 0 else "−"
    came = f"Training changed that by {sign}{show(abs(difference[name]))}"
    came += f" ({show(before['metrics'][name])} before): "
    if low is None or high is None or low <= 0 <= high:
        return Content.assemble(came, ("it may be chance.", "$text-warning"))
    if (low > 0) == higher:
        return Content.assemble(came, ("more than chance.", "$text-success"))
    return Content.assemble(came, ("worse, by more than chance.", "$text-error"))


# --- the rows ---


def listed(document: Document) -> list[Row]:
    """Return the wrong rows in the form of one label's: `true` and `label` as one text each."""
    if document["problem_type"] == NUMBERS:
        return [
            {**row, "true": number(row["true"]), "label": number(row["value"])}
            for row in document["mistakes"]
        ]
    return [
        {
            **row,
            "true": _names(row["true"]),
            "label": _names(row["labels"]),
            "wrong": set(row["true"]) ^ set(row["labels"]),
        }
        for row in document["mistakes"]
    ]


def _names(labels: Sequence[str]) -> str:
    return ", ".join(labels) or "no label"


def row_figure(document: Document, row: Row) -> str:
    """Return the figure that the rows are ordered by: seven cells wide, an error nine."""
    if document["problem_type"] == NUMBERS:
        return f"{row['error']:>+9.3g}"
    return f"{loss_figure(row['loss']):>7}"


def rows_title(document: Document, shown: int) -> str:
    """Return what is listed, and in which order."""
    if document["problem_type"] == NUMBERS:
        return f" {counted(shown, 'row')}, the largest error first"
    return f" {shown:,} of {document['rows']:,} rows with a label wrong, the worst first"


def row_detail(document: Document, row: Row) -> Content:
    """Return all about a row, with its whole text."""
    parts: list[str | tuple[str, str]] = [
        (f"row {row['row'] + 1}", "bold"), "  true ", (clean(row["true"], 300), "$text-success"),
        ", predicted ", (clean(row["label"], 300), "$text-error"),
    ]  # fmt: skip
    if document["problem_type"] == NUMBERS:
        parts.append(f", off by {row['error']:+.4g}")
    return Content.assemble(*parts, "\n", whole_text(row))


def label_detail(one: Row) -> Content:
    """Return all figures of a label, with its best threshold."""
    threshold = "" if one["threshold"] is None else f"   best threshold {one['threshold']:.3f}"
    words = f"\navg. precision {figure(one['average_precision'])}{threshold}"
    return Content.assemble(class_detail(one), (words, "$text-muted"))


def slices(document: Document, width: int) -> Content:
    """Return the figures on parts of the rows; parts that are surely worse are marked."""
    numbers = document["problem_type"] == NUMBERS
    main, second = ("mae", "bias") if numbers else ("subset_accuracy", "f1_micro")
    titles = ("error", "bias") if numbers else ("all right", "F1")
    show = number if numbers else figure
    whole = document["metrics"][main]
    groups = document["slices"]
    names = [group["column"] for group in groups]
    names += [one["name"] for group in groups for one in group["slices"]]
    longest = max((cell_len(clean(name)) for name in names), default=0)
    room = max(min(longest, max(width // 4, 12)), 6)
    top = max((one[main] for group in groups for one in group["slices"]), default=1.0) or 1.0
    axis = max(min(width - room - 62, 40), 8)
    lines = []
    for group in groups:
        title = f"{'rows':>8}{titles[0]:>10}  {'95% interval':<{_INTERVAL + 4}}{titles[1]:>8}"
        name = fit(clean(group["column"], 200), room)
        lines.append(Content.assemble((name, "bold"), (title, "$text-muted")))
        for one in group["slices"]:
            span = one["interval"]
            reach = UNKNOWN if not span else f"[{show(span[0])}, {show(span[1])}]"
            worse = span and (span[0] > whole if numbers else span[1] < whole)
            lines.append(
                Content.assemble(
                    fit(clean(one["name"], 200), room), f"{one['rows']:>8}",
                    (f"{show(one[main]):>10}", "bold"),
                    (f"  {reach:<{_INTERVAL + 4}}{show(one[second]):>8}  ", "$text-muted"),
                    axis_line(one[main], span, axis, whole, max(top, whole) if numbers else 1.0),
                    ("  ▼ worse" if worse else "", "$text-error"),
                )
            )  # fmt: skip
        lines.append(Content(""))
    return Content("\n").join([*lines, Content.styled(f"○ all rows: {show(whole)}", "$text-muted")])
