"""One question to the engine at a time, its progress, and what it answered."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.worker import Worker

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.inspection import ask
from tui_finetune.ui.widgets.busy import busy_line


class Asking:
    """What `owner` asks the engine with `method`; `tell` is called whenever the finding changes."""

    def __init__(
        self, owner: Widget, engine: EngineClient, method: str, tell: Callable[[], None]
    ) -> None:
        self.finding = Finding()
        self.params: dict[str, Any] | None = None
        """What the finding is about."""
        self._owner = owner
        self._engine = engine
        self._method = method
        self._tell = tell
        self._worker: Worker[None] | None = None
        self._progress: dict[str, Any] = {}
        self._since = 0.0

    def ask(self, params: dict[str, Any]) -> None:
        """Ask, unless the very same was asked already; a question still open is taken back."""
        if params == self.params:
            return
        self.params = params
        self.finding = Finding(busy=True)
        self._progress, self._since = {}, time.monotonic()
        self._worker = self._owner.run_worker(
            partial(self._wait, params), group=self._method, exclusive=True
        )
        self._tell()

    def take_back(self) -> None:
        """Give up waiting; the same is not asked again before it is forgotten."""
        if self.finding.busy:
            if self._worker is not None:
                self._worker.cancel()
            self.finding = Finding()
            self._tell()

    def forget(self) -> None:
        """Throw the answer away, or give up waiting for it."""
        self.take_back()
        if self.params is not None:
            self.finding, self.params = Finding(), None
            self._tell()

    def busy_words(self) -> Content:
        """Return what is waited for, how far it is, and for how long already."""
        return busy_line(self._progress, time.monotonic() - self._since)

    async def _wait(self, params: dict[str, Any]) -> None:
        found = await ask(self._engine, self._method, params, self._note)
        if params is self.params and self.finding.busy:
            self.finding = found
            self._tell()

    def _note(self, progress: dict[str, Any]) -> None:
        self._progress = progress
