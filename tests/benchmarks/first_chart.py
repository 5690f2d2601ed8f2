"""From the command to the first chart, with 1,000 runs of 1,000 points in the home.

    python tests/benchmarks/first_chart.py [RUNS [POINTS [WANDB]]]

The newest run goes on, so that the dashboard opens on its charts; its process is this script. WANDB
is the `wandb` program (by default the one on the path): if it is there, `wandb leet` opens a folder
with as many offline runs of as many points, in the same terminal of 160x48.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chart_speed import LOG_WITH_WANDB, has_curve, losses, seconds_until

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import Status, this_process, write_status

TRIES = 3


def make_runs(home: Path, count: int, points: int) -> None:
    """Make runs with a journal of a loss at each step; the last one goes on."""
    entries = [{"event": "start", "time": 0.0, "total_steps": 2 * points, "steps_per_epoch": 100}]
    entries += [
        {"event": "log", "time": step / 10, "step": step, "epoch": step / 100, "loss": loss}
        for step, loss in enumerate(losses(points), 1)
    ]
    journal = "".join(json.dumps(entry) + "\n" for entry in entries)
    for number in range(count):
        run = RunDirectory(home / "runs" / f"20261121-{number:06}-films-0000")
        run.path.mkdir(parents=True)
        run.journal.write_text(journal)
        last = number == count - 1
        status = Status(
            state="running" if last else "finished", name=f"films {number}", started=time.time(),
            heartbeat=time.time(), step=points, total_steps=2 * points, **this_process(),
        )  # fmt: skip
        write_status(run.status, status)


def make_offline_runs(folder: Path, wandb: str, count: int, points: int) -> Path:
    """Log one run with wandb, and copy it under other names."""
    file = folder / "points.jsonl"
    rows = (json.dumps({"step": step, "loss": loss}) for step, loss in enumerate(losses(points)))
    file.write_text("\n".join(rows))
    python = Path(wandb).resolve().with_name("python")
    command = [str(python), "-c", LOG_WITH_WANDB, str(file), str(folder)]
    subprocess.run(command, check=True, env=os.environ | {"WANDB_SILENT": "true"})
    runs = folder / "wandb"
    (first,) = runs.glob("offline-run-*")
    stamp, own = first.name.removeprefix("offline-run-").rsplit("-", 1)
    day, second = stamp.split("_")
    for number in range(1, count):
        other = f"{number:08x}"
        copy = runs / f"offline-run-{day}_{(int(second) - number) % 1000000:06}-{other}"
        shutil.copytree(first, copy)
        (copy / f"run-{own}.wandb").rename(copy / f"run-{other}.wandb")
    return runs


def main(count: int, points: int, wandb: str | None) -> None:
    """Print the seconds of each try."""
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        make_runs(home, count, points)
        ours = [sys.executable, "-m", "tui_finetune", "--home", str(home)]
        measure(f"tui-finetune, {count:,} runs of {points:,} points", ours)
        if not wandb:
            print("wandb leet: not measured, no `wandb` program found")
            return
        runs = make_offline_runs(Path(folder), wandb, count, points)
        measure("wandb leet, as many", [wandb, "leet", str(runs)])


def measure(what: str, command: list[str]) -> None:
    """Print how long it takes from a command to a curve, several times."""
    seconds = [seconds_until(command, has_curve)[0] for _ in range(TRIES)]
    print(f"{what}: first chart after {', '.join(f'{each:.2f}' for each in seconds)} s")


if __name__ == "__main__":
    words = sys.argv[1:]
    main(
        int(words[0]) if words else 1000,
        int(words[1]) if len(words) > 1 else 1000,
        words[2] if len(words) > 2 else shutil.which("wandb"),
    )
