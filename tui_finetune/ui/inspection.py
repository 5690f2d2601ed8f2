"""Questions to the engine about the data and the models; the answers go into the draft."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.app import App

from tui_finetune.engine.client import EngineClient, EngineError, Progress
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.check import Check
from tui_finetune.ui.draft import Draft, Finding

# What the number of tokens of a text hangs on.
_TOKEN_SECTIONS = ("data", "problem_type", "model", "tokens")

# Whoever types a number changes the recipe with each digit.
_PAUSE_BEFORE_COUNTING = 0.7


async def list_models(draft: Draft, engine: EngineClient) -> None:
    """Fill in the models that can be chosen here."""
    draft.catalogue = Finding(busy=True)
    draft.changed()
    draft.catalogue = await ask(engine, "models", {"folders": [str(Path.cwd())]})
    draft.changed()


async def profile_data(draft: Draft, engine: EngineClient) -> None:
    """Fill in what the data holds; an answer about data no longer wanted is thrown away."""
    asked = {name: draft.content[name] for name in ("data", "problem_type")}
    draft.data = Finding(busy=True)
    draft.data_progress = {}
    draft.changed()

    def note(progress: dict[str, Any]) -> None:
        draft.data_progress = progress

    found = await ask(engine, "profile", asked, note)
    if all(draft.content[name] == value for name, value in asked.items()):
        draft.data = found
        draft.changed()


async def describe_model(draft: Draft, engine: EngineClient) -> None:
    """Fill in what the model is; an answer about a model no longer wanted is thrown away."""
    asked = draft.content["model"]
    draft.model = Finding(busy=True)
    draft.model_progress = {}
    draft.changed()

    def note(progress: dict[str, Any]) -> None:
        draft.model_progress = progress

    found = await ask_about_model(engine, asked, note)
    if draft.content["model"] == asked:
        draft.model = found
        draft.changed()


async def ask_about_model(
    engine: EngineClient, model: dict[str, Any], on_progress: Progress | None = None
) -> Finding:
    """Ask what a model is. One that cannot be used has a result as far as it is known."""
    found = await ask(engine, "model", {"model": model}, on_progress)
    problem = (found.result or {}).get("problem")
    return replace(found, error=clean(problem["message"])) if problem else found


async def list_training_fields(draft: Draft, engine: EngineClient) -> None:
    """Fill in the fields of `TrainingArguments`."""
    draft.fields = Finding(busy=True)
    draft.changed()
    draft.fields = await ask(engine, "training_fields", {})
    draft.changed()


async def check_training(draft: Draft, engine: EngineClient) -> None:
    """Fill in what `TrainingArguments` refuses, and what it takes where the recipe is silent."""
    content = draft.content
    asked = {"recipe": draft.checkable(), "train_rows": draft.derived().train}
    found = await ask(engine, "check_training", asked)
    if draft.content == content:  # else the next answer is on its way
        answer = found.result or {}
        draft.refused = answer.get("refused", {})
        draft.own_defaults = answer.get("defaults", draft.own_defaults)
        draft.checked = content
        draft.changed()


async def count_tokens(draft: Draft, engine: EngineClient) -> None:
    """Fill in how many tokens a training text has; nobody waits for it, so errors are not said."""
    await asyncio.sleep(_PAUSE_BEFORE_COUNTING)
    asked = {name: draft.content[name] for name in _TOKEN_SECTIONS}
    found = await ask(engine, "token_lengths", asked)
    if found.result is not None:
        draft.note_tokens(asked, found.result["mean"])


async def check_recipe(
    draft: Draft, engine: EngineClient, measure: bool, on_progress: Progress | None = None
) -> Check:
    """Ask for a preflight of the recipe as it is written; the draft's `checks` keep the answer.

    `measure`: some real steps are trained too, which takes a while. Raises `InputError` if the
    recipe is not whole, `EngineError` if the engine fails.
    """
    content = draft.content
    params = {"recipe": draft.as_written().model_dump(mode="json"), "measure": measure}
    findings = await engine.request("preflight", params, on_progress)
    check = draft.checks.note(content, findings, measure)
    if check.mean_tokens is not None:
        sections = {name: content[name] for name in _TOKEN_SECTIONS}
        draft.note_tokens(sections, check.mean_tokens)
    draft.changed()
    return check


def look_at_changed(draft: Draft, engine: EngineClient, app: App[Any], keys: Iterable[str]) -> None:
    """Ask anew about what the changed keys belong to: the data, the model."""
    sections = {key.partition(".")[0] for key in keys}
    if sections & {"data", "problem_type"}:
        _look_at_data(draft, engine, app)
    if "model" in sections:
        _look_at_model(draft, engine, app)


def look_again(draft: Draft, engine: EngineClient, app: App[Any]) -> None:
    """Ask about the data and the model of another recipe, as far as nothing is known of them."""
    if draft.content["data"]["source"] and draft.data == Finding():
        _look_at_data(draft, engine, app)
    if draft.model == Finding():
        _look_at_model(draft, engine, app)


# On the app: an answer must arrive while any pane is in front.
def _look_at_data(draft: Draft, engine: EngineClient, app: App[Any]) -> None:
    app.run_worker(profile_data(draft, engine), group="data", exclusive=True)


def _look_at_model(draft: Draft, engine: EngineClient, app: App[Any]) -> None:
    app.run_worker(describe_model(draft, engine), group="model", exclusive=True)


async def ask(
    engine: EngineClient,
    method: str,
    params: dict[str, Any],
    on_progress: Progress | None = None,
) -> Finding:
    """Ask the engine; what goes wrong is in the finding."""
    try:
        return Finding(result=await engine.request(method, params, on_progress))
    except InputError as error:
        return Finding(error=clean(error))
    except EngineError as error:
        # Whoever cancels wants to go on, not to read about it.
        return Finding() if str(error) == "cancelled" else Finding(error=clean(error))
