"""How fast the line chart draws 1,000, 10,000 and 100,000 points, and one point more.

    python tests/benchmarks/chart_speed.py [WANDB]

In a running app of 160x48, chart alone on the screen: CPU time of `show` (condensing and drawing)
for all points and, as the median and 95th of 200, for one new point; and that until it is on the
screen, Textual's share included. Then, in a terminal of tmux, the bytes written per second
while four points a second come in, and the time from the command to the first chart and to the
chart of all points, read from a file of JSON lines.

WANDB is the `wandb` program (by default the one on the path). If it is there, `wandb leet` shows
an offline run of the same points in the same terminal.
"""

import asyncio
import gc
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from subprocess import PIPE

from textual.app import App, ComposeResult

from tui_finetune.ui.widgets.line_chart import LineChart, Series

WIDTH, HEIGHT = 160, 48
COUNTS = (1_000, 10_000, 100_000)
MODES = (("no smoothing", 0.0, "steps"), ("by points", 0.9, "steps"), ("by distance", 0.9, "time"))
LOG_WITH_WANDB = """
import json, sys, wandb
settings = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True)
run = wandb.init(mode="offline", project="speed", dir=sys.argv[2], settings=settings)
for line in open(sys.argv[1]):
    entry = json.loads(line)
    run.log({"loss": entry["loss"]}, step=entry["step"])
run.finish()
"""


def losses(number: int) -> list[float]:
    """Return a noisy falling loss."""
    rng = random.Random(number)
    return [2 * math.exp(-3 * n / number) + rng.gauss(0.3, 0.1) for n in range(number)]


class ChartApp(App[None]):
    """One chart; with a file, of the points in it, and if `live` four more each second."""

    def __init__(self, file: str = "", live: bool = False) -> None:
        super().__init__()
        self.file, self.live = file, live

    def compose(self) -> ComposeResult:
        yield LineChart("loss", x_label="step")

    def on_mount(self) -> None:
        self.call_after_refresh(self.begin)

    def begin(self) -> None:
        if not self.file:
            return
        chart, xs, ys = self.query_one(LineChart), array("d"), array("d")
        with open(self.file) as lines:
            for line in lines:
                entry = json.loads(line)
                xs.append(entry["step"])
                ys.append(entry["loss"])
        series, total = Series("train", xs, ys, "$primary", smooth=True), len(xs) * 1.2
        steps, rng = count(len(xs)), random.Random(1)
        chart.show([series], (0, total))

        def add() -> None:
            xs.append(next(steps))
            ys.append(rng.gauss(0.4, 0.1))
            chart.show([series], (0, total))

        if self.live:
            chart.smoothing = 0.9
            self.set_interval(0.25, add)


async def drawing(number: int, weight: float, kind: str) -> str:
    """Return the figures of one chart in a running app."""
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        chart = app.query_one(LineChart)
        chart.smoothing, chart.smoothing_kind = weight, kind  # type: ignore[assignment]
        xs, ys = array("d", range(number)), array("d", losses(number))
        series = Series("train", xs, ys, "$primary", smooth=True)

        async def show() -> tuple[float, float]:
            painted = asyncio.Event()
            start = time.process_time()
            chart.show([series], (0, number * 1.2))
            shown = time.process_time() - start
            chart.call_after_refresh(painted.set)
            await painted.wait()
            return shown * 1000, (time.process_time() - start) * 1000

        gc.collect()  # of the apps before
        first, first_painted = await show()
        shown, painted = [], []
        for step in range(200):
            xs.append(number + step)
            ys.append(random.gauss(0.4, 0.1))
            one, other = await show()
            shown.append(one)
            painted.append(other)
        point, worst = statistics.median(shown), statistics.quantiles(shown, n=20)[-1]
        return (
            f"first {first:5.1f} ms, on the screen {first_painted:5.1f}   "
            f"one more {point:4.1f} ms (95th {worst:4.1f}), "
            f"on the screen {statistics.median(painted):4.1f}"
        )


@contextmanager
def terminal(command: list[str]) -> Iterator[list[str]]:
    """Run a command in a terminal of its own; yields the beginning of tmux commands about it."""
    tmux = ["tmux", "-L", f"chart-speed-{time.monotonic_ns()}"]
    size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
    subprocess.run([*tmux, "new-session", "-d", *size, *command], check=True)
    try:
        yield tmux
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)


def seconds_until(command: list[str], *seen: Callable[[str], bool]) -> list[float]:
    """Run a command in a terminal; return after how many seconds each thing could be seen."""
    start, times = time.perf_counter(), []
    with terminal(command) as tmux:
        for condition in seen:
            while time.perf_counter() - start < 120:
                capture = [*tmux, "capture-pane", "-p"]
                if condition(subprocess.run(capture, stdout=PIPE, text=True, check=True).stdout):
                    break
                time.sleep(0.02)
            times.append(time.perf_counter() - start)
    return times


def has_curve(text: str) -> bool:
    """Tell whether there are braille dots."""
    return any("\u2801" <= character <= "\u28ff" for character in text)


def bytes_per_second(file: Path, folder: str) -> float:
    """Return what a live chart writes to the terminal while four points a second come in."""
    written = Path(folder, "written")
    with terminal([sys.executable, __file__, "--live", str(file)]) as tmux:
        time.sleep(5)
        subprocess.run([*tmux, "pipe-pane", f"cat > {written}"], check=True)
        time.sleep(10)
    return written.stat().st_size / 10


def in_a_terminal(wandb: str | None) -> None:
    """Print bytes and seconds of the chart, and of wandb leet where it is installed."""
    with tempfile.TemporaryDirectory() as folder:
        for number in COUNTS:
            file = Path(folder, f"{number}.jsonl")
            rows = (json.dumps({"step": n, "loss": y}) for n, y in enumerate(losses(number)))
            file.write_text("\n".join(rows))
            ours = seconds_until([sys.executable, __file__, "--show", str(file)], has_curve)
            written = bytes_per_second(file, folder)
            print(f"{number:>7} points: command to all points {ours[0]:.2f} s", end="; ")
            print(f"at 4 points a second {written / 1000:.1f} kB/s")
            if wandb:
                python = Path(wandb).resolve().with_name("python")
                logs = Path(folder, f"wandb-{number}")
                logs.mkdir()
                log = [str(python), "-c", LOG_WITH_WANDB, str(file), str(logs)]
                subprocess.run(log, check=True, env=os.environ | {"WANDB_SILENT": "true"})
                leet = [wandb, "leet", "run", str(logs / "wandb" / "latest-run")]
                finished: Callable[[str], bool] = lambda text: "State: Finished" in text  # noqa: E731
                first, whole = seconds_until(leet, has_curve, finished)
                print(f"{'':>7} wandb leet: first chart {first:.2f} s, all points {whole:.2f} s")
    if not wandb:
        print("wandb leet: not measured, no `wandb` program found")


def main(wandb: str | None) -> None:
    """Print all figures."""
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for number in COUNTS:
        for name, weight, kind in MODES:
            print(f"{number:>7} {name:<13} {asyncio.run(drawing(number, weight, kind))}")
    in_a_terminal(wandb)


if __name__ == "__main__":
    if sys.argv[1:2] in (["--show"], ["--live"]):
        ChartApp(sys.argv[2], live=sys.argv[1] == "--live").run()
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else shutil.which("wandb"))
