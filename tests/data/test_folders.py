import json
import os
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from tui_finetune.data.pages import Pages
from tui_finetune.data.source import open_source
from tui_finetune.data.splits import prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection

ROWS = [{"text": f"film number {n}", "label": "xy"[n % 2]} for n in range(6)]


def table(folder: Path, name: str, rows=ROWS) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pa.Table.from_pylist(rows)
    if path.suffix == ".csv":
        path.write_text("text,label\n" + "".join(f"{r['text']},{r['label']}\n" for r in rows))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        pq.write_table(frame, path)
    else:
        feather.write_feather(frame, path)
    return str(path)


def splits_of(source) -> dict[str, list]:
    return {name: rows.to_list() for name, rows in open_source(source).splits.items()}


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_arrow_files_of_both_forms_are_read(tmp_path, compression):
    frame = pa.Table.from_pylist(ROWS)
    feather.write_feather(frame, tmp_path / "a.feather", compression=compression)
    assert splits_of(str(tmp_path / "a.feather")) == {"train": ROWS}
    with pa.ipc.new_stream(tmp_path / "a.arrow", frame.schema) as writer:
        writer.write_table(frame, max_chunksize=2)
    assert splits_of(str(tmp_path / "a.arrow")) == {"train": ROWS}


@pytest.mark.parametrize("content", [b"ARROW1\0\0 not really", b"text,label\na,b\n"])
def test_what_is_no_arrow_file_is_refused(write, content):
    with pytest.raises(InputError, match=r"no whole Arrow file|cannot be read"):
        open_source(write("a.arrow", content))


def test_an_arrow_stream_without_rows_or_without_its_end_is_refused(tmp_path):
    frame, path = pa.Table.from_pylist(ROWS), tmp_path / "a.arrow"
    with pa.ipc.new_stream(path, frame.schema):
        pass
    with pytest.raises(InputError, match="columns only"):
        open_source(str(path))
    with pa.ipc.new_stream(path, frame.schema) as writer:
        writer.write_table(frame, max_chunksize=2)
    path.write_bytes(path.read_bytes()[:-8])  # as where the writer was stopped between two batches
    with pytest.raises(InputError, match="no end, as where writing broke off"):
        open_source(str(path))


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_description_of_the_columns_that_does_not_fit_is_no_reason_to_fail(tmp_path, name):
    def written(label, note: str) -> DataSection:
        frame = pa.table({"text": ["a", "b"], "label": label})
        frame = frame.replace_schema_metadata({"huggingface": note})
        if name == "a.parquet":
            pq.write_table(frame, tmp_path / name)
        else:
            feather.write_feather(frame, tmp_path / name)
        return DataSection(source=str(tmp_path / name))

    data = written(["x", "y"], "{broken")
    assert Pages(tmp_path / "cache").page(data, 0, 5)["rows"] == [["a", "x"], ["b", "y"]]
    assert open_source(data.source).dataset["label"][:] == ["x", "y"]
    classes = {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}
    data = written([1, 7], json.dumps({"info": {"features": classes}}))
    assert Pages(tmp_path / "cache").page(data, 0, 5)["rows"] == [["a", "yes"], ["b", 7]]
    with pytest.raises(InputError, match="label holds 7 in row 2, and brings names for 0 to 1"):
        prepare(data)


def test_a_dataset_saved_to_disk_is_read_with_its_label_names(tmp_path):
    features = datasets.Features(
        {
            "text": datasets.Value("large_string"),
            "label": datasets.ClassLabel(names=["bad", "good"]),
        }
    )
    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 1]}, features)
    rows.select([2, 0]).save_to_disk(tmp_path / "one")
    opened = open_source(str(tmp_path / "one"))
    assert opened.dataset.to_list() == [{"text": "c", "label": 1}, {"text": "a", "label": 0}]
    assert opened.dataset.features["label"].names == ["bad", "good"]
    assert opened.dataset.features["text"] == datasets.Value("string")
    both = datasets.DatasetDict({"train": rows, "test": rows.select([])})
    both.save_to_disk(tmp_path / "empty")
    opened = open_source(str(tmp_path / "empty"))
    assert (list(opened.splits), opened.detected["left out"]) == (["train"], "test (no rows)")
    both = datasets.DatasetDict({"train": rows, "test": rows.select([0])})
    both.save_to_disk(tmp_path / "two", num_shards={"train": 2, "test": 1})
    assert {name: len(part) for name, part in splits_of(str(tmp_path / "two")).items()} == {
        "train": 3,
        "test": 1,
    }
    (tmp_path / "two" / "train" / "state.json").write_text("{")
    with pytest.raises(InputError, match="save_to_disk is damaged"):
        open_source(str(tmp_path / "two"))


@pytest.mark.parametrize(
    "names",
    [
        ["train.csv", "validation.csv", "test.csv"],
        ["reviews-train.parquet", "reviews-dev.parquet", "reviews-test.parquet"],
        ["train/a.jsonl", "val/a.jsonl", "test/a.jsonl"],
        ["data/train-00000-of-00001.parquet", "data/valid-0.parquet", "data/test-0.parquet"],
        ["train/a.csv", "dev.csv", "test/a.parquet"],
    ],
)
def test_the_files_of_a_folder_tell_their_splits(tmp_path, names):
    for number, name in enumerate(names):
        table(tmp_path / "set", name, ROWS[number:])
    (tmp_path / "set" / "README.md").write_text("# A set")
    (tmp_path / "set" / "LICENSE.txt").write_text("none")
    assert splits_of(str(tmp_path / "set")) == {
        "train": ROWS,
        "validation": ROWS[1:],
        "test": ROWS[2:],
    }


def test_the_files_of_a_split_follow_one_another_and_others_are_named(tmp_path):
    table(tmp_path, "train-1.csv", ROWS[:2])
    table(tmp_path, "train-2.csv", ROWS[2:])
    table(tmp_path, "sample_submission.csv")
    opened = open_source(str(tmp_path))
    assert opened.dataset.to_list() == ROWS
    assert opened.detected["left out"] == "sample_submission.csv"
    assert opened.detected["separator"] == "comma"


def test_a_folder_with_a_single_file_is_that_file(tmp_path):
    table(tmp_path, "reviews.csv")
    assert splits_of(str(tmp_path)) == {"train": ROWS}


def test_texts_in_folders_named_after_their_labels_are_read(tmp_path):
    for split, label, count in (
        ("train", "pos", 3),
        ("train", "neg", 2),
        ("train", "unsup", 4),
        ("test", "pos", 1),
        ("test", "neg", 1),
    ):
        folder = tmp_path / "imdb" / split / label
        folder.mkdir(parents=True)
        for number in range(count):
            text = f"{label} film {number}\nof two lines, café"
            (folder / f"{number}.txt").write_bytes(text.encode(("utf-8", "cp1252")[number % 2]))
    (tmp_path / "imdb" / "README").write_text("about it")
    (tmp_path / "imdb" / "train" / "urls_pos.txt").write_text("http://")
    opened = open_source(str(tmp_path / "imdb"))
    assert {name: len(rows) for name, rows in opened.splits.items()} == {"train": 5, "test": 2}
    assert opened.splits["train"][-1] == {
        "text": "pos film 2\nof two lines, café",
        "label": "pos",
        "file": "2.txt",
    }
    assert sorted(set(opened.splits["train"]["label"][:])) == ["neg", "pos"]
    assert opened.detected["left out"] == "train/urls_pos.txt, train/unsup"
    labels_only = splits_of(str(tmp_path / "imdb" / "train"))
    assert len(labels_only["train"]) == 5


def test_what_lies_in_a_label_folder_and_is_no_text_is_named(tmp_path):
    for label, name in (("pos", "1.txt"), ("neg", "1.txt"), ("neg", "2.md"), ("odd", "1.text")):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / name).write_text("über alles", encoding="utf-16")
    os.mkfifo(tmp_path / "pos" / "pipe.txt")
    opened = open_source(str(tmp_path))
    assert opened.dataset["label"][:] == ["neg", "pos"]
    assert set(opened.dataset["text"][:]) == {"über alles"}
    assert opened.detected["left out"] == (
        "neg (1 that are no .txt files), odd, pos (1 that are no .txt files)"
    )


def test_a_text_renamed_to_another_label_is_read_anew(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_text(f"text of {label}")
    assert [row["label"] for row in splits_of(str(tmp_path))["train"]] == ["a", "b"]
    (tmp_path / "b").rename(tmp_path / "c")
    assert [row["label"] for row in splits_of(str(tmp_path))["train"]] == ["a", "c"]


def test_a_text_that_is_none_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.txt").write_bytes(b"fine")
    (tmp_path / "a" / "2.txt").write_bytes("плохой фильм".encode("cp1251"))
    with pytest.raises(InputError, match=r"a/2\.txt: line 1 .*data\.reading\.encoding"):
        open_source(str(tmp_path))


def test_several_files_are_read_as_one(tmp_path):
    one, two = table(tmp_path, "b.csv", ROWS[:4]), table(tmp_path, "a.jsonl", ROWS[4:])
    with pytest.raises(InputError, match="different formats"):
        open_source([one, two])
    more = table(tmp_path, "a.csv", ROWS[4:])
    opened = open_source([one, more])
    assert opened.dataset.to_list() == ROWS
    assert opened.origin == f"{one} and 1 more"
    assert opened.digest != open_source([more, one]).digest


def test_a_pattern_means_the_files_that_fit_and_a_file_of_that_name_itself(tmp_path):
    table(tmp_path, "part-1.csv", ROWS[:3])
    table(tmp_path, "part-2.csv", ROWS[3:])
    assert open_source(str(tmp_path / "part-*.csv")).dataset.to_list() == ROWS
    odd = table(tmp_path, "part-[12].csv", ROWS[:1])
    assert open_source(odd).dataset.to_list() == ROWS[:1]
    with pytest.raises(InputError, match=r"part-1\.csv: this file is named twice"):
        open_source([str(tmp_path / "part-*.csv"), str(tmp_path / "part-1.csv")])


def test_several_files_that_are_train_and_test_are_not_mixed(tmp_path):
    files = [table(tmp_path, name) for name in ("train.csv", "test.csv")]
    assert splits_of(files) == {"train": ROWS, "test": ROWS}
    with pytest.raises(InputError, match=r"more\.csv: its name tells no split"):
        open_source([*files, table(tmp_path, "more.csv")])


def test_files_with_other_columns_or_types_are_not_joined(tmp_path):
    one = table(tmp_path, "1.jsonl")
    other = table(tmp_path, "2.jsonl", [{"text": "a", "class": "x"}])
    with pytest.raises(InputError, match=r"2\.jsonl: its columns are not those.*class, label"):
        open_source([one, other])
    numbers = table(tmp_path, "3.jsonl", [{"text": "a", "label": 1}])
    with pytest.raises(InputError, match=r"3\.jsonl: the column label holds int64, in .*string"):
        open_source([one, numbers])


def test_a_folder_that_holds_the_same_rows_twice_is_refused(tmp_path):
    table(tmp_path, "train.csv")
    table(tmp_path, "train.parquet")
    with pytest.raises(InputError, match="maybe the same rows twice"):
        open_source(str(tmp_path))


def test_a_folder_with_test_rows_alone_is_refused(tmp_path):
    table(tmp_path, "test.csv")
    table(tmp_path, "other.csv")
    with pytest.raises(InputError, match="none of its files is called train"):
        open_source(str(tmp_path))


def test_columns_in_another_order_are_the_same_columns(tmp_path, write):
    one = table(tmp_path, "1.csv", ROWS[:3])
    other = write("2.csv", [("label", "text"), *((row["label"], row["text"]) for row in ROWS[3:])])
    assert open_source([one, other]).dataset.to_list() == ROWS


def test_trec_and_the_uci_sentences_are_read_as_folders(shared):
    trec = open_source(str(shared / "trec"))
    assert {name: len(rows) for name, rows in trec.splits.items()} == {"train": 5452, "test": 500}
    sentences = open_source(str(shared / "uci_sentences"))
    assert len(sentences.dataset) == 3000
    assert sentences.reading.header is False
    assert sentences.detected["files"] == 3
