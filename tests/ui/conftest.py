"""What the tests of the dashboard share: answers of an engine, and what stands on the screen."""

import asyncio
from pathlib import Path

import pytest

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft, Finding


class SilentEngine(EngineClient):
    """An engine that starts no process and never answers, but can be cancelled."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.cancelled = 0

    async def request(self, method, params, on_progress=None):
        await asyncio.Event().wait()

    async def cancel(self):
        self.cancelled += 1


@pytest.fixture
def silent_engine(monkeypatch):
    """An engine that never answers; a dashboard gets it too."""
    engine = SilentEngine()
    monkeypatch.setattr("tui_finetune.ui.app.EngineClient", lambda home: engine)
    return engine


@pytest.fixture
def profile():
    """Make a profile as the engine gives it, with changes."""
    return lambda **changes: {**PROFILE, **changes}


@pytest.fixture
def model():
    """Make the description of a model as the engine gives it, with changes."""
    return lambda **changes: {**MODEL, **changes}


@pytest.fixture
def draft():
    """A draft with data that was looked at."""
    made = Draft()
    made.set("data.source", "/data/films.csv")
    made.set("train.learning_rate", 5e-5)
    made.set("train.warmup_steps", 0)
    made.data = Finding(result=PROFILE)
    return made


@pytest.fixture
def hostile():
    """Text that is markup, speaks to the terminal, turns the reading direction, and is long."""
    return "[/] \x1b]52;c;AAAA\x07 \u202egnol [bold]" + "x" * 400


@pytest.fixture
def screen_text():
    """Return what stands on an app's screen, as plain text."""

    def text(app):
        return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())

    return text


@pytest.fixture
def until(screen_text):
    """Wait until a condition holds; fail with what the screen shows if it never does."""

    async def wait(pilot, condition, seconds=60.0):
        for _ in range(int(seconds / 0.05)):
            await pilot.pause(0.05)
            if condition():
                return
        raise AssertionError("never came true:\n" + screen_text(pilot.app))

    return wait


PROFILE = {
    "source": "/data/films.csv",
    "rows": 1000,
    "columns": [
        {"name": "text", "type": "string", "missing": 0, "distinct": 998},
        {"name": "label", "type": "string", "missing": 0, "distinct": 2},
    ],
    "detected": {
        "kind": "delimited text",
        "encoding": "utf-8",
        "separator": "comma",
        "quote": "double",
        "header": True,
    },
    "text": "text",
    "label": "label",
    "labels": {"positive": 600, "negative": 400},
    "lengths": {
        "words": {"min": 4, "median": 21, "p95": 38, "max": 54},
        "characters": {"min": 31, "median": 114, "p95": 204, "max": 282},
        "histogram": [[10, 100], [20, 500], [54, 400]],
    },
    "first_rows": [{"text": "a fine film", "label": "positive"}],
    "splits": {"train": 800, "validation": 100, "test": 100},
    "problems": [],
}

MODEL = {
    "source": "starter",
    "path": "/models/minilm",
    "architecture": "BertModel",
    "model_type": "bert",
    "parameters": 22_713_216,
    "size_bytes": 90_900_000,
    "layers": 6,
    "hidden_size": 384,
    "heads": 12,
    "vocabulary": 30522,
    "max_length": 512,
    "head": "",
    "has_head": False,
    "labels": None,
    "license": "apache-2.0",
    "weights": "safetensors",
    "tokenizer": True,
    "code": [],
    "revision": None,
    "problem": None,
}
