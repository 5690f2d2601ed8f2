import threading
import time

from tui_finetune.console.follow import follow
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import create_run
from tui_finetune.runs.status import Status, this_process, write_status


def put_run(home, name, state):
    run = create_run(home, parse_recipe({"name": name, "data": {"source": "/d/a.csv"}}, "test"))
    write_status(run.status, Status(state=state, name=name, **this_process()))
    return run


def end(run, name):
    write_status(run.status, Status(state="finished", name=name, **this_process()))


def test_an_ended_run_is_shown_once(tmp_path, capsys):
    run = put_run(tmp_path, "first", "finished")
    follow(run, tmp_path)
    assert f"run {run.id}" in capsys.readouterr().out


def test_it_goes_over_to_a_newer_run_until_that_has_ended(tmp_path, capsys):
    first = put_run(tmp_path, "first", "running")
    following = threading.Thread(target=follow, args=(first, tmp_path))
    following.start()
    time.sleep(1.1)  # the next id has another second in it
    second = put_run(tmp_path, "second", "running")
    time.sleep(0.8)
    end(second, "second")
    following.join(60)
    assert not following.is_alive()
    printed = capsys.readouterr().out
    assert printed.index(f"run {first.id}") < printed.index(f"run {second.id}")
    assert "finished" in printed.partition(second.id)[2]


def test_a_run_that_was_named_is_not_left_for_a_newer_one(tmp_path, capsys):
    first = put_run(tmp_path, "first", "running")
    following = threading.Thread(target=follow, args=(first,))
    following.start()
    time.sleep(1.1)
    second = put_run(tmp_path, "second", "running")
    time.sleep(0.7)
    assert following.is_alive()
    end(first, "first")
    following.join(60)
    assert second.id not in capsys.readouterr().out
