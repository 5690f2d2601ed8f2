import json
import os
import shutil
import sqlite3
import threading
import time

import pytest

from tui_finetune.recipe import parse_recipe
from tui_finetune.runs import index as index_module
from tui_finetune.runs.about import change_about
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.index import RunIndex, list_runs
from tui_finetune.runs.listing import delete_run
from tui_finetune.runs.status import Status, read_status, this_process, write_status

RECIPE = parse_recipe({"data": {"source": "reviews.csv"}, "train": {"learning_rate": 5e-5}}, "test")


@pytest.fixture
def put_run(tmp_path):
    """Make a run whose id is its name."""

    def put(name, **values):
        made = create_run(tmp_path, RECIPE)
        run = RunDirectory(made.path.rename(made.path.with_name(name)))
        write_status(run.status, Status(**{"name": name, "state": "finished", **values}))
        return run

    return put


@pytest.fixture
def read(monkeypatch):
    """The ids of the runs whose files were read, in order."""
    seen = []
    summarise = index_module.summarise
    monkeypatch.setattr(
        index_module, "summarise", lambda run: seen.append(run.id) or summarise(run)
    )
    return seen


def ids(index):
    return [run.id for run in index.runs()]


def test_the_newest_are_read_first_and_the_others_bit_by_bit(tmp_path, put_run):
    for name in "cabed":
        put_run(name)
    index = RunIndex(tmp_path)
    index.look(at_most=2)
    assert (ids(index), index.total, index.unread) == (["e", "d"], 5, 3)
    index.look(at_most=2)
    assert (ids(index), index.unread) == (["e", "d", "c", "b"], 1)
    index.look()
    assert (ids(index), index.unread) == (["e", "d", "c", "b", "a"], 0)


def test_a_second_index_takes_everything_from_the_cache_and_it_is_the_same(tmp_path, put_run, read):
    metrics = {"validation": {"accuracy": 0.9, "loss": None}, "test": {"accuracy": 0.8}}
    run = put_run("a", metrics=metrics, started=1.5, ended=2.5, reason="[/]\x1b")
    put_run("b", state="failed")
    change_about(run, tags=("x", "y"), note="kept")
    first = list_runs(tmp_path)
    assert sorted(read) == ["a", "b"]
    read.clear()
    second = list_runs(tmp_path)
    assert read == []
    assert second == first
    assert second[1].settings["train.learning_rate"] == 5e-5
    assert second[1].tags == ("x", "y")


@pytest.mark.parametrize("change", ["status", "about", "recipe"])
def test_a_changed_file_is_read_again_by_this_index_and_by_the_next(
    tmp_path, put_run, read, change
):
    run = put_run("a")
    put_run("b")
    index = RunIndex(tmp_path)
    index.look()
    read.clear()
    if change == "status":
        write_status(run.status, Status(name="other", state="failed"))
    elif change == "about":
        change_about(run, name="other")
    else:
        run.recipe.write_text("train: {learning_rate: 1e-3}\n")
    assert index.look()
    assert read == ["a"]
    assert RunIndex(tmp_path).look()
    assert read == ["a"]
    found = index.runs()[1]
    assert found == list_runs(tmp_path)[1]
    if change == "recipe":
        assert found.settings["train.learning_rate"] == 1e-3
    else:
        assert found.name == "other"


def test_nothing_new_is_no_change(tmp_path, put_run):
    put_run("a")
    index = RunIndex(tmp_path)
    assert index.look()
    assert not index.look()


def test_runs_in_sight_are_looked_at_each_time_and_the_others_in_turn(tmp_path, put_run):
    runs = {name: put_run(name) for name in "abcdef"}
    index = RunIndex(tmp_path)
    index.look()
    for run in runs.values():
        write_status(run.status, Status(name="new", state="failed"))
    index.look(["a"], at_most=1)
    changed = [run.id for run in index.runs() if run.name == "new"]
    assert "a" in changed
    assert len(changed) <= 2
    for _ in range(6):
        index.look(at_most=1)
    assert {run.name for run in index.runs()} == {"new"}


def test_a_live_run_is_looked_at_each_time_and_is_never_cached(
    tmp_path, put_run, read, monkeypatch
):
    put_run("a", state="running", **this_process())
    index = RunIndex(tmp_path)
    index.look()
    assert index.runs()[0].state == "running"
    # It dies, and no file changes.
    monkeypatch.setattr("tui_finetune.runs.status.process_lives", lambda status: False)
    assert index.look(at_most=0)
    assert index.runs()[0].state == "interrupted"
    assert list_runs(tmp_path)[0].state == "interrupted"


def test_runs_that_come_and_go_are_noticed(tmp_path, put_run):
    run = put_run("a")
    index = RunIndex(tmp_path)
    index.look()
    put_run("b")
    index.look()
    assert ids(index) == ["b", "a"]
    delete_run(run)
    assert index.look()
    assert ids(index) == ["b"]
    assert cached(tmp_path) == {"b"}


def test_a_home_that_is_not_there_has_no_runs_and_is_not_made(tmp_path):
    assert list_runs(tmp_path / "nowhere") == []
    assert not (tmp_path / "nowhere").exists()


def cached(home):
    with sqlite3.connect(home / "index.sqlite") as connection:
        return {row[0] for row in connection.execute("SELECT id FROM runs")}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"not a database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:100] + os.urandom(8000)),
    ],
    ids=["deleted", "no database", "cut off", "scrambled"],
)
def test_whatever_happens_to_the_cache_nothing_is_lost_and_it_is_made_again(
    tmp_path, put_run, read, damage
):
    for name in "abc":
        put_run(name, metrics={"test": {"accuracy": 0.5}})
    before = list_runs(tmp_path)
    damage(tmp_path / "index.sqlite")
    assert list_runs(tmp_path) == before
    list_runs(tmp_path)
    read.clear()
    assert list_runs(tmp_path) == before
    assert read == []


def test_entries_that_are_none_of_ours_are_read_from_the_runs(tmp_path, put_run):
    put_run("a")
    before = list_runs(tmp_path)
    for content in ("", "[]", "null", "{}", '{"tags": 3}', json.dumps({"unknown": 1})):
        with sqlite3.connect(tmp_path / "index.sqlite") as connection:
            connection.execute("UPDATE runs SET content = ?", (content,))
        assert list_runs(tmp_path) == before


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, put_run):
    put_run("a")
    (tmp_path / "index.sqlite").mkdir()
    assert [run.id for run in list_runs(tmp_path)] == ["a"]


def test_a_cache_that_another_process_has_locked_is_done_without(tmp_path, put_run):
    put_run("a")
    list_runs(tmp_path)
    put_run("b")
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert [run.id for run in list_runs(tmp_path)] == ["b", "a"]
    assert cached(tmp_path) == {"a"}


def test_two_dashboards_at_once_see_the_same(tmp_path, put_run):
    for number in range(60):
        put_run(f"{number:02}")
    found, failures = [], []

    def follow():
        try:
            index = RunIndex(tmp_path)
            while len(ids(index)) < 60:
                index.look(at_most=7)
            found.append(index.runs())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=follow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert found == [list_runs(tmp_path)] * 3


def test_a_home_that_was_moved_names_its_runs_where_they_are(tmp_path, put_run):
    put_run("a")
    home = tmp_path / "moved"
    list_runs(tmp_path)
    home.mkdir()
    for name in ("runs", "index.sqlite"):
        shutil.move(tmp_path / name, home / name)
    (run,) = list_runs(home)
    assert run.run.path == home / "runs" / "a"
    assert read_status(run.run.status).name == "a"


def test_a_look_at_an_unchanged_home_does_not_list_the_folder_again(tmp_path, put_run, monkeypatch):
    put_run("a")
    old = time.time() - 100
    os.utime(tmp_path / "runs", (old, old))
    index = RunIndex(tmp_path)
    index.look()
    monkeypatch.setattr(index_module, "run_ids", lambda folder: pytest.fail("listed again"))
    index.look()
