"""What Predict, Evaluate and Trace have in common: a run with a model, which can be changed."""

from pathlib import Path

from textual.containers import Vertical

from tui_finetune.engine.client import EngineClient
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.ui.panes.picker import RunPicker


class RunPane(Vertical):
    """A pane that asks the engine about the run that `show_run` names.

    `home` is where the runs are that can be chosen.
    """

    def __init__(self, engine: EngineClient, home: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._engine = engine
        self._home = home
        self._run: RunDirectory | None = None

    @property
    def run_shown(self) -> RunDirectory | None:
        """The run in sight, if one is chosen."""
        return self._run

    def show_run(self, run: RunDirectory | None) -> None:
        """Turn to this run; what is shown of the one before goes."""
        raise NotImplementedError

    def action_choose(self) -> None:
        """Let the person choose another run."""
        # No worker: the list is in front before the next key is handled.
        self.app.push_screen(RunPicker(self._home), self._chosen)

    def _chosen(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.show_run(run)
        self.focus()
