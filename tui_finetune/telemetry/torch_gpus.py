"""GPUs as torch itself knows them: AMD's, Apple's, and NVIDIA's where the driver does not answer.

Nothing here imports torch or brings a GPU into use: a context on it would take memory of its own.
"""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tui_finetune.telemetry.gpu_sample import SHARED_MEMORY, GpuSample
from tui_finetune.text import clean


@dataclass(frozen=True)
class OwnGpu:
    """A GPU that this process has in use, as torch knows it."""

    maker: Literal["NVIDIA", "AMD", "Apple"]
    index: int
    name: str
    held: int
    """Bytes that this process has reserved there."""
    total: int | None
    """Bytes of memory; of an Apple GPU what the system recommends to use at most."""
    shares_host_memory: bool
    uuid: str = ""
    """The driver's name for it, without the prefix; "" if torch does not tell."""


def own_gpus() -> list[OwnGpu]:
    """Return the GPUs that this process has in use; [] if torch is not loaded or uses none."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return []
    if torch.cuda.is_initialized():
        gpus = [_ask(_cuda_gpu, index) for index in range(torch.cuda.device_count())]
        return [gpu for gpu in gpus if gpu is not None]
    if torch.backends.mps.is_available() and (held := torch.mps.driver_allocated_memory()):
        total = torch.mps.recommended_max_memory() or None
        name = clean(f"{platform.machine()} GPU")
        return [OwnGpu("Apple", 0, name, held, total, shares_host_memory=True)]
    return []


def unused_gpu() -> str:
    """Say that there is a GPU which is not in use yet; "" if torch is not loaded or knows none."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return ""
    if torch.cuda.is_available():
        maker = "AMD" if torch.version.hip else "NVIDIA"
    elif torch.backends.mps.is_available():
        maker = "Apple"
    else:
        return ""
    return f"no figures of the {maker} GPU before the run has it in use"


def sample_by_torch(gpu: OwnGpu, driver_note: str) -> GpuSample:
    """Return what torch tells of a GPU; `driver_note` says why NVIDIA's driver does not."""
    torch: Any = sys.modules["torch"]
    notes = [SHARED_MEMORY] if gpu.shares_host_memory else []
    notes.append(f"torch's figures: {driver_note}" if gpu.maker == "NVIDIA" else "torch's figures")
    note = "; ".join(notes)
    if gpu.maker == "Apple":
        return GpuSample(gpu.index, gpu.name, gpu.held, total=gpu.total, note=note)
    # asking for the free memory would make a context on a GPU that is not in use
    memory = _ask(torch.cuda.mem_get_info, gpu.index) if gpu.held else None
    used = None if memory is None else memory[1] - memory[0]
    power = _ask(torch.cuda.power_draw, gpu.index)
    if power is not None:
        # against torch's documentation AMD's is in watts, and 0 stands for unknown
        power = (power if gpu.maker == "AMD" else power / 1000) or None
    return GpuSample(
        gpu.index,
        gpu.name,
        used_by_run=gpu.held,
        used_by_others=None if used is None else max(0, used - gpu.held),
        total=gpu.total,
        utilisation=_ask(torch.cuda.utilization, gpu.index),
        temperature=_ask(torch.cuda.temperature, gpu.index),
        power=power,
        used=used,
        note=note,
    )


def _cuda_gpu(index: int) -> OwnGpu:
    torch: Any = sys.modules["torch"]
    facts = torch.cuda.get_device_properties(index)
    return OwnGpu(
        "AMD" if torch.version.hip else "NVIDIA",
        index,
        clean(facts.name),
        held=torch.cuda.memory_reserved(index),
        total=facts.total_memory,
        shares_host_memory=bool(getattr(facts, "is_integrated", False)),
        uuid=str(getattr(facts, "uuid", "")),
    )


def _ask(question: Callable[[int], Any], index: int) -> Any:
    """Return torch's answer, None if the device, or the library that torch asks, has none."""
    try:
        return question(index)
    except Exception:  # the errors of pynvml, amdsmi and CUDA have no common kind
        return None
