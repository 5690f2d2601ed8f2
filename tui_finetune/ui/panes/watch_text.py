"""How a run stands, in words: the headline, the outcome, what can be done next."""

import math
from pathlib import Path

from rich.cells import cell_len
from textual.content import Content

from tui_finetune.runs.charts import is_cost
from tui_finetune.runs.observations import lower_is_better, metric_name, value_of
from tui_finetune.text import clean
from tui_finetune.ui.panes.watch_feed import Snapshot
from tui_finetune.ui.words import UNKNOWN, date, duration, figure, loss_figure, size, state_mark

# A run writes its heartbeat every second or two; after this long without one it is said.
SILENCE_SECONDS = 10.0

# TensorBoard writes out its events every two minutes.
IMPORT_SILENCE_SECONDS = 150.0

# From here on there is room for more than the bare figures.
WIDE = 110

# The figures of the test that are shown, as far as there are any.
_TEST_FIRST = {"accuracy": 0, "f1": 1, "loss": 2}

Piece = Content | str | tuple[str, str]


def headline(run: Snapshot, width: int, following: bool = False) -> Content:
    """Return the first line: name, state, epoch, a bar, time and speed.

    `following`: whether the pane turns to a newer run by itself, which is said.
    """
    state = state_mark(run.status.state)
    if following:
        words = "  following the newest run" if width >= WIDE else " following"
        state = Content.assemble(state, (words, "$text-accent"))
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
    name = clean(run.name, name_room)
    bar_width = min(width - fixed - 4 - cell_len(name), 44)
    pieces: list[Piece] = [" ", (name, "bold"), "  ", state, "  ", epoch]
    if share is not None and bar_width >= 4:
        pieces += ["  ", *_progress(share, bar_width), f" {math.floor(share * 100):3d}%"]
    elif share is not None:
        pieces += [f" {math.floor(share * 100):3d}%"]
    pieces += ["  ", (right, "bold $text-warning" if silence else "")]
    return Content.assemble(*pieces)


def outcome(run: Snapshot, width: int) -> Content:
    """Return how the run stands, and below it what can be done next."""
    state = run.status.state
    lines: list[Content] = []
    if run.active:
        lines.append(_saved_line(run))
    elif state == "finished":
        lines.append(_test_line(run, width))
        if run.model is not None:
            where = _short_path(run.model, width - 12)
            lines.append(Content.assemble((" model in ", "$text-muted"), where))
    else:
        colour = "$text-error" if state == "failed" else "$text-warning"
        reason = clean(run.status.reason or "no reason is known", max(2 * width - 30, 30))
        lines.append(Content.assemble(" ", (f"{clean(state, 20)}: ", f"bold {colour}"), reason))
        lines.append(_saved_line(run))
    if run.note:
        note = clean(run.note, max(width - 7, 20))
        lines.append(Content.assemble((" note ", "$text-muted"), note))
    lines.append(_next_line(run, width))
    return Content("\n").join(lines)


def _epoch_words(run: Snapshot) -> str:
    epochs = run.status.epochs
    whole = f"{epochs:g}" if epochs else UNKNOWN
    if not run.total_steps:
        return "loading data and model" if run.active else ""
    if run.status.state == "finished" and run.epochs:
        last = run.epochs[-1].ordinal
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
    return "" if run.elapsed is None else f"took {gone}{when}"


def _rate(run: Snapshot) -> str:
    rate = run.status.rows_per_second
    return "" if rate is None else f"{rate:.0f} rows/s"


def _silence(run: Snapshot) -> str:
    """Return for how long an active run has not been heard of, if that is long."""
    heartbeat = run.status.heartbeat
    limit = IMPORT_SILENCE_SECONDS if run.status.origin == "import" else SILENCE_SECONDS
    if not run.active or heartbeat is None or run.read_at - heartbeat <= limit:
        return ""
    return f"no sign of life for {duration(run.read_at - heartbeat)}"


def _progress(share: float, width: int) -> list[Piece]:
    halves = int(share * width * 2 + 0.5)
    full, half = divmod(halves, 2)
    done = "━" * full + ("╸" if half else "")
    rest = width - len(done)
    ahead = ("╺" if rest and not half and full else "━" if rest else "") + "━" * (rest - 1)
    return [(done, "$primary"), (ahead, "$foreground 20%")]


def _saved_line(run: Snapshot) -> Content:
    pieces: list[Piece] = [" "]
    if run.checkpoint:
        step, count = run.checkpoint
        pieces += [("saved ", "$text-muted"), f"checkpoint-{step}"]
        pieces.append(f", {size(count)}" if count is not None else "")
    elif run.status.origin == "import":
        pieces.append(("imported: its checkpoints are where it was trained", "$text-muted"))
    elif run.active:
        pieces.append(("no checkpoint yet", "$text-muted"))
    else:
        pieces.append(("no checkpoint was saved", "$text-muted"))
    return Content.assemble(*pieces, *_best_pieces(run))


def _test_line(run: Snapshot, width: int) -> Content:
    figures = [(name, value) for name, value in run.test.items() if not is_cost(name)]
    if not figures:
        told = "" if run.status.origin else " without test rows"
        return Content.assemble((" finished", "bold $text-success"), told, *_best_pieces(run))
    rows = run.stages.get("split", {}).get("test")
    pieces: list[Piece] = [(" test ", "bold $text-success")]
    ranked = sorted(figures, key=lambda item: _TEST_FIRST.get(item[0], len(_TEST_FIRST)))
    for name, value in ranked[: 3 if width >= WIDE else 2]:
        label = "loss" if name == "loss" else clean(metric_name(name), 20)
        label += ", not weighted" if name == "loss" and run.class_weighted else ""
        write = loss_figure if lower_is_better(name) else figure
        pieces += [(f"{label} ", "$text-muted"), (write(value), "bold"), "  "]
    if isinstance(rows, int):
        pieces.append((f"on {rows} rows", "$text-muted"))
    return Content.assemble(*pieces, *_best_pieces(run))


def _best_pieces(run: Snapshot) -> list[Piece]:
    if run.best is None:
        return []
    name = clean(metric_name(run.metric), 20)
    write = loss_figure if lower_is_better(run.metric) else figure
    value = write(value_of(run.best, run.metric))
    weighted = run.class_weighted and run.metric == "eval_loss"
    return [
        ("   ★ ", "$text-accent"),
        f"best {run.best.place}",
        (f", {name} ", "$text-muted"),
        value,
        (", classes weighted" if weighted else "", "$text-muted"),
    ]


def _next_line(run: Snapshot, width: int) -> Content:
    keys: list[tuple[str, str]] = []
    if run.stoppable:
        keys.append(("s", "stop…"))
    if run.resumable:
        where = "from the last checkpoint" if run.checkpoint else "from the beginning"
        keys.append(("r", f"resume {where}"))
    if run.model is not None:
        keys += [("p", "predict"), ("e", "evaluate")]
    if run.log_count:
        keys.append(("l", "log"))
    done = run.model is not None or run.active or run.status.origin
    keys.append(("F5", "other runs") if done else ("F3", "tune"))
    if run.active:
        keys.append(("q", "quit, the run goes on"))
    gap = "   " if sum(len(key) + len(words) + 4 for key, words in keys) < width else "  "
    pieces: list[Piece] = [" "]
    for key, words in keys:
        pieces += [(key, "bold $text-accent"), (f" {words}{gap}", "$text-muted")]
    return Content.assemble(*pieces)


def _short_path(path: Path, room: int) -> str:
    """Return a path that keeps its end where there is no room for all of it."""
    home = str(Path.home())
    text = str(path)
    text = clean("~" + text[len(home) :] if text.startswith(home + "/") else text)
    return text if len(text) <= room else "…" + text[-max(room - 1, 8) :]
