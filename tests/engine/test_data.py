"""What the engine answers about data, through the pipe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_finetune.engine.client import EngineClient


@pytest.fixture
async def engine(tmp_path: Path) -> Any:
    client = EngineClient(tmp_path / "home")
    yield client
    client.close()


async def test_quality_lengths_tokens_and_rows(
    engine: EngineClient, data_file: Path, tiny_model: Callable[..., Path]
) -> None:
    asked = {"data": {"source": str(data_file)}, "problem_type": None}
    steps: list[dict[str, Any]] = []
    found = await engine.request("quality", asked, steps.append)
    assert found["looked_at"] == {"train": [120, 120]}
    assert {step["what"] for step in steps} >= {"looking at the rows"}

    model = {"model": {"source": str(tiny_model())}, "tokens": {"max_length": 8}}
    lengths = await engine.request("token_lengths", {**asked, **model})
    assert lengths["rows"] == lengths["of"] == 120
    assert 3 < lengths["mean"] < 8  # as they are cut off
    shares = {most: share for most, share, _ in lengths["truncated"]}
    assert shares[8] == lengths["truncated_share"] > 0
    assert shares[lengths["suggested"]] == 0
    assert lengths["fix"] == {"tokens.max_length": lengths["suggested"]}
    assert sum(count for _, count in lengths["histogram"]) == 120

    batch = {"row": ["train", 1], "batch": [["train", n] for n in range(8)], "label_count": 2}
    tokens = await engine.request("tokens", {**asked, **model, **batch})
    length = tokens["batch"]["padded_length"]
    assert [row["row"] for row in tokens["batch"]["rows"]] == batch["batch"]
    assert {stage["name"]: stage["shape"] for stage in tokens["stages"]} == {
        "text": [1], "tokens": [len(tokens["tokens"])], "input_ids": [8, length],
        "embeddings": [8, length, 32], "hidden states": [8, length, 32], "logits": [8, 2],
    }  # fmt: skip
    rows = await engine.request("rows_at", {**asked, "part": "train", "rows": [1]})
    assert rows["rows"][0][1][0] == tokens["texts"][0]

    typed = await engine.request("tokens", {**model, "text": "good film", "text_pair": "bad end"})
    assert [token["text"] for token in typed["tokens"]] == [None, 0, 0, None, 1, 1, None]
    assert typed["batch"] is None
