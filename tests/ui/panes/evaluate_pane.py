"""The Evaluate pane in an app of its own, and an answer of an engine about ten rows."""

import asyncio

from textual.app import App, ComposeResult
from textual.widgets import Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.panes.evaluate import EvaluatePane
from tui_finetune.ui.panes.evaluate_results import VIEWS, EvaluationResults
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol [bold]" + "x" * 300

# Of 10 rows 3 are wrong: good is taken for bad twice, bad for good once.
METRIC_VALUES = {
    "loss": 0.512, "accuracy": 0.7, "precision": 0.708, "recall": 0.708, "f1": 0.7,
    "precision_micro": 0.7, "recall_micro": 0.7, "f1_micro": 0.7, "precision_weighted": 0.725,
    "recall_weighted": 0.7, "f1_weighted": 0.703, "mcc": 0.417, "roc_auc": 0.75,
    "average_precision": 0.79, "ece": 0.143,
}  # fmt: skip
BEFORE_VALUES = {**METRIC_VALUES, "loss": 0.71, "accuracy": 0.3, "f1": 0.29}
MAJORITY_VALUES = {**dict.fromkeys(METRIC_VALUES), "accuracy": 0.6, "f1": 0.375}


def mistake(row, true, label, score, text):
    return {"row": row, "text": text, "true": true, "label": label, "score": score}


def evaluation(good="good", bad="bad", text="a long text", **changes):
    """Make an answer of the engine about ten rows."""
    return {
        "run": "x",
        "model": "/runs/x/model",
        "data": "test rows of /d/reviews.csv",
        "rows": 10,
        "labels": [good, bad],
        "metrics": METRIC_VALUES,
        "intervals": {"accuracy": [0.4, 0.9], "f1": [0.41, 0.88]},
        "confidence": 0.95,
        "baselines": {
            "majority": {"label": good, "metrics": MAJORITY_VALUES},
            "before": {
                "metrics": BEFORE_VALUES,
                "intervals": {"accuracy": [0.1, 0.35]},
                "difference": {"accuracy": 0.4, "interval": [0.05, 0.75]},
            },
            "before_problem": None,
        },
        "classes": [
            {
                "label": good, "precision": 0.8, "recall": 0.667, "f1": 0.727,
                "support": 6, "predicted": 5,
                "intervals": {"precision": [0.5, 1.0], "recall": [0.33, 1.0], "f1": [0.4, 0.95]},
            },
            {
                "label": bad, "precision": 0.6, "recall": 0.75, "f1": 0.667,
                "support": 4, "predicted": 5,
                "intervals": {"precision": [0.2, 1.0], "recall": [0.25, 1.0], "f1": [0.3, 0.9]},
            },
        ],
        "confusion": [[4, 2], [1, 3]],
        "cells": [
            {"true": good, "predicted": bad, "count": 2, "share": 1 / 3},
            {"true": bad, "predicted": good, "count": 1, "share": 0.25},
        ],
        "calibration": {
            "ece": 0.143,
            "bins": [
                {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
                {"low": 0.5, "high": 1.0, "rows": 10, "confidence": 0.843, "accuracy": 0.7},
            ],
            "temperature": 1.5,
            "ece_scaled": 0.031,
        },
        "mistakes": [
            mistake(11, good, bad, 0.98, f"{text} one"),
            mistake(3, bad, good, 0.91, f"{text} two"),
            mistake(70, good, bad, 0.6, f"{text} three"),
        ],
        "mistakes_total": 3,
        "label_errors": [
            {
                "row": 11, "text": f"{text} one", "true": good, "suggested": bad,
                "score": 0.98, "quality": 0.02,
            }
        ],
        "label_errors_problem": None,
        "label_errors_note": "A suggestion, not a verdict.",
        "slices": [
            {
                "column": "length in words",
                "slices": [
                    {"name": "1 to 9", "rows": 6, "accuracy": 1.0, "interval": [0.8, 1.0],
                     "f1": 1.0},
                    {"name": "10 to 40", "rows": 4, "accuracy": 0.25, "interval": [0.0, 0.6],
                     "f1": 0.2},
                ],
            }
        ],
        **changes,
    }  # fmt: skip


class Answering(EngineClient):
    """An engine without a process: its answer, an error, or progress and then silence."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.given_up = 0
        self.killed = 0

    async def request(self, method, params, on_progress=None):
        self.asked.append((method, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        on_progress({"what": "predicting \x1b[2J rows", "done": 320, "of": 1000})
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise

    async def cancel(self):
        self.killed += 1

    def close(self):
        pass


class Evaluating(App[None]):
    """The pane between the lines of the dashboard's frame."""

    CSS = "#above { height: 3; }"

    def __init__(self, home, run=None, answer=None):
        super().__init__()
        self.engine = Answering(answer)
        self.pane = EvaluatePane(self.engine, home, id="evaluate")
        self.pane.show_run(run)
        self.traced = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()

    def on_trace_wanted(self, message):
        self.traced.append((message.run, message.text, message.true))

    @property
    def view(self):
        return self.query_one(EvaluationResults).view


def opening(home, run, until, screen_text):
    """Return a function that makes an app for an answer, and one that goes to a view of it."""

    async def open_view(pilot, view="summary"):
        await pilot.press("enter")
        await until(pilot, lambda: "Summary" in screen_text(pilot.app))
        for _ in range(list(VIEWS).index(view)):
            await pilot.press("tab")
        await until(pilot, lambda: pilot.app.view == view)
        await pilot.pause()

    return lambda answer: (Evaluating(home, run, answer), open_view)
