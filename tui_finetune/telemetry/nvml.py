"""GPU memory, load, temperature and power, through NVIDIA's management library (NVML)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psutil

from tui_finetune.telemetry.gpu_sample import SHARED_MEMORY, GpuSample
from tui_finetune.telemetry.torch_gpus import OwnGpu
from tui_finetune.text import clean


class NvmlReader:
    """Reads NVIDIA's GPUs; opened once, read as often as wanted, and again if the driver fails.

    `note` says in words why there are no samples; it is empty while there are.
    """

    def __init__(self) -> None:
        self.note = ""
        self._nvml: Any = None
        self._failed = False
        try:
            import pynvml
        except ImportError:
            self.note = "the package nvidia-ml-py, which asks the driver, is not installed"
            return
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self.note = f"no NVIDIA GPU here, or no driver for it ({clean(error)})"
            return
        self._nvml = pynvml
        self._unanswerable = {
            pynvml.NVML_ERROR_NOT_SUPPORTED,
            pynvml.NVML_ERROR_NO_PERMISSION,
            pynvml.NVML_ERROR_NOT_FOUND,
            pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
            pynvml.NVML_ERROR_INVALID_ARGUMENT,
        }

    def read(self, pid: int, own: Sequence[OwnGpu] = ()) -> list[GpuSample]:
        """Return a sample for each GPU; [] and a `note` if there are none or the driver fails.

        `own` are the GPUs as process `pid` itself knows them. What it says to hold there stands
        in where the driver does not tell it. One GPU that fails leaves the others.
        """
        if self._nvml is None:
            return []
        try:
            if self._failed:  # a driver that was loaded anew wants to be greeted anew
                with suppress(self._nvml.NVMLError):
                    self._nvml.nvmlShutdown()
                self._nvml.nvmlInit()
            samples = self._samples(pid, own)
        except self._nvml.NVMLError as error:
            self._failed = True
            self.note = f"the NVIDIA driver does not answer any more ({clean(error)})"
            return []
        self._failed = False
        self.note = "" if samples else "the NVIDIA driver knows of no GPU here"
        return samples

    def _samples(self, pid: int, own: Sequence[OwnGpu]) -> list[GpuSample]:
        nvml = self._nvml
        samples: list[GpuSample] = []
        count, failures = nvml.nvmlDeviceGetCount(), []
        for place in range(count):
            try:
                card = nvml.nvmlDeviceGetHandleByIndex(place)
                parts = self._parts(card)
                alone = count == 1 and len(parts) <= 1
                for handle in parts or [card]:
                    itself = self._as_itself_knows(handle, own, alone)
                    held = self._held_by(handle, pid)
                    sample = self._sample(len(samples), handle, card, held, itself)
                    if parts:
                        part = f"part of GPU {place} (MIG), whose temperature and power these are"
                        sample = replace(sample, note=_notes(part, sample.note))
                    samples.append(sample)
            except nvml.NVMLError as error:
                failures.append(error)
                note = f"the driver does not answer for it ({clean(error)})"
                samples.append(GpuSample(len(samples), "GPU", note=note))
        if failures and len(failures) == count:
            raise failures[0]
        return samples

    def _parts(self, gpu: Any) -> list[Any]:
        """Return the parts of a GPU that is split (MIG), [] if it is not."""
        nvml = self._nvml
        mode = self._ask(nvml.nvmlDeviceGetMigMode, gpu)
        if mode is None or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return []
        places = range(self._ask(nvml.nvmlDeviceGetMaxMigDeviceCount, gpu) or 0)
        parts = [self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu, at) for at in places]
        return [part for part in parts if part is not None]

    def _sample(
        self, index: int, handle: Any, card: Any, held: int | None, itself: OwnGpu | None
    ) -> GpuSample:
        """Look at a GPU, or at a part of a card, whose temperature and power only it can tell."""
        nvml = self._nvml
        used, total, shared = self._memory(handle)
        if itself is not None:
            shared = itself.shares_host_memory
        by_itself = itself is not None and (held is None or (held == 0 and itself.held > 0))
        if itself is not None and by_itself:
            held = itself.held
        load = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage, card)
        return GpuSample(
            index=index,
            name=clean(self._ask(nvml.nvmlDeviceGetName, handle) or "GPU"),
            used_by_run=held,
            used_by_others=None if used is None or held is None else max(0, used - held),
            total=total,
            utilisation=None if load is None else float(load.gpu),
            temperature=self._ask(nvml.nvmlDeviceGetTemperature, card, nvml.NVML_TEMPERATURE_GPU),
            power=None if milliwatts is None else milliwatts / 1000,
            used=used,
            note=_notes(
                SHARED_MEMORY if shared else "",
                "this run's memory as torch counts it" if by_itself else "",
            ),
        )

    def _memory(self, handle: Any) -> tuple[int | None, int | None, bool]:
        """Return bytes in use, bytes in all, and whether the GPU has none of its own.

        A GPU that is part of the processor (GB10, Jetson) answers "not supported", or nothing.
        """
        nvml = self._nvml
        try:
            # the second form counts what the driver keeps for itself apart from what is used
            memory = nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2)
        except nvml.NVMLError as error:
            if error.value not in self._unanswerable:
                raise
            return None, None, error.value == nvml.NVML_ERROR_NOT_SUPPORTED
        if not memory.total:
            return None, None, True
        return int(memory.used), int(memory.total), False

    def _as_itself_knows(self, handle: Any, own: Sequence[OwnGpu], alone: bool) -> OwnGpu | None:
        """Return the GPU among those that the process knows; the only one is known without name."""
        uuid = str(self._ask(self._nvml.nvmlDeviceGetUUID, handle) or "").partition("-")[2]
        for gpu in own:
            if uuid and gpu.uuid == uuid:
                return gpu
        return own[0] if alone and len(own) == 1 else None

    def _held_by(self, handle: Any, pid: int) -> int | None:
        """Return the bytes that a process and its children hold, None if the driver is silent."""
        processes = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        if processes is None:
            return None
        own = [process.usedGpuMemory for process in processes if _is_of(process.pid, pid)]
        if own:
            return None if None in own else sum(own)
        # Not in the list: nothing is held, unless the list has the numbers of another container.
        ours = processes and all(psutil.pid_exists(process.pid) for process in processes)
        return 0 if ours else None

    def _ask(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """Return the answer to one question, None if this GPU or this user gets none."""
        try:
            return query(*arguments)
        except self._nvml.NVMLError as error:
            if error.value in self._unanswerable:
                return None
            raise


def _is_of(pid: int, ancestor: int) -> bool:
    """Return whether a process is another one or comes from it.

    Asked of the few processes on a GPU: to list all children means to read all of /proc.
    """
    if pid == ancestor:
        return True
    with suppress(psutil.Error):
        return any(parent.pid == ancestor for parent in psutil.Process(pid).parents())
    return False


def _notes(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
