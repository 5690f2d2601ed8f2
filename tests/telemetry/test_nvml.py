"""What NVIDIA's driver tells, by a stand-in for NVML: most machines that test have no GPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tui_finetune.telemetry.gpu_sample import GpuSample
from tui_finetune.telemetry.nvml import NvmlReader
from tui_finetune.telemetry.torch_gpus import OwnGpu

GIB = 2**30
STRANGER = 1  # the process that always runs
UUID = "2dee1e25-b3b5-007e-2b55-79f2d0f2ebe5"

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
        nvmlShutdown=answering(None),
        nvmlDeviceGetUUID=answering(f"GPU-{UUID}"),
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


def known(held: int, uuid: str = "", shared: bool = False) -> OwnGpu:
    """The GPU as the process itself knows it."""
    return OwnGpu("NVIDIA", 0, "a GPU", held, 80 * GIB, shared, uuid)


def only_sample(*own: OwnGpu) -> GpuSample:
    reader = NvmlReader()
    (sample,) = reader.read(os.getpid(), own)
    assert reader.note == ""
    return sample


def test_without_the_library_the_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    reader = NvmlReader()
    assert reader.note == "the package nvidia-ml-py, which asks the driver, is not installed"
    assert reader.read(os.getpid()) == []


def test_the_real_library_gives_samples_or_a_reason() -> None:
    reader = NvmlReader()
    samples = reader.read(os.getpid())
    assert bool(samples) != bool(reader.note)
    assert reader.note.isprintable()


def test_without_a_driver_the_note_says_so(nvml: SimpleNamespace) -> None:
    nvml.nvmlInit = failing(9)
    reader = NvmlReader()
    assert reader.note.startswith("no NVIDIA GPU here, or no driver for it (")
    assert reader.read(os.getpid()) == []


def test_without_a_gpu_the_note_says_so(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetCount = answering(0)
    reader = NvmlReader()
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
    told = only_sample(known(held=4 * GIB))
    assert (told.used_by_run, told.used_by_others) == (4 * GIB, GIB)
    assert told.note == "this run's memory as torch counts it"


def test_what_the_driver_knows_goes_before_what_the_process_says(nvml: SimpleNamespace) -> None:
    sample = only_sample(known(held=GIB, uuid=UUID))
    assert (sample.used_by_run, sample.note) == (3 * GIB, "")


def test_with_several_gpus_the_process_says_by_their_names_which_holds_what(
    nvml: SimpleNamespace,
) -> None:
    nvml.nvmlDeviceGetCount = answering(3)
    nvml.nvmlDeviceGetUUID = lambda handle: f"GPU-{handle}"
    nvml.nvmlDeviceGetComputeRunningProcesses = answering([])
    # the order of CUDA_VISIBLE_DEVICES is not the driver's
    own = [known(0, uuid="gpu 2"), known(2 * GIB, uuid="gpu 0")]
    samples = NvmlReader().read(os.getpid(), own)
    assert [sample.used_by_run for sample in samples] == [2 * GIB, None, 0]
    unnamed = NvmlReader().read(os.getpid(), [known(GIB)])
    assert [sample.used_by_run for sample in unnamed] == [None, None, None]


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


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(failing(NOT_SUPPORTED), id="not supported"),
        pytest.param(answering(SimpleNamespace(total=0, used=0)), id="all zero"),
    ],
)
def test_a_gpu_without_memory_of_its_own_shares_the_hosts(
    nvml: SimpleNamespace, answer: Callable[..., Any]
) -> None:
    nvml.nvmlDeviceGetMemoryInfo = answer
    nvml.nvmlDeviceGetComputeRunningProcesses = failing(NOT_SUPPORTED)
    assert only_sample().note == "shares the host's memory"
    sample = only_sample(known(held=2 * GIB, shared=True))
    assert (sample.used_by_run, sample.used, sample.total) == (2 * GIB, None, None)
    assert sample.note == "shares the host's memory; this run's memory as torch counts it"
    assert sample.utilisation == 97.0


def test_memory_that_may_not_be_told_is_not_the_hosts(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetMemoryInfo = failing(NO_PERMISSION)
    assert only_sample().note == ""


def test_a_driver_that_fails_midway_is_noted_and_greeted_again(nvml: SimpleNamespace) -> None:
    reader = NvmlReader()
    assert len(reader.read(os.getpid())) == 1
    works, nvml.nvmlDeviceGetMemoryInfo = nvml.nvmlDeviceGetMemoryInfo, failing(GPU_IS_LOST)
    assert reader.read(os.getpid()) == []
    assert reader.note == "the NVIDIA driver does not answer any more (GPU is lost)"
    nvml.nvmlInit = failing(GPU_IS_LOST)
    assert reader.read(os.getpid()) == []
    greeted = []
    nvml.nvmlInit, nvml.nvmlDeviceGetMemoryInfo = lambda: greeted.append(True), works
    assert len(reader.read(os.getpid())) == 1
    assert len(reader.read(os.getpid())) == 1
    assert (reader.note, greeted) == ("", [True])


def test_one_lost_gpu_leaves_the_others(nvml: SimpleNamespace) -> None:
    def handle(index: int) -> str:
        if index == 1:
            raise NVMLError(GPU_IS_LOST)
        return f"gpu {index}"

    nvml.nvmlDeviceGetCount = answering(3)
    nvml.nvmlDeviceGetHandleByIndex = handle
    samples = NvmlReader().read(os.getpid())
    assert [(sample.index, sample.total) for sample in samples] == [
        (0, 80 * GIB),
        (1, None),
        (2, 80 * GIB),
    ]
    assert samples[1].note == "the driver does not answer for it (GPU is lost)"


def test_of_a_split_gpu_the_parts_are_sampled(nvml: SimpleNamespace) -> None:
    def part(_: str, place: int) -> str:
        if place == 1:
            raise NVMLError(6)
        return f"part {place}"

    def of_the_card(answer: int) -> Callable[..., int]:
        def ask(handle: str, *_: object) -> int:
            if handle != "gpu 0":
                raise NVMLError(NOT_SUPPORTED)
            return answer

        return ask

    nvml.nvmlDeviceGetMigMode = answering([1, 1])
    nvml.nvmlDeviceGetMaxMigDeviceCount = answering(3)
    nvml.nvmlDeviceGetMigDeviceHandleByIndex = part
    nvml.nvmlDeviceGetName = lambda handle: f"NVIDIA {handle}"
    nvml.nvmlDeviceGetUUID = lambda handle: f"MIG-{handle}"
    nvml.nvmlDeviceGetUtilizationRates = failing(NOT_SUPPORTED)
    nvml.nvmlDeviceGetTemperature = of_the_card(50)
    nvml.nvmlDeviceGetPowerUsage = of_the_card(90_000)
    nvml.nvmlDeviceGetComputeRunningProcesses = answering([])
    samples = NvmlReader().read(os.getpid(), [known(GIB, uuid="part 2")])
    assert [(sample.index, sample.name, sample.used_by_run) for sample in samples] == [
        (0, "NVIDIA part 0", None),
        (1, "NVIDIA part 2", GIB),
    ]
    for sample in samples:
        assert (sample.utilisation, sample.temperature, sample.power) == (None, 50, 90.0)
        assert sample.note.startswith("part of GPU 0 (MIG), whose temperature and power these are")


def test_a_process_that_is_gone_holds_nothing(nvml: SimpleNamespace) -> None:
    nvml.nvmlDeviceGetComputeRunningProcesses = answering(holding(**{f"pid{STRANGER}": 5 * GIB}))
    (sample,) = NvmlReader().read(999999999)
    assert sample.used_by_run == 0
