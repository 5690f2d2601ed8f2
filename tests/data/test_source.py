import csv
import io
import json
import os
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tui_finetune.data.source import open_source
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading


def rows(path, **options):
    return open_source(path, **options).dataset.to_list()


def test_cells_of_delimited_text_stay_as_written(write):
    cells = ["007", "NA", "null", "1e5", "", " spaced ", "True", "2020-01-01", "nan"]
    path = write("a.csv", [("text", "label"), *((cell, "x") for cell in cells)])
    source = open_source(path)
    assert source.dataset["text"][:] == cells
    assert source.detected == {
        "kind": "delimited text",
        "encoding": "utf-8",
        "separator": "comma",
        "quote": "none",
        "header": True,
        "skip_lines": 0,
    }


@pytest.mark.parametrize("cell", ["007", "1e5", "1.0", "True", "1_000", ""])
def test_a_column_of_nothing_but_numbers_stays_as_written_too(write, cell):
    path = write("a.csv", f"text;label\n{cell};{cell}\n{cell};{cell}\n")
    assert rows(path) == [{"text": cell, "label": cell}] * 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_end_is_read(write, encoding, ending):
    content = ending.join(["text;label", "Œuvre à 5 €;ja", "", "schön;nein", ""])
    assert rows(write("a.csv", content.encode(encoding))) == [
        {"text": "Œuvre à 5 €", "label": "ja"},
        {"text": "schön", "label": "nein"},
    ]


def test_a_file_name_may_hold_any_character(write):
    path = write("odd [1]*{a} ñ.csv", "text,label\na,1\nb,0\n")
    assert len(rows(path)) == 2


def test_quotes_that_are_kept_are_said(write):
    content = 'so so\t1\n"a film"\t0\nno film at all\t0\nnot bad\t1\n'
    source = open_source(write("a.tsv", content))
    assert source.dataset["column_1"][:][1] == '"a film"'
    assert source.detected["kept quotes"] == "some fields keep the quotes around them"
    assert "kept quotes" not in open_source(write("b.tsv", content), Reading(quote='"')).detected


def test_json_lines_keep_their_types(write):
    path = write(
        "a.jsonl",
        [
            {"text": "2020-01-01", "label": 1, "score": 1, "mixed": "a", "tags": ["x"]},
            {"text": "NA", "label": 0, "score": 0.5, "mixed": 7, "late": True},
        ],
    )
    source = open_source(path)
    assert source.dataset.to_list() == [
        {
            "text": "2020-01-01",
            "label": 1,
            "score": 1.0,
            "mixed": "a",
            "tags": ["x"],
            "late": None,
        },
        {"text": "NA", "label": 0, "score": 0.5, "mixed": "7", "tags": None, "late": True},
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_json_lines_may_have_a_mark_blank_lines_and_odd_line_separators(write, name):
    path = write(name, '\ufeff{"text": "a\u2028b", "label": "x"}\n\n{"text": "c", "label": "y"}')
    assert [row["text"] for row in rows(path)] == ["a\u2028b", "c"]


def test_a_json_list_of_objects_is_read(write):
    items = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
    assert rows(write("a.json", "\n " + json.dumps(items, indent=1))) == items


def test_parquet_is_read(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["a", None], pa.large_string()),
            "label": pa.array(["x", "y"]).dictionary_encode(),
            "n": pa.array([1, 2], pa.int8()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    source = open_source(str(tmp_path / "a.parquet"))
    assert source.dataset.to_list() == table.to_pylist()
    assert source.dataset.features["text"] == datasets.Value("string")
    assert source.detected == {"kind": "Parquet"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.parquet", b"", "is empty"),
        ("a.csv", "text,label\n", "header only"),
        ("a.csv", "phrase,kind\n", "header only"),
        ("a.docx", "text,label\na,b\n", r"unknown kind of file \(.docx\).*\.csv"),
        ("a", "text,label\na,b\n", "no ending"),
        ("a.csv.zip", b"PK", "compressed; unpack it"),
        ("a.csv", '{"text": "a", "label": "x"}\n' * 2, r"line 1 is an object of JSON.*\.jsonl"),
        ("a.csv", "text,label\na,1\nlabel,text\n0,b\n", "line 3 repeats the header"),
        ("a.jsonl", '{"text": "a", "text": "b"}\n', "line 1 .*a key stands twice"),
        ("a.json", '[{"text": "a"},\n{"text": "b", "text": "c"}]', "line 2 .*a key stands twice"),
        ("a.json", '{"data": [{"text": "a"}]}', "from line 1 on, this is one object"),
        ("a.json", '{"text": {"0": "a"}, "label": {"0": "x"}}', "this is one object"),
        ("a.json", '{\n"text": "a"\n}', "this is one object"),
        ("a.json", b'[{"text": "a"},\n{"text": "\xe9"}]', "line 2 is no utf-8"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', "line 2 is broken JSON"),
        ("a.jsonl", '{"text": "a"}\n["b"]\n', "line 2 is no JSON object"),
        ("a.jsonl", '{"text": "a\\ud800"}\n', "line 1 holds half of a surrogate pair"),
        ("a.jsonl", "{}\n", "holds no rows"),
        ("a.jsonl", b'{"text": "caf\xe9"}\n', "line 1 is no utf-8 .*as JSON must be"),
        ("a.jsonl", "[" * 100_000 + "\n", "line 1 is broken JSON"),
        ("a.json", '[{"text": "a"},\n{"text": }]', "line 2 is broken JSON"),
        ("a.json", "[]", "holds no rows"),
        ("a.parquet", b"PAR1 no such thing PAR1", "no whole Parquet file"),
        ("a.parquet", b"text,label\na,b\n", "no whole Parquet file"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_and_leaves_nothing(
    write, home_folder, name, content, words
):
    with pytest.raises(InputError, match=words) as error:
        open_source(write(name, content))
    assert "\n" not in str(error.value)
    assert name in str(error.value)
    assert list(home_folder.rglob("*")) == []


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="no regular file"):
        open_source(str(tmp_path / "pipe.csv"))
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(InputError, match="no such file"):
        open_source(str(tmp_path / "loop.csv"))
    with pytest.raises(InputError, match="no such file"):
        open_source(str(tmp_path / "a.csv"))
    (tmp_path / "data").symlink_to(".")
    with pytest.raises(InputError, match="no data in this folder"):
        open_source(str(tmp_path))
    with pytest.raises(InputError, match="no such file"):
        open_source("~nobody-of-this-name/a.csv")
    with pytest.raises(InputError, match="cannot read"):
        open_source("a" * 5000 + ".csv")


def test_parquet_without_rows_and_damaged_parquet_are_refused(tmp_path, capfd, home_folder):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    with pytest.raises(InputError, match="needs rows"):
        open_source(str(path))
    pq.write_table(pa.table({"text": ["some text"] * 5000}), path, compression="snappy")
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        open_source(str(path))
    assert capfd.readouterr() == ("", "")
    assert [found for found in home_folder.rglob("*") if found.is_file()] == []


def test_a_file_changed_in_place_is_read_anew(write):
    path = write("a.csv", "text,label\naa,1\nbb,0\n")
    before = os.stat(path)
    assert rows(path)[0]["text"] == "aa"
    write("a.csv", "text,label\ncc,1\nbb,0\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert rows(path)[0]["text"] == "cc"


def test_rows_are_memory_mapped_from_the_cache_and_nothing_is_printed(write, tmp_path, capfd):
    for name in ("a.csv", "a.jsonl"):
        path = write(name, "text,label\na,1\nb,0\n" if name == "a.csv" else [{"text": "a"}])
        (file,) = open_source(path, cache=tmp_path / "cache").dataset.cache_files
        assert Path(file["filename"]).is_relative_to(tmp_path / "cache")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "count"), [("train", 5452), ("test", 500)])
def test_trec_is_read_as_the_csv_module_reads_it(shared, name, count):
    path = shared / "trec" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    assert rows(str(path)) == expected
    assert len(expected) == count


@pytest.mark.parametrize("name", ["amazon_cells", "imdb", "yelp"])
def test_uci_sentences_are_read_line_by_line(shared, name):
    path = shared / "uci_sentences" / f"{name}_labelled.txt"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    expected = [
        dict(zip(("column_1", "column_2"), line.split("\t"), strict=True)) for line in lines
    ]
    assert rows(str(path)) == expected


cells = st.text(
    st.one_of(
        st.sampled_from("\",;|\t\n\r 'a1"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    max_size=12,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    table=st.lists(st.tuples(cells, cells), min_size=1, max_size=6),
    separator=st.sampled_from(",\t;|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_of_the_csv_module_is_read_back_or_refused(
    tmp_path_factory, table, separator, quoting, ending
):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator=ending)
    writer.writerows([("text", "label"), *table])
    written = io.StringIO(buffer.getvalue(), newline="")
    # before Python 3.13 the module forgets to quote a carriage return if lines end in \n
    assume([tuple(row) for row in csv.reader(written, delimiter=separator)][1:] == table)
    folder = tmp_path_factory.mktemp("table")
    (folder / "a.csv").write_bytes(buffer.getvalue().encode())
    try:
        read = rows(str(folder / "a.csv"), reading=Reading(header=True), cache=folder)
    except InputError:
        return
    assert [tuple(row.values()) for row in read] == table


@settings(max_examples=40, deadline=None)
@given(
    table=st.lists(
        st.tuples(st.text('ab ,;|\t"é', min_size=1, max_size=12), st.sampled_from(["pos", "neg"])),
        min_size=1,
        max_size=6,
    ),
    separator=st.sampled_from(",\t;|"),
)
def test_a_table_with_a_header_and_a_text_a_line_is_never_refused(
    tmp_path_factory, table, separator
):
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerows([("text", "label"), *table])
    folder = tmp_path_factory.mktemp("table")
    (folder / "a.csv").write_bytes(buffer.getvalue().encode())
    read = rows(str(folder / "a.csv"), cache=folder)
    assert [tuple(row.values()) for row in read] == table
