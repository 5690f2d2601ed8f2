"""Memory and load of the host."""

import os
import shutil
from pathlib import Path

import psutil
import pytest

from tui_finetune.telemetry import host
from tui_finetune.telemetry.host import read_disk, read_host

MIB = 2**20


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Control groups and /proc of a made-up machine."""
    monkeypatch.setattr(host, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(host, "_CGROUPS", tmp_path / "cgroup")
    (tmp_path / "proc" / str(os.getpid())).mkdir(parents=True)
    return tmp_path


def limit_v2(folder: Path, limit: str, used: int, cache: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")


def in_group(groups: Path, line: str) -> None:
    (groups / "proc" / str(os.getpid()) / "cgroup").write_text(f"{line}\n")


def test_the_process_and_the_machine_are_psutils() -> None:
    process = psutil.Process()
    sample = read_host(process)
    assert sample.process_rss == pytest.approx(process.memory_info().rss, rel=0.05)
    assert 0 < sample.used <= sample.total
    assert sample.total <= psutil.virtual_memory().total


def test_the_first_look_knows_no_load_and_the_second_does() -> None:
    process = psutil.Process()
    assert read_host(process).cpu_percent is None
    sum(number * number for number in range(300_000))
    load = read_host(process).cpu_percent
    assert load is not None
    assert load > 0


def test_another_look_from_elsewhere_starts_its_own_count() -> None:
    first, second = psutil.Process(), psutil.Process()
    read_host(first)
    assert read_host(second).cpu_percent is None
    assert read_host(first).cpu_percent is not None


def test_a_process_that_is_gone_is_an_error_of_psutil() -> None:
    process = psutil.Popen(["true"])
    process.wait()
    with pytest.raises(psutil.Error):
        read_host(process)


def test_the_limit_of_a_container_counts(groups: Path) -> None:
    in_group(groups, "0::/")
    limit_v2(groups / "cgroup", str(512 * MIB), used=300 * MIB, cache=100 * MIB)
    sample = read_host(psutil.Process())
    assert (sample.used, sample.total) == (200 * MIB, 512 * MIB)


def test_the_tightest_limit_around_a_job_counts(groups: Path) -> None:
    in_group(groups, "0::/slurm/job_1/step_0")
    limit_v2(groups / "cgroup/slurm/job_1/step_0", "max", used=MIB)
    limit_v2(groups / "cgroup/slurm/job_1", str(64 * MIB), used=10 * MIB)
    limit_v2(groups / "cgroup/slurm", str(256 * MIB), used=90 * MIB)
    sample = read_host(psutil.Process())
    assert (sample.used, sample.total) == (10 * MIB, 64 * MIB)


def test_control_groups_of_the_first_version_count(groups: Path) -> None:
    in_group(groups, "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/")
    folder = groups / "cgroup" / "memory"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(f"{128 * MIB}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{50 * MIB}\n")
    (folder / "memory.stat").write_text(f"cache 1\ntotal_inactive_file {20 * MIB}\n")
    sample = read_host(psutil.Process())
    assert (sample.used, sample.total) == (30 * MIB, 128 * MIB)


@pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
def test_no_limit_means_the_machine(groups: Path, limit: str) -> None:
    in_group(groups, "0::/")
    limit_v2(groups / "cgroup", limit, used=MIB)
    assert read_host(psutil.Process()).total == psutil.virtual_memory().total


def test_the_disk_is_the_one_below_the_folder(tmp_path: Path) -> None:
    disk = read_disk(tmp_path)
    assert disk is not None
    usage = shutil.disk_usage(tmp_path)
    assert disk.total == usage.total
    assert disk.free == pytest.approx(usage.free, rel=0.05)


def test_a_disk_that_does_not_tell_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_disk(tmp_path / "gone") is None
    nothing = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: nothing)
    assert read_disk(Path("/proc")) is None
