"""What this machine can train on, for `doctor` and for a run's environment.json."""

import os
import platform
from typing import Any

import psutil

from tui_finetune.telemetry.host import read_host
from tui_finetune.telemetry.nvml import NvmlReader
from tui_finetune.text import clean


def describe_devices() -> dict[str, Any]:
    """Return the devices that torch sees and the host's size, fit for JSON. Imports torch.

    Keys: torch (version), cuda, rocm (versions torch was built for, None without), cuda_available,
    mps_available, devices (a list of {"type", "index", "name", "memory_bytes"}), bf16 (whether
    the GPU computes with it; False on a CPU), cpu, cpu_count (logical), cpu_usable (cores
    this process may use), threads (of torch), host_memory_bytes, nvml (a note, empty if it works).
    """
    import torch

    cuda = torch.cuda.is_available()
    mps = torch.backends.mps.is_available()
    host = read_host(psutil.Process())
    reader = NvmlReader()
    reader.read(os.getpid())
    return {
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "rocm": torch.version.hip,
        "cuda_available": cuda,
        "mps_available": mps,
        "devices": _cuda_devices() if cuda else [_own_device("mps" if mps else "cpu")],
        "bf16": gpu_has_bf16(),
        "cpu": _processor(),
        "cpu_count": psutil.cpu_count(),
        "cpu_usable": _usable_cores(),
        "threads": torch.get_num_threads(),
        "host_memory_bytes": host.total,
        "nvml": reader.note,
    }


def _cuda_devices() -> list[dict[str, Any]]:
    import torch

    return [
        {
            "type": "cuda",
            "index": index,
            "name": clean(torch.cuda.get_device_properties(index).name),
            "memory_bytes": torch.cuda.get_device_properties(index).total_memory,
        }
        for index in range(torch.cuda.device_count())
    ]


def _own_device(kind: str) -> dict[str, Any]:
    # the memory of these is the host's
    return {"type": kind, "index": 0, "name": _processor(), "memory_bytes": None}


def gpu_has_bf16() -> bool:
    """Return whether the GPU, if there is one, computes in bfloat16 itself."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.backends.mps.is_available() and torch.backends.mps.is_macos_or_newer(14, 0))


def _processor() -> str:
    """Return the processor's name, at least its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return clean(names[0].strip() if names else platform.processor() or platform.machine())


def _usable_cores() -> int:
    # a job or a container may be bound to some of them; not every system can tell
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
