"""What the engine answers about a run's model, and how an answer is taken back."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.evaluation.trained import load_run
from tui_finetune.models.loading import load_classifier, load_tokenizer
from tui_finetune.recipe import Recipe
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.tracing.attention import attention_map
from tui_finetune.tracing.document import trace_document
from tui_finetune.tracing.trace import trace

TEXT = "the film was good and the end was bad"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(
    home: Path, tiny_model: Callable[..., Path], make_recipe: Callable[..., Recipe]
) -> RunDirectory:
    """A run whose model is the tiny one with a random head."""
    made = create_run(home, make_recipe())
    torch.manual_seed(0)
    load_classifier(tiny_model(), ["negative", "positive"]).save_pretrained(made.model)
    load_tokenizer(tiny_model()).save_pretrained(made.model)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(home: Path) -> Any:
    """One engine for all that is asked here: it takes a while to load its libraries."""
    client = EngineClient(home)
    yield client
    client.close()


async def test_a_trace_and_its_parts_come_through_the_pipe(
    engine: EngineClient, run: RunDirectory
) -> None:
    asked = {"run": run.id, "version": "after", "text": TEXT, "true": "positive"}
    made = trace(load_run(run), TEXT, "positive")
    document = await engine.request("trace", asked)
    assert document == {"run": run.id, **json.loads(json.dumps(trace_document(made)))}

    for head in (1, "mean", "rollout"):
        answer = await engine.request("trace_attention", {**asked, "layer": 2, "head": head})
        expected = attention_map(made.seen.attentions, 2, head)
        torch.testing.assert_close(torch.tensor(answer["rows"]), expected, atol=1e-5, rtol=0)
        assert answer["sums"] == pytest.approx([1.0] * len(answer["sums"]))

    nearest = await engine.request("trace_neighbours", {**asked, "token": 4})
    assert len(nearest["neighbours"]) == 10
    assert "good" not in [entry["token"] for entry in nearest["neighbours"]]

    steps: list[dict[str, Any]] = []
    found = await engine.request("trace_attributions", {**asked, "label": None}, steps.append)
    assert found["label"] == document["stages"][4]["label"]
    assert len(found["values"]) == len(document["tokens"])
    assert found["check"]["holds"]
    assert steps[-1]["of"] >= steps[-1]["done"]

    other = {**asked, "version": "before"}
    compared = await engine.request("trace_compare", {**asked, "other": other})
    assert compared["same_tokens"]
    before = await engine.request("trace", other)
    assert [entry["other"] for entry in compared["logits"]] == list(before["logits"].values())
    assert before["stages"][4]["temperature"] is None


async def test_a_trace_is_exported(engine: EngineClient, run: RunDirectory, tmp_path: Path) -> None:
    asked = {"run": run.id, "version": "after", "text": TEXT, "true": None, "attributions": True}
    answer = await engine.request("trace_export", {**asked, "path": str(tmp_path / "page.html")})
    page = Path(answer["path"]).read_text()
    assert "What the text added to the logit of" in page
    assert all(word in page for word in TEXT.split())
    with pytest.raises(InputError, match="html"):
        await engine.request("trace_export", {**asked, "path": str(tmp_path / "page.pdf")})


async def test_a_megabyte_of_text_comes_through(engine: EngineClient, run: RunDirectory) -> None:
    text = "film " * 200_000
    asked = {"run": run.id, "version": "after", "text": text, "true": None}
    document = await engine.request("trace", asked)
    assert document["cut"]["tokens"] == 200_002 - 32
    assert document["characters"] == len(text)


async def test_a_request_taken_back_ends_at_once_and_the_engine_goes_on(
    engine: EngineClient, run: RunDirectory, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([TEXT, "positive"] for _ in range(200_000))
    started = asyncio.Event()

    def note(step: dict[str, Any]) -> None:
        if step["what"] == "predicting" and step["done"]:
            started.set()

    asked = {"run": run.id, "data": str(path), "before": False}
    waiting = asyncio.create_task(engine.request("evaluate", asked, note))
    never = asyncio.create_task(engine.request("evaluate", asked))
    await started.wait()
    process = engine._process
    waiting.cancel()
    never.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    answer = await asyncio.wait_for(
        engine.request("predict", {"run": run.id, "texts": [TEXT]}), timeout=30
    )
    assert answer["predictions"][0]["text"] == TEXT
    assert engine._process is process
    assert not run.evaluation.exists() or not list(run.evaluation.iterdir())


async def test_the_fields_of_the_training_and_what_is_wrong_with_them(engine: EngineClient) -> None:
    answer = await engine.request("training_fields", {})
    assert "learning_rate" in [field["name"] for field in answer["fields"]]
    recipe = {"data": {"source": "-"}, "train": {"optim": "adamm", "max_steps": 5}}
    answer = await engine.request("check_training", {"recipe": recipe, "train_rows": None})
    assert list(answer["refused"]) == ["optim"]
    assert answer["defaults"]["eval_strategy"] == "epoch"


async def test_pages_are_answered_while_something_long_goes_on(
    engine: EngineClient, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    rows = (f"a film about number {number},{number % 2}\n" for number in range(300_000))
    path.write_text("text,label\n" + "".join(rows))
    data = {"source": str(path)}
    reading = asyncio.Event()
    profile = asyncio.create_task(
        engine.request("profile", {"data": data}, lambda step: reading.set())
    )
    await reading.wait()
    page = await engine.request("rows", {"data": data, "offset": 40, "limit": 2})
    assert page["rows"] == [["a film about number 40", "0"], ["a film about number 41", "1"]]
    # The last one is not at hand before all was read; it waits for its turn.
    last = asyncio.create_task(
        engine.request("rows", {"data": data, "offset": 299_999, "limit": 1})
    )
    assert not profile.done()
    assert (await profile)["rows"] == 300_000
    assert (await last)["rows"][0][0] == "a film about number 299999"
