import os
import time
from pathlib import Path

import pytest

from tui_finetune.data import copies
from tui_finetune.data.source import is_read, layout_of, open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def arrow_files(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.arrow"))


def a_minute_later(monkeypatch) -> None:
    """Let the files look as if they were written long ago."""
    now = time.time()
    monkeypatch.setattr(copies.time, "time", lambda: now + 60)


def test_a_file_is_copied_once_and_then_known_without_being_read(write, cache, monkeypatch):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    a_minute_later(monkeypatch)
    first = open_source(path, cache=cache)
    monkeypatch.setattr(copies, "_digest", lambda *_: pytest.fail("the file was read again"))
    again = open_source(path, cache=cache)
    assert again.dataset.to_list() == first.dataset.to_list()
    assert (again.detected, again.reading, again.digest) == (
        first.detected,
        first.reading,
        first.digest,
    )
    assert again.dataset.cache_files == first.dataset.cache_files


def test_what_was_settled_finds_the_same_copy(write, cache):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    opened = open_source(path, cache=cache)
    made = arrow_files(cache)[0].stat().st_mtime_ns
    open_source(path, opened.reading, cache)
    assert [file.stat().st_mtime_ns for file in arrow_files(cache)] == [made]


def test_a_file_just_written_is_compared_by_its_content(write, cache):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    open_source(path, cache=cache)
    assert not is_read(layout_of(path), Reading(), cache)
    write("a.csv", "text,label\nc,1\nb,0\n")
    assert open_source(path, cache=cache).dataset["text"][:] == ["c", "b"]


def test_the_copy_of_a_former_version_is_removed_and_who_reads_it_keeps_it(write, cache):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    before = open_source(path, cache=cache)
    write("a.csv", "text,label\nc,1\nb,0\nd,1\n")
    after = open_source(path, cache=cache)
    assert len(arrow_files(cache)) == 1
    assert before.dataset["text"][:] == ["a", "b"]
    assert after.dataset["text"][:] == ["c", "b", "d"]


def test_a_former_version_that_another_file_still_has_stays(write, cache):
    content = "text,label\na,1\nb,0\n"
    path, other = write("a.csv", content), write("other.csv", content)
    open_source(path, cache=cache)
    open_source(other, cache=cache)
    assert len(arrow_files(cache)) == 1
    write("a.csv", "text,label\nc,1\nb,0\n")
    open_source(path, cache=cache)
    assert len(arrow_files(cache)) == 2
    write("other.csv", "text,label\nc,1\nb,0\n")
    open_source(other, cache=cache)
    assert len(arrow_files(cache)) == 1


def test_what_another_program_is_just_writing_there_stays(write, cache):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    opened = open_source(path, cache=cache)
    folder = arrow_files(cache)[0].parent
    (folder / "tmpk3j2h1").touch()  # as datasets names what it is mapping
    (folder / "csv").mkdir()
    tokens = folder / "cache-0123456789abcdef.arrow"
    tokens.touch()
    open_source(path, Reading(header=False), cache)
    assert {"tmpk3j2h1", "csv"} < {entry.name for entry in folder.iterdir()}
    assert not tokens.exists()  # of the rows as they were read before
    assert opened.dataset["text"][:] == ["a", "b"]


def test_another_reading_of_the_same_content_takes_the_place_of_the_first(write, cache):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    assert len(open_source(path, cache=cache).dataset) == 2
    assert len(open_source(path, Reading(header=False), cache).dataset) == 3
    assert len(arrow_files(cache)) == 1


class Stopped(Exception):
    pass


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_reading_can_be_stopped_and_leaves_nothing_behind(write, cache, name):
    rows = [{"text": f"row {number}", "label": number % 2} for number in range(6_000)]
    if name == "a.csv":
        rows = [("text", "label"), *((row["text"], row["label"]) for row in rows)]
    path = write(name, rows)
    seen: list[dict] = []

    def stop(progress):
        seen.append(progress)
        if progress["what"] == "reading the rows":
            raise Stopped

    with pytest.raises(Stopped):
        open_source(path, cache=cache, progress=stop)
    assert [file for file in cache.rglob("*") if file.is_file()] == []
    assert all(0 < step["done"] <= step["of"] == os.path.getsize(path) for step in seen)
    assert len(open_source(path, cache=cache).dataset) == 6_000


def test_a_file_that_changes_while_it_is_read_is_refused(write, cache, monkeypatch):
    path = write("a.csv", "text,label\na,1\nb,0\n")
    original = copies._write

    def write_and_change(*arguments):
        original(*arguments)
        write("a.csv", "text,label\nc,1\nb,0\nd,1\n")

    monkeypatch.setattr(copies, "_write", write_and_change)
    with pytest.raises(InputError, match="changed while it was read"):
        open_source(path, cache=cache)
    monkeypatch.undo()
    assert len(open_source(path, cache=cache).dataset) == 3
