"""GPU memory, load, temperature and power, through NVIDIA's management library (NVML)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from tui_finetune.text import clean


@dataclass(frozen=True)
class GpuSample:
    """One look at a GPU, or at a part of one (MIG). None: the driver does not tell."""

    index: int
    name: str
    used_by_run: int | None
    """Bytes held by the asked process and its children."""
    used_by_others: int | None
    """Bytes in use beyond that, by whomever."""
    total: int | None
    """Bytes of memory."""
    utilisation: float | None
    """Percent of the time in which it computed."""
    temperature: float | None
    """Degrees Celsius."""
    power: float | None
    """Watts."""
    used: int | None = None
    """Bytes in use, known even where nobody tells by whom."""


class GpuReader:
    """Reads the GPUs of this machine; opened once, read as often as wanted.

    `note` says in words why there are no samples; it is empty while there are.
    """

    def __init__(self) -> None:
        self.note = ""
        self._nvml: Any = None
        try:
            import pynvml
        except ImportError:
            self.note = "no GPU figures: the package nvidia-ml-py is not installed"
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

    def read(self, pid: int, own_bytes: int | None = None) -> list[GpuSample]:
        """Return a sample for each GPU; [] and a `note` if there are none or the driver fails.

        In a container the driver often hides the processes. Then `own_bytes`, what process `pid`
        itself knows to hold (torch's figure), stands in for it if there is a single GPU.
        """
        if self._nvml is None:
            return []
        try:
            handles = self._handles()
            only_gpu = own_bytes if len(handles) == 1 else None
            pids = _family(pid)
            samples = [
                self._sample(index, handle, pids, only_gpu) for index, handle in enumerate(handles)
            ]
        except self._nvml.NVMLError as error:
            self.note = f"the NVIDIA driver does not answer any more ({clean(error)})"
            return []
        self.note = "" if samples else "the NVIDIA driver knows of no GPU here"
        return samples

    def _handles(self) -> list[Any]:
        """Return the GPUs; of one that is split (MIG), its parts."""
        nvml = self._nvml
        handles: list[Any] = []
        for index in range(nvml.nvmlDeviceGetCount()):
            gpu = nvml.nvmlDeviceGetHandleByIndex(index)
            handles += self._parts(gpu) or [gpu]
        return handles

    def _parts(self, gpu: Any) -> list[Any]:
        nvml = self._nvml
        mode = self._ask(nvml.nvmlDeviceGetMigMode, gpu)
        if mode is None or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return []
        places = range(self._ask(nvml.nvmlDeviceGetMaxMigDeviceCount, gpu) or 0)
        parts = [self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu, at) for at in places]
        return [part for part in parts if part is not None]

    def _sample(self, index: int, handle: Any, pids: set[int], own_bytes: int | None) -> GpuSample:
        nvml = self._nvml
        # the second form counts what the driver keeps for itself apart from what is used
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        load = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage, handle)
        used = None if memory is None else int(memory.used)
        held = self._held_by(handle, pids)
        own = held if held or own_bytes is None else own_bytes
        return GpuSample(
            index=index,
            name=clean(self._ask(nvml.nvmlDeviceGetName, handle) or "GPU"),
            used_by_run=own,
            used_by_others=None if used is None or own is None else max(0, used - own),
            total=None if memory is None else int(memory.total),
            utilisation=None if load is None else float(load.gpu),
            temperature=self._ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            power=None if milliwatts is None else milliwatts / 1000,
            used=used,
        )

    def _held_by(self, handle: Any, pids: set[int]) -> int | None:
        """Return the bytes that processes hold on a GPU, None if the driver does not tell."""
        processes = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        if processes is None:
            return None
        own = [process.usedGpuMemory for process in processes if process.pid in pids]
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


def _family(pid: int) -> set[int]:
    pids = {pid}
    with suppress(psutil.Error):
        pids |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return pids
