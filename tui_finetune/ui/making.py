"""Making the panes of the workspace by their names."""

from pathlib import Path

from textual.widget import Widget

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft

PANES = ("data", "model", "tune", "watch", "runs", "predict", "evaluate", "trace", "compare")

SAMPLE = Path("sample_data/reviews.yaml")


def make_pane(pane: str, draft: Draft, engine: EngineClient, home: Path) -> Widget:
    """Return a new pane, one of `PANES`, whose id is its name."""
    # Imported as they are made: the pane in front has not to wait for the others.
    match pane:
        case "data":
            from tui_finetune.ui.panes.data import DataPane

            return DataPane(draft, engine, sample_recipe(), id=pane)
        case "model":
            from tui_finetune.ui.panes.model import ModelPane

            return ModelPane(draft, engine, id=pane)
        case "tune":
            from tui_finetune.ui.panes.tune import TunePane

            return TunePane(draft, engine, home, id=pane)
        case "watch":
            from tui_finetune.ui.panes.watch import WatchPane

            return WatchPane(id=pane)
        case "runs":
            from tui_finetune.ui.panes.runs import RunsPane

            return RunsPane(home, id=pane)
        case "predict":
            from tui_finetune.ui.panes.predict import PredictPane

            return PredictPane(engine, home, id=pane)
        case "evaluate":
            from tui_finetune.ui.panes.evaluate import EvaluatePane

            return EvaluatePane(engine, home, id=pane)
        case "trace":
            from tui_finetune.ui.panes.trace import TracePane

            return TracePane(engine, home, id=pane)
        case _:
            from tui_finetune.ui.panes.compare import ComparePane

            return ComparePane(home, id=pane)


def sample_recipe() -> Path | None:
    """Return the sample recipe of the working folder, or of the checkout this package is in."""
    for folder in (Path.cwd(), Path(__file__).parents[2]):
        if (folder / SAMPLE).is_file():
            return folder / SAMPLE
    return None
