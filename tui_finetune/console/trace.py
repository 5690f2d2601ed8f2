"""A trace as text: the five stages, one under the other, and the checks."""

from typing import Any

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_finetune.console.show import print_json
from tui_finetune.text import clean

_BAR_CELLS = 24
_SHOWN_LABELS = 6
_SHOWN_CONTRIBUTIONS = 3


def print_trace(document: dict[str, Any], as_json: bool) -> None:
    """Print a trace's document, or its stages for a reader."""
    if as_json:
        print_json(document)
        return
    console = Console()
    for number, stage in enumerate(document["stages"], 1):
        shape = " x ".join(f"{size:,}" for size in stage["shape"])
        console.print(Text.assemble((f"{number} {stage['name']}", "bold"), f"  {shape}"))
        console.print(Text(clean(stage["words"]), style="dim"))
        console.print(_SHOWS[stage["name"]](document, stage))
        console.print()
    for sentence in document["missing"]:
        console.print(Text(f"not shown: {clean(sentence)}", style="yellow"))
    console.print(_checks(document["checks"]))


def _tokens(document: dict[str, Any], stage: dict[str, Any]) -> Text:
    parts = []
    for token in document["tokens"]:
        style = "dim" if token["special"] else "bold red" if token["unknown"] else ""
        parts += [(clean(token["token"]), style), (f" {token['id']}  ", "dim")]
    return Text.assemble(*parts)


def _embedding(document: dict[str, Any], stage: dict[str, Any]) -> Table:
    table = _table("norm of")
    columns = [*stage["parts"], {"name": "their sum, passed on", "norms": stage["norms"]}]
    for name in ("smallest", "mean", "largest"):
        table.add_column(name, justify="right")
    for part in columns:
        norms = part["norms"]
        figures = (min(norms), sum(norms) / len(norms), max(norms))
        table.add_row(clean(part["name"]), *(f"{figure:.3f}" for figure in figures))
    return table


def _layers(document: dict[str, Any], stage: dict[str, Any]) -> Table:
    table = _table("layer")
    table.add_column("mean norm", justify="right")
    table.add_column("moved by", justify="right")
    if stage["lens"]:
        table.add_column("what the head would say here (a diagnostic)")
    for layer, norms in enumerate(stage["norms"]):
        moved = stage["moved"][layer - 1] if layer else None
        cells = [
            str(layer) if layer else "embedding",
            f"{sum(norms) / len(norms):.3f}",
            f"{sum(moved) / len(moved):.3f}" if moved else "",
        ]
        if stage["lens"]:
            shares = stage["lens"][layer]
            best = max(range(len(shares)), key=shares.__getitem__)
            turns = "  turns here" if layer and layer == stage["turn"] else ""
            cells.append(f"{clean(document['labels'][best], 30)} {shares[best]:.3f}{turns}")
        table.add_row(*map(Text, cells))
    return table


def _head(document: dict[str, Any], stage: dict[str, Any]) -> Table:
    table = _table("label")
    for name in ("logit", "bias", "largest contributions", "rest"):
        table.add_column(name, justify="left" if name.startswith("largest") else "right")
    shown = sorted(stage["logits"], key=lambda entry: -entry["logit"])[:_SHOWN_LABELS]
    for entry in shown:
        largest = "  ".join(
            f"#{part['feature']} {part['value']:+.3f}"
            for part in entry["contributions"][:_SHOWN_CONTRIBUTIONS]
        )
        others = entry["contributions"][_SHOWN_CONTRIBUTIONS:]
        rest = None
        if entry["rest"] is not None:
            rest = entry["rest"] + sum(part["value"] for part in others)
        table.add_row(
            Text(clean(entry["label"], 30)),
            _signed(entry["logit"]),
            _signed(entry["bias"]),
            largest,
            _signed(rest),
        )
    return table


def _prediction(document: dict[str, Any], stage: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    shares = dict(zip(document["labels"], stage["probabilities"], strict=True))
    scaled = dict(zip(document["labels"], stage["calibrated"] or [], strict=False))
    for label in sorted(shares, key=lambda name: -shares[name])[:_SHOWN_LABELS]:
        beside = ""
        if label in scaled:
            beside = f"{scaled[label]:.3f} at temperature {stage['temperature']:.2f}"
        bar = Bar(1.0, 0.0, shares[label], width=_BAR_CELLS)
        table.add_row(Text(clean(label, 30)), f"{shares[label]:.3f}", bar, beside)
    return table


_SHOWS = {
    "tokenize": _tokens,
    "embed": _embedding,
    "layers": _layers,
    "head": _head,
    "predict": _prediction,
}


def _checks(checks: list[dict[str, Any]]) -> Table:
    holding = sum(check["holds"] for check in checks)
    table = _table(f"checks: {holding} of {len(checks)} hold")
    table.add_column("off by", justify="right")
    table.add_column("at most", justify="right")
    for check in checks:
        mark, style = ("✓", "green") if check["holds"] else ("✗", "bold red")
        table.add_row(
            Text(f"{mark} {check['words']}", style=style),
            f"{check['value']:.1e}",
            f"{check['tolerance']:.0e}",
        )
    return table


def _table(first: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first)
    return table


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"
