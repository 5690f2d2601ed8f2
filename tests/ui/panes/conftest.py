"""Runs with figures of the tests' own, and what a pane shows of them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import ContentSwitcher, Static

from tui_finetune.engine.client import EngineClient, Progress
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import RESUME_STATE, RunDirectory, create_run
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, this_process, write_status
from tui_finetune.ui.panes.watch import WatchPane
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.wishes import PredictWanted, ResumeWanted

from .evaluate_pane import opening
from .trace_pane import Opened

STEPS_PER_EPOCH = 4


class AnsweringEngine(EngineClient):
    """An engine that starts no process; `answers` make the results of methods.

    What makes an exception raises it. A method without an answer waits for ever.
    """

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.answers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.taken_back: list[str] = []

    def of(self, method: str) -> list[dict[str, Any]]:
        """Return with what parameters a method was asked."""
        return [params for asked, params in self.asked if asked == method]

    async def request(
        self, method: str, params: dict[str, Any], on_progress: Progress | None = None
    ) -> Any:
        """Answer at once, or never."""
        self.asked.append((method, json.loads(json.dumps(params))))
        try:
            if method not in self.answers:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.taken_back.append(method)
            raise
        answer = self.answers[method](params)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def cancel(self) -> None:
        """Fail: what goes on is taken back, and the engine lives."""
        raise AssertionError("the engine was ended")


@pytest.fixture
def answering_engine() -> AnsweringEngine:
    """An engine whose answers a test says."""
    return AnsweringEngine()


@pytest.fixture
def put_run(tmp_path: Path) -> Callable[..., RunDirectory]:
    """Make a run of three epochs of four steps of which `steps` are done.

    `losses` are the validation losses of its evaluations.
    """

    def put(
        name: str = "reviews",
        state: str = "finished",
        steps: int = 12,
        losses: Sequence[float] = (0.6, 0.5, 0.4),
        **values: Any,
    ) -> RunDirectory:
        run = create_run(tmp_path, parse_recipe({"data": {"source": "/d/reviews.csv"}}, "test"))
        journal = JournalWriter(run.journal)
        journal.write(
            "start", total_steps=12, steps_per_epoch=STEPS_PER_EPOCH, epochs=3, resumed_from=0,
            selection_metric="eval_loss",
        )  # fmt: skip
        journal.write("stage", stage="split", train=64, validation=8, test=8)
        for step in range(1, steps + 1):
            epoch = step / STEPS_PER_EPOCH
            journal.write("log", step=step, epoch=epoch, loss=1.0 - step / 20)
            if step % STEPS_PER_EPOCH == 0 and step // STEPS_PER_EPOCH <= len(losses):
                loss = losses[step // STEPS_PER_EPOCH - 1]
                scores = {"eval_accuracy": 1 - loss / 2, "eval_f1": 0.9 - loss / 2}
                journal.write("log", step=step, epoch=epoch, eval_loss=loss, **scores)
                journal.write("checkpoint", step=step, bytes=87_000_000)
        journal.close()
        run.log.write_text("the libraries are loaded\n")
        if state in ("starting", "running", "stopping"):
            values = {**this_process(), **values}
        status = Status(
            **{
                "state": state, "name": name, "data": "/d/reviews.csv", "model": "starter",
                "step": steps, "total_steps": 12, "epoch": steps / STEPS_PER_EPOCH, "epochs": 3.0,
                **values,
            }
        )  # fmt: skip
        write_status(run.status, status)
        return run

    return put


@pytest.fixture
def put_checkpoint() -> Callable[..., Path]:
    """Give a run a checkpoint that is whole by the names of its files."""

    def put(run: RunDirectory, step: int = 4) -> Path:
        folder = run.checkpoints / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / RESUME_STATE).touch()
        (folder / "config.json").touch()
        (folder / "model.safetensors").touch()
        return folder

    return put


@pytest.fixture
def run(put_run: Callable[..., RunDirectory], put_checkpoint: Callable[..., Path]) -> RunDirectory:
    """A run with a checkpoint that can predict by the names of its files."""
    run = put_run()
    put_checkpoint(run)
    return run


@pytest.fixture
def screen_text() -> Callable[[App[Any]], str]:
    """Return what stands on an app's screen, as plain text."""

    def text(app: App[Any]) -> str:
        return "\n".join(strip.text for strip in app.screen._compositor.render_strips())

    return text


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a condition holds; fail with what the screen shows if it never does."""

    async def wait(pilot: Any, condition: Callable[[], object], seconds: float = 10.0) -> None:
        for _ in range(int(seconds / 0.05)):
            if condition():
                return
            await pilot.pause(0.05)
        strips = pilot.app.screen._compositor.render_strips()
        raise AssertionError("never came true:\n" + "\n".join(strip.text for strip in strips))

    return wait


class Watching(App[None]):
    """The Watch pane between two lines above and a footer, as in the dashboard."""

    CSS = "#above { height: 3; } ContentSwitcher { height: 1fr; }"

    def __init__(self, run: RunDirectory | None) -> None:
        super().__init__()
        self._run = run
        self.messages: list[tuple[str, RunDirectory]] = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        with ContentSwitcher(initial="watch"):
            pane = WatchPane(id="watch")
            pane.show_run(self._run)
            yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(WatchPane).focus()

    def on_predict_wanted(self, message: PredictWanted) -> None:
        self.messages.append(("predict", message.run))

    def on_resume_wanted(self, message: ResumeWanted) -> None:
        self.messages.append(("resume", message.run))


@pytest.fixture
def watching() -> type[Watching]:
    """An app that shows a run, or None, in the Watch pane."""
    return Watching


@pytest.fixture
def traced(
    tmp_path: Path, run: RunDirectory, until: Callable[..., Any], screen_text: Callable[..., str]
) -> Callable[..., Opened]:
    """Start an app of a given size with a trace in sight."""
    return partial(Opened, tmp_path, run, until, screen_text)


@pytest.fixture
def evaluated(
    tmp_path: Path, run: RunDirectory, until: Callable[..., Any], screen_text: Callable[..., str]
) -> Callable[..., Any]:
    """Make an app for an answer of the engine, and what evaluates and goes to a view."""
    return opening(tmp_path, run, until, screen_text)
