"""What a hub answers becomes one clear line, or a whole model; a small server speaks its HTTP."""

import asyncio
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from huggingface_hub import constants

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.models import hub, sources
from tui_finetune.models.hub_process import download_apart, search_apart
from tui_finetune.recipe import ModelSection

# Long answers come in pieces, as over a slow line.
PIECE, PAUSE = 1 << 20, 0.1

COMMIT = "fedcba9876543210fedcba9876543210fedcba98"

# Where nobody listens.
NOBODY = {"to": "http://127.0.0.1:9"}

FOUND = [
    {
        "id": "google/tiny", "downloads": 1200, "likes": 7, "gated": False,
        "tags": ["transformers", "license:mit"], "pipeline_tag": "fill-mask",
        "safetensors": {"parameters": {"F32": 1000, "I64": 10}, "total": 1010},
        "lastModified": "2024-02-19T11:06:12.000Z",
    },
    {"id": "someone/old", "downloads": 3, "likes": 0, "gated": "auto", "tags": []},
]  # fmt: skip

Asking = Callable[..., str]


class Hub(BaseHTTPRequestHandler):
    """Has one model, `owner/tiny-bert`; some names stand for an answer that goes wrong."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/api/models":
            asked = parse_qs(query)
            words, limit = asked.get("search", [""])[0], int(asked["limit"][0])
            found = [model for model in FOUND if words in str(model["id"])]
            self.answer(json.dumps(found[:limit]))
        elif path.startswith("/api/models/owner/tiny-bert/tree/"):
            self.answer(json.dumps([self.entry(file) for file in self.folder.rglob("*")]))
        elif path in ("/api/models/owner/tiny-bert", "/api/models/owner/tiny-bert/revision/main"):
            files = [
                {"rfilename": file.name, "size": file.lstat().st_size}
                for file in self.folder.iterdir()
            ]
            config = json.loads((self.folder / "config.json").read_text())
            info = {"id": "owner/tiny-bert", "sha": COMMIT, "siblings": files, "config": config}
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
            for start in range(0, len(body), PIECE):
                self.wfile.write(body[start : start + PIECE])
                if start:
                    time.sleep(PAUSE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint(encoder: Path) -> Iterator[str]:
    """A hub whose one model lies in the folder `encoder`."""
    (encoder / "pytorch_model.bin").write_bytes(b"pickle")
    (encoder / "modeling.py").write_text("raise SystemExit")
    (encoder / "onnx").mkdir()
    (encoder / "onnx" / "config.json").write_text("{}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, encoder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def at_hub(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Point this process, and those that it starts, to a hub and to a cache of the test's own."""

    def point(to: str = endpoint, offline: bool = False) -> None:
        cache = tmp_path / "cache"
        for name, value in {
            "HF_ENDPOINT": to,
            "HF_HUB_CACHE": str(cache),
            "HF_HUB_OFFLINE": str(int(offline)),
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, "ENDPOINT", to)
        template = to + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)

    return point


@pytest.fixture
def ask(
    at_hub: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Asking:
    """Ask for a model and return its folder or the refusal; nothing else may be written.

    In the program the hub is asked in a process of its own; here only if `apart`, as each such
    process takes a second.
    """

    def here(arguments: dict[str, Any], progress: hub.Progress) -> Path:
        return Path(hub.download(**arguments, progress=progress))

    def asking(
        name: str, apart: bool = False, to: dict[str, Any] | None = None, **model: Any
    ) -> str:
        at_hub(**(to or {}))
        monkeypatch.setattr(sources, "download_apart", download_apart if apart else here)
        try:
            answer = str(sources.model_folder(ModelSection(source=name, **model)))
        except InputError as error:
            answer = f"refused: {error}"
        assert capfd.readouterr() == ("", "")
        return answer

    return asking


def test_a_model_is_downloaded_without_code_and_without_pickles(ask: Asking) -> None:
    folder = Path(ask("owner/tiny-bert", apart=True))
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_a_downloaded_model_needs_no_hub_from_then_on(ask: Asking) -> None:
    folder = ask("owner/tiny-bert")
    assert ask("owner/tiny-bert", to=NOBODY) == folder
    assert ask("owner/tiny-bert", to={"offline": True}) == folder


def test_a_half_model_in_the_cache_is_completed(ask: Asking) -> None:
    folder = ask("owner/tiny-bert")
    (Path(folder) / "model.safetensors").unlink()
    assert ask("owner/tiny-bert") == folder
    assert (Path(folder) / "model.safetensors").is_file()


def test_a_model_of_the_hub_with_pickles_only_is_refused(
    ask: Asking, encoder: Path, tmp_path: Path
) -> None:
    (encoder / "model.safetensors").unlink()
    assert ask("owner/tiny-bert", apart=True) == (
        "refused: model 'owner/tiny-bert' has no weights in safetensors on the hub, and loading "
        "pickled ones can run code; pick another model, or choose 'starter' or a local folder, or, "
        "if you trust who made it, set model.allow_pickle: true"
    )
    assert not (tmp_path / "cache").exists()


def test_pickles_of_the_hub_are_fetched_where_they_are_allowed_and_needed(
    ask: Asking, encoder: Path
) -> None:
    folder = Path(ask("owner/tiny-bert", allow_pickle=True))
    assert not (folder / "pytorch_model.bin").exists()  # safetensors are there
    (encoder / "model.safetensors").unlink()
    (folder / "model.safetensors").unlink()
    (folder.parents[1] / "trees" / f"{COMMIT}.json").unlink()  # the hub's list of files changed
    again = Path(ask("owner/tiny-bert", apart=True, allow_pickle=True))
    assert (again / "pytorch_model.bin").read_bytes() == b"pickle"


def test_code_of_the_hub_is_only_fetched_where_it_is_trusted(ask: Asking, encoder: Path) -> None:
    config = json.loads((encoder / "config.json").read_text())
    config |= {"model_type": "my_net", "auto_map": {"AutoModel": "modeling.MyNet"}}
    (encoder / "config.json").write_text(json.dumps(config))
    assert ask("owner/tiny-bert") == (
        "refused: model 'owner/tiny-bert' needs code of its own, which is not run; pick another "
        "model, or choose 'starter' or a local folder, or read that code and set "
        "model.trust_remote_code: true"
    )
    folder = Path(ask("owner/tiny-bert", trust_remote_code=True))
    assert (folder / "modeling.py").is_file()


def test_a_download_tells_its_bytes(at_hub: Callable[..., None], encoder: Path) -> None:
    (encoder / "vocab.txt").write_bytes(b"x" * (8 * PIECE))
    size = (
        sum(
            (encoder / name).stat().st_size
            for name in ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt")
        )
        + (encoder / "tokenizer_config.json").stat().st_size
    )
    at_hub()
    told: list[dict[str, Any]] = []
    sources.model_folder(ModelSection(source="owner/tiny-bert"), told.append)
    assert told[0] == {"what": "asking the hub", "done": 0, "of": 0}
    bytes_told = [news for news in told if news.get("unit") == "bytes"]
    assert {(news["what"], news["of"]) for news in bytes_told} == {
        ("downloading owner/tiny-bert", size)
    }
    done = [news["done"] for news in bytes_told]
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] <= size


def test_a_search_gives_what_the_hub_says_of_each_model(at_hub: Callable[..., None]) -> None:
    at_hub()
    first, second = search_apart("", lambda news: None)
    assert first == {
        "source": "google/tiny", "kind": "hub", "name": "google/tiny", "downloads": 1200,
        "likes": 7, "license": "mit", "size_bytes": 4080, "parameters": 1010, "safetensors": True,
        "gated": False, "task": "fill-mask", "last_modified": 1708340772.0,
    }  # fmt: skip
    assert second["gated"] is True
    assert (second["license"], second["size_bytes"], second["safetensors"]) == (None, None, False)
    assert [found["name"] for found in hub.search("old", 50)] == ["someone/old"]
    assert len(hub.search("", 1)) == 1
    assert hub.search("nothing like it", 50) == []


def test_a_search_without_a_hub_is_one_line(at_hub: Callable[..., None]) -> None:
    at_hub(**NOBODY)
    with pytest.raises(InputError) as error:
        hub.search("bert", 50)
    assert str(error.value) == (
        "the hub cannot be reached; connect, or choose among the models that are here"
    )
    at_hub(offline=True)
    with pytest.raises(InputError) as error:
        search_apart("bert", lambda news: None)
    assert str(error.value) == (
        "HF_HUB_OFFLINE is set, so the hub is not asked; unset it to search there"
    )


def test_a_model_of_the_hub_without_a_tokenizer_is_refused(ask: Asking, encoder: Path) -> None:
    (encoder / "tokenizer.json").unlink()
    answer = ask("owner/tiny-bert")
    assert answer.startswith("refused: model 'owner/tiny-bert' has no tokenizer (tokenizer.json")
    assert answer.endswith("pick another model, or choose 'starter' or a local folder")


def test_a_download_that_breaks_off_is_said_so(ask: Asking, encoder: Path) -> None:
    (encoder / "gone.json").symlink_to("nowhere")
    answer = ask("owner/tiny-bert")
    assert answer.startswith("refused: the download of model 'owner/tiny-bert' broke off (")
    assert answer.endswith("); try again: what is already here is kept")
    assert "\n" not in answer


def test_offline_the_hub_is_not_asked(ask: Asking) -> None:
    assert ask("owner/tiny-bert", to={"offline": True}) == (
        "refused: model 'owner/tiny-bert' is not in the Hugging Face cache and HF_HUB_OFFLINE is "
        "set; unset it, or choose 'starter' or a local folder"
    )


def test_an_unreachable_hub_is_said_so(ask: Asking) -> None:
    assert ask("bert-base-uncased", to=NOBODY) == (
        "refused: model 'bert-base-uncased' is not in the Hugging Face cache and the hub cannot "
        "be reached; connect, or choose 'starter' or a local folder"
    )


def test_a_hub_that_never_answers_is_given_up(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask("owner/name", to={"to": f"http://127.0.0.1:{silent.getsockname()[1]}"})
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
    assert "\n" not in answer


@pytest.mark.slow
async def test_a_download_is_taken_back_and_the_engine_goes_on(
    at_hub: Callable[..., None], encoder: Path, tmp_path: Path
) -> None:
    (encoder / "vocab.txt").write_bytes(b"x" * (200 * PIECE))  # 20 seconds of it
    cache = tmp_path / "cache"
    at_hub()
    engine = EngineClient(tmp_path / "home")
    coming = asyncio.Event()

    def note(news: dict[str, Any]) -> None:
        if news["done"] > 10 * PIECE:  # the small files are here
            coming.set()

    try:
        asked = {"model": {"source": "owner/tiny-bert"}}
        waiting = asyncio.create_task(engine.request("model", asked, note))
        await asyncio.wait_for(coming.wait(), 60)
        (half,) = cache.rglob("*.incomplete")
        assert half.stat().st_size > 0
        waiting.cancel()
        listed = await engine.request("models", {"folders": [str(tmp_path)]})
        assert str(encoder) in {entry["source"] for entry in listed}
        assert not half.exists()
        assert list(cache.rglob("model.safetensors"))  # what came whole is kept

        (encoder / "vocab.txt").unlink()
        for tree in cache.rglob("trees/*.json"):
            tree.unlink()  # the hub's list of files changed
        model = await engine.request("model", asked)
        assert (model["layers"], model["revision"]) == (2, COMMIT)
    finally:
        engine.close()
