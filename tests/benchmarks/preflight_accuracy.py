"""What a preflight measured against what the run then took: peak memory, seconds a step, all.

    python tests/benchmarks/preflight_accuracy.py [ROUNDS] [RECIPE.yaml]

Each round measures and then trains, in a process of its own and as the engine does it, so that what
else happens on the machine falls on both. Memory is the largest `process_rss` of the journal's
samples (on a GPU `used_by_run`), seconds are of the clock and of the processor, the latter free of
what others do.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tui_finetune import process

process.settle()

from tui_finetune.home import choose_home  # noqa: E402
from tui_finetune.recipe import Recipe, load_recipe, parse_recipe  # noqa: E402
from tui_finetune.training import supervisor, worker  # noqa: E402
from tui_finetune.training.arguments import training_arguments  # noqa: E402
from tui_finetune.training.callbacks import RunJournalCallback  # noqa: E402
from tui_finetune.training.preflight import total_seconds  # noqa: E402
from tui_finetune.training.preflight_measure import Measurement, measure  # noqa: E402
from tui_finetune.training.preflight_plan import plan  # noqa: E402
from tui_finetune.training.setup import set_up  # noqa: E402
from tui_finetune.training.start import new_run  # noqa: E402

SAMPLE = Path(__file__).parents[2] / "sample_data" / "reviews.yaml"


class Watched(RunJournalCallback):
    """Also notes the clock and the processor time at the end of each step."""

    ends: list[tuple[float, float, float]] = []  # noqa: RUF012

    def on_step_end(self, args, state, control, **kwargs):
        """Note them."""
        super().on_step_end(args, state, control, **kwargs)
        self.ends.append((state.epoch, time.perf_counter(), time.process_time()))


def train(recipe: Recipe, home: Path) -> dict[str, float]:
    """Train in this process and return what it took; steps at an epoch's beginning are left out."""
    worker.RunJournalCallback = Watched
    start = new_run(home, recipe)
    began = time.perf_counter()
    with supervisor.output_to(start.run.log):
        supervisor.run_training(start)
    total = time.perf_counter() - began
    steps = [
        (clock - before[1], processor - before[2])
        for before, (_, clock, processor) in zip(Watched.ends, Watched.ends[1:], strict=False)
        if not float(before[0]).is_integer()
    ]
    samples = [
        entry
        for entry in map(json.loads, start.run.journal.read_text().splitlines())
        if entry["event"] == "sample"
    ]
    gpus = [gpu["used_by_run"] for sample in samples for gpu in sample["gpus"]]
    peak = max(gpus) if gpus else max(sample["process_rss"] for sample in samples)
    return {
        "peak_bytes": peak,
        "seconds_per_step": statistics.mean(clock for clock, _ in steps),
        "processor_seconds_per_step": statistics.mean(processor for _, processor in steps),
        "total_seconds": total,
    }


def measure_and_train(recipe: Recipe, home: Path) -> dict[str, tuple[float, float]]:
    """Return what was measured and what the run took, by figure; one process, as the engine does.

    What is measured holds the modules of the process that asks, which is the one that trains then.
    """
    choose_home(home)
    setup = set_up(recipe)
    measured = measure(recipe, home, lambda _: None)
    assert isinstance(measured, Measurement), measured
    took = train(recipe, home)
    rows = setup.data.splits["train"].num_rows
    course = plan(training_arguments(setup.recipe, home, rows), rows)
    expected = {**vars(measured), "total_seconds": total_seconds(measured, course, setup)}
    return {name: (expected[name], value) for name, value in took.items()}


def compare(recipe: Recipe, home: Path) -> dict[str, tuple[float, float]]:
    """Return what `measure_and_train` does, in a process that has loaded nothing else."""
    command = [sys.executable, __file__, "--compare", str(home)]
    asked = json.dumps(recipe.model_dump(mode="json"))
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(rounds: int, recipe: Recipe) -> None:
    """Print each round, and the medians of the ratios."""
    found = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as home:
            found.append(compare(recipe, Path(home)))
        for name, (measured, took) in found[-1].items():
            print(f"{name:28} measured {measured:14.4f}  run {took:14.4f}  {measured / took:.3f}")
        print(flush=True)
    for name in found[0]:
        ratios = [measured / took for each in found for measured, took in [each[name]]]
        print(f"{name:28} median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        asked = parse_recipe(json.load(sys.stdin), "stdin")
        print(json.dumps(measure_and_train(asked, Path(sys.argv[2]))))
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 3,
            load_recipe(sys.argv[2] if len(sys.argv) > 2 else SAMPLE),
        )
