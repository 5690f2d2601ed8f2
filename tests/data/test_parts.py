import json

import pytest

from tui_finetune.data.parts import open_part, parts_of
from tui_finetune.data.source import open_source
from tui_finetune.data.splits import prepare
from tui_finetune.errors import InputError
from tui_finetune.recipe import DataSection

ROWS = [{"text": f"film number {n}", "label": "xy"[n % 2]} for n in range(100)]


@pytest.fixture
def folder(tmp_path):
    """A folder with 100 rows of train, 20 of test and 10 of dev."""
    for name, count in (("train", 100), ("test", 20), ("dev", 10)):
        lines = [json.dumps({**row, "text": f"{name} {row['text']}"}) for row in ROWS[:count]]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    return tmp_path


def texts_of(folder, **data):
    section = DataSection(source=str(folder), **data)
    parts = parts_of(open_source(section.source), section)
    return {name: part.dataset["text"][:] for name, part in parts.items()}


def texts(split, start, stop):
    return [f"{split} film number {n}" for n in range(start, stop)]


def test_the_splits_of_a_source_are_taken_by_their_names(folder):
    assert texts_of(folder) == {
        "train": texts("train", 0, 100),
        "validation": texts("dev", 0, 10),
        "test": texts("test", 0, 20),
    }


def test_a_share_of_nothing_leaves_the_test_split_alone(folder):
    assert set(texts_of(folder, test=0)) == {"train", "validation"}


def test_another_split_or_a_slice_can_be_named(folder):
    found = texts_of(folder, splits={"train": "train[:50%]", "test": "train[-5:]"})
    assert found == {
        "train": texts("train", 0, 50),
        "validation": texts("dev", 0, 10),
        "test": texts("train", 95, 100),
    }
    found = texts_of(folder, splits={"train": "train[:2]+test[1:3]", "test": "validation"})
    assert found == {
        "train": texts("train", 0, 2) + texts("test", 1, 3),
        "test": texts("dev", 0, 10),
    }


def test_a_slice_of_a_single_file_is_taken_too(folder):
    path = folder / "train.jsonl"
    assert texts_of(path, splits={"train": "train[:1%]"}) == {"train": texts("train", 0, 1)}


def test_where_test_is_the_split_of_train_it_is_cut_from_it(folder):
    assert set(texts_of(folder, splits={"test": "train"})) == {"train", "validation"}
    section = DataSection(source=str(folder), splits={"test": "train"})
    prepared = prepare(section)
    assert {name: len(rows) for name, rows in prepared.splits.items()} == {
        "train": 90,
        "validation": 10,
        "test": 10,
    }


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"train": "dev"}, "there is no split dev for train; it brings train, validation, test"),
        ({"train": "train[:1"}, "is no slice"),
        ({"train": "train[:200%]"}, "is no slice"),
        ({"train": "train[5:5]"}, "holds no rows; train has 100"),
        ({"train": "train[:60%]", "test": "train[50%:]"}, "train and test share 10 rows of train"),
        ({"validation": "test"}, None),
    ],
)
def test_wrong_splits_are_refused(folder, splits, words):
    if words is None:
        assert set(texts_of(folder, splits=splits)) == {"train", "validation"}
        return
    with pytest.raises(InputError, match=words):
        texts_of(folder, splits=splits)


def test_what_was_found_is_settled_so_that_it_repeats(folder):
    prepared = prepare(DataSection(source=str(folder)))
    section = prepared.settled(DataSection(source=str(folder)))
    assert section.splits.model_dump() == {
        "train": "train",
        "validation": "validation",
        "test": "test",
    }
    assert prepare(section).identity() == prepared.identity()
    assert {name: len(rows) for name, rows in prepared.splits.items()} == {
        "train": 100,
        "validation": 10,
        "test": 20,
    }


def test_how_text_was_read_is_settled_where_the_files_agree(write):
    first = write("a.csv", [("text", "label"), *((f"text {n}", "xy"[n % 2]) for n in range(40))])
    other = write("b.csv", "text;label\nfine;x\nbad;y\n".encode("utf-16"))
    data = DataSection(source=first)
    assert prepare(data).settled(data).reading.model_dump() == {
        "encoding": "utf-8",
        "separator": ",",
        "quote": "none",
        "header": True,
        "skip_lines": 0,
    }
    data = DataSection(source=first, test=other)
    settled = prepare(data).settled(data)
    assert settled.reading.separator is settled.reading.encoding is None
    assert settled.reading.header is True
    assert prepare(settled).identity() == prepare(data).identity()


def test_the_rows_of_a_part_can_be_opened_alone(folder):
    section = DataSection(source=str(folder))
    assert open_part(section, "test").dataset["text"][:] == texts("test", 0, 20)
    cut = section.model_copy(update={"source": str(folder / "train.jsonl")})
    assert open_part(cut, "test").dataset["text"][:] == texts("train", 0, 100)
    prepared = prepare(section)
    number = prepared.splits["test"][3]["row"]
    assert open_part(section, "test").dataset[number]["text"] == prepared.splits["test"][3]["text"]
