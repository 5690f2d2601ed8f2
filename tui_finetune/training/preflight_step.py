"""`python -m tui_finetune.training.preflight_step HOME FD`: some real training steps, measured.

A process of its own, so that what it holds in memory is what a run holds, and is freed whatever
comes. On stdin comes `{"recipe", "modules"}`; what is found goes to FD, a JSON object a line:
`{"progress"}`, then `{"result"}`, or `{"full"}` where memory does not suffice, or `{"error"}`.
"""

import dataclasses
import importlib
import json
import math
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from datasets import Dataset, DatasetDict
from torch import Tensor
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from tui_finetune import process
from tui_finetune.home import choose_home
from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status
from tui_finetune.telemetry.gpu import GpuReader
from tui_finetune.training.failures import explain
from tui_finetune.training.preflight_rows import longest_rows, rows_by_chance
from tui_finetune.training.progress import Progress
from tui_finetune.training.setup import Setup, set_up
from tui_finetune.training.start import Start
from tui_finetune.training.worker import build_trainer

# Steps enough for a mean; where they are slow, as many as this time allows.
_MOST_STEPS = 50
_FEWEST_STEPS = 4
_SECONDS = 15.0
_EVALUATED_BATCHES = 8

Send = Callable[[dict[str, Any]], None]


def main() -> None:
    """Measure what stdin asks for and answer on the descriptor."""
    process.settle()
    choose_home(Path(sys.argv[1]))
    _be_the_first_to_go()
    asked = json.load(sys.stdin)
    for module in asked["modules"]:
        importlib.import_module(module)
    with os.fdopen(int(sys.argv[2]), "w", encoding="utf-8", buffering=1) as reply:

        def send(message: dict[str, Any]) -> None:
            reply.write(json.dumps(message) + "\n")

        try:
            send({"result": measure(parse_recipe(asked["recipe"], "the recipe"), send)})
        except Exception as error:
            traceback.print_exc()
            send({"full" if is_memory_full(error) else "error": explain(error)})


def is_memory_full(error: BaseException) -> bool:
    """Return whether an error says that the GPU's or the machine's memory does not suffice."""
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "allocate memory" in str(error)  # torch's, and the system's for a mapping
    )


def measure(recipe: Recipe, send: Send) -> dict[str, Any]:
    """Train some steps with the very Trainer of a run, evaluate some rows, and say what it took.

    The step with the longest row comes first, then a sample of the steps of an epoch as training
    draws them, in an order by chance. Returns `device`, `peak_bytes` (of the GPU where there is
    one, else of the process), `seconds_per_step` and `processor_seconds_per_step` (means),
    `steps_measured`, `seconds_per_evaluated_row`, `weight_bytes`, `optimizer_bytes`, and `rows`
    and `tokens`, the shape of the largest batch.
    """
    setup = set_up(recipe)
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory(Path(folder))
        journal = JournalWriter(run.journal)
        send({"progress": {"what": "loading the model", "done": 0, "of": 0}})
        trainer = build_trainer(Start(_sampled(setup), run, Status()), journal, Progress())
        lengths = np.array([len(ids) for ids in trainer.train_dataset["input_ids"]])
        steps = _choose_steps(trainer, lengths)
        clock = _Clock(send)
        _prepare(trainer, steps, clock)
        trainer.train()
        evaluated = _some(trainer.eval_dataset, trainer.args.eval_batch_size * _EVALUATED_BATCHES)
        began = time.perf_counter()
        trainer.evaluate(evaluated)
        evaluation_seconds = time.perf_counter() - began
        journal.close()
    return {
        "device": trainer.args.device.type,
        "peak_bytes": _peak_bytes(trainer.args.device),
        **clock.means(),
        "seconds_per_evaluated_row": evaluation_seconds / len(evaluated),
        "weight_bytes": _bytes(trainer.model.state_dict()),
        "optimizer_bytes": _bytes(trainer.optimizer.state_dict()["state"]),
        "rows": min(trainer.args.train_batch_size, len(lengths)),
        "tokens": setup.recipe.tokens.max_length
        if setup.recipe.tokens.padding == "max_length"
        else int(lengths.max()),
    }


class _Clock(TrainerCallback):
    """Times the steps after the first, and ends the training when that has taken long enough."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._seconds: list[float] = []
        self._processor_seconds: list[float] = []
        self._last: tuple[float, float] | None = None

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note how long it was since the last step ended, the drawing of its batches included."""
        if args.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter(), time.process_time()
        if self._last is not None:
            self._seconds.append(now[0] - self._last[0])
            self._processor_seconds.append(now[1] - self._last[1])
        self._last = now
        if sum(self._seconds) > _SECONDS and len(self._seconds) >= _FEWEST_STEPS:
            control.should_training_stop = True
        done = {"what": "measuring steps", "done": state.global_step, "of": state.max_steps}
        self._send({"progress": done})

    def means(self) -> dict[str, float]:
        """Return the figures of the steps."""
        count = len(self._seconds)
        return {
            "seconds_per_step": sum(self._seconds) / count,
            "processor_seconds_per_step": sum(self._processor_seconds) / count,
            "steps_measured": count,
        }


def _be_the_first_to_go() -> None:
    """Let the kernel end this process and no other when the machine's memory is full."""
    with suppress(OSError):  # not every system has this
        Path("/proc/self/oom_score_adj").write_text("1000")


def _sampled(setup: Setup) -> Setup:
    """Return the setup with as many rows as are needed, the longest to train on among them."""
    splits = dict(setup.data.splits)
    train = splits["train"]
    chosen = np.union1d(rows_by_chance(train), longest_rows(train))
    splits["train"] = train.select(chosen)
    splits["validation"] = splits["validation"].select(rows_by_chance(splits["validation"]))
    return dataclasses.replace(
        setup, data=dataclasses.replace(setup.data, splits=DatasetDict(splits))
    )


def _choose_steps(trainer: Trainer, lengths: np.ndarray) -> list[list[int]]:
    """Return the rows of the steps to take: the one with the longest row first, then the others.

    They are a fair sample of an epoch drawn as training draws it: of its steps in the order of
    what they cost, every n-th. The last one, which may be smaller, counts only if it is alone.
    """
    batch = trainer.args.train_batch_size
    rows = batch * trainer.args.gradient_accumulation_steps
    drawn = [int(row) for row in trainer._get_train_sampler()]
    steps = [drawn[start : start + rows] for start in range(0, len(drawn), rows)]
    if len(steps) > 1 and len(steps[-1]) < rows:
        steps.pop()

    def cost(step: list[int]) -> int:
        """Return the tokens of a step, padding included."""
        batches = [lengths[step[start : start + batch]] for start in range(0, len(step), batch)]
        return sum(len(one) * int(one.max()) for one in batches)

    longest = max(steps, key=lambda step: int(lengths[step].max()))
    steps.sort(key=cost)
    count = min(len(steps), _MOST_STEPS)
    sample = [steps[int((place + 0.5) * len(steps) / count)] for place in range(count)]
    random.Random(0).shuffle(sample)
    return [longest, *(step for step in sample if step is not longest)]


def _prepare(trainer: Trainer, steps: list[list[int]], clock: _Clock) -> None:
    """Let the Trainer take these steps in their order, and nothing else."""
    trainer.train_dataset = trainer.train_dataset.select([row for step in steps for row in step])
    arguments = trainer.args
    arguments.train_sampling_strategy = "sequential"
    arguments.max_steps = -1
    arguments.num_train_epochs = math.ceil(_MOST_STEPS / len(steps))
    arguments.eval_strategy = arguments.logging_strategy = IntervalStrategy.NO
    arguments.eval_on_start = False
    arguments.save_strategy = SaveStrategy.NO
    arguments.load_best_model_at_end = False
    trainer.remove_callback(EarlyStoppingCallback)
    trainer.add_callback(clock)


def _some(rows: Dataset, count: int) -> Dataset:
    return rows.select(sorted(random.Random(0).sample(range(len(rows)), min(count, len(rows)))))


def _bytes(state: Any) -> int:
    """Return the bytes of all tensors in nested dicts and lists."""
    if isinstance(state, Tensor):
        return int(state.nbytes)
    if isinstance(state, dict):
        return sum(map(_bytes, state.values()))
    return sum(map(_bytes, state)) if isinstance(state, list | tuple) else 0


def _peak_bytes(device: torch.device) -> int:
    """Return the most memory that was held, of the GPU with what the driver needs beside."""
    if device.type != "cuda":
        return _peak_rss()
    peak, now = torch.cuda.max_memory_reserved(), torch.cuda.memory_reserved()
    held = [gpu.used_by_run for gpu in GpuReader().read(os.getpid())]
    return int(peak + max(0, (held[0] or now) - now)) if len(held) == 1 else int(peak)


def _peak_rss() -> int:
    """Return the peak of this process; that of getrusage may be the one of whoever started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
