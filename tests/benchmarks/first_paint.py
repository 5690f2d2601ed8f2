"""Time from the command to the first paint, against a bare Textual app in the same run.

    python tests/benchmarks/first_paint.py [LAUNCHES]

Both are started in a pseudo-terminal of 120x40, one after the other in turns. The first paint is
the first time that something to read is written; "filled in" is the front pane with its words.
"""

import os
import statistics
import sys
import tempfile
import time

from ptyprocess import PtyProcess

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("first words")

Bare().run()
"""


def seconds_until(command: list[str], *wanted: bytes) -> list[float]:
    """Start a command and return after how many seconds each text was written."""
    start = time.perf_counter()
    process = PtyProcess.spawn(command, dimensions=(40, 120), env=os.environ | {"TERM": "xterm"})
    written = b""
    times = []
    for text in wanted:
        while text not in written:
            written += process.read(65536)
        times.append(time.perf_counter() - start)
    process.terminate(force=True)
    return times


def main(launches: int) -> None:
    """Print the medians and their ratios."""
    home = tempfile.mkdtemp()
    dashboard = [sys.executable, "-m", "tui_finetune", "--home", home]
    bare, painted, filled = [], [], []
    for _ in range(launches):
        bare += seconds_until([sys.executable, "-c", BARE], b"first words")
        times = seconds_until(dashboard, b"Predict", b"Choose the data")
        painted.append(times[0])
        filled.append(times[1])
        time.sleep(1.0)  # the engine that was being started ends
    base = statistics.median(bare)
    for name, values in (("bare app", bare), ("first paint", painted), ("filled in", filled)):
        median = statistics.median(values)
        print(f"{name:<12} {median * 1000:6.0f} ms   {median / base:.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
