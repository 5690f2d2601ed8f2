import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_finetune.errors import InputError
from tui_finetune.runs.control import request_stop
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import History, read_history
from tui_finetune.runs.imports.follow import Source, read_source, refresh, write_source
from tui_finetune.runs.imports.importing import import_runs, look
from tui_finetune.runs.index import RunIndex, list_runs
from tui_finetune.runs.listing import delete_run, summarise
from tui_finetune.runs.settings import read_settings
from tui_finetune.runs.status import read_status

TRAINER_RUNS = Path(__file__).parents[2].parent / "shared" / "data" / "trainer_runs"

PutState = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def put_state(tmp_path: Path) -> PutState:
    """Write a trainer_state.json with a loss of 1/step at each step, or with this log_history."""

    def put(place: str, step: int, log: list[dict] | None = None, **values: Any) -> Path:
        if log is None:
            log = [{"epoch": s / 10, "loss": 1 / s, "step": s} for s in range(1, step + 1)]
        path = tmp_path / place / "trainer_state.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"global_step": step, "max_steps": 100, "epoch": step / 10, "log_history": log}
        path.write_text(json.dumps(content | values))
        return path.parent

    return put


@pytest.fixture
def real() -> Path:
    if not TRAINER_RUNS.is_dir():
        pytest.skip("the real Trainer folders are not on this machine")
    return TRAINER_RUNS


def import_one(home: Path, folder: Path) -> RunDirectory:
    (run,) = import_runs(home, folder)
    return run


def points(history: History) -> dict[str, list[tuple[float, float, float]]]:
    """Step, epoch and value of each curve."""
    return {
        name: list(zip(curve.steps, curve.epochs, curve.values, strict=True))
        for name, curve in history.curves.items()
    }


def points_of_file(state: Path) -> dict[str, list[tuple[float, float, float]]]:
    """The same, straight from the file; the entry at the training's end is no course."""
    curves: dict[str, list[tuple[float, float, float]]] = {}
    for entry in json.loads(state.read_text())["log_history"]:
        if "train_runtime" not in entry:
            for name in entry.keys() - {"step", "epoch"}:
                point = (entry["step"], entry["epoch"], entry[name])
                curves.setdefault(name, []).append(point)
    return curves


# --- real runs of others ---


@pytest.mark.parametrize(
    "name", ["chatglm2-lora-60-epochs", "news-analysis-unfinished", "roberta-lora-agnews",
             "trl-kto"],
)  # fmt: skip
def test_a_real_run_has_the_curves_that_its_file_says(home, real, name):
    run = import_one(home, real / name)
    assert points(read_history(run)) == points_of_file(real / name / "trainer_state.json")
    assert read_status(run.status).name == name


def test_the_state_of_a_real_run_is_no_better_than_what_its_files_show(home, real):
    told = {
        status.name: (status.state, status.step, status.total_steps, status.reason)
        for run in import_runs(home, real)
        for status in [read_status(run.status)]
    }
    assert told == {
        "chatglm2-lora-60-epochs": ("finished", 1220, 1220, ""),
        "news-analysis-unfinished": (
            "interrupted", 900, 1120,
            "its files end at step 900 of 1,120; whether it goes on is not recorded",
        ),
        "roberta-lora-agnews": ("finished", 1200, 1200, ""),
        "trl-kto": ("finished", 1000, 1000, ""),
    }  # fmt: skip


def test_all_257_entries_of_a_long_run_are_there(home, real):
    history = read_history(import_one(home, real / "chatglm2-lora-60-epochs"))
    logged = len(history.curves["loss"]) + len(history.curves["eval_loss"]) + bool(history.summary)
    assert logged == 257
    assert history.summary["train_runtime"] == 15499.0147
    assert history.curves["loss"].epochs[-1] == 19.84


def test_a_run_that_counts_tokens_is_not_at_its_end_at_each_step(home, put_state):
    log = [
        {"step": step, "epoch": step / 10, "loss": 1.0, "train_runtime": 2.0 * step}
        for step in range(1, 6)
    ]
    run = import_one(home, put_state("counting", 5, log))
    assert read_status(run.status).state == "interrupted"
    assert list(read_history(run).curves["loss"].steps) == [1, 2, 3, 4, 5]


def test_the_event_file_of_another_training_does_not_mix_with_the_state_beside_it(home, real):
    folder = real / "roberta-lora-agnews"
    run = import_one(home, folder)
    history = read_history(run)
    assert history.curves["loss"].values[0] == 1.2893  # the event file says 1.3975
    assert not history.curves["loss"].knows("time")
    (note,) = history.notes
    assert "another training" in note["text"]
    assert "runs/run0" in note["text"]
    events = read_history(import_one(home, folder / "runs" / "run0"))
    assert events.curves["loss"].values[0] == pytest.approx(1.3975)
    assert list(events.curves["loss"].steps) == list(range(100, 1300, 100))
    assert events.curves["eval_accuracy"].values[0] == pytest.approx(0.2409166693687439)
    assert events.curves["loss"].times[0] == pytest.approx(
        1744227280.903 - 1744227257.738, abs=0.01
    )


def test_nothing_is_changed_where_the_runs_came_from(home, put_state):
    folder = put_state("films", 5)
    before = [(path, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))]
    import_one(home, folder)
    assert [(path, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))] == before


# --- what a file can say ---


def test_what_is_no_finite_number_is_a_gap(home, put_state):
    values = [0.5, math.nan, math.inf, -math.inf, None, 10**400, 0.25]
    log = [{"step": step, "epoch": 0.1, "loss": loss} for step, loss in enumerate(values, start=1)]
    folder = put_state("films", 7, log)
    assert "NaN" in (folder / "trainer_state.json").read_text()
    loss = read_history(import_one(home, folder)).curves["loss"]
    assert [*loss.steps] == [1, 2, 3, 4, 5, 6, 7]
    assert [None if math.isnan(value) else value for value in loss.values] == [
        0.5, None, None, None, None, None, 0.25,
    ]  # fmt: skip


def test_entries_that_are_none_are_passed_over(home, put_state):
    log = [
        "text", None, {"loss": 1.0}, {"step": "two", "loss": 1.0}, {"step": 3, "loss": "low"},
        {"step": 4, "epoch": None, "loss": 0.5, "flag": True, "more": {"a": 1}, "self": 1.5},
    ]  # fmt: skip
    history = read_history(import_one(home, put_state("films", 4, log)))
    assert {name: [*curve.values] for name, curve in history.curves.items()} == {
        "loss": [0.5], "self": [1.5],
    }  # fmt: skip


def test_figures_named_like_places_do_not_take_their_place(home, put_state):
    log = [{"step": 1, "epoch": 0.1, "loss": 0.5, "time": 7.0, "event": 2.0}]
    curves = read_history(import_one(home, put_state("films", 1, log))).curves
    assert [*curves] == ["loss", "logged/time", "logged/event"]
    assert math.isnan(curves["loss"].times[0])


def test_the_best_evaluation_is_the_one_that_the_trainer_kept(home, put_state):
    log = [
        {"step": 1, "eval_loss": 0.3, "eval_f1": 0.7, "eval_runtime": 9.0},
        {"step": 2, "eval_loss": 0.4, "eval_f1": 0.8, "eval_runtime": 9.0},
    ]
    windows = {"best_model_checkpoint": "saves\\films\\checkpoint-2", "best_metric": 0.8}
    run = import_one(home, put_state("films", 2, log, **windows))
    assert read_status(run.status).metrics == {"validation": {"loss": 0.4, "f1": 0.8}}
    assert read_history(run).selection_metric == "eval_f1"
    assert summarise(run).selection_metric == "eval_f1"
    by_number = import_one(home, put_state("plays", 2, log, best_metric=0.8))
    assert read_status(by_number.status).metrics["validation"]["f1"] == 0.8
    by_loss = import_one(home, put_state("books", 2, log))
    assert read_status(by_loss.status).metrics["validation"]["loss"] == 0.3


def test_what_is_known_of_the_settings_and_the_model_is_told(home, put_state):
    folder = put_state(
        "films", 5, num_train_epochs=10, train_batch_size=8, logging_steps=1, eval_steps=0.1
    )
    (folder / "config.json").write_text('{"_name_or_path": "./base"}')
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/model"}')
    run = import_one(home, folder)
    assert read_settings(run) == {
        "train.max_steps": 100, "train.num_train_epochs": 10, "train.train_batch_size": 8,
        "train.logging_steps": 1, "train.eval_steps": 0.1,
    }  # fmt: skip
    status = read_status(run.status)
    assert (status.model, status.epochs, status.started) == ("org/model", 10, None)


def test_a_pickle_is_never_opened(home, put_state, tmp_path):
    folder = put_state("films", 5)
    opened = tmp_path / "opened"
    (folder / "training_args.bin").write_bytes(
        b"cos\nsystem\n(S'touch " + str(opened).encode() + b"'\ntR."
    )
    import_one(home, folder)
    assert not opened.exists()


def test_results_alone_are_a_run_without_steps(home, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    results = {"epoch": 3.0, "eval_accuracy": 0.9, "eval_runtime": 2.0, "test_accuracy": 0.8,
               "train_runtime": 60.0, "train_loss": 0.2}  # fmt: skip
    (folder / "all_results.json").write_text(json.dumps(results))
    run = import_one(home, folder)
    status = read_status(run.status)
    assert (status.state, status.step, status.epoch) == ("finished", 0, 3.0)
    assert status.metrics == {"validation": {"accuracy": 0.9}, "test": {"accuracy": 0.8}}
    assert read_history(run).curves == {}
    assert read_history(run).test == {"accuracy": 0.8}


# --- which file, which folder ---


def test_the_newest_state_is_taken_wherever_it_lies(home, put_state):
    put_state("films", 10)
    put_state("films/checkpoint-9", 9)
    folder = put_state("films/checkpoint-20", 20).parent
    run = import_one(home, folder)
    assert read_status(run.status).step == 20
    assert {step: saved["step"] for step, saved in read_history(run).checkpoints.items()} == {
        9: 9, 20: 20,
    }  # fmt: skip
    put_state("films", 30)
    assert refresh(run)
    assert read_status(run.status).step == 30


def test_a_damaged_file_is_told_in_a_line_and_the_others_are_taken(home, put_state):
    folder = put_state("films/checkpoint-10", 10).parent
    half = put_state("films/checkpoint-20", 20) / "trainer_state.json"
    half.write_text(half.read_text()[:300])
    run = import_one(home, folder)
    assert read_status(run.status).step == 10
    (note,) = read_history(run).notes
    assert note["text"].startswith("checkpoint-20/trainer_state.json: damaged or half-written")
    assert "\n" not in note["text"]


def test_a_folder_of_runs_gives_each_of_them_its_name(home, put_state, tmp_path):
    put_state("sweep/a", 5)
    put_state("sweep/deep/er/b/checkpoint-5", 5)
    put_state("sweep/c/output", 5)
    (tmp_path / "sweep" / "no-run").mkdir()
    runs = import_runs(home, tmp_path / "sweep")
    assert sorted(read_status(run.status).name for run in runs) == ["a", "b", "c"]
    alone = import_one(home, tmp_path / "sweep" / "deep" / "er" / "b" / "checkpoint-5")
    assert read_status(alone.status).name == "b"


def test_the_same_folder_again_is_the_same_run(home, put_state, tmp_path, monkeypatch):
    folder = put_state("films", 5)
    run = import_one(home, folder)
    monkeypatch.chdir(tmp_path)
    assert import_one(home, Path("films")) == run
    assert [*(home / "runs").glob("[!.]*")] == [run.path]


def test_an_old_run_does_not_become_the_newest(home, put_state):
    folder = put_state("films", 5)
    os.utime(folder / "trainer_state.json", (1.6e9, 1.6e9))
    assert import_one(home, folder).id.startswith("20200913-122640-films-")


def test_what_was_looked_for_is_said_when_nothing_is_there(home, put_state, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"looked for trainer_state\.json.*events"):
        import_runs(home, tmp_path / "empty")
    with pytest.raises(InputError, match="No such file or directory"):
        import_runs(home, tmp_path / "missing")
    damaged = put_state("damaged", 1)
    (damaged / "trainer_state.json").write_text('{"log_history": [')
    with pytest.raises(InputError, match="half-written"):
        import_runs(home, damaged)
    assert not (home / "runs").exists()


def test_a_file_stands_for_its_folder(home, put_state):
    folder = put_state("films", 5)
    assert import_one(home, folder / "trainer_state.json") == import_one(home, folder)


def test_names_that_are_no_text_are_made_storable(home, put_state, tmp_path):
    folder = put_state("films", 5)
    (folder / "config.json").write_text('{"_name_or_path": "org/\\ud800"}')
    odd = tmp_path / os.fsdecode(b"caf\xe9\x1b]52;c;AA\x07")
    folder.rename(odd)
    run = import_one(home, odd)
    assert import_one(home, odd) == run
    status = read_status(run.status)
    assert (status.step, status.model) == (5, "org/?")
    assert status.name.startswith("caf?")


def test_an_import_that_was_cut_off_goes_on(home, put_state):
    run = import_one(home, put_state("films", 20))
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(lines[:8]) + lines[8][:20])
    write_source(run, Source(read_source(run).folder))
    assert len(read_history(run).curves["loss"]) == 20


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(
        ["global_step", "max_steps", "epoch", "num_train_epochs", "best_metric",
         "best_global_step", "best_model_checkpoint", "trial_params", "logging_steps", "step",
         "log_history", "eval_loss"]
    ),
)  # fmt: skip
def test_no_value_of_a_file_breaks_the_reading(value, key):
    with TemporaryDirectory() as place:
        entry = {"step": 1, "epoch": 0.5, "loss": 0.5, "eval_loss": 0.25}
        content = {"global_step": 1, "log_history": [entry | {key: value}]} | {key: value}
        Path(place, "trainer_state.json").write_text(json.dumps(content))
        try:
            run = import_one(Path(place, "home"), Path(place))
        except InputError:
            assert key == "log_history"
        else:
            read_history(run)
            read_settings(run)


def test_looking_takes_nothing(home, put_state):
    (found,) = look(put_state("films", 5))
    assert (found.status.name, found.status.step, len(found.logs)) == ("films", 5, 5)
    assert not home.exists()


# --- a run that goes on ---


def journal_size(run: RunDirectory) -> int:
    return run.journal.stat().st_size


def test_only_what_is_new_is_added_to_the_journal(home, put_state):
    folder = put_state("films/checkpoint-10", 10).parent
    run = import_one(home, folder)
    before = run.journal.read_bytes()
    assert not refresh(run)
    put_state("films/checkpoint-20", 20)
    assert refresh(run)
    assert run.journal.read_bytes().startswith(before)
    added = [json.loads(line) for line in run.journal.read_bytes()[len(before) :].splitlines()]
    assert [entry["step"] for entry in added if entry["event"] == "log"] == [*range(11, 21)]
    assert not any(entry["event"] == "start" for entry in added)
    assert not refresh(run)


def test_a_history_that_was_rewritten_is_told_anew_from_there(home, put_state):
    folder = put_state("films", 10)
    run = import_one(home, folder)
    log = [{"step": s, "epoch": s / 10, "loss": 1 / s if s < 6 else 9.0} for s in range(1, 9)]
    put_state("films", 8, log)
    assert refresh(run)
    history = read_history(run)
    assert points(history) == points_of_file(folder / "trainer_state.json")
    assert [*history.curves["loss"].values][4:] == [0.2, 9.0, 9.0, 9.0]


def test_growth_is_the_sign_that_a_run_goes_on(home, put_state, monkeypatch):
    folder = put_state("films/checkpoint-10", 10).parent
    run = import_one(home, folder)
    assert read_status(run.status).state == "interrupted"
    put_state("films/checkpoint-20", 20)
    refresh(run)
    status = read_status(run.status)
    assert status.state == "running"
    assert status.heartbeat == pytest.approx(time.time(), abs=10)
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    status = read_status(run.status)
    assert status.state == "interrupted"
    assert status.reason.startswith("its files end at step 20 of 100")


def test_growth_of_long_ago_is_no_sign(home, put_state):
    run = import_one(home, put_state("films/checkpoint-10", 10).parent)
    newer = put_state("films/checkpoint-20", 20) / "trainer_state.json"
    for path in newer.parent.parent.rglob("trainer_state.json"):
        os.utime(path, (time.time() - 3600,) * 2)
    assert refresh(run)
    status = read_status(run.status)
    assert (status.state, status.step) == ("interrupted", 20)


def test_a_run_that_comes_to_its_end_is_finished(home, put_state):
    run = import_one(home, put_state("films/checkpoint-10", 10).parent)
    put_state("films", 12, [{"step": 12, "train_runtime": 5.0, "train_loss": 0.3}])
    refresh(run)
    status = read_status(run.status)
    assert (status.state, status.reason) == ("finished", "")


def test_a_state_that_is_being_written_takes_nothing_away(home, put_state):
    folder = put_state("films", 10)
    run = import_one(home, folder)
    size = journal_size(run)
    whole = (folder / "trainer_state.json").read_text()
    (folder / "trainer_state.json").write_text(whole[:200])
    refresh(run)
    assert journal_size(run) == size
    assert read_status(run.status).step == 10
    put_state("films", 11)
    assert refresh(run)
    assert len(read_history(run).curves["loss"]) == 11


def test_a_run_whose_files_are_gone_stays_as_it_was(home, put_state):
    folder = put_state("films", 10)
    run = import_one(home, folder)
    (folder / "trainer_state.json").rename(folder / "elsewhere")
    assert not refresh(run)
    assert len(read_history(run).curves["loss"]) == 10
    (folder / "elsewhere").rename(folder / "trainer_state.json")
    put_state("films", 12)
    assert refresh(run)


def test_a_run_of_this_program_is_no_imported_one(tmp_path):
    assert read_source(RunDirectory(tmp_path)) is None
    assert not refresh(RunDirectory(tmp_path))


def test_two_at_the_same_work_do_it_once(home, put_state):
    import fcntl

    folder = put_state("films", 10)
    run = import_one(home, folder)
    put_state("films", 20)
    with (run.path / ".import.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not refresh(run)
    assert refresh(run)
    assert len(read_history(run).curves["loss"]) == 20


def test_the_list_of_runs_follows_those_that_have_not_ended(home, put_state):
    put_state("films", 10)
    import_one(home, put_state("films", 10))
    index = RunIndex(home)
    index.look()
    put_state("films", 20)
    assert index.look()
    assert [(run.step, run.state) for run in index.runs()] == [(20, "running")]
    put_state("films", 30)
    assert [run.step for run in list_runs(home)] == [30]


def test_a_run_of_others_cannot_be_stopped_but_taken_out_of_the_list(home, put_state):
    folder = put_state("films", 10)
    run = import_one(home, folder)
    put_state("films", 20)
    refresh(run)
    assert read_status(run.status).state == "running"
    with pytest.raises(InputError, match="stop it where it was started"):
        request_stop(run, "stop-now")
    delete_run(run)
    assert not run.path.exists()
    assert (folder / "trainer_state.json").exists()
