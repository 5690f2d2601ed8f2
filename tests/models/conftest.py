"""Real models, only tiny: two layers, nine words."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def saved_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT without a head and its tokenizer, as save_pretrained writes them."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("saved") / "tiny-bert"
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    (folder / "vocab.txt").unlink()
    return folder


@pytest.fixture
def encoder(saved_encoder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be damaged at will."""
    return Path(shutil.copytree(saved_encoder, tmp_path / "tiny-bert"))


@pytest.fixture
def put_in_cache(tmp_path: Path) -> Callable[..., Path]:
    """Lay out a folder's files in a Hugging Face cache, as huggingface_hub does."""
    cache = tmp_path / "cache"

    def put(folder: Path, name: str, ref: str | None = "main", leave_out: str = "") -> Path:
        repo = cache / f"models--{name.replace('/', '--')}"
        snapshot = repo / "snapshots" / COMMIT
        snapshot.mkdir(parents=True)
        (repo / "blobs").mkdir()
        for file in folder.iterdir():
            if file.name == leave_out:
                continue
            blob = repo / "blobs" / hashlib.sha1(file.read_bytes()).hexdigest()
            shutil.copy(file, blob)
            os.symlink(os.path.relpath(blob, snapshot), snapshot / file.name)
        if ref:
            (repo / "refs").mkdir()
            (repo / "refs" / ref).write_text(COMMIT)
        return cache

    return put


@pytest.fixture
def use_cache(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Point huggingface_hub to a cache, offline unless told otherwise."""
    from huggingface_hub import constants

    def use(cache: Path, offline: bool = True) -> None:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)

    return use
