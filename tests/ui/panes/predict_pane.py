"""The Predict pane in an app of its own, and an engine that answers."""

import asyncio
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.panes.predict import PredictPane
from tui_finetune.ui.panes.predict_file import PredictFileScreen
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 300


class AnsweringEngine(EngineClient):
    """Answers with shares that hang on the text and the version, at once or when it is let.

    `asked` holds the parameters of all requests, `open` counts those under way.
    """

    def __init__(self, home: Path, labels=("good", "bad"), folder="/runs/x/model"):
        super().__init__(home)
        self.labels = labels
        self.folder = folder
        self.asked = []
        self.open = 0
        self.most_open = 0
        self.cancelled = 0
        self.held = False
        self.error = None
        self._let = asyncio.Event()

    def release(self):
        self._let.set()

    async def request(self, method, params, on_progress=None):
        self.asked.append(params)
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            if self.held:
                await self._let.wait()
                self._let.clear()
            if self.error:
                raise self.error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1
        share = self.share(params["texts"][0], params["version"])
        first, *others = self.labels
        scores = {first: share} | {label: (1 - share) / len(others) for label in others}
        if params["run"].endswith("-other"):
            scores = {"fair": share, first: 1 - share}
        label = max(scores, key=scores.get)
        made = {"text": params["texts"][0], "label": label, "score": scores[label]}
        return {"model": self.folder, "predictions": [{**made, "scores": scores}]}

    @staticmethod
    def share(text, version="after"):
        """Return the share of the first label, from 0.501 on, other for each length of text."""
        return 0.501 + min(len(text), 99) / 1000 + (0.2 if version == "before" else 0)

    @property
    def texts(self):
        """The texts of all requests but the first, which only loads the model."""
        return [params["texts"][0] for params in self.asked[1:]]


class Predicting(App[None]):
    def __init__(self, home, run=None, engine=None):
        super().__init__()
        self._home, self._run = home, run
        self.engine = engine or EngineClient(home)
        self.traced = []

    def compose(self) -> ComposeResult:
        pane = PredictPane(self.engine, self._home)
        pane.show_run(self._run)
        yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(PredictPane).focus()

    def on_unmount(self) -> None:
        self.engine.close()

    def on_trace_wanted(self, event) -> None:
        self.traced.append((event.run, event.text))


async def fill_in(pilot, app, until, source, out=None):
    await pilot.press("ctrl+f")
    await until(pilot, lambda: isinstance(app.screen, PredictFileScreen))
    app.screen.query_one("#file-in", Input).value = str(source)
    if out is not None:
        await pilot.pause()
        app.screen.query_one("#file-out", Input).value = str(out)
    await pilot.press("enter", "enter", "enter")
