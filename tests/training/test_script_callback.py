"""A script with `JournalCallback`: its run, its true state, and its training unharmed."""

import errno
import importlib.util
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from torch.utils.data import IterableDataset
from transformers import TrainerCallback

from tui_finetune.runs.control import kill_run, request_stop
from tui_finetune.runs.directory import RunDirectory, all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.journal import JournalReader, JournalWriter
from tui_finetune.runs.status import Status, read_status
from tui_finetune.training.script_callback import JournalCallback

from ..waiting import wait_for

SCRIPT = Path(__file__).with_name("plain_script.py")


class Scripts:
    """Starts the script; `modules` are what `tui_finetune`, then the callback brought along."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        assert self._process.stdout is not None
        self.modules: list[list[str]] = json.loads(self._process.stdout.readline())

    def start(self, home: Path, do: str, **values: Any) -> psutil.Process:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(
            json.dumps({"do": do, "home": str(home), **values}),
            file=self._process.stdin,
            flush=True,
        )
        return psutil.Process(int(self._process.stdout.readline()))

    def close(self) -> None:
        for child in psutil.Process(self._process.pid).children():
            child.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def scripts() -> Iterator[Scripts]:
    started = Scripts()
    yield started
    started.close()


def is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def only_run(home: Path) -> RunDirectory:
    (run,) = all_runs(home)
    return run


def training_run(home: Path) -> RunDirectory:
    """Wait until the script is some steps into its training."""
    wait_for(lambda: all_runs(home) and read_status(only_run(home).status).step > 2)
    return only_run(home)


def ended(home: Path) -> Status:
    """Wait until the run is over, and the status says so."""
    wait_for(lambda: all_runs(home) and only_run(home).status.exists())
    wait_for(lambda: read_status(only_run(home).status).state not in ("running", "stopping"))
    return read_status(only_run(home).status)


def events(run: RunDirectory, name: str) -> list[dict[str, Any]]:
    return [entry for entry in JournalReader(run.journal).read() if entry["event"] == name]


def test_the_package_alone_loads_nothing_and_the_callback_nothing_heavy(scripts: Scripts) -> None:
    alone, all_of_it = scripts.modules
    assert alone == ["tui_finetune"]
    heavy = {
        "captum", "cleanlab", "datasets", "evaluate", "pandas", "rich", "scipy", "sklearn",
        "textual", "typer",
    }  # fmt: skip
    assert "tui_finetune.training.script_callback" in all_of_it
    assert {name.partition(".")[0] for name in all_of_it}.isdisjoint(heavy)
    assert "tui_finetune.training.worker" not in all_of_it


def test_a_script_that_trains_to_its_end_is_a_finished_run(
    scripts: Scripts, tmp_path: Path
) -> None:
    scripts.start(tmp_path, "wait", epochs=8)
    run = training_run(tmp_path)
    going = read_status(run.status)
    assert (going.state, going.origin, going.name) == ("running", "script", "plain_script")
    assert (going.data, going.model) == ("64 rows", "BertForSequenceClassification")
    (tmp_path / "go on").touch()

    status = ended(tmp_path)
    assert (status.state, status.reason) == ("finished", "")
    assert (status.step, status.total_steps, status.epochs) == (64, 64, 8)
    history = read_history(run)
    steps = list(history.curves["loss"].steps)
    assert steps == list(range(1, 65))
    assert [point.step for point in history.evaluations] == list(range(8, 65, 8))
    written = json.loads((tmp_path / "output/checkpoint-64/trainer_state.json").read_text())
    losses = [entry["loss"] for entry in written["log_history"] if "loss" in entry]
    assert list(history.curves["loss"].values) == losses
    assert status.metrics["validation"]["loss"] == written["log_history"][-1]["eval_loss"]
    assert history.samples
    assert history.samples[-1]["process_rss"] > 10**8
    assert history.samples[-1]["disk_free"] > 0
    for output in (run.log, tmp_path / "stdout"):
        assert output.read_text().count("'loss':") == 64
    assert json.loads(run.arguments.read_text())["num_train_epochs"] == 8
    assert json.loads(run.environment.read_text())["packages"]["torch"]
    assert not run.recipe.exists()


def test_a_killed_script_reads_as_interrupted(scripts: Scripts, tmp_path: Path) -> None:
    scripts.start(tmp_path, "train", epochs=1000)
    kill_run(training_run(tmp_path))
    status = ended(tmp_path)
    assert status.state == "interrupted"
    assert "gone without a word" in status.reason


def test_stop_now_saves_and_stops_at_the_next_step(scripts: Scripts, tmp_path: Path) -> None:
    scripts.start(tmp_path, "train", epochs=1000)
    request_stop(training_run(tmp_path), "stop-now")
    status = ended(tmp_path)
    assert (status.state, status.reason) == (
        "stopped",
        f"asked to (stop-now) at step {status.step}",
    )
    assert (tmp_path / f"output/checkpoint-{status.step}/trainer_state.json").is_file()
    assert events(only_run(tmp_path), "checkpoint")[-1]["bytes"] > 0


def test_stop_after_the_epoch_stops_at_its_end(scripts: Scripts, tmp_path: Path) -> None:
    scripts.start(tmp_path, "train", epochs=1000)
    request_stop(training_run(tmp_path), "stop-after-epoch")
    status = ended(tmp_path)
    assert status.state == "stopped"
    assert status.step % 8 == 0
    assert read_history(only_run(tmp_path)).evaluations[-1].step == status.step


@pytest.mark.parametrize("do", ["raise", "catch"])
def test_an_error_makes_it_a_failed_run_whether_the_script_goes_on_or_not(
    scripts: Scripts, tmp_path: Path, do: str
) -> None:
    process = scripts.start(tmp_path, do)
    status = ended(tmp_path)
    assert (status.state, status.step) == ("failed", 5)
    assert status.reason == "RuntimeError: the model [/red] \ufffd]52;c;x is gone"
    assert do == "raise" or not is_over(process)
    assert "Traceback" in only_run(tmp_path).log.read_text()


def test_ctrl_c_reads_as_interrupted_and_says_so(scripts: Scripts, tmp_path: Path) -> None:
    scripts.start(tmp_path, "train", epochs=1000)
    run = training_run(tmp_path)
    os.kill(read_status(run.status).pid or 0, signal.SIGINT)
    status = ended(tmp_path)
    assert status.state == "interrupted"
    assert status.reason == f"Ctrl-C at step {status.step}"


def test_a_script_that_leaves_inside_its_training_failed(scripts: Scripts, tmp_path: Path) -> None:
    scripts.start(tmp_path, "leave")
    status = ended(tmp_path)
    assert status.state == "failed"
    assert status.reason == "the script ended inside the training, at step 5"


def test_of_several_processes_one_writes_and_all_stop_at_the_same_step(
    scripts: Scripts, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = []
    for rank in ("0", "1"):
        env = {**group, "RANK": rank, "LOCAL_RANK": rank, "ACCELERATE_USE_CPU": "1"}
        processes.append(scripts.start(tmp_path, "train", epochs=1000, env=env))
    request_stop(training_run(tmp_path), "stop-now")
    status = ended(tmp_path)
    assert (status.state, len(all_runs(tmp_path))) == ("stopped", 1)
    assert events(only_run(tmp_path), "start")[0]["steps_per_epoch"] == 4
    wait_for(lambda: all(is_over(process) for process in processes))


@pytest.fixture(scope="module")
def make_trainer() -> Callable[..., Any]:
    """The script's own function, for what needs no process of its own."""
    specification = importlib.util.spec_from_file_location("plain_script", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    output, sys.stdout = sys.stdout, sys.stderr  # it prints when it is loaded
    specification.loader.exec_module(module)
    sys.stdout = output
    function: Callable[..., Any] = module.make_trainer
    return function


def losses(trainer: Any) -> list[tuple[int, float, float]]:
    return [
        (entry["step"], entry["loss"], entry["grad_norm"])
        for entry in trainer.state.log_history
        if "loss" in entry
    ]


def test_the_training_is_the_same_with_the_callback_and_without(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    found = []
    for callbacks in ([], [JournalCallback(home=tmp_path)]):
        trainer = make_trainer(tmp_path / "output", callbacks, gradient_accumulation_steps=2)
        trainer.train()
        found.append(losses(trainer))
    assert len(found[0]) == 8
    assert found[0] == found[1]
    assert read_status(only_run(tmp_path).status).state == "finished"


def test_two_trainings_with_one_callback_are_two_runs(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    callback = JournalCallback(name="Two [b]ways[/b]", home=tmp_path)
    for epochs in (1, 2):
        make_trainer(tmp_path / "output", [callback], epochs).train()
    second, first = sorted(
        (read_status(run.status) for run in all_runs(tmp_path)), key=lambda run: -run.epochs
    )
    assert (first.state, first.step) == ("finished", 8)
    assert (second.state, second.step) == ("finished", 16)
    assert first.name == "Two [b]ways[/b]"
    assert all("two-b-ways-b" in run.id for run in all_runs(tmp_path))


def test_a_trainer_that_looks_for_its_batch_size_begins_the_same_run_again(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    class MemoryIsFullOnce(TrainerCallback):
        fails = True

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 3 and self.fails:
                self.fails = False
                raise RuntimeError("CUDA out of memory.")

    callbacks = [JournalCallback(home=tmp_path), MemoryIsFullOnce()]
    trainer = make_trainer(tmp_path / "output", callbacks, auto_find_batch_size=True)
    trainer.train()
    run = only_run(tmp_path)
    status = read_status(run.status)
    assert (status.state, status.step) == ("finished", trainer.state.global_step)
    assert len(events(run, "start")) == 2
    steps = list(read_history(run).curves["loss"].steps)
    assert steps == list(range(1, trainer.state.global_step + 1))
    assert trainer.state.train_batch_size < 8


def test_rows_that_come_as_a_stream_have_no_number_of_epochs(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(rows)

    arguments = {"max_steps": 4, "eval_strategy": "no", "save_strategy": "no"}
    trainer = make_trainer(tmp_path / "output", [JournalCallback(home=tmp_path)], **arguments)
    rows, trainer.train_dataset = trainer.train_dataset, Stream()
    trainer.train()
    run = only_run(tmp_path)
    status = read_status(run.status)
    assert (status.state, status.step, status.epochs, status.data) == ("finished", 4, 0, "")
    assert events(run, "start")[0]["epochs"] is None
    assert read_history(run).steps_per_epoch == 0


def test_a_script_that_only_evaluates_makes_no_run(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    trainer = make_trainer(tmp_path / "output", [JournalCallback(home=tmp_path)])
    trainer.evaluate()
    trainer.predict(trainer.eval_dataset)
    assert all_runs(tmp_path) == []


def test_what_is_evaluated_after_the_training_belongs_to_its_run(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    trainer = make_trainer(
        tmp_path / "output", [JournalCallback(home=tmp_path)], eval_strategy="no"
    )
    trainer.train()
    run = only_run(tmp_path)
    assert read_history(run).evaluations == []
    figures = trainer.evaluate()
    assert [point.step for point in read_history(run).evaluations] == [16]
    test = trainer.predict(trainer.train_dataset[:8]).metrics
    status = read_status(run.status)
    assert status.state == "finished"
    assert status.metrics == {
        "validation": {"loss": figures["eval_loss"]},
        "test": {"loss": test["test_loss"]},
    }
    assert read_history(run).test == {"loss": test["test_loss"]}


def test_an_evaluation_on_other_rows_does_not_take_the_place_of_one_from_the_training(
    make_trainer: Callable[..., Any], tmp_path: Path
) -> None:
    trainer = make_trainer(tmp_path / "output", [JournalCallback(home=tmp_path)])
    trainer.train()
    run = only_run(tmp_path)
    before = read_history(run).evaluations, read_status(run.status).metrics
    loss = trainer.evaluate(trainer.train_dataset[20:50])["eval_loss"]
    assert (read_history(run).evaluations, read_status(run.status).metrics) == before
    assert read_history(run).notes[-1]["text"] == f"evaluated after the training: loss {loss:.4g}"


def test_where_no_run_can_be_made_the_training_goes_on_and_one_warning_says_so(
    make_trainer: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").write_text("a file")
    trainer = make_trainer(tmp_path / "output", [JournalCallback(home=tmp_path / "home")])
    with caplog.at_level(logging.WARNING, logger="tui_finetune"):
        trainer.train()
        trainer.evaluate()
    assert trainer.state.global_step == 16
    (warning,) = [record for record in caplog.records if record.name == "tui_finetune"]
    assert "cannot make a run here (Not a directory)" in warning.getMessage()


def test_a_full_disk_costs_the_journal_and_not_the_training(
    make_trainer: Callable[..., Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(JournalWriter, "write", full)
    trainer = make_trainer(tmp_path / "output", [JournalCallback(home=tmp_path)])
    trainer.train()
    assert trainer.state.global_step == 16
    (warning,) = [record for record in caplog.records if record.name == "tui_finetune"]
    assert "the disk is full" in warning.getMessage()
    assert read_status(only_run(tmp_path).status).state == "finished"


def test_a_control_folder_that_cannot_be_read_costs_the_stop_and_not_the_training(
    make_trainer: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    class UntilItWasTried(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            wait_for(lambda: events(only_run(tmp_path), "sample"))

    monkeypatch.setattr("tui_finetune.training.script_run.pending_stop", refused)
    callbacks = [JournalCallback(home=tmp_path), UntilItWasTried()]
    make_trainer(tmp_path / "output", callbacks).train()
    assert read_status(only_run(tmp_path).status).state == "finished"
