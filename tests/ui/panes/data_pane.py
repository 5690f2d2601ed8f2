"""The Data pane in an app of its own, and answers of an engine about films."""

from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.data import DataPane
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.wishes import SampleWanted

NARROW, WIDE = (80, 24), (160, 48)
TOTAL = 1000


class Choosing(App[None]):
    """The pane between lines above and a line of keys, as in the dashboard."""

    CSS = "#above { height: 3; }"

    def __init__(self, draft: Draft, engine: EngineClient, sample: Path | None = None) -> None:
        super().__init__()
        self.pane = DataPane(draft, engine, sample, id="data")
        self.samples: list[Path] = []
        self.went_on = 0

    def compose(self) -> ComposeResult:
        """Lay out the lines and the pane."""
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin at the path."""
        self.pane.focus()

    def on_sample_wanted(self, message: SampleWanted) -> None:
        """Note what was asked for."""
        self.samples.append(message.recipe)

    def on_model_wanted(self) -> None:
        """Note that the model is wanted."""
        self.went_on += 1


def film_rows(params: dict[str, Any]) -> dict[str, Any]:
    """Answer `rows`: a thousand films, each with its number in its text."""
    start = min(params["offset"], TOTAL)
    stop = min(start + params["limit"], TOTAL)
    return {
        "columns": ["text", "label"],
        "rows": [[f"film {number}", "positive"] for number in range(start, stop)],
        "offset": params["offset"],
        "split": params.get("split") or "train",
        "splits": {"train": TOTAL},
        "total": TOTAL,
        "detected": {"kind": "delimited text", "encoding": "utf-8", "separator": "comma"},
    }


def rows_at(params: dict[str, Any]) -> dict[str, Any]:
    """Answer `rows_at`: rows that name their part and number."""
    rows = [[row, [f"{params['part']} film {row}", "positive"]] for row in params["rows"]]
    return {"columns": ["text", "label"], "rows": rows}


def finding(title: str = "Repeated rows", **changes: Any) -> dict[str, Any]:
    """Return a finding of `quality`."""
    return {
        "title": title, "message": "three rows stand twice", "severity": "warning", "count": 3,
        "unit": "row", "advice": "Leave the copies out.", "rows": [["train", 4, 0], ["train", 9, 0],
        ["test", 2, None]], "more_rows": 0, "fix": {"data.drop_duplicates": True}, **changes,
    }  # fmt: skip


def quality(*findings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an answer to `quality`."""
    return {
        "findings": list(findings),
        "looked_at": {"train": [800, 800], "test": [100, 100]},
        "near": {"similarity": 0.8, "characters": 1000, "looked_at": {"train": [800, 800]}},
        **changes,
    }


TOKEN_LENGTHS: dict[str, Any] = {
    "rows": 800, "of": 800, "median": 24, "p95": 45, "p99": 60, "longest": 70,
    "histogram": [[20, 300], [40, 420], [70, 80]],
    "truncated": [[16, 0.9, 720], [64, 0.005, 4], [128, 0.0, 0], [512, 0.0, 0]],
    "mean": 24.5, "max_length": 128, "truncated_share": 0.0, "suggested": 64,
    "rule": "the least power of two that cuts off at most 1 % of the texts",
    "longest_input": 512, "fix": {"tokens.max_length": 64},
}  # fmt: skip
