"""What stands before the start of a run: another one that goes on, and what is wrong with it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui_finetune.engine.client import EngineClient
from tui_finetune.runs.about import name_of
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import read_status
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.finding import active_run
from tui_finetune.ui.inspection import check_recipe
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.wishes import FieldWanted

if TYPE_CHECKING:  # imported when it is made
    from tui_finetune.ui.panes.tune import TunePane


async def none_beside_or_wanted(app: App[Any], home: Path) -> bool:
    """Return whether no other run goes on, or the person wants one beside it."""
    other = await asyncio.to_thread(active_run, home)
    if other is None:
        return True
    title = f"{clean(name_of(other, read_status(other.status)), 40)} is training."
    details = "Start another beside it? They share the memory and the cores."
    return await app.push_screen_wait(Question(title, details, "start it"))


async def start(
    app: App[Any], draft: Draft, engine: EngineClient, tune: "TunePane"
) -> RunDirectory | None:
    """Start what the draft holds; None if the person does not want that after all.

    The quick part of the preflight comes first. An error of it is in the way, a warning until the
    person has seen it; both are shown to be mended. Raises `InputError` if the recipe is refused,
    `EngineError` if the engine fails; `tune` is then left for the caller to tell.
    """
    from tui_finetune.ui.panes.preflight import PreflightScreen

    while True:
        tune.checking()
        check = await check_recipe(draft, engine, measure=False)
        tune.starting(False)
        if draft.checks.may_start(check):
            return await _ask_to_begin(engine, tune, "train", {"recipe": check.content})
        answer = await app.push_screen_wait(PreflightScreen(draft, engine, before_start=True))
        if answer.field is not None:
            tune.post_message(FieldWanted(answer.field))
        if not answer.start:
            return None


async def resume(run: RunDirectory, engine: EngineClient, tune: "TunePane") -> RunDirectory:
    """Go on with a run that has stopped. Raises as `start` does."""
    return await _ask_to_begin(engine, tune, "resume", {"run": run.id})


async def _ask_to_begin(
    engine: EngineClient, tune: "TunePane", method: str, params: dict[str, Any]
) -> RunDirectory:
    tune.starting(True)
    answer = await engine.request(method, params)
    tune.starting(False)
    return RunDirectory(Path(answer["dir"]))
