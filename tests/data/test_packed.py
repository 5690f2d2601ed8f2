import bz2
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pytest
import xxhash

from tui_finetune.data import source
from tui_finetune.data.pages import Pages
from tui_finetune.data.profile import profile
from tui_finetune.data.source import open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection


def zstd(content: bytes) -> bytes:
    """Return a frame with the checksum that the zstd program writes."""
    frame = bytearray(pa.Codec("zstd").compress(content).to_pybytes())
    frame[4] |= 4
    return bytes(frame) + xxhash.xxh64(content).digest()[:-5:-1]


PACK = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}
ROWS = [{"text": f"review number {n}, of a “film”", "label": "ab"[n % 2]} for n in range(40)]
CONTENTS = {
    "a.csv": "text;label\n" + "".join(f"{row['text']};{row['label']}\n" for row in ROWS),
    "a.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
    "a.json": json.dumps(ROWS, indent=1),
}


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("name", CONTENTS)
def test_a_compressed_file_is_read_as_the_file_in_it(write, tmp_path, name, packing):
    content = CONTENTS[name].encode("cp1252" if name == "a.csv" else "utf-8")
    plain = open_source(write(name, content))
    packed = open_source(
        write(f"{name}.{packing}".upper(), PACK[packing](content)), cache=tmp_path / "cache"
    )
    assert packed.dataset.to_list() == plain.dataset.to_list() == ROWS
    assert packed.reading == plain.reading
    compression = {"gz": "gzip", "bz2": "bz2", "xz": "xz", "zst": "zstd"}[packing]
    assert packed.detected == {**plain.detected, "compression": compression}
    assert {path.suffix for path in files_in(tmp_path / "cache")} == {".arrow", ".json"}


@pytest.mark.parametrize("packing", PACK)
def test_streams_behind_one_another_are_one_file(write, packing):
    lines = CONTENTS["a.csv"].encode().splitlines(keepends=True)
    parts = b"".join(PACK[packing](b"".join(part)) for part in (lines[:9], lines[9:]))
    assert open_source(write(f"a.csv.{packing}", parts)).dataset.to_list() == ROWS


def test_it_is_unpacked_once(write, monkeypatch):
    path = write("a.csv.gz", gzip.compress(CONTENTS["a.csv"].encode()))
    open_source(path)
    monkeypatch.setattr(source, "unpacked", lambda *_: pytest.fail("it was unpacked again"))
    assert open_source(path).dataset.to_list() == ROWS


def test_pages_and_profile_are_those_of_the_file_in_it(write):
    content = CONTENTS["a.csv"].encode()
    plain = DataSection(source=write("a.csv", content))
    packed = DataSection(source=write("b.csv.zst", PACK["zst"](content)))
    page = Pages().page(packed, 30, 5)
    assert page["rows"] == [list(row.values()) for row in ROWS[30:35]]
    assert page["total"] == 40
    differ = {"source", "detected"}
    assert {key: value for key, value in profile(packed).items() if key not in differ} == {
        key: value for key, value in profile(plain).items() if key not in differ
    }


LONG = b"text,label\n" + b"".join(b"%d good film %d,pos\n" % (n, n * n) for n in range(3000))


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:-3],
        lambda packed: packed[:3],
        lambda packed: packed[:60] + bytes(40) + packed[100:],
        lambda packed: b"text,label\ngood,1\nbad,0\n",
        lambda packed: packed + b"something else",
        lambda packed: packed + packed[:200],
    ],
    ids=["half", "no end", "start only", "overwritten", "not packed", "more", "half a second"],
)
def test_a_damaged_compressed_file_is_refused_in_one_line(write, home_folder, packing, damage):
    path = write(f"a.csv.{packing}", damage(PACK[packing](LONG)))
    with pytest.raises(InputError, match=rf"a\.csv\.{packing}: this is no whole") as error:
        open_source(path)
    assert "\n" not in str(error.value)
    assert files_in(home_folder) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv.gz", b"text,label\na,1\nb,0\nc,1,more\n", "line 4 has 3 fields"),
        ("a.csv.gz", b"text,label\n" + b"a,1\nb,0\n" * 3000 + b"c\n", "line 6002 has 1 fields"),
        ("a.jsonl.gz", b'{"text": "a"}\n{"text": \n', "line 2 is broken JSON"),
        ("a.csv.gz", b"", "is empty"),
    ],
)
def test_what_is_wrong_within_is_said_with_its_line_and_the_name_of_the_compressed_file(
    write, home_folder, name, content, words
):
    path = write(name, gzip.compress(content))
    with pytest.raises(InputError, match=words) as error:
        open_source(path)
    assert str(error.value).startswith(f"{path}: ")
    assert files_in(home_folder) == []


class Stopped(Exception):
    pass


def test_unpacking_can_be_stopped_and_leaves_nothing_behind(write, home_folder):
    path = write("a.csv.gz", gzip.compress(LONG))

    def stop(progress):
        assert 0 < progress["done"] <= progress["of"]
        if progress["what"] == "unpacking":
            raise Stopped

    with pytest.raises(Stopped):
        open_source(path, progress=stop)
    assert files_in(home_folder) == []


def test_compressed_files_of_a_folder_make_splits_and_none_is_read_twice(tmp_path):
    for name in ("train", "test"):
        content = CONTENTS["a.csv"].encode()
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "test.csv").write_bytes(CONTENTS["a.csv"].encode())
    opened = open_source(str(tmp_path))
    assert {name: len(rows) for name, rows in opened.splits.items()} == {"train": 40, "test": 40}
    named = [str(tmp_path / name) for name in ("test.csv", "test.csv.gz")]
    with pytest.raises(InputError, match="maybe the same rows twice"):
        open_source(named)


def test_a_compressed_text_in_the_folder_of_a_label_is_left_out(tmp_path):
    for label in ("good", "bad"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_text("a film")
        (tmp_path / label / "2.txt.gz").write_bytes(gzip.compress(b"another film"))
    assert len(open_source(str(tmp_path)).dataset) == 2


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.csv.zip", "a.gz", "a.csv.lz4"])
def test_other_compressed_files_are_refused(write, name):
    with pytest.raises(InputError, match="compressed; unpack it first"):
        open_source(write(name, b"\x1f\x8b"))


def test_a_compressed_file_that_is_not_there_is_no_dataset_of_the_hub():
    with pytest.raises(InputError, match="no such file"):
        open_source("reviews.csv.gz")
