"""What a hub answers becomes one clear line, or a whole model; a small server speaks its HTTP."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "fedcba9876543210fedcba9876543210fedcba98"

SCRIPT = """
import sys
from tui_finetune.errors import InputError
from tui_finetune.models.sources import model_folder
from tui_finetune.recipe import ModelSection
try:
    print(model_folder(ModelSection(source=sys.argv[1])))
except InputError as error:
    print("refused:", error)
"""

Asking = Callable[..., str]


class Hub(BaseHTTPRequestHandler):
    """Has one model, `owner/tiny-bert`; some names stand for an answer that goes wrong."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/owner/tiny-bert/tree/"):
            self.answer(json.dumps([self.entry(file) for file in self.folder.rglob("*")]))
        elif path in ("/api/models/owner/tiny-bert", "/api/models/owner/tiny-bert/revision/main"):
            files = [{"rfilename": file.name} for file in self.folder.iterdir()]
            info = {"id": "owner/tiny-bert", "sha": COMMIT, "siblings": files}
            self.answer(json.dumps(info))
        elif path.startswith("/owner/tiny-bert/resolve/"):
            file = self.folder / path.split("/", 5)[5]
            content = file.read_bytes() if file.exists() else b""
            etag = hashlib.sha1(content).hexdigest()
            self.answer(content, 200 if file.exists() else 404, ETag=f'"{etag}"')
        elif path == "/api/models/owner/gated":
            self.answer("", 403, **{"X-Error-Code": "GatedRepo"})
        elif path == "/api/models/owner/broken":
            self.answer("", 503)
        elif path == "/api/models/owner/portal":
            self.answer("<html>please log in</html>")
        else:
            self.answer("", 404, **{"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def entry(self, file: Path) -> dict[str, object]:
        name = file.relative_to(self.folder).as_posix()
        if file.is_dir():
            return {"type": "directory", "path": name, "oid": "0"}
        return {"type": "file", "path": name, "size": file.lstat().st_size, "oid": "0"}

    def answer(self, content: str | bytes, status: int = 200, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        for name, value in {"X-Repo-Commit": COMMIT, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ask(encoder: Path, tmp_path: Path) -> Iterator[Asking]:
    """Ask for a model in a process of its own; return all that it writes, errors too."""
    (encoder / "pytorch_model.bin").write_bytes(b"pickle")
    (encoder / "modeling.py").write_text("raise SystemExit")
    (encoder / "onnx").mkdir()
    (encoder / "onnx" / "config.json").write_text("{}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, encoder))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def asking(name: str, endpoint: str | None = None, **variables: str) -> str:
        here = {
            "HF_ENDPOINT": endpoint or f"http://127.0.0.1:{server.server_port}",
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "NO_PROXY": "127.0.0.1",
        }
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, name],
            env=clean | here | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout

    yield asking
    server.shutdown()
    server.server_close()


def test_a_model_is_downloaded_without_code_and_without_pickles(ask: Asking) -> None:
    folder = Path(ask("owner/tiny-bert").removesuffix("\n"))
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_a_downloaded_model_needs_no_hub_from_then_on(ask: Asking) -> None:
    folder = ask("owner/tiny-bert")
    assert ask("owner/tiny-bert", endpoint="http://127.0.0.1:9") == folder
    assert ask("owner/tiny-bert", HF_HUB_OFFLINE="1") == folder


def test_a_half_model_in_the_cache_is_completed(ask: Asking) -> None:
    folder = ask("owner/tiny-bert")
    (Path(folder.strip()) / "model.safetensors").unlink()
    assert ask("owner/tiny-bert") == folder
    assert (Path(folder.strip()) / "model.safetensors").is_file()


def test_a_model_of_the_hub_with_pickles_only_is_refused(
    ask: Asking, encoder: Path, tmp_path: Path
) -> None:
    (encoder / "model.safetensors").unlink()
    assert ask("owner/tiny-bert") == (
        "refused: model 'owner/tiny-bert' has no weights in safetensors on the hub, and loading "
        "pickled ones can run code; pick another model, or choose 'starter' or a local folder\n"
    )
    assert not (tmp_path / "cache").exists()


def test_a_model_of_the_hub_without_a_tokenizer_is_refused(ask: Asking, encoder: Path) -> None:
    (encoder / "tokenizer.json").unlink()
    answer = ask("owner/tiny-bert")
    assert answer.startswith("refused: model 'owner/tiny-bert' has no tokenizer (tokenizer.json")
    assert answer.endswith("pick another model, or choose 'starter' or a local folder\n")


def test_a_download_that_breaks_off_is_said_so(ask: Asking, encoder: Path) -> None:
    (encoder / "gone.json").symlink_to("nowhere")
    answer = ask("owner/tiny-bert")
    assert answer.startswith("refused: the download of model 'owner/tiny-bert' broke off (")
    assert answer.endswith("); try again: what is already here is kept\n")
    assert answer.count("\n") == 1


def test_offline_the_hub_is_not_asked(ask: Asking) -> None:
    assert ask("owner/tiny-bert", HF_HUB_OFFLINE="1") == (
        "refused: model 'owner/tiny-bert' is not in the Hugging Face cache and HF_HUB_OFFLINE is "
        "set; unset it, or choose 'starter' or a local folder\n"
    )


def test_an_unreachable_hub_is_said_so(ask: Asking) -> None:
    assert ask("bert-base-uncased", endpoint="http://127.0.0.1:9") == (
        "refused: model 'bert-base-uncased' is not in the Hugging Face cache and the hub cannot "
        "be reached; connect, or choose 'starter' or a local folder\n"
    )


def test_a_hub_that_never_answers_is_given_up(ask: Asking) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask("owner/name", endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "the hub cannot be reached" in answer


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("owner/nothing", "is not on the hub, or it is private; check its name, or set HF_TOKEN"),
        ("owner/gated", "is gated: ask for access on its page on the hub and set HF_TOKEN"),
        ("owner/broken", "is not in the Hugging Face cache and the hub answers with error 503"),
        ("owner/portal", "is not in the Hugging Face cache and the hub cannot be reached"),
    ],
)
def test_each_refusal_of_the_hub_is_one_line(ask: Asking, name: str, reason: str) -> None:
    answer = ask(name)
    assert answer.startswith(f"refused: model '{name}' {reason}")
    assert answer.count("\n") == 1
