import csv
import json
import time

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from tui_finetune.data import copies, pages
from tui_finetune.data.pages import Pages
from tui_finetune.data.source import open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection

COUNT = 13_000


def texts(start, stop):
    return [[f"text {number}", number % 2] for number in range(start, stop)]


@pytest.fixture
def large(tmp_path):
    """Write COUNT rows, in a file whose head shows but some of them."""

    def make(name: str) -> DataSection:
        path = tmp_path / name
        if path.suffix == ".csv":
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([["text", "label"], *texts(0, COUNT)])
        elif path.suffix == ".jsonl":
            rows = [{"text": text, "label": label} for text, label in texts(0, COUNT)]
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            text, label = zip(*texts(0, COUNT), strict=True)
            table = pa.table({"text": text, "label": label})
            if path.suffix == ".parquet":
                pq.write_table(table, path, row_group_size=12_000)
            else:
                with pa.ipc.new_file(path, table.schema) as writer:
                    writer.write_table(table, max_chunksize=700)
        return DataSection(source=str(path))

    return make


def as_numbers(page):
    return [[text, int(label)] for text, label in page["rows"]]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.arrow"])
def test_the_first_page_comes_before_the_file_is_read_whole(large, tmp_path, name):
    data = large(name)
    page = Pages(tmp_path / "cache").page(data, 0, 50)
    assert page["columns"] == ["text", "label"]
    assert as_numbers(page) == texts(0, 50)
    assert page["total"] == (None if name in ("a.csv", "a.jsonl") else COUNT)
    assert not (tmp_path / "cache").exists()
    assert json.loads(json.dumps(page)) == page


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.arrow"])
@pytest.mark.parametrize(
    ("offset", "rows"),
    [(11_980, 50), (COUNT - 10, 10), (COUNT, 0), (COUNT + 5, 0)],
)
def test_any_page_is_right_before_and_after_the_file_was_read_whole(
    large, tmp_path, name, offset, rows
):
    data = large(name)
    asked = Pages(tmp_path / "cache")
    expected = texts(offset, offset + rows)
    for _ in range(2):
        page = asked.page(data, offset, 50)
        assert as_numbers(page) == expected
        assert page["total"] == COUNT
        open_source(data.source, cache=tmp_path / "cache")


def test_a_page_far_behind_the_head_reads_the_file_whole_with_progress(large, tmp_path):
    steps: list[dict] = []
    page = Pages(tmp_path / "cache").page(large("a.csv"), 11_000, 2, progress=steps.append)
    assert as_numbers(page) == texts(11_000, 11_002)
    assert {step["what"] for step in steps} >= {"reading the rows", "checking the encoding"}


def test_long_texts_are_cut_and_come_whole_when_asked_for(write, tmp_path):
    long = "long " * 100
    data = DataSection(source=write("a.jsonl", [{"text": long, "label": [1, 2], "n": None}]))
    page = Pages(tmp_path / "cache").page(data, 0, 5, cut=20)
    assert page["rows"] == [[long[:19] + "…", "[1, 2]", None]]
    assert Pages(tmp_path / "cache").page(data, 0, 1, cut=None)["rows"][0][0] == long


def test_a_changed_file_shows_its_new_rows(write, tmp_path, monkeypatch):
    data = DataSection(source=write("a.csv", "text,label\na,1\nb,0\n"))
    now = time.time()
    monkeypatch.setattr(copies.time, "time", lambda: now + 60)
    monkeypatch.setattr(pages, "_LOOK_SECONDS", 0)
    asked = Pages(tmp_path / "cache")
    open_source(data.source, cache=tmp_path / "cache")
    assert asked.page(data, 0, 5)["total"] == 2
    write("a.csv", "text,label\nc,1\nb,0\nd,1\n")
    assert [row[0] for row in asked.page(data, 0, 5)["rows"]] == ["c", "b", "d"]


def test_each_split_has_its_pages(tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{name} one,x\n{name} two,y\n")
    data = DataSection(source=str(tmp_path))
    asked = Pages(tmp_path / "cache")
    for _ in range(2):
        page = asked.page(data, 0, 5, "test")
        assert [row[0] for row in page["rows"]] == ["test one", "test two"]
        assert list(page["splits"]) == ["train", "test"]
        assert asked.page(data, 0, 5)["split"] == "train"
        assert asked.read_whole(data) == {"train": 2, "test": 2}
    assert asked.page(data, 1, 5)["splits"] == {"train": 2, "test": 2}
    with pytest.raises(InputError, match="no split dev; it brings train, test"):
        asked.page(data, 0, 5, "dev")


def test_several_parquet_files_are_paged_as_one(tmp_path):
    for number in range(3):
        rows = pa.table({"text": [f"{number} {n}" for n in range(10)], "label": [1] * 10})
        pq.write_table(rows, tmp_path / f"part-{number}.parquet")
    data = DataSection(source=[str(path) for path in sorted(tmp_path.glob("part-*"))])
    page = Pages(tmp_path / "cache").page(data, 8, 14)
    assert [row[0] for row in page["rows"]] == [
        *("0 8", "0 9"),
        *(f"1 {n}" for n in range(10)),
        *("2 0", "2 1"),
    ]
    assert page["total"] == 30


def test_columns_of_the_next_file_may_stand_in_another_order(tmp_path):
    rows = pa.table({"text": ["a"], "label": ["x"]})
    other = pa.table({"label": pa.array(["y"], pa.large_string()), "text": ["b"]})
    for name, write in (("parquet", pq.write_table), ("arrow", feather.write_feather)):
        files = [str(tmp_path / f"{part}.{name}") for part in (1, 2)]
        for file, part in zip(files, (rows, other), strict=True):
            write(part, file)
        page = Pages(tmp_path / "cache").page(DataSection(source=files), 0, 5)
        assert page["rows"] == [["a", "x"], ["b", "y"]]


def test_what_is_wrong_in_the_head_is_said(write, tmp_path):
    data = DataSection(source=write("a.csv", "text,label\na,1\nb\nc,0\nd,1\n"))
    with pytest.raises(InputError, match="line 3 has 1 fields"):
        Pages(tmp_path / "cache").page(data, 0, 5)
    with pytest.raises(InputError, match="no such file"):
        Pages(tmp_path / "cache").page(DataSection(source=str(tmp_path / "b.csv")), 0, 5)
    data = DataSection(source=write("a.arrow", b"ARROW1\0\0 not really"))
    with pytest.raises(InputError, match="no whole Arrow file"):
        Pages(tmp_path / "cache").page(data, 0, 5)
