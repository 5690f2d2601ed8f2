"""A small screen that has the model predict a whole file."""

import os
import time
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static
from textual.worker import Worker

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.text import clean
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.widgets.bars import bar
from tui_finetune.ui.widgets.focus import focus_now
from tui_finetune.ui.widgets.path_input import PathInput
from tui_finetune.ui.words import duration

_BAR = 24


class PredictFileScreen(ModalScreen[None]):
    """Asks for a file of texts and a file to write, and shows how far the engine is.

    `name` is the run's, shown as it is: clean it first.
    """

    DEFAULT_CSS = """
    PredictFileScreen {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 96%; height: auto;
            padding: 1 2; background: $surface; border: round $primary;
        }
        & Label { color: $text-muted; margin-top: 1; }
        & Input { margin: 0; background: $panel; }
        & Input:disabled { opacity: 60%; }
        & #file-line { height: auto; min-height: 2; margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(self, engine: EngineClient, run: RunDirectory, name: str) -> None:
        super().__init__()
        self._engine = engine
        self._predicting = run
        self._run_name = name
        self._job: Worker[None] | None = None
        self._offered = ""
        self._progress: dict[str, Any] = {}
        self._since = 0.0
        self._first: tuple[float, int] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the paths and the line that says how far it is."""
        with Vertical():
            yield Static(Content.assemble(("Predict a file with ", "bold"), self._run_name))
            yield Label("read: CSV, TSV, text, JSON Lines or Parquet", markup=False)
            yield PathInput(placeholder="path of the file with the texts", id="file-in")
            yield Label("column of the texts", markup=False)
            yield Input(placeholder="left empty: found by itself", compact=True, id="file-column")
            yield Label("write: .csv, .tsv, .jsonl or .parquet", markup=False)
            yield PathInput(placeholder="path of the file to write", id="file-out")
            yield Static(id="file-line", markup=False)

    def on_mount(self) -> None:
        """Begin at the file to read."""
        focus_now(self.query_one("#file-in"))
        self._say("Enter goes on, Esc goes back", "$text-muted")
        self.set_interval(0.5, self._tick)

    # --- the paths ---

    @on(Input.Changed, "#file-in")
    def _offer_output(self, event: Input.Changed) -> None:
        """Offer a file beside the one that is read, until the person names one."""
        out = self.query_one("#file-out", Input)
        if out.value == self._offered:
            path = Path(event.value.strip())
            ending = (
                path.suffix if path.suffix in (".csv", ".tsv", ".jsonl", ".parquet") else ".csv"
            )
            self._offered = (
                str(path.with_name(f"{path.stem}-predicted{ending}")) if path.name else ""
            )
            out.value = self._offered

    @on(Input.Submitted, "#file-in")
    @on(Input.Submitted, "#file-column")
    def _next_input(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next(Input)

    @on(Input.Submitted, "#file-out")
    def _begin(self, event: Input.Submitted) -> None:
        event.stop()
        source, column, out = (
            self.query_one(part, Input).value.strip()
            for part in ("#file-in", "#file-column", "#file-out")
        )
        if not source:
            self._say("Name the file to read first.", "$text-warning")
            focus_now(self.query_one("#file-in"))
        elif not out:
            self._say("Name the file to write.", "$text-warning")
        elif self._job is None:
            self._job = self._predict(_absolute(source), _absolute(out), column or None)

    # --- the job ---

    @work
    async def _predict(self, source: str, out: str, column: str | None) -> None:
        overwrite = Path(out).is_file()
        if overwrite and not await self.app.push_screen_wait(_overwriting(out)):
            self._job = None
            return
        self._since, self._first, self._progress = time.monotonic(), None, {}
        self._lock(True)
        self._tick()
        params = {
            "run": self._predicting.id,
            "source": source,
            "out": out,
            "column": column,
            "overwrite": overwrite,
        }
        try:
            result = await self._engine.request("predict_file", params, self._note)
        except (InputError, EngineError) as error:
            self._say(clean(error, 500), "$text-error")
        else:
            self._show_result(result)
        self._end_job()

    def _end_job(self) -> None:
        self._job = None
        self._lock(False)

    def _note(self, progress: dict[str, Any]) -> None:
        self._progress = progress
        if self._first is None and progress.get("what") == "predicting":
            self._first = (time.monotonic(), progress["done"])
        self._tick()

    def _lock(self, locked: bool) -> None:
        for widget in self.query(Input):
            widget.disabled = locked
        if not locked:
            focus_now(self.query_one("#file-out"))

    def action_leave(self) -> None:
        """Cancel what goes on, else go back."""
        if self._job is None:
            self.dismiss()
            return
        self._job.cancel()
        self._end_job()
        self._say(
            "cancelled; what is done is kept beside the file to write: the same paths go on there",
            "$text-muted",
        )

    # --- showing ---

    def _say(self, words: str, style: str = "") -> None:
        self.query_one("#file-line", Static).update(Content.styled(words, style))

    def _tick(self) -> None:
        if self._job is not None and self._since:
            now = time.monotonic()
            line = progress_line(self._progress, now - self._since, self._rate(now))
            self.query_one("#file-line", Static).update(line)

    def _rate(self, now: float) -> float | None:
        """Return the rows predicted a second, without those that were done before."""
        if self._first is None or now - self._first[0] < 1:
            return None
        if self._progress["what"] != "predicting":  # the writing counts from the first row again
            return None
        done: int = self._progress["done"] - self._first[1]
        return done / (now - self._first[0])

    def _show_result(self, result: dict[str, Any]) -> None:
        taken = duration(time.monotonic() - self._since)
        words = f"✓ {result['rows']:,} rows written in {taken}: {clean(result['out'], 200)}"
        if result["resumed_from"]:
            words += f"\n{result['resumed_from']:,} of them were done before"
        if result["empty"]:
            words += f"\n{result['empty']:,} without a text have no prediction"
        self._say(words, "$text-success")


def _absolute(path: str) -> str:
    """Return a path that means the same in the engine's working folder."""
    return str(Path(os.path.expanduser(path)).absolute())


def _overwriting(out: str) -> Question:
    return Question("This file exists already.", clean(out, 200), "overwrite it")


def progress_line(progress: dict[str, Any], seconds: float, rate: float | None) -> Content:
    """Return what goes on, how far it is, and how fast."""
    what = clean(progress.get("what") or "asking the engine", 60)
    done, of = progress.get("done", 0), progress.get("of", 0)
    parts: list[str | tuple[str, str]] = [("◐ ", "$text-accent"), what]
    if of:
        parts += ["  ", (bar(done / of, _BAR), "$primary on $panel"), f" {done:,} of {of:,}"]
    parts.append(("\n" + duration(seconds), "$text-muted"))
    if rate and of:
        left = duration((of - done) / rate)
        parts.append((f"   {rate:,.0f} rows/s   about {left} left", "$text-muted"))
    parts.append(("   Esc cancels", "$text-muted"))
    return Content.assemble(*parts)
