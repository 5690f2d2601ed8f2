"""What watching the machine costs a training: processor time of samples, heartbeats and the look
whether the training still goes on, as a share of one core.

    python tests/benchmarks/sampling_cost.py [SAMPLES]

Takes as many samples as a run would (one every 2 s, with a look and a heartbeat every 0.5 s), one
after another, with torch loaded as it is in a run. Where there is a GPU, one tensor lies on it."""

import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch
from transformers import Trainer  # noqa: F401  the script's own imports

from tui_finetune.runs.control import pending_stop
from tui_finetune.runs.directory import create_run_directory
from tui_finetune.runs.journal import JournalReader, JournalWriter
from tui_finetune.runs.status import Status, this_process, write_status
from tui_finetune.training.progress import Progress
from tui_finetune.training.sampling import SAMPLE_SECONDS, Sampler
from tui_finetune.training.script_run import TICK_SECONDS
from tui_finetune.training.train_call import TrainCall


def train(samples: int) -> None:
    """Stand for the call that trains, whose place on the stack is looked for."""
    run = create_run_directory(Path(tempfile.mkdtemp()), "cost")
    journal, progress = JournalWriter(run.journal), Progress(training=True)
    status = Status(name="cost", metrics={"validation": {"loss": 0.5}}, **this_process())
    sampler, call = Sampler(run, journal, progress), TrainCall()
    if torch.cuda.is_available():
        torch.ones(1, device="cuda")
    sampler.sample_if_due()  # the first one loads what the others use

    began, cpu = time.perf_counter(), time.thread_time()
    for _ in range(samples):
        sampler._due = 0.0
        sampler.sample_if_due()
    sample = (time.thread_time() - cpu) / samples
    sample_wall = (time.perf_counter() - began) / samples

    cpu = time.thread_time()
    for _ in range(samples):
        pending_stop(run.control)
        call.goes_on()
        write_status(run.status, progress.present(status))
    tick = (time.thread_time() - cpu) / samples

    (*_, last) = JournalReader(run.journal).read()
    print(f"{len(psutil.pids())} processes, {len(last['gpus'])} GPUs {last['gpu_note']}")
    print(
        f"a sample {1000 * sample:.2f} ms of a core ({1000 * sample_wall:.2f} ms in all): "
        f"{sample / SAMPLE_SECONDS:.3%} of it, one every {SAMPLE_SECONDS:g} s"
    )
    print(
        f"a look and a heartbeat {1000 * tick:.2f} ms: {tick / TICK_SECONDS:.3%}, "
        f"one every {TICK_SECONDS:g} s"
    )
    print(f"together {sample / SAMPLE_SECONDS + tick / TICK_SECONDS:.3%} of one core")


if __name__ == "__main__":
    train(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
