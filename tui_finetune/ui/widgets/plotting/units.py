"""What the numbers of an axis count: the distances between its ticks, its labels, its values."""

from collections.abc import Iterator, Sequence
from math import floor, isclose, isfinite, log10
from typing import Literal

Unit = Literal["number", "seconds", "bytes", "percent"]
"""Percent counts from 0 to 100."""

# Labels are compared with what they stand for up to this share, so that 0.30000000000000004 is 0.3.
SLACK = 1e-9

_THOUSANDS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_BYTES = ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " B"))
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_ROUND_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
)


def nice_steps(smallest: float, unit: Unit = "number") -> Iterator[float]:
    """Yield the round distances between ticks, upwards, from about `smallest` (above zero)."""
    if unit == "seconds" and smallest > 0.5:
        yield from _ROUND_SECONDS
        yield from (days * _DAY for days in nice_steps(1.0))
    exponent = floor(log10(smallest))
    while True:
        for mantissa in ("1", "2", "2.5", "5"):
            yield float(f"{mantissa}e{exponent}")
        exponent += 1


def format_ticks(ticks: Sequence[float], unit: Unit = "number") -> list[str]:
    """Return the labels of one axis, all with the same number of decimals and the same unit."""
    size = max(map(abs, ticks), default=0.0)
    if unit == "seconds" and all(tick == int(tick) for tick in ticks):
        return [_clock(int(tick)) for tick in ticks]
    if unit == "bytes":
        return _labels(ticks, "f", *_unit_for(size, _BYTES))
    if unit != "number":
        return _labels(ticks, "f", 1.0, "s" if unit == "seconds" else "%")
    if size and not 1e-3 <= size < 1e15:
        return _labels(ticks, "e", 1.0, "")
    if size < 1e4:  # 1000 is no longer than 1.0k
        return _labels(ticks, "f", 1.0, "")
    return _labels(ticks, "f", *_unit_for(size, _THOUSANDS))


def format_log_ticks(ticks: Sequence[float], unit: Unit = "number") -> list[str]:
    """Return the labels of a logarithmic axis, each as short as it can be."""
    return [format_ticks([tick], unit)[0] for tick in ticks]


def format_value(value: float, unit: Unit = "number", exact: bool = False) -> str:
    """Return a value for a legend: three significant digits of constant width, or up to six."""
    if unit == "percent":
        return f"{value:.6g}%" if exact else f"{value:.0f}%"
    if unit == "seconds" and isfinite(value) and abs(value) >= _MINUTE:
        return _clock(round(value))
    if unit == "seconds":
        return f"{value:.6g}s" if exact else f"{value:.3g}s"
    if unit == "bytes" and isfinite(value):
        size, suffix = _unit_for(abs(value), _BYTES)
        return f"{value / size:.{4 if exact else 3}g}{suffix}"
    if exact:
        whole = abs(value) < 1e12 and value == int(value)
        return f"{value:.0f}" if whole else f"{value:.6g}"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:#.3g}".rstrip(".")


def _unit_for(size: float, units: Sequence[tuple[float, str]]) -> tuple[float, str]:
    return next((unit for unit in units if size >= unit[0]), units[-1])


def _labels(ticks: Sequence[float], kind: str, unit: float, suffix: str) -> list[str]:
    """Return labels with as few decimals as tell the ticks as they are."""
    size = max(map(abs, ticks), default=0.0)
    labels: list[str] = []
    for digits in range(7):
        labels = [f"{tick / unit:.{digits}{kind}}" for tick in ticks]
        shown = (float(label) * unit for label in labels)
        if all(isclose(a, b, abs_tol=size * SLACK) for a, b in zip(shown, ticks, strict=True)):
            break
    if kind == "f" and not suffix:
        return labels
    return [label + suffix if tick else "0" for label, tick in zip(labels, ticks, strict=True)]


def _clock(seconds: int) -> str:
    """Return 30s, 5m, 5m30, 1h, 1h20, 1h20m05, 2d or 2d06h."""
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if seconds < _MINUTE:
        return f"{sign}{seconds}s" if seconds else "0"
    minutes, rest = divmod(seconds, _MINUTE)
    if seconds < _HOUR:
        return f"{sign}{minutes}m{rest:02}" if rest else f"{sign}{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if seconds < _DAY:
        tail = f"{minutes:02}m{rest:02}" if rest else f"{minutes:02}" if minutes else ""
        return f"{sign}{hours}h{tail}"
    days, hours = divmod(round(seconds / _HOUR), 24)
    return f"{sign}{days}d{hours:02}h" if hours else f"{sign}{days}d"
