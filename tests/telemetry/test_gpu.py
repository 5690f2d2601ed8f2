"""What is told of GPUs whose maker's driver does not answer: torch's own figures, by a stand-in.

The stand-in answers as torch 2.13 does: `power_draw` of an AMD GPU is in watts, what is not
installed raises.
"""

import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tui_finetune.telemetry.gpu import GpuReader
from tui_finetune.telemetry.gpu_sample import GpuSample

GIB = 2**30


def answering(answer: object) -> Callable[..., Any]:
    return lambda *_: answer


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A torch for AMD on a machine with one GPU, of which the process holds 6 GiB of 10 in use."""
    facts = SimpleNamespace(
        name="AMD Instinct MI300X", total_memory=192 * GIB, is_integrated=0, uuid="0"
    )
    module = SimpleNamespace(
        version=SimpleNamespace(hip="7.0", cuda=None),
        cuda=SimpleNamespace(
            is_available=answering(True),
            is_initialized=answering(True),
            device_count=answering(1),
            get_device_properties=answering(facts),
            memory_reserved=answering(6 * GIB),
            mem_get_info=answering((182 * GIB, 192 * GIB)),
            utilization=answering(88),
            temperature=answering(54),
            power_draw=answering(640),
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=answering(False))),
    )
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    return module


def only_sample() -> GpuSample:
    reader = GpuReader()
    (sample,) = reader.read(os.getpid())
    assert reader.note == ""
    return sample


def test_of_an_amd_gpu_torch_tells(torch: SimpleNamespace) -> None:
    assert only_sample() == GpuSample(
        index=0,
        name="AMD Instinct MI300X",
        used_by_run=6 * GIB,
        used_by_others=4 * GIB,
        total=192 * GIB,
        utilisation=88,
        temperature=54,
        power=640,
        used=10 * GIB,
        note="torch's figures",
    )


def test_without_amds_library_memory_is_known_and_the_rest_is_not(torch: SimpleNamespace) -> None:
    missing = ModuleNotFoundError("amdsmi does not seem to be installed or it can't be imported.")
    for question in ("utilization", "temperature", "power_draw"):
        setattr(torch.cuda, question, failing(missing))
    sample = only_sample()
    assert (sample.utilisation, sample.temperature, sample.power) == (None, None, None)
    assert (sample.used_by_run, sample.used) == (6 * GIB, 10 * GIB)


def test_a_power_of_zero_means_unknown(torch: SimpleNamespace) -> None:
    torch.cuda.power_draw = answering(0)  # what torch makes of "N/A"
    assert only_sample().power is None


def test_a_gpu_that_is_not_in_use_is_left_alone(torch: SimpleNamespace) -> None:
    torch.cuda.memory_reserved = answering(0)
    torch.cuda.mem_get_info = failing(AssertionError("this would make a context there"))
    assert (only_sample().used_by_run, only_sample().used) == (0, None)
    torch.cuda.is_initialized = answering(False)
    torch.cuda.get_device_properties = torch.cuda.mem_get_info
    reader = GpuReader()
    assert reader.read(os.getpid()) == []
    assert reader.note == "no figures of the AMD GPU before the run has it in use"


def test_a_gpu_that_fell_off_the_bus_ends_nothing(torch: SimpleNamespace) -> None:
    torch.cuda.memory_reserved = failing(RuntimeError("HIP error: no ROCm-capable device"))
    reader = GpuReader()
    assert reader.read(os.getpid()) == []
    assert reader.note


def test_an_nvidia_gpu_whose_driver_is_silent_says_why_torch_tells(torch: SimpleNamespace) -> None:
    torch.version.hip = None
    torch.cuda.power_draw = answering(412_500)
    sample = only_sample()
    assert (sample.used_by_run, sample.power) == (6 * GIB, 412.5)
    assert sample.note == (
        "torch's figures: the package nvidia-ml-py, which asks the driver, is not installed"
    )


def test_of_an_apple_gpu_torch_tells(torch: SimpleNamespace) -> None:
    torch.cuda.is_available = torch.cuda.is_initialized = answering(False)
    torch.backends.mps.is_available = answering(True)
    torch.mps = SimpleNamespace(
        current_allocated_memory=answering(2 * GIB),
        driver_allocated_memory=answering(3 * GIB),
        recommended_max_memory=answering(48 * GIB),
    )
    sample = only_sample()
    assert (sample.used_by_run, sample.used_by_others, sample.total) == (3 * GIB, None, 48 * GIB)
    assert (sample.utilisation, sample.temperature, sample.power) == (None, None, None)
    assert sample.note == "shares the host's memory; torch's figures"
    torch.mps.driver_allocated_memory = answering(0)
    reader = GpuReader()
    assert reader.read(os.getpid()) == []
    assert reader.note == "no figures of the Apple GPU before the run has it in use"


def test_without_a_gpu_the_drivers_reason_is_given(torch: SimpleNamespace) -> None:
    torch.cuda.is_available = torch.cuda.is_initialized = answering(False)
    reader = GpuReader()
    assert reader.read(os.getpid()) == []
    assert reader.note == "the package nvidia-ml-py, which asks the driver, is not installed"


def test_here_there_are_samples_or_a_reason() -> None:
    reader = GpuReader()
    samples = reader.read(os.getpid())
    assert bool(samples) != bool(reader.note)
    assert reader.note.isprintable()
