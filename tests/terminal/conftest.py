"""A real pseudo-terminal with the dashboard in it, and eyes to read its screen."""

import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest
from ptyprocess import PtyProcess

# pyte takes the parameters of these for text.
_NOT_FOR_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;]*(?:u|\$p)|\x1b\[[0-9;]*\$p")

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "ctrl+s": "\x13",
    "ctrl+o": "\x0f",
    "ctrl+u": "\x15",
    "ctrl+a": "\x01",
    "ctrl+k": "\x0b",
    "ctrl+q": "\x11",
    "down": "\x1b[B",
    "up": "\x1b[A",
    "F1": "\x1bOP",
    "F2": "\x1bOQ",
    "F3": "\x1bOR",
    "F4": "\x1bOS",
    "F5": "\x1b[15~",
    "F6": "\x1b[17~",
    "F7": "\x1b[18~",
    "F8": "\x1b[19~",
    "F9": "\x1b[20~",
    "left": "\x1b[D",
    "right": "\x1b[C",
    "ctrl+t": "\x14",
    "ctrl+f": "\x06",
    "ctrl+l": "\x0c",
    "ctrl+r": "\x12",
    "ctrl+y": "\x19",
    "ctrl+z": "\x1a",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "end": "\x1b[F",
}


class Terminal:
    """A pseudo-terminal of some size that runs the dashboard."""

    def __init__(self, words: list[str], size: tuple[int, int], env: dict[str, str]) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.written = bytearray()
        """All that was written to the terminal, byte for byte."""
        command = [sys.executable, "-m", "tui_finetune", *words]
        inherited = {name: os.environ[name] for name in os.environ.keys() - {"COLUMNS", "LINES"}}
        self.process = PtyProcess.spawn(command, dimensions=size[::-1], env=inherited | env)
        self._hung_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._hung_up.is_set():
            # Not longer: a terminal that is being read cannot be closed.
            if not select.select([self.process.fd], [], [], 0.05)[0]:
                continue
            try:
                content = os.read(self.process.fd, 65536)
            except OSError:  # the process has ended
                return
            if not content:
                return
            with self._lock:
                self.written += content
                self._stream.feed(_NOT_FOR_PYTE.sub(b"", content))

    def text(self) -> str:
        """Return what the screen shows."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, *keys: str) -> None:
        """Press keys by their names; other words are typed."""
        for key in keys:
            self.process.write(KEYS.get(key, key).encode())
            # A key soon after escape would be taken for one with alt; letters soon after a key that
            # is bound may overtake it, because that one goes up to the app first.
            time.sleep(0.5 if key in ("escape", "ctrl+u") else 0.05)

    def wait_for(self, *wanted: str, seconds: float = 200.0) -> str:
        """Wait until the screen shows all the words, and return it."""
        end = time.monotonic() + seconds
        while not all(word in (text := self.text()) for word in wanted):
            assert time.monotonic() < end, f"waited in vain for {wanted}:\n{text}"
            time.sleep(0.05)
        return text

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        self._hung_up.set()
        self._reader.join()
        self.process.fileobj.close()

    def kill(self) -> None:
        """Kill the dashboard without a warning."""
        os.kill(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End whatever is left."""
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            self.process.wait()
        if not self._hung_up.is_set():
            self.hang_up()


Open = Callable[..., Terminal]


@pytest.fixture
def open_dashboard(tmp_path: Path) -> Iterator[Open]:
    """Open the dashboard with a home of the test's own."""
    terminals = []

    def start(*words: object, size: tuple[int, int] = (80, 24)) -> Terminal:
        home = ["--home", str(tmp_path / "home")]
        terminal = Terminal([*home, *map(str, words)], size, {"TERM": "xterm-256color"})
        terminals.append(terminal)
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()
