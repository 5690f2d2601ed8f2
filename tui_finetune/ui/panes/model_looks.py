"""What is known of the models that were highlighted, whether they were chosen or not."""

import asyncio
from collections.abc import Callable
from functools import partial

from textual.widget import Widget
from textual.worker import Worker

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.inspection import ask_about_model
from tui_finetune.ui.panes.model_list import Place

# The highlight moves through a list faster than models can be looked at.
_REST_SECONDS = 0.15


class Looks:
    """Looks at one model at a time for `owner`; `tell` is called whenever more is known."""

    def __init__(self, owner: Widget, engine: EngineClient, tell: Callable[[], None]) -> None:
        self._owner = owner
        self._engine = engine
        self._tell = tell
        self._known: dict[Place, Finding] = {}
        self._worker: Worker[None] | None = None

    def of(self, place: Place) -> Finding:
        """Return what is known of a model."""
        return self._known.get(place, Finding())

    def look(self, place: Place) -> None:
        """Look at a model, unless that was done, in place of the one that is looked at now."""
        if place not in self._known:
            self._worker = self._owner.run_worker(
                partial(self._look, place), group="look", exclusive=True
            )

    def give_up(self) -> None:
        """Wait no longer."""
        if self._worker is not None:
            self._worker.cancel()

    def forget(self) -> None:
        """Throw away all that is known."""
        self._known.clear()

    async def _look(self, place: Place) -> None:
        await asyncio.sleep(_REST_SECONDS)
        self._known[place] = Finding(busy=True)
        self._tell()
        source, revision = place
        model = {"source": source, "revision": revision}
        try:
            self._known[place] = await ask_about_model(self._engine, model)
        finally:
            if self.of(place) in (Finding(), Finding(busy=True)):  # cancelled
                self._known.pop(place, None)
        self._tell()
