"""`tui-finetune train` in a terminal: a picture of the progress, and nothing else on the screen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui_finetune.recipe import Recipe, dump_recipe
from tui_finetune.runs.directory import all_runs
from tui_finetune.runs.history import read_history
from tui_finetune.runs.status import read_status

from .conftest import Terminal

pytestmark = pytest.mark.slow

Train = Callable[[Recipe], Terminal]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Train]:
    """Train a recipe in a terminal of 100x40."""
    terminals = []

    def start(recipe: Recipe) -> Terminal:
        file = tmp_path / "films.yaml"
        file.write_text(dump_recipe(recipe))
        words = ["train", str(file), "--home", str(tmp_path / "home")]
        terminals.append(Terminal(words, (100, 40), {"TERM": "xterm-256color"}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_the_epochs_are_on_the_screen_and_the_libraries_words_in_the_log(
    train: Train, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    terminal = train(make_recipe())
    terminal.wait_for("films  finished", "next   tui-finetune predict")
    (run,) = all_runs(tmp_path / "home")
    losses = (epoch.validation_loss for epoch in read_history(run).epochs())
    screen = terminal.wait_for(*(f"{loss:.4f}" for loss in losses))
    assert "grad_norm" not in screen
    assert "'grad_norm'" in run.log.read_text()
    assert terminal.process.wait() == 0


def test_ctrl_c_saves_and_stops(
    train: Train, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(num_train_epochs=400)
    recipe.early_stopping.patience = None
    terminal = train(recipe)
    terminal.wait_for("rows/s", "accuracy")
    terminal.press("\x03")
    terminal.wait_for("films  stopped")
    assert terminal.process.wait() == 130
    (run,) = all_runs(tmp_path / "home")
    checkpoint = run.newest_checkpoint()
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{read_status(run.status).step}"


def test_a_hangup_leaves_the_run_going(
    train: Train, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(num_train_epochs=12)
    recipe.early_stopping.patience = None  # else it may have ended before the hangup
    terminal = train(recipe)
    terminal.wait_for("rows/s", "accuracy")
    terminal.hang_up()
    (run,) = all_runs(tmp_path / "home")
    terminal.process.wait()
    assert read_status(run.status).state == "finished"
