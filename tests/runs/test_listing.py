import json
import os
import time
from pathlib import Path

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import dump_recipe, parse_recipe
from tui_finetune.runs.about import About, write_about
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.index import list_runs
from tui_finetune.runs.listing import delete_run, summarise, summary_document
from tui_finetune.runs.status import Status, this_process, write_status

RECIPE = parse_recipe({"data": {"source": "reviews.csv"}}, "test")


def put_run(home: Path, name: str, **values) -> RunDirectory:
    """A run whose id sorts by its name."""
    made = create_run(home, RECIPE)
    run = RunDirectory(made.path.rename(made.path.with_name(name)))
    write_status(run.status, Status(**{"name": name, **values}))
    return run


def test_the_newest_run_comes_first(tmp_path):
    for name in ("20260101-a", "20260301-c", "20260201-b"):
        put_run(tmp_path, name, state="finished")
    assert [run.id for run in list_runs(tmp_path)] == ["20260301-c", "20260201-b", "20260101-a"]


def test_a_home_without_runs_has_none(tmp_path):
    assert list_runs(tmp_path / "nowhere") == []


def test_a_summary_says_what_the_status_file_says(tmp_path):
    metrics = {"validation": {"accuracy": 0.9, "loss": 0.3}, "test": {"accuracy": 0.8}}
    put_run(
        tmp_path, "a", state="finished", task="text-classification", data="/d/reviews.csv",
        model="starter", started=1000.0, ended=1100.0, step=150, total_steps=150, epoch=3.0,
        epochs=3.0, metrics=metrics,
    )  # fmt: skip
    (run,) = list_runs(tmp_path)
    assert (run.name, run.state, run.data, run.model) == (
        "a",
        "finished",
        "/d/reviews.csv",
        "starter",
    )
    assert (run.step, run.total_steps, run.epochs, run.ended) == (150, 150, 3.0, 1100.0)
    assert (run.told("validation"), run.told("test")) == (("accuracy", 0.9), ("accuracy", 0.8))
    assert not run.active
    assert not run.resumable


def test_unknown_figures_are_none_and_not_zero(tmp_path):
    put_run(tmp_path, "a", state="stopped")
    (run,) = list_runs(tmp_path)
    assert run.told("validation") is None
    assert run.told("test") is None
    assert run.started is None
    assert run.resumable


def test_a_run_whose_process_is_gone_reads_interrupted_and_ended_at_its_last_heartbeat(tmp_path):
    put_run(tmp_path, "a", state="running", pid=None, heartbeat=1234.0)
    (run,) = list_runs(tmp_path)
    assert (run.state, run.ended) == ("interrupted", 1234.0)


def test_a_living_run_has_not_ended(tmp_path):
    put_run(tmp_path, "a", state="running", heartbeat=time.time(), **this_process())
    (run,) = list_runs(tmp_path)
    assert run.active
    assert run.ended is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"metrics": [1], "step": "x"}', '{"metrics": {"test": {"accuracy": "high"}}}'],
)
def test_a_damaged_status_file_is_listed_as_interrupted(tmp_path, content):
    run = put_run(tmp_path, "a", state="finished")
    run.status.write_text(content)
    (found,) = list_runs(tmp_path)
    assert found.state == "interrupted"
    assert found.told("test") is None
    assert found.name == "a"


def test_the_document_is_plain_json_with_times_in_utc(tmp_path):
    put_run(tmp_path, "a", state="finished", started=0.0, metrics={"test": {"accuracy": 0.5}})
    document = json.loads(json.dumps(summary_document(list_runs(tmp_path)[0])))
    assert document["run"] == "a"
    assert document["started"] == "1970-01-01T00:00:00+00:00"
    assert document["ended"] is None
    assert document["metrics"] == {"test": {"accuracy": 0.5}}
    assert {"name", "state", "task", "data", "model"} <= set(document)


def test_a_deleted_run_is_gone_from_the_list_and_from_the_disk(tmp_path):
    run = put_run(tmp_path, "a", state="finished")
    put_run(tmp_path, "b", state="finished")
    delete_run(run)
    assert [left.id for left in list_runs(tmp_path)] == ["b"]
    assert os.listdir(tmp_path / "runs") == ["b"]


def test_an_active_run_is_not_deleted(tmp_path):
    run = put_run(tmp_path, "a", state="running", **this_process())
    with pytest.raises(InputError, match="it is running; stop it"):
        delete_run(run)
    assert run.recipe.is_file()


def test_deleting_twice_says_that_it_is_gone(tmp_path):
    run = put_run(tmp_path, "a", state="failed")
    delete_run(run)
    with pytest.raises(InputError, match="gone already"):
        delete_run(run)


def test_a_removal_that_fails_half_way_leaves_no_half_run_in_the_list(tmp_path, monkeypatch):
    run = put_run(tmp_path, "a", state="failed")

    def fail(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tui_finetune.runs.listing.shutil.rmtree", fail)
    with pytest.raises(InputError, match="cannot remove it"):
        delete_run(run)
    assert list_runs(tmp_path) == []


def test_what_a_person_wrote_goes_before_what_the_run_says_and_comes_along(tmp_path):
    run = put_run(tmp_path, "a", state="finished")
    write_about(run, About(name="the good one", tags=("base", "night"), note="keep"))
    summary = summarise(run)
    assert (summary.name, summary.tags, summary.note) == ("the good one", ("base", "night"), "keep")
    assert summary.settings["data.source"] == "reviews.csv"
    document = json.loads(json.dumps(summary_document(summary)))
    assert (document["name"], document["tags"]) == ("the good one", ["base", "night"])


@pytest.mark.parametrize("origin", ["script", "import"])
def test_only_a_run_of_our_own_can_be_resumed(tmp_path, origin):
    assert summarise(put_run(tmp_path, "own", state="stopped")).resumable
    assert not summarise(put_run(tmp_path, "other", state="stopped", origin=origin)).resumable


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({"loss": 0.3, "f1": 0.7, "accuracy": 0.8}, ("accuracy", 0.8)),
        ({"loss": 0.3, "f1": 0.7, "accuracy": None}, ("f1", 0.7)),
        ({"rewards/margins": 1.5, "loss": 0.3}, ("loss", 0.3)),
        ({"rewards/margins": 1.5}, ("rewards/margins", 1.5)),
        ({"loss": 0.3, "mse": 0.4, "rmse": 0.6, "mae": 0.5, "r2": 0.1}, ("mae", 0.5)),
        ({"loss": 0.3, "f1": 0.7, "f1_micro": 0.8, "hamming_loss": 0.1}, ("f1", 0.7)),
        ({"loss": None}, None),
        ({}, None),
    ],
)
def test_the_figure_that_says_most_is_told(tmp_path, metrics, told):
    run = put_run(tmp_path, "a", state="finished", metrics={"validation": metrics})
    assert summarise(run).told("validation") == told
    assert summarise(run).told("test") is None


@pytest.mark.parametrize(
    ("chosen_by", "told"),
    [
        ("eval_rmse", ("rmse", 0.6)),
        ("eval_pearson", ("pearson", 0.9)),
        ("eval_loss", ("mae", 0.5)),  # a loss says less than what it stands for
        ("eval_accuracy", ("mae", 0.5)),  # not there
    ],
)
def test_the_metric_that_chose_the_best_epoch_is_told_first(tmp_path, chosen_by, told):
    figures = {"loss": 0.3, "mae": 0.5, "rmse": 0.6, "pearson": 0.9}
    metrics = {"validation": figures, "test": figures}
    own = put_run(tmp_path, "own", state="finished", metrics=metrics)
    content = {"data": {"source": "a.csv"}, "early_stopping": {"metric": chosen_by}}
    own.recipe.write_text(dump_recipe(parse_recipe(content, "test")))
    script = put_run(tmp_path, "script", origin="script", metrics=metrics)
    script.recipe.unlink()
    script.arguments.write_text(json.dumps({"metric_for_best_model": chosen_by}))
    imported = put_run(tmp_path, "in", origin="import", metrics=metrics, selection_metric=chosen_by)
    imported.recipe.unlink()
    for run in (own, script, imported):
        assert summarise(run).told("validation") == told
        assert summarise(run).told("test") == told
    # and so from the cache
    list_runs(tmp_path)
    assert [run.told("test") for run in list_runs(tmp_path)] == [told] * 3


def test_a_run_without_a_start_began_when_its_id_was_made(tmp_path):
    run = put_run(tmp_path, "20260101-000000-a-0000", state="queued")
    assert summarise(run).began == 1767225600.0  # 2026-01-01 in UTC
    assert summarise(put_run(tmp_path, "odd", state="queued")).began == 0.0
    assert summarise(put_run(tmp_path, "b", state="finished", started=5.0)).began == 5.0


def test_a_run_that_goes_on_takes_until_now_and_one_that_ended_until_its_end(tmp_path):
    now = time.time()
    live = put_run(tmp_path, "a", state="running", started=now - 60, **this_process())
    assert 60 <= summarise(live).duration < 120
    ended = put_run(tmp_path, "b", state="finished", started=100.0, ended=160.0)
    assert summarise(ended).duration == 60.0
    assert summarise(put_run(tmp_path, "c", state="finished", ended=160.0)).duration is None
