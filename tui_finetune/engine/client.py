"""The dashboard's side of the engine: start it, ask it, let it go. Nothing heavy."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tui_finetune.errors import InputError
from tui_finetune.text import clean

Progress = Callable[[dict[str, Any]], None]

# After these the engine trains and answers no more.
STARTS = ("train", "resume")

# A page of a dataset or a trace is one line.
_LONGEST_REPLY_BYTES = 64 * 2**20


class EngineError(Exception):
    """The engine failed at a request, or ended before it answered."""


class EngineClient:
    """An engine process and the pipes to it.

    The process is started by `start`, or by the first request. It ends when this client lets go of
    it, unless it trains: then it belongs to the run and lives as long as that.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._replies: asyncio.Task[None] | None = None
        self._waiting: dict[int, tuple[asyncio.Future[Any], Progress | None]] = {}
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether a process is there to answer."""
        return self._writer is not None

    async def start(self) -> None:
        """Start the process, so that it loads its libraries while nobody waits for them."""
        async with self._starting:
            if not self.alive:
                await self._start()
            if self._closed:  # meanwhile
                self._let_go("closed")

    async def request(
        self, method: str, params: dict[str, Any], on_progress: Progress | None = None
    ) -> Any:
        """Ask the engine and return its answer.

        `on_progress` is called with each progress report that comes before the answer; what it
        raises is raised here. Raises `InputError` if what was asked is wrong, `EngineError` if the
        engine failed or ended. Who is cancelled while waiting takes the request back: the engine
        leaves it at the next progress report, and goes on with what else it was asked. A start is
        not taken back: the run may be there already, and then it is to be stopped.
        """
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (future, on_progress)
        try:
            await self.start()
            if self._writer is not None:
                self._writer.write(_line({"id": number, "method": method, "params": params}))
                with suppress(ConnectionError):  # it has ended; who reads the replies says so
                    await self._writer.drain()
            answer = await future
        except asyncio.CancelledError:
            if self._writer is not None and method not in STARTS:
                self._writer.write(_line({"id": number, "method": "cancel"}))
            raise
        finally:
            self._waiting.pop(number, None)
        if method in STARTS:  # from here on the engine belongs to the run
            self._let_go("the engine trains now; try again")
        return answer

    def close(self) -> None:
        """Let go of the engine: it ends, or trains on. Whoever still waits is cancelled."""
        self._closed = True
        for future, _ in self._waiting.values():
            future.cancel()
        self._let_go("closed")

    async def _start(self) -> None:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            log = (self._home / "engine.log").open("ab")
        except OSError as error:
            raise InputError(
                f"{clean(self._home)}: cannot write here ({clean(error.strerror)}); "
                "choose another --home"
            ) from None
        request_end, to_engine = os.pipe()
        from_engine, reply_end = os.pipe()
        with log:
            self._process = spawn_engine(self._home, request_end, reply_end, log)
        os.close(request_end)
        os.close(reply_end)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LONGEST_REPLY_BYTES)
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_engine, "rb", 0)
        )
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(to_engine, "wb", 0)
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)
        self._replies = asyncio.create_task(self._read_replies(reader))

    async def _read_replies(self, reader: asyncio.StreamReader) -> None:
        # A line without an end is the half of a reply that an engine was killed at.
        while (line := await reader.readline()).endswith(b"\n"):
            self._take_in(json.loads(line))
        self._let_go(f"the engine ended before it answered; see {self._home / 'engine.log'}")

    def _take_in(self, reply: dict[str, Any]) -> None:
        future, on_progress = self._waiting.get(reply["id"], (None, None))
        if future is None or future.done():
            return
        if "progress" in reply:
            try:
                if on_progress:
                    on_progress(reply["progress"])
            except Exception as error:  # who asked hears of it; the others' replies still come
                future.set_exception(error)
        elif "error" in reply:
            kind = InputError if reply["kind"] == "input" else EngineError
            future.set_exception(kind(reply["error"]))
        else:
            future.set_result(reply["result"])

    def _let_go(self, reason: str) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._replies is not None and self._replies is not asyncio.current_task():
            self._replies.cancel()
        self._replies = None
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(EngineError(reason))


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def spawn_engine(
    home: Path, request_end: int, reply_end: int, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start an engine that reads requests and writes replies at the given descriptors.

    It gets a session of its own and no terminal, so that it outlives this process and its
    terminal; what libraries print goes to `log`.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "tui_finetune.engine",
    ]  # -P: nothing from the working folder
    command += [str(home), str(request_end), str(reply_end)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(request_end, reply_end),
        start_new_session=True,
    )


def request_once(home: Path, method: str, params: dict[str, Any]) -> Any:
    """Start an engine, ask it one thing, let go of it, and return the answer."""

    async def ask() -> Any:
        engine = EngineClient(home)
        try:
            return await engine.request(method, params)
        finally:
            engine.close()

    return asyncio.run(ask())
