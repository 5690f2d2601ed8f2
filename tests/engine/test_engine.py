"""The engine as the dashboard uses it: a process of its own that outlives whoever asked it."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
import pytest_asyncio

from tui_finetune.engine import client
from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

from ..waiting import wait_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

Make = Callable[..., Recipe]


def as_params(recipe: Recipe) -> dict[str, object]:
    return {"recipe": recipe.model_dump(mode="json")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(home: Path) -> Any:
    """One client for the tests that need a loaded engine; each takes what the last one left."""
    client = EngineClient(home)
    yield client
    client.close()


async def test_a_recipe_that_is_wrong_leaves_nothing_behind(
    engine: EngineClient, make_recipe: Make, home: Path
) -> None:
    before = all_runs(home)
    recipe = make_recipe(lr_scheduler_type="upwards")
    with pytest.raises(InputError, match=r"train.*upwards"):
        await engine.request("train", as_params(recipe))
    assert all_runs(home) == before
    # and it goes on answering
    assert (await engine.request("models", {"folders": []}))[0]["kind"] == "starter"


async def test_it_answers_then_trains_and_leaves_no_process_behind(
    engine: EngineClient, make_recipe: Make
) -> None:
    recipe = make_recipe()
    profile = await engine.request("profile", {"data": recipe.data.model_dump()})
    assert profile["rows"] == 120
    assert profile["labels"] == {"negative": 60, "positive": 60}
    model = await engine.request("model", {"model": recipe.model.model_dump()})
    assert model["layers"] == 2
    with pytest.raises(InputError, match=r"no such file"):
        await engine.request("profile", {"data": {"source": "nowhere.csv"}})

    started = await engine.request("train", as_params(recipe))
    run = RunDirectory(Path(started["dir"]))
    wait_for(lambda: read_status(run.status).state not in ("starting", "running"))
    assert read_status(run.status).state == "finished"
    wait_for(lambda: not psutil.pid_exists(read_status(run.status).pid or 0) or zombie(run))
    assert len(read_history(run).epochs()) == 3

    # The engine that trained is gone; the next request starts another.
    answer = await engine.request("predict", {"run": run.id, "texts": ["a good film"]})
    (prediction,) = answer["predictions"]
    assert sum(prediction["scores"].values()) == pytest.approx(1)
    assert prediction["label"] == max(prediction["scores"], key=prediction["scores"].get)


def zombie(run: RunDirectory) -> bool:
    """Ended, but not waited for by this process, its parent."""
    return psutil.Process(read_status(run.status).pid).status() == psutil.STATUS_ZOMBIE


async def asking(engine: EngineClient, recipe: Recipe) -> asyncio.Task[Any]:
    """Ask an engine that stands still, so that the question is under way as long as it does."""
    await engine.start()
    assert engine._process is not None
    engine._process.send_signal(signal.SIGSTOP)
    waiting = asyncio.create_task(
        engine.request("profile", {"data": recipe.data.model_dump(mode="json")})
    )
    await asyncio.sleep(0)
    return waiting


async def test_an_engine_that_ends_fails_who_waits_and_the_next_request_finds_a_new_one(
    make_recipe: Make, tmp_path: Path
) -> None:
    engine = EngineClient(tmp_path)
    waiting = await asking(engine, make_recipe())
    also_waiting = asyncio.create_task(engine.request("models", {"folders": []}))
    await asyncio.sleep(0)
    assert engine._process is not None
    engine._process.kill()
    for request in (waiting, also_waiting):
        with pytest.raises(EngineError, match="ended before it answered"):
            await request
    assert (await engine.request("models", {"folders": []}))[0]["kind"] == "starter"
    engine.close()


async def test_closing_cancels_whoever_still_waits(make_recipe: Make, tmp_path: Path) -> None:
    engine = EngineClient(tmp_path)
    waiting = await asking(engine, make_recipe())
    engine.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert engine._process is not None
    engine._process.kill()


async def test_closing_while_the_engine_is_started_cancels_whoever_asked(tmp_path: Path) -> None:
    engine = EngineClient(tmp_path)
    waiting = asyncio.create_task(engine.request("models", {"folders": []}))
    await asyncio.sleep(0)
    engine.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not engine.alive


def say(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an engine answer each request with `text`, and end."""

    def spawn(home: Path, request_end: int, reply_end: int, log: IO[bytes]) -> Any:
        told = f"head -c 1 <&{request_end} >/dev/null; printf %s {shlex.quote(text)} >&{reply_end}"
        return subprocess.Popen(["bash", "-c", told], pass_fds=(request_end, reply_end))

    monkeypatch.setattr(client, "spawn_engine", spawn)


async def test_an_engine_killed_inside_an_answer_fails_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say('{"id": 1, "resul', monkeypatch)
    with pytest.raises(EngineError, match="ended before it answered"):
        await asyncio.wait_for(EngineClient(tmp_path).request("models", {}), timeout=60)


async def test_an_error_of_who_hears_the_progress_is_theirs_and_the_others_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(step: dict[str, Any]) -> None:
        raise LookupError("the widget is gone")

    say('{"id": 1, "progress": {}}\n{"id": 2, "result": "answered"}\n', monkeypatch)
    engine = EngineClient(tmp_path)
    first = asyncio.create_task(engine.request("models", {}, gone))
    second = asyncio.create_task(engine.request("models", {}))
    with pytest.raises(LookupError, match="the widget is gone"):
        await asyncio.wait_for(first, timeout=60)
    assert await asyncio.wait_for(second, timeout=60) == "answered"


async def test_killing_who_asked_leaves_the_run_going(make_recipe: Make, tmp_path: Path) -> None:
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
    engine: EngineClient, make_recipe: Make
) -> None:
    recipe = make_recipe(num_train_epochs=200)
    recipe.early_stopping.patience = None
    run = RunDirectory(Path((await engine.request("train", as_params(recipe)))["dir"]))
    wait_for(lambda: len(read_history(run).checkpoints) > 1)
    os.kill(read_status(run.status).pid or 0, signal.SIGKILL)
    wait_for(lambda: read_status(run.status).state == "interrupted")

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
