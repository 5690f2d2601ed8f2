"""The list of 10,000 runs in a real terminal: first paint, reading, filtering, sorting, memory.

    python tests/benchmarks/runs_list.py [RUNS]

Makes run directories (status, recipe, journal of 30 losses) in a temporary folder, then opens the
dashboard on them in a pseudo-terminal of 160x48, first without `index.sqlite`, then with it. Times
are from the key to the first bytes of its answer; in brackets is the processor time that the
dashboard took for it, which other work on the machine does not lengthen as much. Of four filters
the fastest counts.
"""

import json
import os
import random
import re
import select
import sys
import tempfile
import time
from pathlib import Path

import psutil
from ptyprocess import PtyProcess

from tui_finetune.recipe import dump_recipe, parse_recipe

FILTERS = (
    "bert",
    "state:failed",
    "accuracy>0.9 not model:starter",
    "train.learning_rate>=1e-4",
    "started>2020-01-01 duration<1h or tag:x",
)
# F5
RUNS_PANE = "\x1b[15~"

RATES = (1e-5, 5e-5, 1e-4, 5e-4)


def make_runs(home: Path, count: int) -> None:
    """Make finished, failed and stopped runs of three data sets and three models."""
    chance = random.Random(1)
    recipe = parse_recipe({"name": "NAME", "data": {"source": "/d/reviews.csv"}}, "benchmark")
    text = dump_recipe(recipe)
    for number in range(count):
        name, began = f"run-{number:05}", 1.6e9 + number * 600
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(began))
        folder = home / "runs" / f"{stamp}-{name}-{chance.randrange(65536):04x}"
        folder.mkdir(parents=True)
        rate, accuracy = chance.choice(RATES), chance.random()
        written = text.replace("NAME", name).replace("0.0001", repr(rate))
        (folder / "recipe.yaml").write_text(written)
        status = {
            "state": chance.choice(["finished"] * 8 + ["failed", "stopped"]), "name": name,
            "task": "text-classification", "data": chance.choice(["/d/a.csv", "/d/b.csv", "hub/c"]),
            "model": chance.choice(["starter", "bert-base-uncased", "roberta-base"]),
            "started": began, "ended": began + chance.random() * 7200, "heartbeat": began,
            "step": 150, "total_steps": 150, "epoch": 3, "epochs": 3,
            "metrics": {"validation": {"accuracy": accuracy, "loss": 1 - accuracy, "f1": accuracy},
                        "test": {"accuracy": accuracy, "loss": 1 - accuracy}},
        }  # fmt: skip
        (folder / "status.json").write_text(json.dumps(status))
        losses = (
            {"event": "log", "time": began, "step": step, "epoch": step / 50, "loss": 1 / step}
            for step in range(5, 155, 5)
        )
        lines = [json.dumps(entry) for entry in losses]
        (folder / "journal.jsonl").write_text("\n".join(lines) + "\n")


class Terminal:
    """The dashboard in a pseudo-terminal."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "tui_finetune", "--home", str(home)]
        self._written = b""
        self._since, self._used = time.perf_counter(), 0.0
        variables = os.environ | {"TERM": "xterm-256color"}
        self._process = PtyProcess.spawn(command, dimensions=(48, 160), env=variables)
        self.pid = self._process.pid

    def press(self, keys: str) -> None:
        """Press keys; what was written before counts no longer."""
        self._written = b""
        self._since, self._used = time.perf_counter(), self._processor_seconds()
        self._process.write(keys.encode())

    def seconds_until(self, wanted: str) -> tuple[float, float]:
        """Return how long after the keys, or the start, this was written, and the time used."""
        while not re.search(wanted.encode(), self._written):
            if not self._read(60.0):
                raise TimeoutError(f"{wanted!r} never came")
        return time.perf_counter() - self._since, self._processor_seconds() - self._used

    def _processor_seconds(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    def settle(self) -> None:
        """Let half a second pass."""
        end = time.perf_counter() + 0.5
        while (left := end - time.perf_counter()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> bool:
        readable = bool(select.select([self._process.fd], [], [], seconds)[0])
        if readable:
            self._written += self._process.read(65536)
        return readable

    def close(self) -> None:
        """End it."""
        self._process.terminate(force=True)


def shown(seconds: tuple[float, float]) -> str:
    """Return a time by the clock and the processor time of the dashboard."""
    return f"{seconds[0]:5.2f} s ({seconds[1]:.2f})"


def measure(home: Path, count: int, what: str) -> None:
    """Open the pane and print the times."""
    terminal = Terminal(home)
    started = terminal.seconds_until("Choose the data")
    terminal.press(RUNS_PANE)
    painted = terminal.seconds_until(f"run-{count - 1:05}")
    read = terminal.seconds_until(f"(?<!of) {count:,} runs")
    memory = psutil.Process(terminal.pid).memory_info().rss / 1e6
    print(
        f"{what:<14} dashboard {shown(started)}   pane {shown(painted)}   "
        f"all read {shown(read)}   memory {memory:.0f} MB"
    )
    terminal.close()


def measure_answers(home: Path, count: int, times: int) -> None:
    """Print how long filters and sorting take, once all runs are read."""
    terminal = Terminal(home)
    terminal.seconds_until("Choose the data")
    terminal.press(RUNS_PANE)
    terminal.seconds_until(f"(?<!of) {count:,} runs")
    for query in FILTERS:
        taken = []
        for _ in range(times):
            terminal.settle()
            terminal.press("/")
            terminal.seconds_until("such as")
            terminal.settle()
            terminal.press(f"\x1b[200~{query}\x1b[201~")  # pasted, so that it is filtered once
            taken.append(terminal.seconds_until(f" of {count:,} runs"))
            terminal.settle()
            terminal.press("\x1b")
            terminal.seconds_until(f"(?<!of) {count:,} runs")
        print(f"filter {query:<42} {shown(min(taken))}")
    taken = []
    for number in range(times):
        terminal.settle()
        terminal.press("S")
        taken.append(terminal.seconds_until("started▲" if number % 2 == 0 else "started▼"))
    print(f"sort the other way {shown(min(taken)):>31}")
    terminal.close()


def main(count: int) -> None:
    """Print the figures without and with the index."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        make_runs(home, count)
        measure(home, count, "without index")
        measure(home, count, "with index")
        measure_answers(home, count, 4)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
