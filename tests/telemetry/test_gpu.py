"""What the GPU reader tells, with a stand-in for NVML: most machines that test have no GPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tui_finetune.telemetry.gpu import GpuReader, GpuSample

GIB = 2**30
STRANGER = 1  # the process that always runs

NOT_SUPPORTED, NO_PERMISSION, GPU_IS_LOST = 3, 4, 15


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__({NOT_SUPPORTED: "Not Supported"}.get(value, "GPU is lost"))
        self.value = value


def failing(value: int) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise NVMLError(value)

    return fail


def answering(answer: object) -> Callable[..., Any]:
    return lambda *_: answer


def holding(**by_pid: int | None) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(pid=int(pid.removeprefix("pid")), usedGpuMemory=held)
        for pid, held in by_pid.items()
    ]


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An NVML with one GPU on which this process holds 3 GiB of 5 in use."""
    mine = {f"pid{os.getpid()}": 3 * GIB, f"pid{STRANGER}": 2 * GIB}
    module = SimpleNamespace(
        NVMLError=NVMLError,
        NVML_ERROR_NOT_SUPPORTED=NOT_SUPPORTED,
        NVML_ERROR_NO_PERMISSION=NO_PERMISSION,
        NVML_ERROR_NOT_FOUND=6,
        NVML_ERROR_FUNCTION_NOT_FOUND=13,
        NVML_ERROR_INVALID_ARGUMENT=2,
        NVML_DEVICE_MIG_ENABLE=1,
        NVML_TEMPERATURE_GPU=0,
        nvmlMemory_v2=2,
        nvmlInit=answering(None),
        nvmlDeviceGetCount=answering(1),
        nvmlDeviceGetHandleByIndex=lambda index: f"gpu {index}",
        nvmlDeviceGetMigMode=failing(NOT_SUPPORTED),
        nvmlDeviceGetName=answering("NVIDIA H200"),
        nvmlDeviceGetMemoryInfo=answering(SimpleNamespace(total=80 * GIB, used=5 * GIB)),
        nvmlDeviceGetComputeRunningProcesses=answering(holding(**mine)),
        nvmlDeviceGetUtilizationRates=answering(SimpleNamespace(gpu=97, memory=40)),
        nvmlDeviceGetTemperature=answering(61),
        nvmlDeviceGetPowerUsage=answering(412_500),
    )
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


def only_sample(own_bytes: int | None = None) -> GpuSample:
    reader = GpuReader()
    (sample,) = reader.read(os.getpid(), own_bytes)
    assert reader.note == ""
    return sample


def test_without_the_library_the_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    reader = GpuReader()
    assert reader.note == "no GPU figures: the package nvidia-ml-py is not installed"
    assert reader.read(os.getpid()) == []


def test_the_real_library_gives_samples_or_a_reason() -> None:
    reader = GpuReader()
    samples = reader.read(os.getpid())
    assert bool(samples) != bool(reader.note)
    assert reader.note.isprintable()


def test_without_a_driver_the_note_says_so(nvml: SimpleNamespace) -> None:
    nvml.nvmlInit = failing(9)
    reader = GpuReader()
    assert reader.note.startswith("no NVIDIA GPU here, or no driver for it (")
    assert reader.read(os.getpid()) == []


def test_without_a_gpu_the_note_says_so(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetCount = answering(0)
    reader = GpuReader()
    assert reader.read(os.getpid()) == []
    assert reader.note == "the NVIDIA driver knows of no GPU here"


def test_a_sample_tells_own_memory_from_that_of_others(nvml: SimpleNamespace) -> None:
    assert only_sample() == GpuSample(
        index=0,
        name="NVIDIA H200",
        used_by_run=3 * GIB,
        used_by_others=2 * GIB,
        total=80 * GIB,
        utilisation=97.0,
        temperature=61,
        power=412.5,
        used=5 * GIB,
    )


def test_memory_of_children_is_the_runs(nvml: SimpleNamespace) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        held = {f"pid{os.getpid()}": 3 * GIB, f"pid{child.pid}": GIB}
        nvml.nvmlDeviceGetComputeRunningProcesses = answering(holding(**held))
        sample = only_sample()
        child.communicate(b"\n")
    assert (sample.used_by_run, sample.used_by_others) == (4 * GIB, GIB)


def test_a_run_that_holds_nothing_holds_nothing(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetComputeRunningProcesses = answering(holding(**{f"pid{STRANGER}": 5 * GIB}))
    sample = only_sample()
    assert (sample.used_by_run, sample.used_by_others) == (0, 5 * GIB)


@pytest.mark.parametrize(
    "processes",
    [
        pytest.param([], id="no processes shown"),
        pytest.param(holding(**{f"pid{os.getpid()}": None}), id="their memory not shown"),
        pytest.param(holding(pid999999999=GIB), id="numbered as outside the container"),
    ],
)
def test_in_a_container_the_process_speaks_for_itself(
    nvml: SimpleNamespace, processes: list[SimpleNamespace]
) -> None:
    assert not psutil.pid_exists(999999999)
    nvml.nvmlDeviceGetComputeRunningProcesses = answering(processes)
    unknown = only_sample()
    assert (unknown.used_by_run, unknown.used_by_others) == (None, None)
    assert unknown.used == 5 * GIB
    told = only_sample(own_bytes=4 * GIB)
    assert (told.used_by_run, told.used_by_others) == (4 * GIB, GIB)


def test_what_the_driver_knows_goes_before_what_the_process_says(nvml: SimpleNamespace) -> None:
    assert only_sample(own_bytes=GIB).used_by_run == 3 * GIB


def test_with_several_gpus_the_process_cannot_say_which_holds_it(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetCount = answering(2)
    nvml.nvmlDeviceGetComputeRunningProcesses = answering([])
    samples = GpuReader().read(os.getpid(), own_bytes=GIB)
    assert [(sample.index, sample.used_by_run) for sample in samples] == [(0, None), (1, None)]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("nvmlDeviceGetMemoryInfo", {"total", "used", "used_by_others"}),
        ("nvmlDeviceGetComputeRunningProcesses", {"used_by_run", "used_by_others"}),
        ("nvmlDeviceGetUtilizationRates", {"utilisation"}),
        ("nvmlDeviceGetTemperature", {"temperature"}),
        ("nvmlDeviceGetPowerUsage", {"power"}),
    ],
)
@pytest.mark.parametrize("reason", [NOT_SUPPORTED, NO_PERMISSION])
def test_one_unanswered_question_leaves_the_others(
    nvml: SimpleNamespace, query: str, fields: set[str], reason: int
) -> None:
    setattr(nvml, query, failing(reason))
    sample = only_sample()
    assert {field for field, value in vars(sample).items() if value is None} == fields


def test_a_driver_that_fails_midway_is_noted_and_asked_again(nvml: SimpleNamespace) -> None:
    reader = GpuReader()
    assert len(reader.read(os.getpid())) == 1
    works, nvml.nvmlDeviceGetMemoryInfo = nvml.nvmlDeviceGetMemoryInfo, failing(GPU_IS_LOST)
    assert reader.read(os.getpid()) == []
    assert reader.note == "the NVIDIA driver does not answer any more (GPU is lost)"
    nvml.nvmlDeviceGetMemoryInfo = works
    assert len(reader.read(os.getpid())) == 1
    assert reader.note == ""


def test_of_a_split_gpu_the_parts_are_sampled(nvml: SimpleNamespace) -> None:
    def part(_: str, place: int) -> str:
        if place == 1:
            raise NVMLError(6)
        return f"part {place}"

    nvml.nvmlDeviceGetMigMode = answering([1, 1])
    nvml.nvmlDeviceGetMaxMigDeviceCount = answering(3)
    nvml.nvmlDeviceGetMigDeviceHandleByIndex = part
    nvml.nvmlDeviceGetName = lambda handle: f"NVIDIA {handle}"
    nvml.nvmlDeviceGetUtilizationRates = failing(NOT_SUPPORTED)
    samples = GpuReader().read(os.getpid())
    assert [(sample.index, sample.name) for sample in samples] == [
        (0, "NVIDIA part 0"),
        (1, "NVIDIA part 2"),
    ]
    assert all(sample.utilisation is None for sample in samples)


def test_a_process_that_is_gone_holds_nothing(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetComputeRunningProcesses = answering(holding(**{f"pid{STRANGER}": 5 * GIB}))
    (sample,) = GpuReader().read(999999999)
    assert sample.used_by_run == 0
