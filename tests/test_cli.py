"""The commands, called as from a shell."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from tui_finetune.entry import main
from tui_finetune.recipe import Recipe, dump_recipe
from tui_finetune.runs.directory import all_runs, create_run
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import Status, read_status, write_status

Call = Callable[..., tuple[int, str, str]]
Make = Callable[..., Recipe]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Run a command with a home of its own; return exit code, stdout, stderr."""
    monkeypatch.setenv("TUI_FINETUNE_HOME", str(tmp_path / "home"))

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tui-finetune", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        out, err = capfd.readouterr()
        assert isinstance(code, int)
        return code, out, err

    return run


@pytest.fixture
def recipe_file(make_recipe: Make, tmp_path: Path) -> Path:
    path = tmp_path / "films.yaml"
    path.write_text(dump_recipe(make_recipe(num_train_epochs=2)))
    return path


@pytest.fixture
def trained(call: Call, recipe_file: Path) -> dict[str, Any]:
    """The document of a run that was trained from the recipe."""
    code, out, _ = call("train", recipe_file, "--json")
    assert code == 0
    document: dict[str, Any] = json.loads(out)
    return document


ROWS = "text,label\n" + "a good film,positive\na bad film,negative\n" * 20

BAD_DATA = {
    "an empty file": ("", "is empty"),
    "a header only": ("text,label\n", "header only"),
    "one label only": ("text,label\n" + "a good film,positive\n" * 20, "every row has the label"),
    "rows with an empty text": (ROWS + ",positive\n", "1 with an empty text (row 41"),
    "rows with an empty label": (ROWS + "a film,\na film,\n", "2 with an empty label (rows 41, 42"),
    "fewer rows of a label than splits": (ROWS + "a film,mixed\n", "mixed has 1, and 3 are needed"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_refused_in_one_line(name: str, call: Call, tmp_path: Path) -> None:
    content, expected = BAD_DATA[name]
    data = tmp_path / "data.csv"
    data.write_text(content)
    assert_refused(call("train", "--data", data, "--model", "starter"), expected, tmp_path)


def test_rows_with_an_empty_text_are_left_out_when_told_to(
    call: Call, make_recipe: Make, tmp_path: Path
) -> None:
    data = tmp_path / "data.csv"
    data.write_text(ROWS + ",positive\n")
    model = make_recipe().model.source
    options = ("--data", data, "--model", model, "--epochs", 1, "--set", "tokens.max_length=32")
    code, out, _ = call("train", *options, "--drop-empty", "--json")
    assert code == 0
    run = all_runs(tmp_path / "home")[0]
    assert json.loads(out)["run"] == run.id
    assert read_history(run).stages["split"]["train"] == 32


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--data", "nowhere.csv"), "nowhere.csv"),
        (("--data", "{data}", "--text", "review"), "review"),
        (("--data", "{data}", "--model", "./nowhere"), "no such model folder"),
        (("--data", "{data}", "--model", "nobody/nothing"), "nobody/nothing"),
        (("--data", "{data}", "--set", "learning_rate=abc"), "train.learning_rate: 'abc'"),
        (("--data", "{data}", "--epochs", "many"), "train.num_train_epochs: 'many'"),
        (("--data", "{data}", "--set", "train.learning_rat=1"), "did you mean learning_rate"),
        (("--data", "{data}", "--set", "lr_scheduler_type=up"), "train.lr_scheduler_type"),
        (("--data", "{data}", "--set", "tokens.max_length=100000"), "tokens.max_length: 100000"),
        (("--data", "{data}", "--set", "colour=blue"), "train.colour"),
        (("--data", "{data}", "--set", "max_steps=abc"), "train.max_steps: 'abc'"),
        (("--data", "{data}", "--set", "push_to_hub=true"), "train.push_to_hub"),
        (("--data", "{data}", "--set", "data.colour=blue"), "data.colour: the recipe has no such"),
        (("--data", "{data}", "--set", "novalue"), "write KEY=VALUE"),
        ((), "nothing to train on"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    options: tuple[str, ...], expected: str, call: Call, data_file: Path, tmp_path: Path
) -> None:
    words = [option.format(data=data_file) for option in options]
    if "--data" in words and "--model" not in words:
        words += ["--model", "starter"]
    assert_refused(call("train", *words), expected, tmp_path)


def test_a_model_folder_without_a_tokenizer_is_refused(
    call: Call, data_file: Path, tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model(), tmp_path / "model"))
    for file in folder.glob("*token*"):
        file.unlink()
    (folder / "vocab.txt").unlink(missing_ok=True)
    assert_refused(call("train", "--data", data_file, "--model", folder), "tokenizer", tmp_path)


def test_a_recipe_with_an_unknown_key_is_refused(call: Call, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {source: x.csv}\nmodle: {source: starter}\n")
    assert_refused(call("train", recipe), "modle: the recipe has no such key", tmp_path)


def assert_refused(ended: tuple[int, str, str], expected: str, tmp_path: Path) -> None:
    """One line that says what is wrong, exit code 2, nothing on stdout, no run, no traceback."""
    code, out, err = ended
    assert code == 2
    assert expected in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert all_runs(tmp_path / "home") == []


def test_the_chosen_home_holds_all_that_is_written(
    call: Call, recipe_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    assert call("train", recipe_file, "--home", other, "--json")[0] == 0
    assert sorted(path.name for path in other.iterdir()) == ["cache", "runs"]
    assert not (tmp_path / "home").exists()


def test_commands_on_a_run_that_is_not_there(call: Call, trained: dict[str, Any]) -> None:
    for command in ("attach", "stop", "resume", "evaluate"):
        code, out, err = call(command, "nowhere")
        assert (code, out) == (2, "")
        assert "no such run" in err


def test_train_ends_with_one_document(trained: dict[str, Any], tmp_path: Path) -> None:
    assert trained["state"] == "finished"
    assert Path(trained["dir"]) == tmp_path / "home" / "runs" / trained["run"]
    assert set(trained["metrics"]) == {"validation", "test"}
    assert set(trained["metrics"]["test"]) == {"loss", "accuracy", "precision", "recall", "f1"}


def test_predict_equals_the_pipeline_on_the_saved_model(
    call: Call, trained: dict[str, Any]
) -> None:
    texts = ["a good film", "the plot is dull and the end awful", "quite fine"]
    code, out, _ = call("predict", "last", *texts, "--json")
    assert code == 0
    predictions = json.loads(out)
    classify = pipeline("text-classification", model=f"{trained['dir']}/model")
    for prediction, expected in zip(predictions, classify(texts), strict=True):
        assert prediction["label"] == expected["label"]
        assert prediction["score"] == pytest.approx(expected["score"], abs=1e-5)
        assert sum(prediction["scores"].values()) == pytest.approx(1)
    assert [prediction["text"] for prediction in predictions] == texts


def test_an_empty_text_is_not_predicted(call: Call, trained: dict[str, Any]) -> None:
    code, out, err = call("predict", "last", "a good film", " ")
    assert (code, out) == (2, "")
    assert "text 2 of 2 is empty" in err


def test_evaluate_gives_the_test_figures_or_those_of_another_file(
    call: Call, trained: dict[str, Any], data_file: Path, tmp_path: Path
) -> None:
    code, out, _ = call("evaluate", "films", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["rows"] == 12
    at_the_end = trained["metrics"]["test"]
    assert {name: document["metrics"][name] for name in at_the_end} == pytest.approx(at_the_end)
    assert document["baselines"]["before"]["metrics"]["accuracy"] <= 1
    code, out, _ = call("evaluate", "films", "--no-before")
    assert (code, "before" in out) == (0, False)

    code, out, _ = call("evaluate", "films", "--data", data_file, "--json")
    document = json.loads(out)
    assert (code, document["rows"], document["run"]) == (0, 120, trained["run"])

    other = tmp_path / "other.csv"
    other.write_text("text,label\na film,mixed\n")
    code, out, err = call("evaluate", "films", "--data", other)
    assert (code, out) == (2, "")
    assert "not trained on: mixed" in err


def test_predict_takes_a_file_and_gives_one(
    call: Call, trained: dict[str, Any], data_file: Path, tmp_path: Path
) -> None:
    out_file = tmp_path / "out.jsonl"
    words = ("predict", "last", "--file", data_file, "--out", out_file)
    code, out, _ = call(*words, "--json")
    assert (code, json.loads(out)["rows"]) == (0, 120)
    rows = [json.loads(line) for line in out_file.read_text().splitlines()]
    classify = pipeline("text-classification", model=f"{trained['dir']}/model")
    expected = classify([row["text"] for row in rows[:5]])
    assert [row["predicted_label"] for row in rows[:5]] == [made["label"] for made in expected]

    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert "--overwrite" in err or "overwrite" in err


def test_predict_wants_texts_or_a_file(call: Call, trained: dict[str, Any]) -> None:
    for words in ((), ("--file", "in.csv"), ("a film", "--file", "in.csv", "--out", "out.csv")):
        code, out, err = call("predict", "last", *words)
        assert (code, out) == (2, "")
        assert "--file IN with --out OUT" in err


def test_trace_shows_the_stages_and_writes_a_page(
    call: Call, trained: dict[str, Any], tmp_path: Path
) -> None:
    page = tmp_path / "trace.html"
    code, out, _ = call("trace", "last", "a good film", "--true", "positive", "--out", page)
    assert code == 0
    stages = [f"{number} {name}" for number, name in enumerate(STAGES, 1)]
    assert all(stage in out for stage in stages)
    assert "checks: 5 of 5 hold" in out
    assert page.read_text().lstrip().startswith("<!doctype html>")

    code, out, _ = call("trace", "last", "a good film", "--json")
    document = json.loads(out)
    assert code == 0
    assert [stage["name"] for stage in document["stages"]] == STAGES
    assert set(document["logits"]) == {"positive", "negative"}
    assert all(check["holds"] for check in document["checks"])

    for words in (("a film", "--out", tmp_path / "trace.pdf"), (" ",)):
        code, out, err = call("trace", "last", *words)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1


STAGES = ["tokenize", "embed", "layers", "head", "predict"]


def test_runs_lists_shows_and_deletes(call: Call, trained: dict[str, Any], tmp_path: Path) -> None:
    code, out, _ = call("runs", "--json")
    (listed,) = json.loads(out)
    assert code == 0
    assert (listed["run"], listed["name"], listed["state"]) == (trained["run"], "films", "finished")
    assert {"started", "task", "data", "model", "metrics"} <= set(listed)

    _, out, _ = call("runs", "show", trained["run"][:-2], "--json")
    shown = json.loads(out)
    assert shown["recipe"]["train"]["num_train_epochs"] == 2
    assert [epoch["number"] for epoch in shown["epochs"]] == [1, 2]

    for words in (("runs",), ("runs", "show", "last")):
        code, out, _ = call(*words)
        assert code == 0
        assert "finished" in out

    code, _, _ = call("runs", "delete", "last", "--yes")
    assert code == 0
    assert os.listdir(tmp_path / "home" / "runs") == []
    assert call("runs")[1].startswith("no runs in ")


def test_a_detached_run_is_stopped_and_resumed(
    call: Call, make_recipe: Make, tmp_path: Path
) -> None:
    recipe = make_recipe(num_train_epochs=300, save_strategy="epoch")
    recipe.early_stopping.patience = None
    file = tmp_path / "long.yaml"
    file.write_text(dump_recipe(recipe))
    code, out, _ = call("train", file, "--detach", "--json")
    started = json.loads(out)
    assert (code, started["state"]) == (0, "starting")
    (run,) = all_runs(tmp_path / "home")
    end = time.monotonic() + 60
    while read_status(run.status).step < 5:
        assert time.monotonic() < end
        time.sleep(0.1)

    code, out, err = call("runs", "delete", "last", "--yes")
    assert code == 2
    assert "stop it before" in err

    code, out, _ = call("stop", "last", "--json")
    stopped = json.loads(out)
    assert (code, stopped["state"]) == (0, "stopped")
    step = read_status(run.status).step

    code, out, _ = call("resume", "last", "--detach", "--json")
    assert (code, json.loads(out)["run"]) == (0, run.id)
    while read_status(run.status).step <= step:
        assert time.monotonic() < end
        time.sleep(0.1)
    code, out, _ = call("stop", "last", "--kill", "--json")
    assert json.loads(out)["state"] == "interrupted"


def test_a_run_that_another_program_has_taken_up_is_not_resumed(
    call: Call, make_recipe: Make, tmp_path: Path
) -> None:
    run = create_run(tmp_path / "home", make_recipe())
    write_status(run.status, Status(state="stopped"))
    hold = "import sys; from pathlib import Path; from tui_finetune.runs.claim import claim;"
    hold += "from tui_finetune.runs.directory import RunDirectory;"
    hold += "held = claim(RunDirectory(Path(sys.argv[1]))); print('held', flush=True); input()"
    command = [sys.executable, "-c", hold, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        code, out, err = call("resume", run.id)
        other.kill()
    assert (code, out) == (2, "")
    assert err.strip().splitlines() == [err.strip()]
    assert f"{run.id}: another program has just taken it up; watch it with" in err
    assert read_status(run.status).state == "stopped"


def test_ctrl_c_saves_a_checkpoint_and_exits_with_130(make_recipe: Make, tmp_path: Path) -> None:
    recipe = make_recipe(num_train_epochs=300)
    recipe.early_stopping.patience = None
    file = tmp_path / "long.yaml"
    file.write_text(dump_recipe(recipe))
    command = [sys.executable, "-m", "tui_finetune", "train", str(file)]
    process = subprocess.Popen([*command, "--home", str(tmp_path)], stdout=subprocess.PIPE)
    end = time.monotonic() + 60
    while not (runs := all_runs(tmp_path)) or read_status(runs[0].status).step < 5:
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"stopped" in out
    assert runs[0].newest_checkpoint() is not None


def test_a_hangup_leaves_a_run_in_the_foreground_going(make_recipe: Make, tmp_path: Path) -> None:
    file = tmp_path / "films.yaml"
    file.write_text(dump_recipe(make_recipe(num_train_epochs=30)))
    command = [sys.executable, "-m", "tui_finetune", "train", str(file), "--json"]
    process = subprocess.Popen([*command, "--home", str(tmp_path)], stdout=subprocess.PIPE)
    end = time.monotonic() + 60
    while not (runs := all_runs(tmp_path)) or read_status(runs[0].status).step < 5:
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["state"]) == (0, "finished")


def test_a_failed_run_says_why_and_exits_with_1(
    call: Call, recipe_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tui_finetune.training import worker

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker, "_save_model", no_room)
    code, out, _ = call("train", recipe_file, "--json")
    document = json.loads(out)
    assert (code, document["state"]) == (1, "failed")
    assert "the disk is full" in document["reason"]
    assert "No space left" in all_runs(tmp_path / "home")[0].log.read_text()


def test_doctor_reports(call: Call) -> None:
    code, out, _ = call("doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["versions"]["transformers"].startswith("5.")
    assert report["places"]["runs"] == 0
    code, out, _ = call("doctor")
    assert code == 0
    assert "hugging_face_cache" in out


def test_help_names_the_commands_that_work(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    commands = [
        "train", "resume", "attach", "stop", "predict", "evaluate", "trace", "doctor", "runs",
        "profile", "check", "script",
    ]  # fmt: skip
    assert all(f" {command} " in out for command in commands)


def test_profile_says_what_data_holds_and_what_mends_it(
    call: Call, tmp_path: Path, tiny_model: Callable[..., Path]
) -> None:
    path = tmp_path / "films.csv"
    rows = [f"film number {n} is {'good' if n % 2 else 'bad'},{'Good' if n == 1 else n % 2}"
            for n in range(40)]  # fmt: skip
    path.write_text("\n".join(["text,label", *rows, rows[5], ",1"]) + "\n")
    code, out, err = call("profile", path, "--model", tiny_model(), "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert (document["source"], document["rows"]) == (str(path), 42)
    assert {"splits", "columns", "detected"} <= set(document)
    problems = {problem["title"]: problem for problem in document["problems"]}
    assert list(problems)[:2] == ["Too few rows of a label", "Empty texts"]
    assert problems["Empty texts"]["severity"] == "error"
    assert problems["Repeated rows"]["count"] == 1
    assert all(problem["message"] for problem in problems.values())
    assert document["tokens"]["rows"] == 41
    merge = ["--set", "data.merge_labels={Good: 1}"]
    code, out, _ = call("profile", path, "--set", "data.drop_empty=true", *merge)
    assert code == 0
    assert "decided 1 row labelled Good taken as 1" in out
    assert "decided 1 row with an empty text or label" in out
    assert "--set data.drop_duplicates=true" in out
    assert "rows train 6, train 41" in out
    assert call("profile", tmp_path / "gone.csv")[0] == 2


def test_decisions_about_the_data_are_listed_in_the_run(
    call: Call, recipe_file: Path, data_file: Path, tmp_path: Path
) -> None:
    lines = data_file.read_text().splitlines()
    doubled = tmp_path / "doubled.csv"
    doubled.write_text("\n".join([*lines, *lines[1:31]]) + "\n")
    settings = [f"data.source={doubled}", "data.drop_duplicates=true", "train.max_steps=2",
                "data.merge_labels={positive: good}"]  # fmt: skip
    code, out, err = call(
        "train", recipe_file, "--json", *(word for each in settings for word in ("--set", each))
    )
    assert code == 0, err
    run = json.loads(out)
    shown = json.loads(call("runs", "show", run["run"], "--json")[1])
    found = {decision["key"]: decision["rows"] for decision in shown["decisions"]}
    repeats = len(lines) - 1 + 30 - len(set(lines[1:]))
    assert found["data.drop_duplicates"] == repeats
    assert "labelled positive taken as good" in call("runs", "show", run["run"])[1]
    assert "labelled positive taken as good" in Path(run["dir"], "model/README.md").read_text()
    assert shown["recipe"]["data"]["merge_labels"] == {"positive": "good"}


def test_a_home_named_before_the_command_counts(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("--home", tmp_path / "mine", "runs")
    assert code == 0
    assert str(tmp_path / "mine") in out
