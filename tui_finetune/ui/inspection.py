"""Questions to the engine about the data and the models; the answers go into the draft."""

from pathlib import Path
from typing import Any

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.text import clean
from tui_finetune.ui.draft import Draft, Finding


async def list_models(draft: Draft, engine: EngineClient) -> None:
    """Fill in the models that can be chosen here."""
    draft.catalogue = Finding(busy=True)
    draft.changed()
    draft.catalogue = await ask(engine, "models", {"folders": [str(Path.cwd())]})
    draft.changed()


async def profile_data(draft: Draft, engine: EngineClient) -> None:
    """Fill in what the data holds; an answer about data no longer wanted is thrown away."""
    asked = draft.content["data"]
    draft.data = Finding(busy=True)
    draft.changed()
    found = await ask(engine, "profile", {"data": asked})
    if draft.content["data"] == asked:
        draft.data = found
        draft.changed()


async def describe_model(draft: Draft, engine: EngineClient) -> None:
    """Fill in what the model is; an answer about a model no longer wanted is thrown away."""
    asked = draft.content["model"]
    draft.model = Finding(busy=True)
    draft.changed()
    found = await ask(engine, "model", {"model": asked})
    if draft.content["model"] == asked:
        draft.model = found
        draft.changed()


async def ask(engine: EngineClient, method: str, params: dict[str, Any]) -> Finding:
    """Ask the engine; what goes wrong is in the finding."""
    try:
        return Finding(result=await engine.request(method, params))
    except InputError as error:
        return Finding(error=clean(error))
    except EngineError as error:
        # Whoever cancels wants to go on, not to read about it.
        return Finding() if str(error) == "cancelled" else Finding(error=clean(error))
