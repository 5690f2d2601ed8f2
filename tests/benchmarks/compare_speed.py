"""How long the Compare pane takes for ten runs of 100,000 logged steps, at 160x48.

    python tests/benchmarks/compare_speed.py [RUNS [STEPS]]

Processor time of reading all journals, also as a ratio to `json.loads` of each of their lines in
the same run, once more with one new line in each; and how long the screen's thread was busy at a
stretch, at most, until all charts were drawn: so long a key waits.
"""

import asyncio
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from textual.app import App, ComposeResult

from tui_finetune.runs.comparison import Comparer
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import Status, write_status
from tui_finetune.ui.panes.compare import ComparePane

STEPS_PER_EPOCH = 1000
SIZE = 160, 48


def lines_of(run: int, steps: int) -> list[str]:
    """Return a journal as a training writes it: a log a step, evaluations, samples."""
    rng, now = random.Random(run), 1.7e9
    lines = [
        json.dumps(
            {
                "event": "start",
                "time": now,
                "resumed_from": 0,
                "total_steps": steps,
                "steps_per_epoch": STEPS_PER_EPOCH,
                "selection_metric": "eval_loss",
            }
        )
    ]
    for step in range(1, steps + 1):
        now = round(now + 0.1, 3)
        loss = 2 * math.exp(-3 * step / steps) + rng.gauss(0.3, 0.1)
        place = {"time": now, "step": step, "epoch": step / STEPS_PER_EPOCH}
        lines.append(
            json.dumps(
                {
                    "event": "log",
                    **place,
                    "loss": loss,
                    "grad_norm": rng.random(),
                    "learning_rate": 5e-5 * (1 - step / steps),
                }
            )
        )
        if step % STEPS_PER_EPOCH == 0:
            lines.append(
                json.dumps(
                    {
                        "event": "log",
                        **place,
                        "eval_loss": loss,
                        "eval_accuracy": 1 - loss / 4,
                        "eval_runtime": 1.5,
                    }
                )
            )
        if step % 20 == 0:
            lines.append(
                json.dumps(
                    {
                        "event": "sample",
                        "time": now,
                        "step": step,
                        "rows_per_second": 400.0,
                        "process_rss": 1.5e9,
                        "host_used": 9e9,
                        "cpu_percent": 98.0,
                        "gpus": [],
                    }
                )
            )
    return lines


def make_runs(home: Path, count: int, steps: int) -> list[RunDirectory]:
    """Make finished runs with such journals."""
    runs = []
    for number in range(count):
        run = RunDirectory(home / "runs" / f"20261121-{number:06}-films-0000")
        run.path.mkdir(parents=True)
        run.journal.write_text("\n".join(lines_of(number, steps)) + "\n")
        write_status(
            run.status,
            Status(
                state="finished",
                name=f"films {number}",
                started=1.7e9,
                ended=1.7e9 + steps / 10,
                step=steps,
                total_steps=steps,
            ),
        )
        runs.append(run)
    return runs


class Comparing(App[None]):
    """The Compare pane alone."""

    def __init__(self, home: Path, runs: list[RunDirectory]) -> None:
        super().__init__()
        self.home, self.runs = home, runs

    def compose(self) -> ComposeResult:
        yield ComparePane(self.home)

    def on_mount(self) -> None:
        self.query_one(ComparePane).compare(self.runs)


class Watcher:
    """Notes how much processor time the screen's thread used at most without a pause."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look again and again; what is busy in between is one stretch."""
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.thread_time() - before)

    async def after(self, doing: Awaitable[object]) -> float:
        """Return the longest stretch in ms, from before something until three seconds after it."""
        self.longest = 0.0
        await doing
        await asyncio.sleep(3.0)
        return self.longest * 1000


async def longest_stretches(home: Path, runs: list[RunDirectory]) -> list[float]:
    """Return the longest stretches of the first drawing, another smoothing, another axis."""
    app = Comparing(home, runs)
    async with app.run_test(size=SIZE) as pilot:
        watcher = Watcher()
        watching = asyncio.create_task(watcher.watch())

        async def first() -> None:
            while app.query_one(ComparePane)._comparison is None:
                await asyncio.sleep(0.05)

        found = [await watcher.after(first())]
        found += [await watcher.after(pilot.press(key)) for key in ("m", "x")]
        watching.cancel()
    return found


def main(count: int, steps: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        runs = make_runs(Path(folder), count, steps)
        before = time.process_time()
        for run in runs:
            for line in run.journal.read_bytes().split(b"\n")[:-1]:
                json.loads(line)
        plain = time.process_time() - before
        comparer = Comparer(runs)
        before = time.process_time()
        comparer.read()
        read = time.process_time() - before
        for run in runs:
            with run.journal.open("a") as journal:
                journal.write(lines_of(0, steps)[-1] + "\n")
        before = time.process_time()
        comparer.read()
        again = time.process_time() - before
        print(f"{count} runs of {steps:,} steps: json.loads of each line alone {plain:.2f} s")
        print(f"read {read:.2f} s ({read / plain:.2f} x), again with a new line each {again:.2f} s")
        drawn, smoothed, other_axis = asyncio.run(longest_stretches(Path(folder), runs))
        print(
            f"longest the screen's thread is busy: first drawing {drawn:.0f} ms, "
            f"other smoothing {smoothed:.0f}, other axis {other_axis:.0f}"
        )


if __name__ == "__main__":
    main(*(int(word) for word in [*sys.argv[1:], *("10", "100000")[len(sys.argv) - 1 :]]))
