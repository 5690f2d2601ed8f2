import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tui_finetune.runs.status import (
    ACTIVE,
    HEARTBEAT_LIMIT_SECONDS,
    RESUMABLE,
    Status,
    process_lives,
    read_status,
    this_process,
    write_status,
)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "status.json"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a run's."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def of_process(process: subprocess.Popen[bytes], **values) -> Status:
    """The status of a run that goes on in this process."""
    return Status(
        **{
            "state": "running",
            "pid": process.pid,
            "process_started": psutil.Process(process.pid).create_time(),
            "host": socket.gethostname(),
            **values,
        }
    )


def read_back(path: Path, status: Status) -> Status:
    write_status(path, status)
    return read_status(path)


def test_a_status_is_read_as_it_was_written(path):
    status = Status(
        state="finished", name="films", step=150, total_steps=150, epoch=3.0, started=1.5,
        metrics={"validation": {"accuracy": 0.9}, "test": {"accuracy": 0.8}},
    )  # fmt: skip
    assert read_back(path, status) == status


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_a_run_with_a_living_process_is_in_the_state_it_says(path, sleeper, state):
    assert read_back(path, of_process(sleeper, state=state)).state == state


def test_this_process_lives():
    assert process_lives(Status(**this_process()))


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_a_run_whose_process_was_killed_is_interrupted(path, sleeper, state):
    status = of_process(sleeper, state=state, name="films", step=7)
    sleeper.kill()
    sleeper.wait()
    found = read_back(path, status)
    assert (found.state, found.name, found.step) == ("interrupted", "films", 7)
    assert "its process is gone" in found.reason


def test_a_killed_child_that_nobody_waited_for_is_gone_too(path, sleeper):
    status = of_process(sleeper)
    sleeper.kill()
    process = psutil.Process(sleeper.pid)
    while process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert read_back(path, status).state == "interrupted"


def test_a_stopped_process_is_still_there(path, sleeper):
    psutil.Process(sleeper.pid).suspend()
    assert read_back(path, of_process(sleeper)).state == "running"


def test_another_process_with_the_same_number_is_not_the_runs(path, sleeper):
    started = psutil.Process(sleeper.pid).create_time()
    assert read_back(path, of_process(sleeper, process_started=started - 60)).state == "interrupted"
    assert read_back(path, of_process(sleeper, process_started=None)).state == "interrupted"


def test_a_clock_set_by_a_second_does_not_end_a_run(path, sleeper):
    started = psutil.Process(sleeper.pid).create_time()
    assert read_back(path, of_process(sleeper, process_started=started + 1)).state == "running"


@pytest.mark.parametrize("pid", [None, 0, -1, 2**31 - 1, 2**70])
def test_a_number_that_is_no_process_is_none(path, pid):
    status = Status(
        state="running", pid=pid, process_started=time.time(), host=socket.gethostname()
    )
    assert read_back(path, status).state == "interrupted"


@pytest.mark.parametrize("state", ["queued", "finished", "stopped", "failed", "interrupted"])
def test_a_run_that_is_not_going_needs_no_process(path, state):
    status = Status(state=state, reason="why", pid=2**31 - 1, host=socket.gethostname())
    found = read_back(path, status)
    assert (found.state, found.reason) == (state, "why")


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (0.0, "running"),
        (HEARTBEAT_LIMIT_SECONDS - 10, "running"),
        (HEARTBEAT_LIMIT_SECONDS + 1, "interrupted"),
        (None, "interrupted"),
    ],
)
def test_a_run_on_another_host_is_believed_by_its_heartbeat(path, age, state):
    heartbeat = None if age is None else time.time() - age
    status = Status(state="running", pid=os.getpid(), host="elsewhere", heartbeat=heartbeat)
    assert read_back(path, status).state == state


def test_a_heartbeat_does_not_speak_for_a_dead_process_on_this_host(path, sleeper):
    status = of_process(sleeper, heartbeat=time.time())
    sleeper.kill()
    sleeper.wait()
    assert read_back(path, status).state == "interrupted"


@pytest.mark.parametrize(
    "content",
    [None, b"", b'{"state": "running", "na', b"null", b"[]", b"\xff\xfe", b"\x00" * 100,
     b'{"state": "running", "step": "many"}'],
)  # fmt: skip
def test_a_missing_or_damaged_file_reads_as_interrupted(path, content):
    if content is not None:
        path.write_bytes(content)
    found = read_status(path)
    assert found.state == "interrupted"
    assert "missing or damaged" in found.reason


def test_what_a_later_version_adds_is_passed_over(path):
    path.write_text('{"state": "finished", "colour": "blue"}')
    assert read_status(path).state == "finished"


def test_a_diverged_run_keeps_its_status(path):
    status = Status(state="finished", name="films", metrics={"test": {"loss": float("nan")}})
    found = read_back(path, status)
    assert (found.state, found.name) == ("finished", "films")


def test_whoever_was_interrupted_stopped_or_failed_can_go_on():
    assert {"interrupted", "stopped", "failed"} == RESUMABLE
    assert not RESUMABLE & ACTIVE


def test_a_reader_never_sees_a_half_written_status(path):
    write_status(path, Status(state="finished", step=0))

    def write() -> None:
        for step in range(300):
            write_status(path, Status(state="finished", step=step, reason="x" * 20_000))

    writer = threading.Thread(target=write)
    writer.start()
    steps = []
    while writer.is_alive() or not steps:
        status = read_status(path)
        assert status.state == "finished"
        steps.append(status.step)
    writer.join()
    assert steps == sorted(steps)
    assert read_status(path).step == 299
    assert [file.name for file in path.parent.iterdir()] == [path.name]
