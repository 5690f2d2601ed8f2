"""Small real things that several tests share: a model of two layers, and rows to train it on."""

import csv
import functools
import json
import os
import random
import tempfile
from collections.abc import Callable, Collection, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tui_finetune import process
from tui_finetune.recipe import Recipe, parse_recipe

# Before anything imports the heavy libraries.
process.settle()
settings.register_profile("any machine", deadline=None)  # a test never fails for being slow
settings.load_profile("any machine")
os.environ["HF_HUB_OFFLINE"] = "1"  # the tests never go to the network
# For what names no home, and of this process alone; `/nonexistent` would be made by root.
_HOME = tempfile.TemporaryDirectory(prefix="tui-finetune-tests-", ignore_cleanup_errors=True)
os.environ["TUI_FINETUNE_HOME"] = f"{_HOME.name}/home"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take long, so that no worker is left alone with them."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
GOOD = ["good", "great", "lovely", "fine"]
BAD = ["bad", "dull", "awful", "poor"]
PLAIN = ["the", "a", "film", "plot", "actor", "was", "is", "and", "scene", "end", "very", "quite"]


def make_rows(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Return texts of three to fifteen words, whose label hangs on one of them."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        label, marks = [("positive", GOOD), ("negative", BAD)][number % 2]
        words = chance.choices(PLAIN, k=chance.randint(2, 14))
        words.insert(chance.randrange(len(words)), chance.choice(marks))
        rows.append((" ".join(words), label))
    chance.shuffle(rows)
    return rows


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 120 rows: 96 to train on, 12 to choose with, 12 to judge with."""
    path = tmp_path_factory.mktemp("data") / "films.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(make_rows(120))
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make the folder of a BERT with two layers and random weights; `dropout` is its rate."""
    made: dict[float, Path] = {}

    def make(dropout: float = 0.1) -> Path:
        if dropout not in made:
            made[dropout] = _make_model(tmp_path_factory.mktemp("models") / "tiny-bert", dropout)
        return made[dropout]

    return make


def _make_model(folder: Path, dropout: float) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    words = SPECIAL + PLAIN + GOOD + BAD
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,  # so small a model learns from larger weights
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_recipe(data_file: Path, tiny_model: Callable[..., Path]) -> Callable[..., Recipe]:
    """Make a recipe for the tiny model and data; keyword arguments go to `train`."""

    def make(dropout: float = 0.1, **train: Any) -> Recipe:
        content = {
            "name": "films",
            "data": {"source": str(data_file)},
            "model": {"source": str(tiny_model(dropout))},
            "tokens": {"max_length": 32},
            "train": {
                "num_train_epochs": 3,
                "learning_rate": 2e-3,
                "per_device_train_batch_size": 8,
                "logging_steps": 1,
                **train,
            },
        }
        return parse_recipe(content, "test")

    return make


@pytest.fixture
def put_trained(tmp_path: Path) -> Callable[..., Any]:
    """Make a run with figures of the test's own, without training; see `_put_trained`."""
    return functools.partial(_put_trained, tmp_path)


def _put_trained(
    home: Path,
    name: str = "films",
    state: str = "finished",
    losses: Sequence[float] = (0.6, 0.5),
    steps_per_epoch: int = 4,
    wrong: Collection[int] = (),
    tested: Sequence[int] = range(20),
    digest: str = "d1",
    started: float = 1_000_000.0,
    seconds: float = 60.0,
    speed: float | None = 100.0,
    **settings: Any,
) -> Any:
    """Write the directory of a run whose validation losses are `losses`, one an epoch.

    Its accuracy is 1 - loss / 2. It was tested on the rows `tested` and has `wrong` ones wrong;
    without `tested` it has no test. `settings` are dotted keys of the recipe, with __ for a dot.
    """
    from tui_finetune.recipe import parse_recipe, set_value
    from tui_finetune.runs.directory import create_run
    from tui_finetune.runs.status import Status, this_process, write_status

    content: dict[str, Any] = {"name": name, "data": {"source": "/d/films.csv"}}
    for key, value in settings.items():
        set_value(content, f"{key.replace('__', '.')}={value}")
    run = create_run(home, parse_recipe(content, "test"))
    entries: list[dict[str, Any]] = [
        {"event": "start", "total_steps": steps_per_epoch * len(losses), "resumed_from": 0,
         "steps_per_epoch": steps_per_epoch, "selection_metric": "eval_loss"}
    ]  # fmt: skip
    for step in range(1, steps_per_epoch * len(losses) + 1):
        at = {"event": "log", "step": step, "epoch": step / steps_per_epoch}
        entries.append({**at, "loss": 1.0 - step / 100})
        if step % steps_per_epoch == 0:
            loss = losses[step // steps_per_epoch - 1]
            entries.append({**at, "eval_loss": loss, "eval_accuracy": 1 - loss / 2})
    if speed is not None:
        entries.append({"event": "sample", "step": 1, "rows_per_second": speed})
    metrics: dict[str, Any] = {}
    if tested:
        accuracy = 1 - len(set(wrong) & set(tested)) / len(tested)
        metrics["test"] = {"accuracy": accuracy}
        entries.append({"event": "test", "metrics": metrics["test"]})
        run.evaluation.mkdir()
        (run.evaluation / "test.jsonl").write_text("".join(map(_judged, tested, repeat(wrong))))
    lines = (json.dumps({"time": started + n, **entry}) for n, entry in enumerate(entries))
    run.journal.write_text("\n".join(lines) + "\n")
    run.data.write_text(json.dumps({"digests": {"/d/films.csv": digest}}))
    active = state in ("starting", "running", "stopping")
    status = Status(
        state=state, name=name, task="text-classification", data="/d/films.csv", model="starter",
        started=started, ended=None if active else started + seconds, metrics=metrics,
        step=steps_per_epoch * len(losses), total_steps=steps_per_epoch * len(losses),
        epoch=len(losses), epochs=len(losses), **(this_process() if active else {}),
    )  # fmt: skip
    write_status(run.status, status)
    return run


def _judged(row: int, wrong: Collection[int]) -> str:
    true, other = ("positive", "negative") if row % 2 else ("negative", "positive")
    said = {"row": row, "text": f"text of row {row}", "true": true}
    return json.dumps({**said, "label": other if row in wrong else true}) + "\n"
