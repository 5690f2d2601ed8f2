"""A run that was stopped or killed goes on as if nothing had happened."""

import functools
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_finetune.errors import InputError
from tui_finetune.recipe import Recipe
from tui_finetune.runs.claim import release
from tui_finetune.runs.control import STOP_REQUESTS, StopRequest, request_stop
from tui_finetune.runs.directory import RESUME_STATE, RunDirectory
from tui_finetune.runs.history import read_history
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.runs.status import Status, read_status, write_status
from tui_finetune.training import supervisor
from tui_finetune.training.start import Start, new_run, resumed_run
from tui_finetune.training.supervisor import run_training

Make = Callable[..., Recipe]
Train = Callable[[Recipe], RunDirectory]


def train_until(
    start: Start, step: int, request: StopRequest, monkeypatch: pytest.MonkeyPatch
) -> Status:
    """Train, with a stop asked for from the given step on.

    A stop asked for from outside comes at no certain step; this one does.
    """

    class StopFrom(supervisor.Progress):
        @property
        def stop(self) -> StopRequest | None:
            return request if self.step >= step else None

        @stop.setter
        def stop(self, seen: StopRequest | None) -> None:
            """What lies in the control folder when it is looked at has no say."""

    with monkeypatch.context() as patch:
        patch.setattr(supervisor, "Progress", StopFrom)
        return run_training(start)


def values(run: RunDirectory) -> dict[str, list[tuple[float, float]]]:
    """Return all figures that do not depend on the clock."""
    timed = ("runtime", "per_second")
    return {
        name: list(zip(curve.steps, curve.values, strict=True))
        for name, curve in read_history(run).curves.items()
        if not name.endswith(timed)
    }


@pytest.fixture(scope="module")
def through(
    make_recipe: Make, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], RunDirectory]:
    """Train without a stop, once for each `logging_steps`; all checkpoints are kept."""

    @functools.cache
    def run(logging_steps: int) -> RunDirectory:
        recipe = make_recipe(logging_steps=logging_steps, save_total_limit=5)
        start = new_run(tmp_path_factory.mktemp("home"), recipe)
        assert run_training(start).state == "finished"
        return start.run

    return run


@pytest.mark.parametrize("request_", STOP_REQUESTS)
@pytest.mark.parametrize("logging_steps", [1, 4])
def test_a_stopped_and_resumed_run_has_the_losses_of_one_that_never_stopped(
    make_recipe: Make,
    through: Callable[[int], RunDirectory],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request_: StopRequest,
    logging_steps: int,
) -> None:
    recipe = make_recipe(logging_steps=logging_steps, save_total_limit=5)
    start = new_run(tmp_path / "home", recipe)
    first = train_until(start, 16, request_, monkeypatch)  # in the second epoch of 12 steps
    assert first.state == "stopped"
    assert 16 < first.step + (request_ == "stop-now") <= 24

    again = resumed_run(start.run)
    assert again.resume_from is not None
    assert run_training(again).state == "finished"

    whole = through(logging_steps)
    assert [len(values(whole)[name]) for name in ("loss", "eval_loss")] == [36 / logging_steps, 3]
    assert values(start.run) == values(whole)
    results = [
        json.loads((run.evaluation / "metrics.json").read_text()) for run in (whole, start.run)
    ]
    assert results[0] == results[1]


def test_a_stop_inside_a_log_window_does_not_lose_the_losses_before_it(
    make_recipe: Make, train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = make_recipe(logging_steps=4, num_train_epochs=2)
    through = train(recipe)

    start = new_run(tmp_path / "home", recipe)
    stopped = train_until(start, 5, "stop-now", monkeypatch)
    assert stopped.state == "stopped"
    assert stopped.step % 4 != 0

    assert run_training(resumed_run(start.run)).state == "finished"
    assert values(start.run) == values(through)


def test_a_stop_asked_for_before_the_training_begins_is_heard(
    make_recipe: Make, tmp_path: Path
) -> None:
    start = new_run(tmp_path / "home", make_recipe())
    request_stop(start.run, "stop-now")
    stopped = run_training(start)
    assert (stopped.state, stopped.step) == ("stopped", 0)
    again = resumed_run(start.run)  # and it is not heard twice
    assert run_training(again).state == "finished"


def test_a_signal_while_the_end_is_written_does_not_take_it_away(
    make_recipe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(path: Path, status: Status) -> None:
        if status.state == "finished":
            signal.raise_signal(signal.SIGINT)
        write_status(path, status)

    monkeypatch.setattr(supervisor, "write_status", write)
    start = new_run(tmp_path / "home", make_recipe(num_train_epochs=1))
    assert run_training(start).state == "finished"
    assert read_status(start.run.status).state == "finished"


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(
    through: Callable[[int], RunDirectory], tmp_path: Path
) -> None:
    run = RunDirectory(Path(shutil.copytree(through(1).path, tmp_path / "run")))
    newest = run.newest_checkpoint()
    assert newest is not None
    assert newest.name == "checkpoint-36"
    (newest / RESUME_STATE).unlink()
    before = run.newest_checkpoint()
    assert before is not None
    assert before.name == "checkpoint-24"


def test_a_run_killed_before_its_first_checkpoint_begins_again(
    make_recipe: Make, through: Callable[[int], RunDirectory], tmp_path: Path
) -> None:
    start = new_run(tmp_path / "home", make_recipe())
    journal = JournalWriter(start.run.journal)
    journal.write("start", resumed_from=0, total_steps=36, steps_per_epoch=12)
    journal.write("log", step=1, epoch=0.1, loss=9.0)
    journal.close()
    killed = start.status.model_copy(update={"pid": 2**22 + 1})
    write_status(start.run.status, killed)
    assert start.claim is not None
    release(start.claim)  # as the end of its process would
    assert read_status(start.run.status).state == "interrupted"

    again = resumed_run(start.run)
    assert again.resume_from is None
    assert run_training(again).state == "finished"
    assert values(start.run) == values(through(1))


def test_a_stop_from_outside_saves_a_checkpoint(make_recipe: Make, tmp_path: Path) -> None:
    recipe = make_recipe(num_train_epochs=500)
    recipe.early_stopping.patience = None
    start = new_run(tmp_path / "home", recipe)
    asked = []

    def ask_once_it_trains() -> None:
        if read_status(start.run.status).step > 0 and not asked:
            asked.append(True)
            request_stop(start.run, "stop-now")

    status = run_training(start, on_tick=ask_once_it_trains)
    assert status.state == "stopped"
    assert 0 < status.step < 6000
    checkpoint = start.run.newest_checkpoint()
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{status.step}"


def test_a_run_whose_data_changed_is_not_resumed(
    make_recipe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = make_recipe()
    data = Path(shutil.copy(recipe.data.source, tmp_path / "films.csv"))
    recipe.data.source = str(data)
    start = new_run(tmp_path / "home", recipe)
    assert train_until(start, 4, "stop-now", monkeypatch).state == "stopped"
    data.write_text(data.read_text() + "a good film,positive\n" * 10)
    with pytest.raises(InputError, match="has changed since the run began"):
        resumed_run(start.run)


def test_a_diverged_run_fails_and_says_why(make_recipe: Make, tmp_path: Path) -> None:
    start = new_run(tmp_path / "home", make_recipe(learning_rate=1e30, max_grad_norm=0.0))
    status = run_training(start)
    assert status.state == "failed"
    assert "lower train.learning_rate" in status.reason
    assert not start.run.model.exists()
    assert read_status(start.run.status) == status


def test_a_request_to_stop_after_the_last_epoch_lets_the_run_finish(
    make_recipe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start = new_run(tmp_path / "home", make_recipe())
    assert train_until(start, 30, "stop-after-epoch", monkeypatch).state == "finished"
    assert (start.run.model / "config.json").is_file()


def test_a_finished_run_is_not_resumed(through: Callable[[int], RunDirectory]) -> None:
    with pytest.raises(InputError, match="finished; only a run that has stopped"):
        resumed_run(through(1))
