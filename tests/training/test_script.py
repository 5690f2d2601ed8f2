"""The script of a run repeats it without this program: the same rows, the same losses."""

import csv
import functools
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from safetensors.torch import load_file

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe, parse_recipe
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.training.script import script_of, write_script
from tui_finetune.training.script_data import literal
from tui_finetune.training.start import Start, new_run

Make = Callable[..., Recipe]
Train = Callable[[Recipe], RunDirectory]

GOOD, BAD = "a good film, très bien", "a bad plot; very dull"


def losses(entries: list[dict[str, Any]]) -> dict[tuple[int, str], float]:
    """Every figure of training and evaluation by its step and name, without those of time."""
    return {
        (entry["step"], name): value
        for entry in entries
        for name, value in entry.items()
        if name in ("loss", "grad_norm", "learning_rate")
        or (name.startswith("eval_") and "second" not in name and "runtime" not in name)
    }


def logged(run: RunDirectory) -> dict[tuple[int, str], float]:
    entries = [json.loads(line) for line in run.journal.read_text().splitlines()]
    return losses([entry for entry in entries if entry["event"] == "log"])


def lint(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *options, "--isolated", "--line-length", "100"]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_script_run_by_itself_has_the_losses_of_the_run_at_every_step(
    make_recipe: Make, train: Train, tmp_path: Path
) -> None:
    recipe = make_recipe(gradient_accumulation_steps=2, warmup_steps=3)
    recipe.early_stopping.metric = "eval_f1"
    more = tmp_path / "more.csv"  # with a repeat, a hole, and a label in two spellings
    more.write_text("text,label\nthe end,Negative\nthe end,negative\n,positive\n")
    content = recipe.model_dump(mode="json")
    content["data"] |= {
        "source": [recipe.data.source, str(more)],
        "drop_empty": True, "drop_duplicates": True, "merge_labels": {"Negative": "negative"},
    }  # fmt: skip
    run = train(parse_recipe(content, "test"))
    script = tmp_path / "elsewhere" / "train.py"
    script.parent.mkdir()
    write_script(run, script)
    assert "import tui_finetune" not in script.read_text()
    assert "from tui_finetune" not in script.read_text()
    environment = {key: value for key, value in os.environ.items() if "PYTHON" not in key}
    done = subprocess.run(
        [sys.executable, "-I", str(script)],
        cwd=script.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    state = json.loads((script.parent / "films" / "trainer_state.json").read_text())
    theirs, ours = losses(state["log_history"]), logged(run)
    assert len([step for step, name in ours if name == "loss"]) == 21
    assert theirs == pytest.approx(ours, rel=1e-9)
    judged = json.loads((script.parent / "films" / "test_results.json").read_text())
    reported = json.loads((run.evaluation / "metrics.json").read_text())["test"]
    for name in ("loss", "accuracy", "precision", "recall", "f1"):
        assert judged[f"test_{name}"] == pytest.approx(reported[name], abs=1e-6)
    assert (script.parent / "films" / "model" / "model.safetensors").is_file()


KINDS = {
    "pairs, weighted and smoothed": (
        [{"one": GOOD, "two": text, "label": label}
         for text, label in ((GOOD, "same"), (BAD, "other"), ("a film", "other")) * 20],
        {"columns": {"text": "one", "text_pair": "two"}},
        {"class_weights": "balanced", "label_smoothing_factor": 0.1},
    ),
    "several labels, weighted": (
        [{"text": text, "labels": labels}
         for text, labels in ((GOOD, ["good"]), (BAD, ["dull", "bad"]), ("a film", [])) * 20],
        {},
        {"class_weights": "balanced"},
    ),
    "numbers": (
        [{"text": text, "stars": stars}
         for text, stars in ((GOOD, 4.5), (BAD, 1.25), ("a film", 3)) * 20],
        {"columns": {"label": "stars"}},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_scripts_for_other_kinds_of_labels_have_the_losses_of_their_runs(
    kind: str,
    make_recipe: Make,
    train: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, data, settings = KINDS[kind]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = make_recipe(num_train_epochs=2, gradient_accumulation_steps=2, **settings)
    run = train(parse_recipe(
        {**recipe.model_dump(mode="json"), "data": {"source": str(source), **data}}, "test"
    ))  # fmt: skip
    text = script_of(run)
    monkeypatch.chdir(tmp_path)
    script: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, "train.py", "exec"), script)
    script["main"]()
    state = json.loads((tmp_path / "films" / "trainer_state.json").read_text())
    assert losses(state["log_history"]) == pytest.approx(logged(run), rel=1e-9)
    path = tmp_path / "train.py"
    path.write_text(text)
    for option in ("check", "format"):
        linted = lint(path, option, *(["--diff"] if option == "format" else []))
        assert linted.returncode == 0, linted.stdout


def table(path: Path, separator: str = ",", encoding: str = "utf-8", **options: Any) -> Path:
    """Write 40 rows, of which some repeat, with labels that are written in two ways."""
    rows = [
        (f"{text} {number % 15}", label)
        for number in range(20)
        for text, label in ((GOOD, "positive"), (BAD, " negative" if number % 4 else "Negative"))
    ]
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=separator, **options)
        writer.writerows([("id", "text", "label"), *((i, *row) for i, row in enumerate(rows))])
    return path  # fmt: skip


def of_csv(folder: Path) -> dict[str, Any]:
    return {"source": str(table(folder / "a.csv"))}


def of_semicolons(folder: Path) -> dict[str, Any]:
    return {"source": str(table(folder / "a.csv", ";", "cp1252"))}


def of_single_quotes(folder: Path) -> dict[str, Any]:
    path = table(folder / "a.csv", quotechar="'", quoting=csv.QUOTE_ALL)
    return {"source": str(path)}


def of_escaped_quotes(folder: Path) -> dict[str, Any]:
    path = table(folder / "a.csv")
    path.write_text(path.read_text().replace("film", '\\"film\\"'))
    return {"source": str(path)}


def of_lines_above(folder: Path) -> dict[str, Any]:
    path = table(folder / "a.csv", ";", "utf-16")
    path.write_text("Export of films\n\n" + path.read_text("utf-16"), "utf-16")
    return {"source": str(path), "reading": {"skip_lines": 2}}


def of_no_header(folder: Path) -> dict[str, Any]:
    path = table(folder / "a.tsv", "\t")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    columns = {"text": "column_2", "label": "column_3"}
    return {"source": str(path), "columns": columns}


def of_two_files(folder: Path) -> dict[str, Any]:
    return {"source": [str(table(folder / name)) for name in ("a.csv", "b.csv")]}


def of_a_folder(folder: Path) -> dict[str, Any]:
    table(folder / "train.csv")
    table(folder / "test.csv")
    return {"source": str(folder), "splits": {"validation": "test[:50%]", "test": "test[50%:]"}}


def of_own_files(folder: Path) -> dict[str, Any]:
    table(folder / "a.csv")
    other = table(folder / "held.csv")
    other.write_text(other.read_text() + "99,a film,positive\n")
    return {"source": str(folder / "a.csv"), "test": str(other), "validation": 0.2}


def of_parquet(folder: Path) -> dict[str, Any]:
    frame = datasets.Dataset.from_csv(str(table(folder / "a.csv")), cache_dir=str(folder / "c"))
    frame = frame.map(lambda row: {"label": row["label"].strip().lower() == "positive"})
    frame.to_parquet(folder / "a.parquet")
    return {"source": str(folder / "a.parquet")}


def of_saved(folder: Path) -> dict[str, Any]:
    rows = {"text": [GOOD, BAD] * 20, "label": [1, 0] * 20}
    names = datasets.ClassLabel(names=["no", "yes"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(folder / "saved")
    return {"source": str(folder / "saved")}


def of_texts(folder: Path) -> dict[str, Any]:
    for label, text in (("pos", GOOD), ("neg", BAD), ("unsup", "a film")):
        (folder / label).mkdir()
        for number in range(12):
            (folder / label / f"{number}.txt").write_text(f"{text} {number}", encoding="utf-8")
    return {"source": str(folder)}


def of_holes(folder: Path) -> dict[str, Any]:
    path = table(folder / "a.csv")
    path.write_text(path.read_text() + "98,,positive\n99,a film, \n")
    return {"source": str(path), "drop_empty": True}


def of_decisions(folder: Path) -> dict[str, Any]:
    table(folder / "train.csv")
    other = table(folder / "test.csv")
    other.write_text(
        "".join(other.read_text().splitlines(keepends=True)[:12]) + "99,new,positive\n"
    )
    merges = {"Negative": "negative"}
    return {"source": str(folder), "drop_duplicates": True, "merge_labels": merges}


def of_labels_in_a_cell(folder: Path) -> dict[str, Any]:
    path = folder / "a.csv"
    cells = [(GOOD, "good|fine"), (BAD, "bad | dull"), ("a film", "fine")] * 12
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *cells])
    return {"source": str(path), "label_separator": "|", "merge_labels": {"fine": "good"}}


def of_hostile_names(folder: Path) -> dict[str, Any]:
    path = folder / 'x"""\\ {{ run }} y.csv'
    column, label = 'a "text"\\', "it's"
    names = ['"""', "{% if %}\\n", "\u2028 #"]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([(column, label), *[(GOOD, name) for name in names * 12]])
    return {"source": str(path), "columns": {"text": column, "label": label}}


SOURCES = [
    of_csv, of_semicolons, of_single_quotes, of_escaped_quotes, of_lines_above, of_no_header,
    of_two_files, of_a_folder, of_own_files, of_parquet, of_saved, of_texts, of_holes, of_decisions,
    of_labels_in_a_cell, of_hostile_names,
]  # fmt: skip


@pytest.fixture(scope="module")
def written(
    tiny_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[Start, Path]]:
    """Make a run of a source, without training it, and its script; each once."""
    home, scripts = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("scripts")

    @functools.cache
    def make(source: Callable[[Path], dict[str, Any]]) -> tuple[Start, Path]:
        data = source(tmp_path_factory.mktemp("data"))
        content = {"data": data, "model": {"source": str(tiny_model())}}
        start = new_run(home, parse_recipe(content, "test"))
        path = scripts / f"{source.__name__}.py"
        write_script(start.run, path)
        return start, path

    return make


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_script_reads_the_very_rows_of_the_run(
    source: Callable[[Path], dict[str, Any]], written: Callable[..., tuple[Start, Path]]
) -> None:
    start, path = written(source)
    script: dict[str, Any] = {"__name__": "script"}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), script)
    splits = script["load_splits"]()
    prepared = start.setup.data
    assert script["LABELS"] == list(prepared.labels)
    assert list(splits) == list(prepared.splits)
    for name, rows in prepared.splits.items():
        assert splits[name]["text"] == rows["text"][:]
        assert splits[name]["labels"] == rows["label"][:]


def test_a_script_of_a_compressed_file_is_refused(
    written: Callable[..., tuple[Start, Path]],
) -> None:
    def of_packed(folder: Path) -> dict[str, Any]:
        packed = folder / "a.csv.gz"
        packed.write_bytes(gzip.compress(table(folder / "a.csv").read_bytes()))
        return {"source": str(packed)}

    with pytest.raises(InputError, match=r"a\.csv\.gz: a script reads no compressed files; unpack"):
        written(of_packed)


def test_scripts_are_written_as_a_linter_wants_it(
    written: Callable[..., tuple[Start, Path]],
) -> None:
    paths = [written(source)[1] for source in SOURCES]
    linted = lint(paths[0].parent, "check", "--select", "E4,E7,E9,F,I,B,UP,SIM,RET,C4")
    assert linted.returncode == 0, linted.stdout
    formatted = lint(paths[0].parent, "format", "--diff")
    assert formatted.returncode == 0, formatted.stdout


def test_a_script_names_the_risk_of_what_the_run_allowed_of_its_model(
    make_recipe: Make, tiny_model: Callable[..., Path], train: Train, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    folder = Path(shutil.copytree(tiny_model(), tmp_path / "own"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    (folder / "own.py").write_text(
        "from transformers import BertConfig, BertForSequenceClassification\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\n"
        "class Own(BertForSequenceClassification):\n    config_class = OwnConfig\n"
    )
    config = json.loads((folder / "config.json").read_text())
    places = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.Own"}
    config |= {"model_type": "own", "auto_map": places}
    (folder / "config.json").write_text(json.dumps(config))
    content = make_recipe(num_train_epochs=1).model_dump(mode="json")
    content["model"] = {"source": str(folder), "allow_pickle": True, "trust_remote_code": True}
    run = train(parse_recipe(content, "test"))
    text = script_of(run)
    assert "trust_remote_code runs the Python files that come with the model" in text
    assert "Pickled weights can hold code that runs when they are loaded" in text
    monkeypatch.chdir(tmp_path)
    script: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, "train.py", "exec"), script)
    script["main"]()
    state = json.loads((tmp_path / "films" / "trainer_state.json").read_text())
    assert losses(state["log_history"]) == pytest.approx(logged(run), rel=1e-9)
    # what a model does not need is not taken along
    content["model"] = {**content["model"], "source": str(tiny_model())}
    plain = script_of(new_run(tmp_path / "home", parse_recipe(content, "test")).run)
    assert "trust_remote_code" not in plain
    assert "pickle" not in plain.lower()


def test_what_a_plain_script_reads_otherwise_is_refused(make_recipe: Make, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed.jsonl"
    rows = [{"text": GOOD, "label": 1}, {"text": BAD, "label": "bad"}] * 20
    mixed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {**make_recipe().model_dump(mode="json"), "data": {"source": str(mixed)}}
    start = new_run(tmp_path / "home", parse_recipe(content, "test"))
    with pytest.raises(InputError, match="a plain script cannot read this run's data"):
        script_of(start.run)


def test_a_script_of_data_that_changed_is_refused(make_recipe: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    content = {**make_recipe().model_dump(mode="json"), "data": {"source": str(path)}}
    start = new_run(tmp_path / "home", parse_recipe(content, "test"))
    path.write_text(path.read_text() + "99,a film,positive\n")
    with pytest.raises(InputError, match="has changed since the run began"):
        script_of(start.run)


@pytest.mark.parametrize(
    "value",
    ["plain", "it's", 'say "so"', "both ' and \"", "tab\t\\n", "\u2028\ud800", "é 😀",
     ["a", {"b": None}], {"c": [1.5, True]}],
)  # fmt: skip
def test_literals_are_read_back_as_what_they_were(value: object) -> None:
    assert eval(literal(value)) == value
