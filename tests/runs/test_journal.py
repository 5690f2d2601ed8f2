import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tui_finetune.runs.journal import JournalReader, JournalWriter


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def write(path, *events: str, **values) -> None:
    writer = JournalWriter(path)
    for event in events:
        writer.write(event, **values)
    writer.close()


def events(entries) -> list[str]:
    return [entry["event"] for entry in entries]


def strict(line: str):
    """Read a line as JSON without the NaN and Infinity that Python adds to it."""

    def refuse(word: str):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(line, parse_constant=refuse)


def test_of_very_many_lines_only_those_that_are_no_entries_are_passed_over(path):
    lines = [json.dumps({"event": "log", "step": step}) for step in range(500)]
    for place, line in ((120, "no JSON"), (121, ""), (250, "[]"), (251, "{}, {}"), (499, "3")):
        lines[place] = line
    lines[300:302] = ['{"event": "half", "steps": [1', "2]}"]  # together they would be one
    path.write_text("\n".join(lines) + "\n")
    left_out = {120, 121, 250, 251, 300, 301, 499}
    steps = [entry["step"] for entry in JournalReader(path).read()]
    assert steps == [step for step in range(500) if step not in left_out]


def test_what_is_written_is_read_once(path):
    reader = JournalReader(path)
    write(path, "start", "log", loss=0.5)
    assert events(reader.read()) == ["start", "log"]
    assert reader.read() == []
    write(path, "end")
    assert events(reader.read()) == ["end"]


def test_an_entry_says_what_and_when_and_all_its_values(path):
    before = time.time()
    write(path, "log", step=3, loss=0.5, stage="split", metrics={"f1": 0.25}, note=None)
    (entry,) = JournalReader(path).read()
    assert before - 0.001 <= entry.pop("time") <= time.time() + 0.001
    assert entry == {
        "event": "log", "step": 3, "loss": 0.5, "stage": "split", "metrics": {"f1": 0.25},
        "note": None,
    }  # fmt: skip


def test_an_entry_can_be_read_before_the_writer_closes(path):
    writer = JournalWriter(path)
    writer.write("start")
    assert events(JournalReader(path).read()) == ["start"]
    writer.close()


def test_text_of_any_kind_stays_in_its_line(path):
    text = "two\nlines \u2028 \x1b[31m \x85 naïve 北京 \ud800"
    write(path, "note", text=text)
    assert path.read_bytes().count(b"\n") == 1
    assert path.read_bytes().isascii()
    assert JournalReader(path).read()[0]["text"] == text


def test_a_missing_file_has_no_entries_until_it_is_there(path):
    reader = JournalReader(path)
    assert reader.read() == []
    write(path, "start")
    assert events(reader.read()) == ["start"]


def test_a_half_written_line_waits_for_its_other_half(path):
    reader = JournalReader(path)
    path.write_bytes(b'{"event": "start"}\n{"event": "lo')
    assert events(reader.read()) == ["start"]
    assert reader.read() == []
    with path.open("ab") as file:
        file.write(b'g", "word": "na\xc3')
    assert reader.read() == []
    with path.open("ab") as file:
        file.write(b'\xafve"}\n')
    assert reader.read() == [{"event": "log", "word": "naïve"}]


def test_the_half_line_of_a_killed_writer_is_closed_by_the_next(path):
    path.write_bytes(b'{"event": "start"}\n{"event": "log", "lo')
    follower = JournalReader(path)
    assert events(follower.read()) == ["start"]
    write(path, "start again")
    assert events(follower.read()) == ["start again"]
    assert events(JournalReader(path).read()) == ["start", "start again"]


def test_a_whole_journal_gets_no_empty_lines_from_the_next_writer(path):
    path.touch()
    for _ in range(3):
        write(path, "start")
    lines = path.read_text().splitlines()
    assert events(map(json.loads, lines)) == ["start"] * 3


def test_a_writer_that_is_killed_has_written_all_it_said(path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tui_finetune.runs.journal import JournalWriter\n"
        "writer = JournalWriter(Path(sys.argv[1]))\n"
        "for step in range(100): writer.write('log', step=step)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], timeout=60)
    assert done.returncode == -9
    assert [entry["step"] for entry in JournalReader(path).read()] == list(range(100))


def test_lines_that_are_not_ours_are_passed_over(path):
    path.write_bytes(
        b'{"event": "a"}\n\nnot json\n[1, 2]\n"text"\n3\nnull\n\xff\xfe\x00\n{"event": \n'
        b'\x00\x00\x00\r\n{"event": "b"}\n'
    )
    assert events(JournalReader(path).read()) == ["a", "b"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null_in_strict_json(path, value):
    write(path, "log", loss=value, metrics={"inner": {"loss": value}, "f1": 1.0})
    entry = strict(path.read_text())
    assert entry["loss"] is None
    assert entry["metrics"] == {"inner": {"loss": None}, "f1": 1.0}


def test_numbers_that_are_not_finite_become_null_in_lists_too(path):
    write(path, "log", losses=[0.5, math.nan])
    assert strict(path.read_text())["losses"] == [0.5, None]


def test_a_line_nested_without_end_is_passed_over(path):
    path.write_bytes(b"[" * 100_000 + b'\n{"event": "a"}\n')
    assert events(JournalReader(path).read()) == ["a"]


def test_an_entry_that_cannot_be_written_leaves_no_trace(path):
    writer = JournalWriter(path)
    with pytest.raises(TypeError):
        writer.write("log", thing=object())
    writer.write("log", step=1)
    writer.close()
    assert events(JournalReader(path).read()) == ["log"]


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_two_threads_never_mix_their_lines(path, eager_threads):
    writer = JournalWriter(path)
    together = threading.Barrier(2)

    def work(name: str) -> None:
        together.wait()
        for number in range(1000):
            writer.write(name, number=number, filling=name * 500)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    entries = [strict(line) for line in path.read_text().splitlines()]
    for name in "ab":
        own = [entry for entry in entries if entry["event"] == name]
        assert [entry["number"] for entry in own] == list(range(1000))
        assert {entry["filling"] for entry in own} == {name * 500}
