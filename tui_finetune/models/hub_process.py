"""What is asked of the hub, in a process of its own: so that it can be given up at any moment.

A download over a line that stands still, or in the library's native code, hears of nothing; a
process can be ended. The files that it has fetched whole stay, the next one fetches the others.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
from huggingface_hub import constants, is_offline_mode

from tui_finetune.errors import InputError
from tui_finetune.models.hub import Progress, Refused, download, search
from tui_finetune.text import clean

# How often whoever waits is asked whether it still wants to.
_POLL_SECONDS = 0.2

# So long it may take to remove half files before it is killed.
_PATIENCE_SECONDS = 2.0

# The library counts bytes in portions of this size; its own of 10 MB take long on a slow line.
_PORTION_BYTES = 1 << 18

# A search that has no answer by then gets none.
_SEARCH_SECONDS = 20.0


def download_apart(arguments: dict[str, Any], progress: Progress) -> Path:
    """Call `download` in a process of its own, with `arguments` fit for JSON.

    `progress` hears of it in this thread; what it raises ends the download. Raises `InputError`
    as `download` does.
    """
    return Path(_ask("download", arguments, progress, deadline=None))


def search_apart(words: str, progress: Progress, limit: int = 50) -> list[dict[str, Any]]:
    """Call `search` in a process of its own. Raises `InputError` if the hub gives no answer."""
    if is_offline_mode():
        raise InputError("HF_HUB_OFFLINE is set, so the hub is not asked; unset it to search there")
    found: list[dict[str, Any]] = _ask(
        "search", {"words": words, "limit": limit}, progress, time.monotonic() + _SEARCH_SECONDS
    )
    return found


def _ask(
    function: str, arguments: dict[str, Any], progress: Progress, deadline: float | None
) -> Any:
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as log, os.fdopen(read_end, "rb", 0) as replies:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui_finetune.models.hub_process", str(write_end)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(write_end,),
        )
        os.close(write_end)
        try:
            assert child.stdin is not None
            with child.stdin:
                child.stdin.write(json.dumps([function, arguments]).encode())
            for message in _messages(replies, progress, deadline):
                if "result" in message:
                    return message["result"]
                if "refused" in message:
                    raise Refused(message["refused"], message["switch"])
        finally:
            _end(child)
        log.seek(0)
        lines = log.read().decode(errors="replace").strip().splitlines() or ["it ended"]
        raise RuntimeError(f"asking the hub failed: {clean(lines[-1], 300)}")


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _messages(
    replies: IO[bytes], progress: Progress, deadline: float | None
) -> Iterator[dict[str, Any]]:
    """Yield answers as they come; tell `progress` the latest news again and again meanwhile."""
    news: dict[str, Any] = {"what": "asking the hub", "done": 0, "of": 0}
    unread = b""
    while True:
        progress(news)
        if deadline is not None and time.monotonic() > deadline:
            raise InputError("the hub gives no answer; try later, or choose among the models here")
        if not select.select([replies], [], [], _POLL_SECONDS)[0]:
            continue
        content = replies.read(1 << 16)
        if not content:
            return
        *lines, unread = (unread + content).split(b"\n")
        for message in map(json.loads, lines):
            if "progress" in message:
                news = message["progress"]
            else:
                yield message


def _leave(*_: object) -> None:
    """End at once, and leave no half file: the library begins it anew, and never removes it."""
    for file in psutil.Process().open_files():
        if file.path.endswith(".incomplete"):
            os.unlink(file.path)
    os._exit(1)


def _answer(reply_end: int) -> None:
    """Do what stdin asks for and write what comes of it, a JSON object a line."""

    def tell(**message: Any) -> None:
        line = memoryview(json.dumps(message).encode() + b"\n")
        while line:  # a pipe may take only a part
            line = line[os.write(reply_end, line) :]

    signal.signal(signal.SIGTERM, _leave)
    constants.DOWNLOAD_CHUNK_SIZE = _PORTION_BYTES
    function, arguments = json.load(sys.stdin)
    try:
        if function == "search":
            result: Any = search(**arguments)
        else:
            result = download(**arguments, progress=lambda news: tell(progress=news))
    except InputError as error:
        tell(refused=str(error), switch=getattr(error, "switch", None))
    else:
        tell(result=result)


if __name__ == "__main__":
    _answer(int(sys.argv[1]))
