"""Memory, load and disk of the host, as far as this process may use it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import psutil

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")

# Processes that were measured before, by the identity of the object that remembers when.
_measured: WeakValueDictionary[int, psutil.Process] = WeakValueDictionary()


@dataclass(frozen=True)
class HostSample:
    """One look at a process and its machine; memory in bytes."""

    process_rss: int
    """What the process holds in memory."""
    used: int
    """What is in use of `total`, caches that give way left out."""
    total: int
    """The machine's memory, or the limit of the container or job if that is lower."""
    cpu_percent: float | None
    """The process's load since the last look, 100 for one core; None at the first look."""


def read_host(process: psutil.Process) -> HostSample:
    """Return a sample for a process; keep the object, its load is counted from call to call.

    Raises `psutil.Error` if the process is gone.
    """
    first = _measured.get(id(process)) is not process
    _measured[id(process)] = process
    load = process.cpu_percent()
    machine = psutil.virtual_memory()
    used, total = machine.total - machine.available, machine.total
    limited = _tightest_limit(process.pid)
    if limited and limited[1] < total:
        used, total = limited
    return HostSample(process.memory_info().rss, used, total, None if first else load)


@dataclass(frozen=True)
class DiskSample:
    """The file system below a folder, in bytes."""

    free: int
    """What this user may still write."""
    total: int


def read_disk(folder: Path) -> DiskSample | None:
    """Return a sample of the file system that a folder lies on, None if it does not tell."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskSample(usage.free, usage.total) if usage.total else None


def _tightest_limit(pid: int) -> tuple[int, int] | None:
    """Return use and limit, in bytes, of the narrowest control group around a process."""
    try:
        lines = (_PROC / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    limits = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names = "memory.max", "memory.current", "inactive_file"
            root = _CGROUPS
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            root = _CGROUPS / "memory"
        else:
            continue
        # a limit may be set on any group around it; in a container the path may lead nowhere
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root) and (found := _limit(folder, *names)):
                limits.append(found)
    return min(limits, key=lambda found: found[1], default=None)


def _limit(folder: Path, limit: str, current: str, cache: str) -> tuple[int, int] | None:
    try:
        most = (folder / limit).read_text().strip()
        used = int((folder / current).read_text())
        statistics = (folder / "memory.stat").read_text().split()
    except OSError:
        return None
    if not most.isdecimal():
        # "max": no limit
        return None
    named = dict(zip(statistics[::2], statistics[1::2], strict=False))
    return max(0, used - int(named.get(cache, 0))), int(most)
