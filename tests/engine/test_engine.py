"""The engine as the dashboard uses it: a process of its own that outlives whoever asked it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

Make = Callable[..., Recipe]


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def as_params(recipe: Recipe) -> dict[str, object]:
    return {"recipe": recipe.model_dump(mode="json")}


async def test_it_answers_then_trains_and_leaves_no_process_behind(
    make_recipe: Make, tmp_path: Path
) -> None:
    recipe = make_recipe()
    engine = EngineClient(tmp_path)
    profile = await engine.request("profile", {"data": recipe.data.model_dump()})
    assert profile["rows"] == 120
    assert profile["labels"] == {"negative": 60, "positive": 60}
    model = await engine.request("model", {"model": recipe.model.model_dump()})
    assert model["layers"] == 2
    with pytest.raises(InputError, match=r"no such file"):
        await engine.request("profile", {"data": {"source": "nowhere.csv"}})

    started = await engine.request("train", as_params(recipe))
    run = RunDirectory(Path(started["dir"]))
    assert read_status(run.status).state in ("starting", "running")
    wait_for(lambda: read_status(run.status).state == "finished")
    wait_for(lambda: not psutil.pid_exists(read_status(run.status).pid or 0) or zombie(run))
    assert len(read_history(run).epochs()) == 3

    # The engine that trained is gone; the next request starts another.
    answer = await engine.request("predict", {"run": run.id, "texts": ["a good film"]})
    (prediction,) = answer["predictions"]
    assert sum(prediction["scores"].values()) == pytest.approx(1)
    assert prediction["label"] == max(prediction["scores"], key=prediction["scores"].get)
    engine.close()


def zombie(run: RunDirectory) -> bool:
    """Ended, but not waited for by this process, its parent."""
    return psutil.Process(read_status(run.status).pid).status() == psutil.STATUS_ZOMBIE


async def test_a_recipe_that_is_wrong_leaves_nothing_behind(
    make_recipe: Make, tmp_path: Path
) -> None:
    recipe = make_recipe(lr_scheduler_type="upwards")
    engine = EngineClient(tmp_path)
    with pytest.raises(InputError, match=r"train.*upwards"):
        await engine.request("train", as_params(recipe))
    assert all_runs(tmp_path) == []
    # and it goes on answering
    assert (await engine.request("models", {"folders": []}))[0]["kind"] == "starter"
    engine.close()


async def test_cancelling_ends_what_it_does_and_the_next_request_finds_a_new_one(
    make_recipe: Make, tmp_path: Path
) -> None:
    engine = EngineClient(tmp_path)
    request = engine.request("profile", {"data": make_recipe().data.model_dump()})
    waiting = asyncio.create_task(request)
    await asyncio.sleep(0.2)
    await engine.cancel()
    with pytest.raises(EngineError, match="cancelled"):
        await waiting
    assert (await engine.request("models", {"folders": []}))[0]["kind"] == "starter"
    engine.close()


async def test_closing_cancels_whoever_still_waits(make_recipe: Make, tmp_path: Path) -> None:
    engine = EngineClient(tmp_path)
    request = engine.request("profile", {"data": make_recipe().data.model_dump()})
    waiting = asyncio.create_task(request)
    await asyncio.sleep(0.2)
    engine.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_killing_who_asked_leaves_the_run_going(make_recipe: Make, tmp_path: Path) -> None:
    recipe = make_recipe(num_train_epochs=12)
    recipe.early_stopping.patience = None
    script = f"""
import asyncio, json, os, signal
from pathlib import Path
from tui_finetune.engine.client import EngineClient

async def main():
    engine = EngineClient(Path({str(tmp_path)!r}))
    await engine.request("train", json.loads({_params(recipe)!r}))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    (run,) = all_runs(tmp_path)
    wait_for(lambda: read_status(run.status).state == "finished")
    assert [epoch.number for epoch in read_history(run).epochs()] == list(range(1, 13))


def _params(recipe: Recipe) -> str:
    return '{"recipe": ' + recipe.model_dump_json() + "}"


async def test_a_killed_engine_reads_as_interrupted_and_the_run_can_be_resumed(
    make_recipe: Make, tmp_path: Path
) -> None:
    recipe = make_recipe(num_train_epochs=200)
    recipe.early_stopping.patience = None
    engine = EngineClient(tmp_path)
    run = RunDirectory(Path((await engine.request("train", as_params(recipe)))["dir"]))
    wait_for(lambda: len(read_history(run).checkpoints) > 1)
    os.kill(read_status(run.status).pid or 0, signal.SIGKILL)
    wait_for(lambda: read_status(run.status).state == "interrupted", seconds=10)

    checkpoint = run.newest_checkpoint()
    assert checkpoint is not None
    await engine.request("resume", {"run": run.id})
    resumed_from = int(checkpoint.name.rpartition("-")[2])
    wait_for(lambda: read_status(run.status).step > resumed_from)
    os.kill(read_status(run.status).pid or 0, signal.SIGTERM)
    wait_for(lambda: read_status(run.status).state == "stopped")
    newest = run.newest_checkpoint()
    assert newest is not None
    assert newest.name == f"checkpoint-{read_status(run.status).step}"
    engine.close()
