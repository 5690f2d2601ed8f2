"""One look at a GPU, whoever gave the figures."""

from dataclasses import dataclass

SHARED_MEMORY = "shares the host's memory"


@dataclass(frozen=True)
class GpuSample:
    """One look at a GPU, or at a part of one (MIG). None: nobody tells."""

    index: int
    name: str
    used_by_run: int | None = None
    """Bytes held by the asked process and its children."""
    used_by_others: int | None = None
    """Bytes in use beyond that, by whomever."""
    total: int | None = None
    """Bytes of memory."""
    utilisation: float | None = None
    """Percent of the time in which it computed."""
    temperature: float | None = None
    """Degrees Celsius."""
    power: float | None = None
    """Watts."""
    used: int | None = None
    """Bytes in use, known even where nobody tells by whom."""
    note: str = ""
    """What has to be said of these figures, in words."""
