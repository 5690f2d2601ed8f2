"""The lines of the Watch pane in words and figures, from one snapshot of a run."""

import math
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.runs.history import Epoch
from tui_finetune.runs.observations import value_of
from tui_finetune.text import clean
from tui_finetune.ui.panes.watch_feed import Snapshot
from tui_finetune.ui.widgets.bars import bar, sparkline
from tui_finetune.ui.words import UNKNOWN, date, duration, figure, loss_figure, size, state_mark

# A run writes its heartbeat every second or two; after this long without one it is said.
SILENCE_SECONDS = 10.0

# From here on there is room for more than the bare figures.
WIDE = 110

_METRIC_NAMES = {
    "eval_loss": "val loss",
    "eval_accuracy": "accuracy",
    "eval_precision": "precision",
    "eval_recall": "recall",
    "eval_f1": "F1",
}

Piece = Content | str | tuple[str, str]


def headline(run: Snapshot, width: int) -> Content:
    """Return the first line: name, state, epoch, a bar, time and speed."""
    state = state_mark(run.status.state)
    if run.pending:
        asked = "after this epoch" if run.pending == "stop-after-epoch" else "now"
        state = Content.assemble(state, (f", to stop {asked}", "$text-warning"))
    silence, rate = _silence(run), _rate(run)
    right = silence or _times(run, width)
    if run.active and rate and width >= WIDE and not silence:
        right += f"   {rate}"
    share = min(run.step / run.total_steps, 1.0) if run.total_steps else None
    epoch = _epoch_words(run)
    fixed = 1 + cell_len(state.plain) + 2 + len(epoch) + 2 + 5 + 2 + cell_len(right)
    name_room = max(width - fixed - 4 - 6, 8)
    name = clean(run.status.name or run.run.id, name_room)
    bar_width = min(width - fixed - 4 - cell_len(name), 44)
    pieces: list[Piece] = [" ", (name, "bold"), "  ", state, "  ", epoch]
    if share is not None and bar_width >= 4:
        pieces += ["  ", *_progress(share, bar_width), f" {math.floor(share * 100):3d}%"]
    elif share is not None:
        pieces += [f" {math.floor(share * 100):3d}%"]
    pieces += ["  ", (right, "bold $text-warning" if silence else "")]
    return Content.assemble(*pieces)


def machine_lines(run: Snapshot, width: int) -> Content:
    """Return a line for each GPU, or one for the host, with the speed if the headline has none."""
    sample = run.samples[-1] if run.samples else None
    if sample is None:
        waiting = "memory: the first figures come with the first seconds of training"
        return Content.styled(f" {waiting if run.active else 'memory: no figures'}", "$text-muted")
    rate = _rate(run) if width < WIDE or not run.active else ""
    gpus = sample.get("gpus")
    if not isinstance(gpus, list) or not gpus:
        return _host_line(run, width, rate)
    known = [gpu for gpu in gpus if isinstance(gpu, dict)]
    return Content("\n").join(
        [_gpu_line(gpu, run, width, rate if n == 0 else "") for n, gpu in enumerate(known)]
    )


def outcome(run: Snapshot, width: int) -> Content:
    """Return how the run stands, and below it what can be done next."""
    state = run.status.state
    lines: list[Content] = []
    if run.active:
        lines.append(_saved_line(run))
    elif state == "finished":
        lines.append(_test_line(run))
        if run.model is not None:
            where = _short_path(run.model, width - 12)
            lines.append(Content.assemble((" model in ", "$text-muted"), where))
    else:
        colour = "$text-error" if state == "failed" else "$text-warning"
        reason = clean(run.status.reason or "no reason is known", 3 * max(width, 20))
        lines.append(Content.assemble(" ", (f"{clean(state, 20)}: ", f"bold {colour}"), reason))
        lines.append(_saved_line(run))
    if run.note:
        note = clean(run.note, max(width - 7, 20))
        lines.append(Content.assemble((" note ", "$text-muted"), note))
    lines.append(_next_line(run))
    return Content("\n").join(lines)


def observation(words: str, width: int) -> str:
    """Return an observation, without its explanation where there is no room for it."""
    return words if width >= WIDE or len(words) <= 30 else words.partition(":")[0]


def epoch_cells(epoch: Epoch, is_best: bool) -> list[str]:
    """Return the figures of a row of the epoch table."""
    number = f"{round(epoch.number, 2):g}"
    return [
        f"★ {number}" if is_best else number,
        loss_figure(epoch.train_loss),
        loss_figure(epoch.validation_loss),
        figure(epoch.accuracy),
        figure(epoch.f1),
    ]


def unfinished_words(run: Snapshot) -> str:
    """Return how far the epoch without an evaluation is."""
    since = run.epochs[-1].step if run.epochs else 0
    per_epoch = min(run.steps_per_epoch, run.total_steps - since) or run.steps_per_epoch
    done = run.step - since
    if not run.active:
        return f"ended at step {done} of {per_epoch}"
    if done >= per_epoch:
        return "evaluating"
    return f"step {done} of {per_epoch}"


def _epoch_words(run: Snapshot) -> str:
    epochs = run.status.epochs
    whole = f"{epochs:g}" if epochs else UNKNOWN
    if not run.total_steps:
        return "loading data and model" if run.active else ""
    if run.status.state == "finished" and run.epochs:
        last = f"{round(run.epochs[-1].number, 2):g}"
        noun = "epoch" if whole == "1" else "epochs"
        return f"{last} {noun}" if last == whole else f"{last} of {whole} {noun}"
    if not run.active:
        return f"step {run.step} of {run.total_steps}"
    per_epoch = run.steps_per_epoch or run.total_steps
    number = min(run.step // per_epoch + 1, math.ceil(epochs) if epochs else run.step)
    return f"epoch {max(number, 1)} of {whole}"


def _times(run: Snapshot, width: int) -> str:
    gone = duration(run.elapsed)
    if run.active:
        return f"{gone} gone, {duration(run.seconds_left)} left"
    started = run.status.started
    when = f"   {date(started)}" if started is not None and width >= 100 else ""
    return f"took {gone}{when}"


def _rate(run: Snapshot) -> str:
    rate = run.status.rows_per_second
    return "" if rate is None else f"{rate:.0f} rows/s"


def _silence(run: Snapshot) -> str:
    """Return for how long an active run has not been heard of, if that is long."""
    heartbeat = run.status.heartbeat
    if not run.active or heartbeat is None or run.read_at - heartbeat <= SILENCE_SECONDS:
        return ""
    return f"no sign of life for {duration(run.read_at - heartbeat)}"


def _progress(share: float, width: int) -> list[Piece]:
    halves = int(share * width * 2 + 0.5)
    full, half = divmod(halves, 2)
    done = "━" * full + ("╸" if half else "")
    rest = width - len(done)
    ahead = ("╺" if rest and not half and full else "━" if rest else "") + "━" * (rest - 1)
    return [(done, "$primary"), (ahead, "$foreground 20%")]


def _host_line(run: Snapshot, width: int, rate: str) -> Content:
    sample = run.samples[-1]
    used, total = _number(sample, "host_used"), _number(sample, "host_total")
    cpu = _number(sample, "cpu_percent")
    wide = width >= WIDE
    pieces: list[Piece] = [
        (" memory ", "$text-muted"),
        size(_number(sample, "process_rss")),
        (" this run, " if wide else "  machine ", "$text-muted"),
        f"{size(used)} of {size(total)}",
    ]
    if wide:
        pieces.append((" on the machine ", "$text-muted"))
        if used is not None and total:
            pieces.append((bar(used / total, 12), "$primary on $foreground 15%"))
    if cpu is not None:
        pieces += [("   CPU " if wide else "  CPU ", "$text-muted"), f"{cpu:.0f}%"]
    if rate:
        pieces.append(f"   {rate}" if wide else f"  {rate}")
    line = Content.assemble(*pieces)
    note = str(sample.get("gpu_note") or "")
    if not note:
        return line
    gap = "   " if wide else "  "
    room = max(width - cell_len(line.plain) - len(gap) - 1, 10)
    return Content.assemble(line, (gap + clean(note, room), "$text-muted"))


def _gpu_line(gpu: dict[str, Any], run: Snapshot, width: int, rate: str) -> Content:
    mine, others = _number(gpu, "used_by_run"), _number(gpu, "used_by_others")
    total, use = _number(gpu, "total"), _number(gpu, "utilisation")
    degrees, watts = _number(gpu, "temperature"), _number(gpu, "power")
    wide = width >= WIDE
    name = clean(gpu.get("name") or "", 24).removeprefix("NVIDIA ")
    pieces: list[Piece] = [(f" GPU {clean(gpu.get('index'), 4)} ", "$text-muted")]
    if wide:
        pieces.append(f"{name}   ")
    pieces += [("this run " if wide else "run ", "$text-muted"), size(mine), " "]
    if total:
        cells = 20 if wide else 5
        filled = cells * (mine or 0.0) / total
        other = math.ceil(cells * (others or 0.0) / total)
        own = bar(filled / cells, cells).rstrip()
        other = min(other, cells - len(own))
        rest = "░" * (cells - len(own) - other)
        pieces += [(own, "$primary"), ("▒" * other, "$text-warning"), (rest, "$foreground 20%")]
    pieces += [
        ("  others " if wide else " others ", "$text-muted"),
        size(others),
        (" of ", "$text-muted"),
        size(total),
        f"  {_optional(use, '%')}",
    ]
    if wide:
        loads = [_number(one, "utilisation") or 0.0 for one in _same_gpu(run, gpu)]
        pieces.append((f" {sparkline(loads, 16, 100.0)}", "$primary"))
    pieces += [f"  {_optional(degrees, ' °C')}", f"  {_optional(watts, ' W')}"]
    line = Content.assemble(*pieces)
    fits = line.cell_length + 2 + len(rate) <= width
    return Content.assemble(line, f"  {rate}") if rate and fits else line


def _same_gpu(run: Snapshot, gpu: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        one
        for sample in run.samples
        for one in sample.get("gpus") or []
        if isinstance(one, dict) and one.get("index") == gpu.get("index")
    ]


def _saved_line(run: Snapshot) -> Content:
    pieces: list[Piece] = [" "]
    if run.checkpoint:
        step, count = run.checkpoint
        pieces += [("saved ", "$text-muted"), f"checkpoint-{step}"]
        pieces.append(f", {size(count)}" if count is not None else "")
    elif run.active:
        pieces.append(("no checkpoint yet", "$text-muted"))
    else:
        pieces.append(("no checkpoint was saved", "$text-muted"))
    return Content.assemble(*pieces, *_best_pieces(run))


def _test_line(run: Snapshot) -> Content:
    if not run.test:
        return Content.assemble(
            (" finished", "bold $text-success"), " without test rows", *_best_pieces(run)
        )
    rows = run.stages.get("split", {}).get("test")
    pieces: list[Piece] = [
        (" test ", "bold $text-success"),
        ("accuracy ", "$text-muted"),
        (figure(run.test.get("accuracy")), "bold"),
        ("  F1 ", "$text-muted"),
        (figure(run.test.get("f1")), "bold"),
    ]
    if isinstance(rows, int):
        pieces.append((f"  on {rows} rows", "$text-muted"))
    return Content.assemble(*pieces, *_best_pieces(run))


def _best_pieces(run: Snapshot) -> list[Piece]:
    if run.best is None:
        return []
    name = _METRIC_NAMES.get(run.metric, clean(run.metric, 20))
    write = loss_figure if run.metric == "eval_loss" else figure
    value = write(value_of(run.best, run.metric))
    return [
        ("   ★ ", "$text-accent"),
        f"best epoch {round(run.best.number, 2):g}",
        (f", {name} ", "$text-muted"),
        value,
    ]


def _next_line(run: Snapshot) -> Content:
    keys: list[tuple[str, str]] = []
    if run.active:
        keys.append(("s", "stop…"))
    if run.resumable:
        where = "from the last checkpoint" if run.checkpoint else "from the beginning"
        keys.append(("r", f"resume {where}"))
    if run.model is not None:
        keys.append(("p", "predict"))
    keys.append(("l", "larger log"))
    keys.append(("F5", "other runs") if run.model is not None or run.active else ("F3", "tune"))
    if run.active:
        keys.append(("q", "quit, the run goes on"))
    pieces: list[Piece] = [" "]
    for key, words in keys:
        pieces += [(key, "bold $text-accent"), (f" {words}   ", "$text-muted")]
    return Content.assemble(*pieces)


def _short_path(path: Path, room: int) -> str:
    """Return a path that keeps its end where there is no room for all of it."""
    home = str(Path.home())
    text = str(path)
    text = clean("~" + text[len(home) :] if text.startswith(home + "/") else text)
    return text if len(text) <= room else "…" + text[-max(room - 1, 8) :]


def _number(values: dict[str, Any], key: str) -> float | None:
    value = values.get(key)
    return float(value) if isinstance(value, int | float) else None


def _optional(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{value:.0f}{unit}"
