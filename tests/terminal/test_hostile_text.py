"""Text that speaks to terminals, in all that a run holds, reaches none: read byte for byte."""

import json
import time
from pathlib import Path

import pytest

from tui_finetune.runs.about import About, write_about
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, write_status

from .conftest import Open, Terminal

pytestmark = pytest.mark.slow

CLIPBOARD = "\x1b]52;c;b3duZWQ=\x07"
TITLE = "\x1b]0;owned\x07"
BLINKING = "\x1b[5;31m"
C1 = "\x9b5;31m\x9d52;c;b3duZWQ=\x9c"
BIDI = "\u202e\u2066"
MARKUP = "[/][bold red]{0}[link=file:///etc/passwd]"
HOSTILE = MARKUP + CLIPBOARD + TITLE + BLINKING + C1 + BIDI + "\r\n\x07\x08\x00"

# The only command of its kind that Textual itself writes: the shape of the mouse pointer.
POINTER = b"\x1b]22;default\x07"

# What of it would be understood, as the bytes that a UTF-8 terminal gets. Textual itself sets
# colours with CSI, so that only what it never writes is looked for.
UNDERSTOOD = [
    b"\x1b]", b"\x1b[5;31m", b"\x07", b"\x08", b"\x00", b"\xe2\x80\xae", b"\xe2\x81\xa6",
    *(bytes([0xC2, code]) for code in range(0x80, 0xA0)),
]  # fmt: skip


def hostile_run(home: Path, number: int) -> RunDirectory:
    """A run that ended, hostile in each text that it has."""
    run = RunDirectory(home / "runs" / f"20261121-05301{number}-films-000{number}")
    run.control.mkdir(parents=True)
    write_status(
        run.status,
        Status(
            state="failed", reason=HOSTILE, name=HOSTILE, task=HOSTILE, data=HOSTILE,
            model=HOSTILE, started=time.time() - 60, ended=time.time(), step=20, total_steps=20,
            epoch=2, epochs=2, metrics={"validation": {"accuracy": 0.5, HOSTILE: 0.5}},
        ),
    )  # fmt: skip
    journal = JournalWriter(run.journal)
    journal.write("start", total_steps=20, steps_per_epoch=10, selection_metric=HOSTILE)
    for step in range(1, 21):
        journal.write("log", step=step, epoch=step / 10, loss=1 / step, **{HOSTILE: number})
        if step % 10 == 0:
            figures = {"eval_loss": 1 / step, f"eval_{HOSTILE}": 0.5, "eval_accuracy": 0.5}
            journal.write("log", step=step, epoch=step / 10, **figures)
    gpu = {"index": HOSTILE, "name": HOSTILE, "used_by_run": 1, "note": HOSTILE}
    journal.write("sample", step=20, process_rss=1, gpus=[gpu], gpu_note=HOSTILE)
    journal.write("note", text=HOSTILE)
    journal.close()
    run.log.write_text(HOSTILE + "\n" + "\x1b[31m" * 20_000 + "\n", encoding="utf-8")
    run.arguments.write_text(json.dumps({"learning_rate": HOSTILE, HOSTILE: number}))
    write_about(run, About(None, (HOSTILE, "b" * 100_000), HOSTILE + "c" * 100_000))
    return run


def assert_still_whole(terminal: Terminal, key: str) -> None:
    """The frame stands where it belongs: the panes' names above, the line of keys below."""
    lines = terminal.text().splitlines()
    assert "1 Data" in lines[1]
    assert key in lines[-1], terminal.text()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_hostile_text_in_a_run_stays_text(
    open_dashboard: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    for number in (1, 2, 3):
        hostile_run(tmp_path / "home", number)
    terminal = open_dashboard(size=size)
    terminal.wait_for("engine: ready")
    terminal.press("F5")
    terminal.wait_for("3 runs", "failed", "Open")
    assert_still_whole(terminal, "Open")
    terminal.press(" ", " ", "v")
    terminal.wait_for("Test rows", "2 runs", "Smoothing")
    assert_still_whole(terminal, "Smoothing")
    terminal.press("F5")
    terminal.wait_for("Open")
    terminal.press("enter")
    terminal.wait_for("loss", "failed:", "Log")
    assert_still_whole(terminal, "Log")
    terminal.press("l")
    terminal.wait_for("[/]")
    terminal.press("ctrl+q")
    terminal.process.wait()
    written = bytes(terminal.written).replace(POINTER, b"")
    assert "�".encode() in written  # it was shown, made harmless
    assert [sequence for sequence in UNDERSTOOD if sequence in written] == []
