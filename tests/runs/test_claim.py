import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.claim import claim, claimed, release
from tui_finetune.runs.directory import RunDirectory, create_run
from tui_finetune.runs.listing import delete_run
from tui_finetune.runs.status import Status, write_status

HOLD = """
import sys
from pathlib import Path
from tui_finetune.runs.claim import claim
from tui_finetune.runs.directory import RunDirectory
held = claim(RunDirectory(Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    made = create_run(tmp_path, parse_recipe({"data": {"source": "/d/films.csv"}}, "test"))
    write_status(made.status, Status(state="stopped"))
    return made


@pytest.fixture
def holder(run) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that has taken up the run."""
    command = [sys.executable, "-c", HOLD, str(run.path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_what_another_process_has_is_refused_in_one_line_until_that_is_killed(run, holder):
    with pytest.raises(InputError) as refused:
        claim(run)
    assert str(refused.value) == (
        f"run {run.id}: another program has just taken it up; "
        f"watch it with: tui-finetune attach {run.id}"
    )
    holder.kill()
    holder.wait()
    release(claim(run))


def test_a_run_that_is_being_taken_up_is_not_deleted(run, holder):
    with pytest.raises(InputError, match="has just taken it up"):
        delete_run(run)
    assert run.status.exists()
    holder.communicate()  # its end of input
    delete_run(run)
    assert not run.path.exists()


def test_what_is_released_can_be_taken_again(run):
    release(claim(run))
    with claimed(run), pytest.raises(InputError):
        claim(run)
    release(claim(run))


def test_a_child_that_outlives_its_parent_keeps_no_claim(run):
    leave = (
        "import os, time\nchild = os.fork()\nif not child: time.sleep(60)\nprint(child, flush=True)"
    )
    command = [sys.executable, "-c", HOLD.replace("sys.stdin.read()", leave), str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"held\n"
        child = int(parent.stdout.readline())
        assert parent.wait() == 0
        release(claim(run))
        os.kill(child, signal.SIGKILL)


def test_who_has_just_ended_is_waited_for(run, holder):
    threading.Timer(0.3, holder.kill).start()
    release(claim(run))
