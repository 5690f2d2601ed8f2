"""Small real things that several tests share: a model of two layers, and rows to train it on."""

import csv
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_finetune import process
from tui_finetune.recipe import Recipe, parse_recipe

# Before anything imports the heavy libraries.
process.settle()
os.environ["HF_HUB_OFFLINE"] = "1"  # the tests never go to the network
os.environ["TUI_FINETUNE_HOME"] = "/nonexistent/tests-name-their-own-home"

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


@pytest.fixture
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
