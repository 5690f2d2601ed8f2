"""Making the panes of the workspace by their names."""

from pathlib import Path

from textual.widget import Widget

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.compare import ComparePane
from tui_finetune.ui.panes.data import DataPane
from tui_finetune.ui.panes.evaluate import EvaluatePane
from tui_finetune.ui.panes.model import ModelPane
from tui_finetune.ui.panes.predict import PredictPane
from tui_finetune.ui.panes.runs import RunsPane
from tui_finetune.ui.panes.trace import TracePane
from tui_finetune.ui.panes.tune import TunePane
from tui_finetune.ui.panes.watch import WatchPane

PANES = ("data", "model", "tune", "watch", "runs", "predict", "evaluate", "trace", "compare")

SAMPLE = Path("sample_data/reviews.yaml")


def make_pane(pane: str, draft: Draft, engine: EngineClient, home: Path) -> Widget:
    """Return a new pane, one of `PANES`, whose id is its name."""
    match pane:
        case "data":
            return DataPane(draft, engine, sample_recipe(), id=pane)
        case "model":
            return ModelPane(draft, engine, id=pane)
        case "tune":
            return TunePane(draft, engine, home, id=pane)
        case "watch":
            return WatchPane(id=pane)
        case "runs":
            return RunsPane(home, id=pane)
        case "predict":
            return PredictPane(engine, home, id=pane)
        case "evaluate":
            return EvaluatePane(engine, home, id=pane)
        case "trace":
            return TracePane(engine, home, id=pane)
        case _:
            return ComparePane(home, id=pane)


def sample_recipe() -> Path | None:
    """Return the sample recipe of the working folder, or of the checkout this package is in."""
    for folder in (Path.cwd(), Path(__file__).parents[2]):
        if (folder / SAMPLE).is_file():
            return folder / SAMPLE
    return None
