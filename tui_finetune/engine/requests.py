"""The engine's end of the pipes: requests in, replies, progress and cancelling."""

import json
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Params = dict[str, Any]

# Progress is for eyes: more often than this says no more.
_PROGRESS_SECONDS = 0.05

# How often it is looked for what can be answered meanwhile, and tried what could not.
_LOOK_SECONDS = 0.02
_AGAIN_SECONDS = 1.0


class Cancelled(Exception):
    """Whoever asked does not want the answer any more, or is gone."""


class Requests:
    """Requests in their order; cancelled ones are left out.

    A request is a line `{"id", "method", "params"}`; the method `cancel` takes back the request of
    the same id, be it waiting or under way.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._unread = b""
        self._waiting: deque[dict[str, Any]] = deque()
        self._cancelled: set[int] = set()
        self._open = True

    def waiting(self) -> bool:
        """Return whether there is a request to answer, or nobody is left to ask."""
        while select.select([self._pipe], [], [], 0)[0] and self._open:
            self._take_in()
        return bool(self._waiting) or not self._open

    def next(self) -> dict[str, Any] | None:
        """Wait for the next request and return it; None when nobody is left to ask."""
        while True:
            while not self._waiting:
                if not self._open:
                    return None
                self._take_in()
            request = self._waiting.popleft()
            if request["id"] not in self._cancelled:
                return request

    def untried(self, method: str) -> list[dict[str, Any]]:
        """Return the waiting requests of a method, each only now and then."""
        now = time.monotonic()
        found = [
            request
            for request in self._waiting
            if request["method"] == method
            and now - request.get("tried", -_AGAIN_SECONDS) >= _AGAIN_SECONDS
            and request["id"] not in self._cancelled
        ]
        for request in found:
            request["tried"] = now
        return found

    def leave_out(self, request: dict[str, Any]) -> None:
        """Forget a waiting request: it is answered."""
        self._waiting.remove(request)

    def check(self, number: int) -> None:
        """Raise `Cancelled` if the request is not wanted any more."""
        self.waiting()
        if number in self._cancelled or not self._open:
            raise Cancelled

    def _take_in(self) -> None:
        content = os.read(self._pipe, 1 << 16)
        self._open = bool(content)
        *lines, self._unread = (self._unread + content).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["method"] == "cancel":
                self._cancelled.add(request["id"])
            else:
                self._waiting.append(request)


class Replies:
    """The way back. Has a descriptor of its own, because libraries write to stdout."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def send(self, number: int, **content: Any) -> None:
        """Send a line with the id and `result`, `progress`, or `error` and its `kind`."""
        line = memoryview(json.dumps({"id": number, **content}).encode() + b"\n")
        while line:  # a pipe may take only a part
            line = line[os.write(self._pipe, line) :]


class Reporter:
    """Tells how far a request is; raises `Cancelled` where it is not wanted any more.

    `between` is called at each report, and within `meanwhile` now and then without one.
    """

    def __init__(
        self,
        number: int,
        requests: Requests,
        replies: Replies,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._between = between
        self._number = number
        self._requests = requests
        self._replies = replies
        self._last = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Call `between` now and then from a thread: some work is silent for long."""
        done = threading.Event()

        def look() -> None:
            with suppress(BrokenPipeError):  # nobody waits any more; the next report finds it too
                while not done.wait(_LOOK_SECONDS):
                    with self._lock:
                        if self._requests.waiting():
                            self._between()

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def __call__(self, progress: dict[str, Any]) -> None:
        """Report `{"what", "done", "of"}`."""
        with self._lock:
            self._requests.check(self._number)
            self._between()
            now = time.monotonic()
            if now - self._last >= _PROGRESS_SECONDS or progress.get("done") == progress.get("of"):
                self._last = now
                self._replies.send(self._number, progress=progress)
