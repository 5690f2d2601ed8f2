"""An evaluation as text in the terminal."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_finetune.console.evaluation_kinds import KINDS, print_kind
from tui_finetune.console.progress_display import figure, loss_figure
from tui_finetune.text import UNKNOWN, clean

# The micro averages are the accuracy, where each row has one label: they are in the JSON only.
_METRICS = {
    "accuracy": "accuracy ↑",
    "precision": "precision, macro ↑",
    "recall": "recall, macro ↑",
    "f1": "F1, macro ↑",
    "f1_weighted": "F1, weighted ↑",
    "mcc": "Matthews corr. ↑",
    "roc_auc": "ROC AUC ↑",
    "average_precision": "avg. precision ↑",
    "loss": "loss ↓",
    "ece": "calibration error ↓",
}

_LABELS_SHOWN = 20
_CONFUSIONS_SHOWN = 5
_MISTAKES_SHOWN = 5


def print_evaluation(document: dict[str, Any], as_json: bool) -> None:
    """Print the document of an evaluation, or what it says in tables that fit 80 columns."""
    if as_json:
        # In ASCII: no control or bidirectional character of a file reaches a terminal.
        print(json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2))
        return
    console = Console()
    count = document["rows"]
    rows = "1 row" if count == 1 else f"{count:,} rows"
    console.print(Text(f"{clean(document['run'])} on {clean(document['data'])}, {rows}\n"))
    if document.get("problem_type") in KINDS:
        print_kind(document, console)
        return
    console.print(_metrics_table(document))
    for line in _baseline_lines(document["baselines"]):
        console.print(Text(line))
    _print_part(console, "by label", _classes_table(document["classes"]))
    hidden = len(document["classes"]) - _LABELS_SHOWN
    if hidden > 0:
        console.print(Text(f"and {hidden} more labels: --json has them"))
    if document["cells"]:
        _print_part(console, "most often confused", _confusions_table(document["cells"]))
    console.print(Text("\n" + _calibration_line(document["calibration"])))
    if document["mistakes"]:
        title = f"most confident of {document['mistakes_total']} mistakes"
        _print_part(console, title, _mistakes_table(document["mistakes"], console.width))
    console.print(Text("\n" + _label_errors_line(document)))


def _print_part(console: Console, title: str, table: Table) -> None:
    console.print(Text(f"\n{title}", style="bold"))
    console.print(table)


def _metrics_table(document: dict[str, Any]) -> Table:
    baselines = document["baselines"]
    columns = {
        "before": baselines["before"] and baselines["before"]["metrics"],
        "majority": baselines["majority"]["metrics"],
        "this model": document["metrics"],
    }
    table = _table("metric", *(name for name, metrics in columns.items() if metrics))
    table.add_column(f"{document['confidence']:.0%} interval", justify="right", no_wrap=True)
    for name, title in _METRICS.items():
        show = loss_figure if name == "loss" else figure
        cells = [show(metrics[name]) for metrics in columns.values() if metrics]
        table.add_row(title, *cells, _interval(document["intervals"][name], name == "loss"))
    return table


def _baseline_lines(baselines: dict[str, Any]) -> list[str]:
    lines = [f"majority: always {clean(baselines['majority']['label'], 40)}"]
    if baselines["before_problem"]:
        lines.append(f"before: {clean(baselines['before_problem'])}")
    if baselines["before"]:
        difference = baselines["before"]["difference"]
        low, high = difference["interval"]
        verdict = "more than chance" if low > 0 or high < 0 else "may be chance"
        lines.append(
            f"accuracy since before: {difference['accuracy']:+.4f} [{low:+.4f}, {high:+.4f}], "
            + verdict
        )
    return lines


def _classes_table(classes: list[dict[str, Any]]) -> Table:
    table = _table("label", "precision", "recall", "F1", "rows", "predicted")
    for entry in classes[:_LABELS_SHOWN]:
        table.add_row(
            Text(clean(entry["label"], 24)),
            *(figure(entry[name]) for name in ("precision", "recall", "f1")),
            *(str(entry[name]) for name in ("support", "predicted")),
        )
    return table


def _confusions_table(cells: list[dict[str, Any]]) -> Table:
    table = _table("true", "rows", "share of the label", second="taken for")
    for cell in cells[:_CONFUSIONS_SHOWN]:
        names = [Text(clean(cell[name], 20)) for name in ("true", "predicted")]
        table.add_row(*names, str(cell["count"]), f"{cell['share']:.1%}")
    return table


def _mistakes_table(mistakes: list[dict[str, Any]], width: int) -> Table:
    table = _table("row", second="score")
    for name in ("true", "predicted", "text"):
        table.add_column(name, no_wrap=True)
    shown = mistakes[:_MISTAKES_SHOWN]
    rows = [
        (
            Text(str(mistake["row"] + 1)),
            Text(f"{mistake['score']:.3f}"),
            *(Text(clean(mistake[name], 14)) for name in ("true", "label")),
        )
        for mistake in shown
    ]
    widths = [
        max(len(str(column.header)), *(row[number].cell_len for row in rows))
        for number, column in enumerate(table.columns[:4])
    ]
    for mistake, row in zip(shown, rows, strict=True):
        text = Text(clean(mistake["text"], width))
        # The text takes the room that the others leave.
        text.truncate(max(10, width - sum(widths) - 2 * len(table.columns)), overflow="ellipsis")
        table.add_row(*row, text)
    return table


def _calibration_line(calibration: dict[str, Any]) -> str:
    line = f"calibration: confidence and accuracy are {figure(calibration['ece'])} apart on average"
    if calibration["temperature"] is None:
        return line
    return (
        f"{line};\nat temperature {calibration['temperature']:.2f}, fitted on the validation rows, "
        f"{figure(calibration['ece_scaled'])}"
    )


def _label_errors_line(document: dict[str, Any]) -> str:
    count, problem = len(document["label_errors"]), document["label_errors_problem"]
    parts = [f"labels in the data that are likely wrong: {count}"]
    if problem:
        parts.append(clean(problem))
    if count:
        parts.append("--json has them")
    return "; ".join(parts)


def _interval(interval: list[float] | None, loss: bool) -> str:
    if interval is None:
        return UNKNOWN
    low, high = map(loss_figure if loss else figure, interval)
    return f"[{low}, {high}]"


def _table(first: str, *others: str, second: str | None = None) -> Table:
    """Return a table with words in its first column or two, and figures in the others."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in (first, *([second] if second else [])):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
