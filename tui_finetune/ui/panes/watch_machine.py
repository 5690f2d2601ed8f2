"""What a run takes of the machine, in lines: GPUs, memory, CPU, disk."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.runs.curves import Curve
from tui_finetune.text import clean
from tui_finetune.ui.panes.watch_feed import Snapshot
from tui_finetune.ui.panes.watch_text import WIDE, Piece
from tui_finetune.ui.widgets.bars import bar, sparkline
from tui_finetune.ui.words import UNKNOWN, duration, size

# From here on the small lines have small histories of temperature and power too.
VERY_WIDE = 140

# Each quantity has its colour, so that histories one below the other stay apart.
_COLOURS = {
    "used_by_run": "$primary",
    "utilisation": "$success",
    "temperature": "$warning",
    "power": "$secondary",
}

_WAITING = "memory: the first figures come with the first seconds of training"
_NONE = "memory: no figures were sampled"


def machine_lines(run: Snapshot, width: int, most: int) -> Content:
    """Return a line for each GPU, at most so many lines, or one for the host without a GPU."""
    sample = run.sample
    if sample is None:
        if run.status.origin == "import":
            return Content.styled(" memory: a run of others tells nothing of it", "$text-muted")
        return Content.styled(f" {_WAITING if run.active else _NONE}", "$text-muted")
    gpus = _gpus(sample)
    if not gpus:
        return _host_line(run, width)
    shown = gpus if len(gpus) <= most else gpus[: most - 1]
    lines = [_gpu_line(gpu, run, width) for gpu in shown]
    if shown != gpus:
        more = f" and {len(gpus) - len(shown)} more GPUs; "
        lines.append(Content.assemble((more, "$text-muted"), ("g", "bold $text-accent"), " all"))
    elif len(lines) < most:
        lines.append(_host_line(run, width))
    return Content("\n").join(lines)


def machine_view(run: Snapshot, width: int) -> Content:
    """Return everything known of the machine, with histories as wide as there is room."""
    sample = run.sample
    if sample is None:
        return machine_lines(run, width, 1)
    lines: list[Content] = []
    for gpu in _gpus(sample):
        lines += [*_gpu_block(gpu, run, width), Content("")]
    note = str(sample.get("gpu_note") or "")
    if note:
        lines += [Content.styled(f" {clean(note, max(width - 2, 20))}", "$text-muted"), Content("")]
    lines += _host_block(run, width)
    span = _span(run.machine.get("process_rss"))
    if span:
        lines += [Content(""), Content.styled(f" the histories show {span}", "$text-muted")]
    return Content("\n").join(lines)


# --- one line each ---


def _host_line(run: Snapshot, width: int) -> Content:
    sample = run.sample or {}
    used, total = number(sample, "host_used"), number(sample, "host_total")
    wide = width >= WIDE
    pieces: list[Piece] = [
        (" memory ", "$text-muted"),
        size(number(sample, "process_rss")),
        (" this run, " if wide else "  machine ", "$text-muted"),
        f"{size(used)} of {size(total)}",
    ]
    if wide:
        pieces.append((" on the machine ", "$text-muted"))
        if used is not None and total:
            pieces.append((bar(used / total, 12), "$primary on $foreground 15%"))
    gap = "   " if wide else "  "
    pieces += [(f"{gap}CPU ", "$text-muted"), _figure(number(sample, "cpu_percent"), "%")]
    if wide:
        pieces.append((f" {_recent(run, 'cpu_percent', 12, None)}", "$primary"))
    line = Content.assemble(*pieces)
    free = number(sample, "disk_free")
    rate = number(sample, "rows_per_second")
    note = str(sample.get("gpu_note") or "")
    for words in (
        clean(note, max(width - line.cell_length - len(gap) - 1, 10)),
        f"disk {size(free)} free" if free is not None else "",
        "" if rate is None else f"{rate:.0f} rows/s",
    ):
        if words and line.cell_length + len(gap) + cell_len(words) < width:
            line = Content.assemble(line, (gap + words, "$text-muted" if words in note else ""))
    return line


def _gpu_line(gpu: dict[str, Any], run: Snapshot, width: int) -> Content:
    wide, very_wide = width >= WIDE, width >= VERY_WIDE
    place = clean(gpu.get("index"), 4)
    name = clean(gpu.get("name") or "", 24).removeprefix("NVIDIA ")
    pieces: list[Piece] = [(f" GPU {place} ", "$text-muted")]
    if wide:
        pieces.append(f"{name}   " if name else "")
    room = 7 if wide else 0  # so that the figures of several GPUs stand below each other
    mine, others = size(number(gpu, "used_by_run")), size(number(gpu, "used_by_others"))
    pieces += [("this run " if wide else "run ", "$text-muted"), f"{mine:>{room}}"]
    pieces += [" ", *_memory_bar(gpu, 20 if wide else 5)]
    pieces += [
        ("  others " if wide else " others ", "$text-muted"),
        f"{others:>{room}}",
        (" of ", "$text-muted"),
        size(number(gpu, "total")),
    ]
    for quantity, unit, top, cells in (
        ("utilisation", "%", 100.0, 16 if wide else 0),
        ("temperature", " °C", 100.0, 8 if very_wide else 0),
        ("power", " W", None, 8 if very_wide else 0),
    ):
        value = _figure(number(gpu, quantity), unit)
        pieces.append(f"  {value:>{room and 3 + len(unit)}}")
        if cells:
            history = _recent(run, f"gpu{place}/{quantity}", cells, top)
            pieces.append((f" {history}", _COLOURS[quantity]))
    line = Content.assemble(*pieces)
    note = clean(gpu.get("note") or "", max(width - line.cell_length - 3, 0))
    return Content.assemble(line, (f"  {note}", "$text-muted")) if len(note) > 8 else line


def _memory_bar(gpu: dict[str, Any], cells: int) -> list[Piece]:
    """Return a bar of the GPU's memory: this run's, that of others, free; told apart by shape."""
    total = number(gpu, "total")
    if not total:
        return []
    mine, others = number(gpu, "used_by_run"), number(gpu, "used_by_others")
    if others is None:
        others = (number(gpu, "used") or 0.0) - (mine or 0.0)
    own = bar((mine or 0.0) / total, cells).rstrip()
    other = min(max(math.ceil(cells * others / total), 0), cells - len(own))
    rest = cells - len(own) - other
    return [(own, "$primary"), ("▒" * other, "$text-warning"), ("░" * rest, "$foreground 20%")]


# --- all of it ---


def _gpu_block(gpu: dict[str, Any], run: Snapshot, width: int) -> list[Content]:
    place = clean(gpu.get("index"), 4)
    total = number(gpu, "total")
    used = number(gpu, "used")
    if used is None:
        parts = [number(gpu, "used_by_run"), number(gpu, "used_by_others")]
        used = sum(part for part in parts if part is not None) if None not in parts else None
    free = None if total is None or used is None else total - used
    title: list[Piece] = [(f" GPU {place}", "bold"), f"  {clean(gpu.get('name') or '', 40)}"]
    note = clean(gpu.get("note") or "", max(width - 60, 20))
    if note:
        title.append((f"   {note}", "$text-muted"))
    label = Content.styled(f"   {'memory':<14}", "$text-muted")
    figures = Content.assemble(
        ("  this run ", "$text-muted"), size(number(gpu, "used_by_run")),
        ("  others ", "$text-muted"), size(number(gpu, "used_by_others")),
        ("  free ", "$text-muted"), f"{size(free)} of {size(total)}",
    )  # fmt: skip
    room = max(width - label.cell_length - figures.cell_length - 2, 0)  # 2: the scroll bar
    lines = [
        Content.assemble(*title),
        Content.assemble(label, *_memory_bar(gpu, min(room, 40)), figures),
    ]
    lines.append(_history("this run", size, run, f"gpu{place}/used_by_run", width, total))
    for quantity, unit, top in (
        ("utilisation", " %", 100.0),
        ("temperature", " °C", 100.0),
        ("power", " W", None),
    ):
        lines.append(_history(quantity, unit, run, f"gpu{place}/{quantity}", width, top))
    return lines


def _host_block(run: Snapshot, width: int) -> list[Content]:
    sample = run.sample or {}
    total = number(sample, "host_total")
    free, disk = number(sample, "disk_free"), number(sample, "disk_total")
    place: list[Piece] = [(" Machine", "bold"), f"  {clean(run.status.host, 40)}"]
    return [
        Content.assemble(*place),
        _history("this run", size, run, "process_rss", width, total),
        _history("memory in use", size, run, "host_used", width, total),
        Content.assemble(("   memory        ", "$text-muted"), f"{size(total):>9}  in all"),
        _history("CPU, of a core", " %", run, "cpu_percent", width, None),
        Content.assemble(
            ("   disk          ", "$text-muted"), f"{size(free):>9}  free of {size(disk)}"
        ),
        _history("rows/s", "", run, "rows_per_second", width, None),
    ]


def _history(
    label: str, unit: Any, run: Snapshot, key: str, width: int, top: float | None
) -> Content:
    """Return a line: label, newest figure (`unit`: its unit, or what writes it), history."""
    curve = run.machine.get(key)
    value = curve.last() if curve else None
    shown = unit(value) if callable(unit) else _figure(value, unit)
    room = max(width - 30, 10)
    line = sparkline(condensed(curve.values, room), room, top) if curve else ""
    colour = _COLOURS.get(key.rpartition("/")[2], "$primary")
    return Content.assemble((f"   {label:<14}", "$text-muted"), f"{shown:>9}  ", (line, colour))


def condensed(values: Sequence[float], room: int) -> list[float]:
    """Return the values as at most `room` means of parts of like length, in their order."""
    count = len(values)
    if count <= room:
        return list(values)
    borders = [count * number // room for number in range(room + 1)]
    return [fmean(values[start:end]) for start, end in pairwise(borders)]


def number(values: dict[str, Any], key: str) -> float | None:
    """Return a number of a sample; None if it is missing or something else."""
    value = values.get(key)
    known = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if known and value is not None else None


def _recent(run: Snapshot, key: str, room: int, top: float | None) -> str:
    curve = run.machine.get(key)
    return sparkline(curve.values[-room:], room, top) if curve else ""


def _span(curve: Curve | None) -> str:
    """Return over which time there are samples."""
    if not curve or len(curve) < 2:
        return ""
    seconds = curve.times[-1] - curve.times[0]
    return "" if math.isnan(seconds) else f"{duration(seconds)}, {len(curve)} samples"


def _figure(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{value:.0f}{unit}"


def _gpus(sample: dict[str, Any]) -> list[dict[str, Any]]:
    gpus = sample.get("gpus")
    return [gpu for gpu in gpus if isinstance(gpu, dict)] if isinstance(gpus, list) else []
