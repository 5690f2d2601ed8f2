"""Files in, files out: rows, columns and types stay, and an interrupted job goes on."""

import csv
import datetime
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tui_finetune.errors import InputError
from tui_finetune.evaluation.prediction_files import FileResult, predict_file
from tui_finetune.evaluation.prediction_output import added_names
from tui_finetune.evaluation.prediction_part import part_path
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.models.loading import load_classifier, load_tokenizer, load_trained
from tui_finetune.recipe import parse_recipe

FORMATS = ["csv", "jsonl", "parquet"]
HOSTILE = [
    'a "good" film, very; good',
    "good\nfilm\r\nwas\rbad",
    "\x1b]52;c;AAAA\x07 \u202egnol [/] [bold]",
    "=cmd|' /C calc'!A0",
    "\u2028 bad \u2029 \ufeff",
    "NA",
    "007",
    "{{x}} \\n \\u0000 \t tab",
    "好电影 🎬 e\u0301",
    "'",
]
ROWS = [
    {"id": number, "text": f"{'good' if number % 3 else 'bad'} film {text}", "grade": number / 4}
    for number, text in enumerate(HOSTILE)
]

KILLED = """
import os, signal, sys
from pathlib import Path
from tests_of_files import load
from tui_finetune.evaluation.prediction_files import predict_file

def progress(told):
    if told["what"] == "predicting" and told["done"] >= 150:
        os.kill(os.getpid(), signal.SIGKILL)

predict_file(load(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), None, progress,
             batch_rows=40, cache=Path(sys.argv[4]))
"""

LOAD = """
from tui_finetune import process
process.settle()
from tui_finetune.evaluation.trained import TrainedModel
from tui_finetune.models.loading import load_trained
from tui_finetune.recipe import parse_recipe

def load(folder):
    recipe = parse_recipe({"data": {"source": "none"}, "tokens": {"max_length": 32}}, "test")
    return TrainedModel(folder, "after", recipe, *load_trained(folder))
"""


@pytest.fixture(scope="module")
def trained(tiny_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A classifier of two labels with random weights."""
    folder = tmp_path_factory.mktemp("model")
    load_classifier(tiny_model(), ["negative", "positive"]).save_pretrained(folder)
    load_tokenizer(tiny_model()).save_pretrained(folder)
    return loaded(folder)


def loaded(folder: Path) -> TrainedModel:
    recipe = parse_recipe({"data": {"source": "none"}, "tokens": {"max_length": 32}}, "test")
    return TrainedModel(folder, "after", recipe, *load_trained(folder))


def silent(told: dict[str, Any]) -> None:
    """Be told how far it is."""


@pytest.fixture
def run_on(trained: TrainedModel, tmp_path: Path) -> Callable[..., FileResult]:
    """Predict a file of `tmp_path` into another."""

    def run(source: str, out: str, column: str | None = None, **changes: Any) -> FileResult:
        told = changes.pop("progress", silent)
        options = {"cache": tmp_path / "cache", **changes}
        return predict_file(trained, tmp_path / source, tmp_path / out, column, told, **options)

    return run


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows with the libraries' own writers."""
    match path.suffix:
        case ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
                writer.writeheader()
                writer.writerows(rows)
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)


def read(path: Path) -> list[dict[str, Any]]:
    """Read rows with the libraries' own readers."""
    match path.suffix:
        case ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize("into", FORMATS)
@pytest.mark.parametrize("origin", FORMATS)
def test_rows_columns_and_types_stay_and_the_predictions_are_those_of_a_plain_forward_pass(
    run_on: Callable[..., FileResult],
    trained: TrainedModel,
    tmp_path: Path,
    origin: str,
    into: str,
) -> None:
    import torch

    write(tmp_path / f"in.{origin}", ROWS)
    result = run_on(f"in.{origin}", f"out.{into}", batch_rows=3)
    assert result == FileResult(tmp_path / f"out.{into}", len(ROWS), 0, 0)
    got = read(tmp_path / f"out.{into}")
    added = ["label", "score", "score_negative", "score_positive"]
    assert list(got[0]) == ["id", "text", "grade", *added]
    as_text = "csv" in (origin, into)
    for row, expected in zip(got, ROWS, strict=True):
        known = {name: str(value) if as_text else value for name, value in expected.items()}
        assert {name: row[name] for name in expected} == known
        inputs = trained.tokenizer(
            expected["text"], truncation=True, max_length=32, return_tensors="pt"
        )
        with torch.inference_mode():
            shares = trained.model(**inputs).logits.softmax(-1)[0]
        assert float(row["score_negative"]) == pytest.approx(float(shares[0]), abs=1e-5)
        assert float(row["score_positive"]) == pytest.approx(float(shares[1]), abs=1e-5)
        assert float(row["score"]) == max(float(row[name]) for name in added[2:])
        assert row["label"] == max(added[2:], key=lambda name: float(row[name]))[6:]


def test_a_csv_of_predictions_opens_as_it_was_written(
    run_on: Callable[..., FileResult], tmp_path: Path
) -> None:
    """The package's own reader agrees with the csv module."""
    write(tmp_path / "in.csv", ROWS)
    run_on("in.csv", "once.csv")
    run_on("once.csv", "twice.tsv")
    with (tmp_path / "twice.tsv").open(newline="", encoding="utf-8") as file:
        got = list(csv.DictReader(file, delimiter="\t"))
    assert [row["text"] for row in got] == [row["text"] for row in ROWS]
    assert [row["predicted_score"] for row in got] == [row["score"] for row in got]
    assert list(got[0])[-4] == "predicted_label"


@pytest.mark.parametrize("into", FORMATS)
def test_rows_without_a_text_have_no_prediction_and_are_counted(
    run_on: Callable[..., FileResult], tmp_path: Path, into: str
) -> None:
    texts = ["good film", None, "", " \n", "bad film"]
    write(tmp_path / "in.jsonl", [{"text": text, "n": n} for n, text in enumerate(texts)])
    assert run_on("in.jsonl", f"out.{into}", batch_rows=2).empty == 3
    got = read(tmp_path / f"out.{into}")
    assert [int(row["n"]) for row in got] == list(range(5))
    for name in ("label", "score", "score_negative"):
        assert [row[name] in (None, "") for row in got] == [False, True, True, True, False]


@pytest.mark.parametrize("into", FORMATS)
def test_a_killed_job_goes_on_and_writes_the_very_same_bytes(
    run_on: Callable[..., FileResult],
    trained: TrainedModel,
    tmp_path: Path,
    into: str,
) -> None:
    rows = [{"text": f"{'good ' * (n % 17)}film {n} {HOSTILE[n % 10]}", "n": n} for n in range(300)]
    write(tmp_path / "in.jsonl", rows)
    out = tmp_path / f"out.{into}"
    (tmp_path / "tests_of_files.py").write_text(LOAD)
    words = [trained.folder, tmp_path / "in.jsonl", out, tmp_path / "cache"]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert not out.exists()
    assert part_path(out).exists()

    assert run_on("in.jsonl", out.name, batch_rows=40) == FileResult(out, 300, 0, 120)
    assert not part_path(out).exists()
    assert run_on("in.jsonl", f"whole.{into}", batch_rows=40).resumed_from == 0
    assert out.read_bytes() == (tmp_path / f"whole.{into}").read_bytes()
    assert [int(row["n"]) for row in read(out)] == list(range(300))


class Enough(Exception):
    """Raised where a person would cancel."""


def cancel_after(rows: int) -> Callable[[dict[str, Any]], None]:
    def progress(told: dict[str, Any]) -> None:
        if told["what"] == "predicting" and told["done"] > rows:
            raise Enough

    return progress


@pytest.fixture
def half_done(run_on: Callable[..., FileResult], tmp_path: Path) -> Path:
    """A job that was cancelled after 20 of 40 rows."""
    write(tmp_path / "in.csv", [{"text": f"good film {n}", "other": f"bad {n}"} for n in range(40)])
    with pytest.raises(Enough):
        run_on("in.csv", "out.csv", batch_rows=10, progress=cancel_after(20))
    return tmp_path / "out.csv"


def test_a_cancelled_job_goes_on_where_it_was(
    run_on: Callable[..., FileResult], half_done: Path
) -> None:
    told: list[dict[str, Any]] = []
    assert run_on("in.csv", "out.csv", batch_rows=10, progress=told.append).resumed_from == 20
    done = [one["done"] for one in told if one["what"] == "predicting"]
    assert done[0] == 20
    assert done[-1] == 40
    assert done == sorted(done)


@pytest.mark.parametrize("change", ["input", "column", "model", "tail"])
def test_a_part_that_belongs_to_something_else_is_not_gone_on_from(
    run_on: Callable[..., FileResult],
    trained: TrainedModel,
    half_done: Path,
    tmp_path: Path,
    change: str,
) -> None:
    column, from_row = None, 0
    if change == "input":
        write(tmp_path / "in.csv", [{"text": f"bad film {n}", "other": "x"} for n in range(40)])
    elif change == "column":
        column = "other"
    elif change == "model":
        os.utime(trained.folder / "model.safetensors")
    else:  # a batch that was only half written
        with part_path(half_done).open("ab") as part:
            part.write(b"\0" * 11)
        from_row = 20
    assert run_on("in.csv", "out.csv", column, batch_rows=10).resumed_from == from_row
    run_on("in.csv", "fresh.csv", column, batch_rows=10)
    assert half_done.read_bytes() == (tmp_path / "fresh.csv").read_bytes()


def test_an_output_that_exists_is_refused_unless_it_may_be_overwritten(
    run_on: Callable[..., FileResult], tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", ROWS)
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(InputError, match=r"out\.csv: exists already"):
        run_on("in.csv", "out.csv")
    assert (tmp_path / "out.csv").read_text() == "precious"
    run_on("in.csv", "out.csv", overwrite=True)
    assert len(read(tmp_path / "out.csv")) == len(ROWS)
    with pytest.raises(InputError, match="the file that is read"):
        run_on("in.csv", "in.csv", overwrite=True)


def test_a_cancelled_job_leaves_an_existing_output_as_it_was(
    run_on: Callable[..., FileResult], tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", ROWS)
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(Enough):
        run_on("in.csv", "out.csv", overwrite=True, batch_rows=3, progress=cancel_after(6))
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {
        "in.csv", "out.csv", ".out.csv.part", "cache"
    }  # fmt: skip


def test_two_jobs_do_not_write_the_same_file(
    run_on: Callable[..., FileResult], tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", ROWS)

    def progress(told: dict[str, Any]) -> None:
        if told["what"] == "predicting":
            with pytest.raises(InputError, match="another job is writing"):
                run_on("in.csv", "out.csv")

    run_on("in.csv", "out.csv", progress=progress)
    assert len(read(tmp_path / "out.csv")) == len(ROWS)


@pytest.mark.parametrize(
    ("source", "out", "column", "said"),
    [
        ("nowhere.csv", "out.csv", None, "no such file"),
        ("in.csv", "out.xlsx", None, "unknown kind of file"),
        ("in.csv", "no/out.csv", None, "no such folder"),
        ("in.csv", "out.csv", "words", r"no column words.*id, text, grade"),
        ("in.jsonl", "out.csv", "id", "holds int64 and cannot be the text"),
        ("numbers.jsonl", "out.csv", None, "no column holds text"),
        ("in.csv", "x" * 250 + ".csv", None, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    run_on: Callable[..., FileResult],
    tmp_path: Path,
    source: str,
    out: str,
    column: str | None,
    said: str,
) -> None:
    write(tmp_path / "in.csv", ROWS)
    write(tmp_path / "in.jsonl", ROWS)
    write(tmp_path / "numbers.jsonl", [{"n": 1}, {"n": 2}])
    with pytest.raises(InputError, match=said) as caught:
        run_on(source, out, column)
    assert "\n" not in str(caught.value)


def test_the_runs_own_text_column_goes_before_a_guess(
    trained: TrainedModel, tmp_path: Path
) -> None:
    from dataclasses import replace

    write(tmp_path / "in.jsonl", [{"text": "good", "remark": "bad"}])
    content = {"data": {"source": "none", "columns": {"text": "remark"}}}
    told = replace(trained, recipe=parse_recipe(content, "test"))
    out = tmp_path / "out.jsonl"
    predict_file(told, tmp_path / "in.jsonl", out, None, silent, cache=tmp_path / "cache")
    expected = trained.predict(["bad"])[0]
    assert read(out)[0]["score"] == pytest.approx(expected.score)


@pytest.mark.parametrize(
    ("name", "content", "column", "texts"),
    [
        ("in.csv", 'text\ngood film\n"a, ""b"""\n\nbad; and long, too\n', "text",
         ["good film", 'a, "b"', "bad; and long, too"]),
        ("in.txt", '"Good" film\nbad\n', "column_1", ['"Good" film', "bad"]),
        ("in.txt", "utterance\r\ngood\r\n", "utterance", ["good"]),
    ],
)  # fmt: skip
def test_a_file_of_texts_alone_is_predicted_too(
    run_on: Callable[..., FileResult],
    tmp_path: Path,
    name: str,
    content: str,
    column: str,
    texts: list[str],
) -> None:
    (tmp_path / name).write_bytes(content.encode())
    run_on(name, "out.jsonl")
    assert [row[column] for row in read(tmp_path / "out.jsonl")] == texts


def test_types_of_parquet_stay_and_are_text_where_a_format_has_none(
    run_on: Callable[..., FileResult], tmp_path: Path
) -> None:
    day = datetime.datetime(2026, 11, 21, 5, 30)
    kept = {"text": "good", "when": day, "raw": b"\xff", "tags": ["a", "b"], "nan": float("nan")}
    write(tmp_path / "in.parquet", [kept])
    for into in FORMATS:
        run_on("in.parquet", f"out.{into}")
    (row,) = read(tmp_path / "out.parquet")
    assert {name: row[name] for name in ("when", "raw", "tags")} == {
        "when": day, "raw": b"\xff", "tags": ["a", "b"]
    }  # fmt: skip
    (row,) = read(tmp_path / "out.jsonl")
    assert (row["when"], row["raw"], row["tags"], row["nan"]) == (
        str(day),
        "/w==",
        ["a", "b"],
        None,
    )
    (row,) = read(tmp_path / "out.csv")
    assert (row["when"], row["raw"], row["tags"]) == (str(day), "/w==", '["a", "b"]')


def test_added_columns_never_take_the_name_of_one_that_is_there() -> None:
    labels = ["good", "bad"]
    assert added_names(["text"], labels) == ["label", "score", "score_good", "score_bad"]
    prefixed = ["predicted_label", "predicted_score", "predicted_score_good", "predicted_score_bad"]
    assert added_names(["text", "label"], labels) == prefixed
    assert added_names(["text", "score_bad"], labels) == prefixed
    again = added_names(["text", "label", "predicted_score"], labels)
    assert again[0] == "predicted_2_label"


def test_memory_does_not_grow_with_the_file(
    run_on: Callable[..., FileResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only pieces of the rows are ever Python objects."""
    monkeypatch.setattr("tui_finetune.evaluation.prediction_files._WRITTEN_ROWS", 500)
    peaks = []
    for count in (1_000, 8_000):
        table = pa.table({"text": [f"good film {n}" for n in range(count)]})
        pq.write_table(table, tmp_path / f"{count}.parquet")
        tracemalloc.start()
        run_on(f"{count}.parquet", f"{count}.csv", batch_rows=500)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
