import socket
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.control import (
    STOP_REQUESTS,
    clear_requests,
    kill_run,
    pending_stop,
    request_stop,
)
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.status import ACTIVE, Status, read_status, write_status

ENDED = ["queued", "finished", "stopped", "failed", "interrupted"]


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    return create_run(tmp_path, parse_recipe({"data": {"source": "/d/films.csv"}}, "test"))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the run's."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def put_status(run: RunDirectory, process: subprocess.Popen[bytes], **values) -> None:
    """Write that the run goes on in this process."""
    status = {
        "state": "running",
        "pid": process.pid,
        "process_started": psutil.Process(process.pid).create_time(),
        "host": socket.gethostname(),
    }
    write_status(run.status, Status(**{**status, **values}))


@pytest.mark.parametrize("state", sorted(ACTIVE))
@pytest.mark.parametrize("request_", STOP_REQUESTS)
def test_a_request_lies_there_until_it_is_cleared(run, sleeper, state, request_):
    put_status(run, sleeper, state=state)
    assert pending_stop(run.control) is None
    request_stop(run, request_)
    assert pending_stop(run.control) == request_
    clear_requests(run.control)
    assert pending_stop(run.control) is None
    assert sleeper.poll() is None


@pytest.mark.parametrize("order", [STOP_REQUESTS, STOP_REQUESTS[::-1]])
def test_to_stop_now_is_stronger_than_after_the_epoch(run, sleeper, order):
    put_status(run, sleeper)
    for request in order:
        request_stop(run, request)
    assert pending_stop(run.control) == "stop-now"


def test_asking_twice_is_no_error(run, sleeper):
    put_status(run, sleeper)
    request_stop(run, "stop-after-epoch")
    request_stop(run, "stop-after-epoch")
    assert pending_stop(run.control) == "stop-after-epoch"


def test_without_a_control_folder_nothing_is_asked_for(tmp_path):
    assert pending_stop(tmp_path / "control") is None


def test_clearing_makes_the_folder_and_leaves_what_is_not_its_own(tmp_path):
    control = tmp_path / "control"
    clear_requests(control)
    assert control.is_dir()
    (control / "later").touch()
    (control / "stop-now").touch()
    clear_requests(control)
    assert [path.name for path in control.iterdir()] == ["later"]


@pytest.mark.parametrize("state", ENDED)
def test_a_run_that_is_not_going_cannot_be_stopped_or_killed(run, sleeper, state):
    put_status(run, sleeper, state=state)
    for stop in (lambda: request_stop(run, "stop-now"), lambda: kill_run(run)):
        with pytest.raises(InputError, match=f"{run.id}: it is {state}, there is nothing to stop"):
            stop()
    assert list(run.control.iterdir()) == []
    assert sleeper.poll() is None


def test_a_run_whose_process_is_gone_is_not_going(run, sleeper):
    put_status(run, sleeper)
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(InputError, match="it is interrupted"):
        request_stop(run, "stop-now")


def test_a_killed_runs_process_ends_at_once_and_the_run_is_interrupted(run, sleeper):
    put_status(run, sleeper)
    kill_run(run)
    assert sleeper.wait(timeout=10) == -9
    assert read_status(run.status).state == "interrupted"
    with pytest.raises(InputError, match="it is interrupted"):
        kill_run(run)


def test_a_process_that_took_over_the_number_is_not_killed(run, sleeper):
    put_status(run, sleeper, process_started=time.time() - 3600)
    with pytest.raises(InputError):
        kill_run(run)
    assert sleeper.poll() is None


def test_a_run_on_another_host_can_be_asked_to_stop(run, sleeper):
    put_status(run, sleeper, host="elsewhere", heartbeat=time.time())
    request_stop(run, "stop-now")
    assert pending_stop(run.control) == "stop-now"


@pytest.mark.parametrize("pid", [None, 2**31 - 1])
def test_a_run_on_another_host_is_to_be_killed_there(run, sleeper, pid):
    put_status(run, sleeper, host="elsewhere", heartbeat=time.time(), pid=pid)
    with pytest.raises(InputError, match=r"it goes on .*; kill it there"):
        kill_run(run)


def test_a_process_of_this_host_with_the_number_of_another_hosts_is_not_killed(run, sleeper):
    put_status(run, sleeper, host="elsewhere", heartbeat=time.time())
    with pytest.raises(InputError, match="kill it there"):
        kill_run(run)
    assert sleeper.poll() is None


def test_a_request_makes_its_folder_if_that_is_gone(run, sleeper):
    put_status(run, sleeper)
    run.control.rmdir()
    request_stop(run, "stop-now")
    assert pending_stop(run.control) == "stop-now"


def test_a_hostile_run_name_reaches_the_message_only_as_text(run):
    hostile = RunDirectory(run.path.rename(run.path.with_name("\x1b]52;c;aGk=\x07")))
    with pytest.raises(InputError) as error:
        request_stop(hostile, "stop-now")
    assert str(error.value).isprintable()
