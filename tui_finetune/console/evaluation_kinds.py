"""An evaluation of several labels a row, or of numbers, as text in the terminal."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_finetune.console.progress_display import figure, loss_figure
from tui_finetune.text import UNKNOWN, clean

_SETS = "multi_label_classification"
_NUMBERS = "regression"
KINDS = (_SETS, _NUMBERS)

_METRICS = {
    _SETS: {
        "subset_accuracy": "subset accuracy ↑",
        "f1": "F1, macro ↑",
        "f1_micro": "F1, micro ↑",
        "f1_weighted": "F1, weighted ↑",
        "f1_samples": "F1, samples ↑",
        "precision": "precision, macro ↑",
        "recall": "recall, macro ↑",
        "average_precision": "avg. precision ↑",
        "hamming_loss": "Hamming loss ↓",
        "loss": "loss ↓",
    },
    _NUMBERS: {
        "mae": "mean absolute error ↓",
        "rmse": "root mean squared error ↓",
        "mse": "mean squared error ↓",
        "r2": "R² ↑",
        "pearson": "Pearson correlation ↑",
        "spearman": "Spearman correlation ↑",
    },
}
_BASELINES = {_SETS: "majority", _NUMBERS: "mean"}

_LABELS_SHOWN = 20
_ROWS_SHOWN = 5


def print_kind(document: dict[str, Any], console: Console) -> None:
    """Print what an evaluation of one of `KINDS` says, in tables that fit 80 columns."""
    console.print(_metrics_table(document))
    for line in _baseline_lines(document):
        console.print(Text(line))
    if document["problem_type"] == _SETS:
        console.print(Text("\nby label", style="bold"))
        console.print(_labels_table(document["classes"]))
        hidden = len(document["classes"]) - _LABELS_SHOWN
        if hidden > 0:
            console.print(Text(f"and {hidden} more labels: --json has them"))
        if document["thresholds"]:
            console.print(Text("\n" + _thresholds_line(document)))
    if document["mistakes"]:
        console.print(Text(f"\n{_rows_title(document)}", style="bold"))
        console.print(_rows_table(document, console.width))


def _metrics_table(document: dict[str, Any]) -> Table:
    kind = document["problem_type"]
    baselines = document["baselines"]
    columns = {
        "before": baselines["before"] and baselines["before"]["metrics"],
        _BASELINES[kind]: baselines[_BASELINES[kind]]["metrics"],
        "this model": document["metrics"],
    }
    table = _table("metric")
    for name, metrics in columns.items():
        if metrics:
            table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"{document['confidence']:.0%} interval", justify="right", no_wrap=True)
    for name, title in _METRICS[kind].items():
        show = _figures(kind, name)
        cells = [show(metrics[name]) for metrics in columns.values() if metrics]
        interval = document["intervals"][name]
        span = f"[{show(interval[0])}, {show(interval[1])}]" if interval else UNKNOWN
        table.add_row(title, *cells, span)
    return table


def _figures(kind: str, name: str) -> Callable[[float | None], str]:
    if kind == _NUMBERS and name in ("mae", "rmse", "mse"):
        return _number
    return loss_figure if name == "loss" else figure


def _number(value: float | None) -> str:
    """Return a number in the data's own unit."""
    return UNKNOWN if value is None else f"{value:.4g}"


def _baseline_lines(document: dict[str, Any]) -> list[str]:
    baselines, kind = document["baselines"], document["problem_type"]
    if kind == _NUMBERS:
        lines = [f"mean: always {_number(baselines['mean']['value'])}"]
        bias = document["bias"]
        side = "high" if bias > 0 else "low"
        lines.append(f"on average {_number(abs(bias))} too {side}")
    else:
        names = [clean(label, 40) for label in baselines["majority"]["labels"]]
        always = ", ".join(names) or "no label"
        lines = [f"majority: always {always}, ranked by the training rows' shares"]
    if baselines["before_problem"]:
        lines.append(f"before: {clean(baselines['before_problem'])}")
    if baselines["before"]:
        name = "mae" if kind == _NUMBERS else "subset_accuracy"
        difference = baselines["before"]["difference"]
        low, high = difference["interval"] or (0.0, 0.0)
        verdict = "more than chance" if low > 0 or high < 0 else "may be chance"
        words = _METRICS[kind][name].rpartition(" ")[0]
        lines.append(
            f"{words} since before: {difference[name]:+.4g} [{low:+.4g}, {high:+.4g}], {verdict}"
        )
    return lines


def _labels_table(classes: list[dict[str, Any]]) -> Table:
    table = _table("label")
    names = ("precision", "recall", "F1", "avg. prec.", "rows", "predicted", "threshold")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for entry in classes[:_LABELS_SHOWN]:
        table.add_row(
            Text(clean(entry["label"], 14)),
            *(figure(entry[name]) for name in ("precision", "recall", "f1", "average_precision")),
            *(str(entry[name]) for name in ("support", "predicted")),
            UNKNOWN if entry["threshold"] is None else f"{entry['threshold']:.3f}",
        )
    return table


def _thresholds_line(document: Mapping[str, Any]) -> str:
    metrics = document["thresholds"]["metrics"]
    return (
        "with the thresholds above, the best on the validation rows: "
        f"F1, macro {figure(metrics['f1'])},\n"
        f"subset accuracy {figure(metrics['subset_accuracy'])}; "
        "predict --best-thresholds uses them"
    )


def _rows_title(document: dict[str, Any]) -> str:
    if document["problem_type"] == _NUMBERS:
        return "largest errors"
    return f"worst of {document['mistakes_total']} rows with a label wrong"


def _rows_table(document: dict[str, Any], width: int) -> Table:
    numbers = document["problem_type"] == _NUMBERS
    table = _table("row")
    for name in ("true", "predicted", "text"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for row in document["mistakes"][:_ROWS_SHOWN]:
        if numbers:
            said = [_number(row["true"]), _number(row["value"])]
        else:
            said = [", ".join(row[name]) or "no label" for name in ("true", "labels")]
        text = clean(row["text"], width)
        if row["text_pair"] is not None:
            text += f" | {clean(row['text_pair'], width)}"
        shown = Text(text)
        shown.truncate(max(10, width - 46), overflow="ellipsis")
        table.add_row(str(row["row"] + 1), *(Text(clean(part, 16)) for part in said), shown)
    return table


def _table(first: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True, overflow="ellipsis")
    return table
