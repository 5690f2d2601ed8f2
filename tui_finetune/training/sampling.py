"""What a run takes of the machine, written into its journal."""

import time
from dataclasses import asdict

import psutil

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.telemetry.gpu import GpuReader
from tui_finetune.telemetry.host import read_disk, read_host
from tui_finetune.training.progress import Progress

SAMPLE_SECONDS = 2.0


class Sampler:
    """Writes a sample of this process and its machine into the journal, every few seconds.

    `disk_free` and `disk_total` are of the file system that the run lies on.
    """

    def __init__(self, run: RunDirectory, journal: JournalWriter, progress: Progress) -> None:
        self._run = run
        self._journal = journal
        self._progress = progress
        self._process = psutil.Process()
        self._gpus = GpuReader()
        self._due = 0.0

    def sample_if_due(self) -> None:
        """Write a sample if the last one is old enough. Raises `OSError` if that is impossible."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SAMPLE_SECONDS
        host = read_host(self._process)
        disk = read_disk(self._run.path)
        self._journal.write(
            "sample",
            step=self._progress.step,
            rows_per_second=self._progress.rows_per_second(),
            process_rss=host.process_rss,
            host_used=host.used,
            host_total=host.total,
            cpu_percent=host.cpu_percent,
            disk_free=disk and disk.free,
            disk_total=disk and disk.total,
            gpus=[asdict(gpu) for gpu in self._gpus.read(self._process.pid)],
            gpu_note=self._gpus.note,
        )
