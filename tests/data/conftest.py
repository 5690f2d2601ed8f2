import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(autouse=True)
def home_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, and no network."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the real files are not on this machine")
    return SHARED


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a file and return its path: bytes or text as they are, rows as JSON Lines or CSV."""

    def write_file(name: str, content: bytes | str | list) -> str:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8", newline="")
        elif path.suffix == ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(content)
        return str(path)

    return write_file


@pytest.fixture
def reviews(write: Callable[..., str]) -> str:
    """1,000 rows, half of them of each label."""
    rows = [(f"review number {n} of a film", ("good", "bad")[n % 2]) for n in range(1000)]
    return write("reviews.csv", [("text", "label"), *rows])
