"""From a key to its effect on the screen, while a run trains on all cores.

    python tests/benchmarks/key_latency.py

Starts a training of the starter on the sample recipe from the dashboard in a pseudo-terminal of
120x40, then presses 100 keys: 60 change the pane, 40 type a character of their own into Predict.
The time ends when the pane's own words, or the character, are written to the terminal."""

import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from ptyprocess import PtyProcess

from tui_finetune.runs.control import kill_run
from tui_finetune.runs.directory import all_runs

RECIPE = Path(__file__).parents[2] / "sample_data" / "reviews.yaml"
PANES = [("\x1bOR", "Batch size"), ("\x1b[15~", "test ↑"), ("\x1bOS", "val loss ↓")]
PREDICT = ("\x1b[17~", "Predict")


class Screen:
    """A terminal that keeps the written bytes with their time."""

    def __init__(self, words: list[str]) -> None:
        command = [sys.executable, "-m", "tui_finetune", *words]
        env = os.environ | {"TERM": "xterm-256color"}
        self.process = PtyProcess.spawn(command, dimensions=(40, 120), env=env)
        self.written = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                self.written += self.process.read(65536)
        except (EOFError, OSError):
            return

    def seconds_to(self, key: str, effect: str, patience: float = 5.0) -> float:
        """Press a key and return after how many seconds its effect was written."""
        offset = len(self.written)
        start = time.perf_counter()
        if key:
            self.process.write(key.encode())
        while effect.encode() not in self.written[offset:]:
            if time.perf_counter() - start > patience:
                raise TimeoutError(f"{effect!r} never came")
            time.sleep(0.001)
        return time.perf_counter() - start


def main() -> None:
    """Print the percentiles, of all keys and of each kind."""
    home = Path(tempfile.mkdtemp())
    screen = Screen(["--home", str(home), "--recipe", str(RECIPE)])
    screen.seconds_to("", "800 train", patience=60)
    screen.seconds_to("\r", "val loss ↓", patience=60)
    screen.seconds_to("", "rows/s", patience=120)
    kinds: dict[str, list[float]] = {"Tune": [], "Runs": [], "Watch": [], "typed": []}
    for number in range(60):
        kind = ("Tune", "Runs", "Watch")[number % 3]
        kinds[kind].append(screen.seconds_to(*PANES[number % 3]))
        time.sleep(0.15)
    screen.process.write(PREDICT[0].encode())
    time.sleep(1.0)
    for number in range(40):
        character = chr(0x4E00 + number)
        kinds["typed"].append(screen.seconds_to(character, character))
        time.sleep(0.1)
    screen.process.terminate(force=True)
    for run in all_runs(home):
        kill_run(run)
    kinds["all"] = [seconds for times in kinds.values() for seconds in times]
    for name, times in kinds.items():
        ordered = [time * 1000 for time in sorted(times)]
        in_time = sum(time <= 100 for time in ordered)
        print(
            f"{name:<6} median {statistics.median(ordered):4.0f} ms, "
            f"95th {ordered[len(ordered) * 95 // 100 - 1]:4.0f} ms, worst {ordered[-1]:4.0f} ms, "
            f"within 100 ms: {in_time} of {len(ordered)}"
        )


if __name__ == "__main__":
    main()
