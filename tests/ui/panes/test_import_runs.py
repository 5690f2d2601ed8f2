import json
from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Input

from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.status import read_status
from tui_finetune.ui.panes.import_runs import ImportScreen

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol"


class Host(App[None]):
    """Shows the screen and keeps its answer."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home
        self.answers: list[list[RunDirectory] | None] = []

    def on_mount(self) -> None:
        self.push_screen(ImportScreen(self.home), self.answers.append)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two runs, one of them not at its end, one with a hostile name."""
    for name, step in (("films", 900), (HOSTILE.replace("/", "|"), 1120)):
        folder = tmp_path / "sweep" / name
        folder.mkdir(parents=True)
        log = [{"step": step, "epoch": 1.0, "loss": 0.5}]
        content = {"global_step": step, "max_steps": 1120, "log_history": log}
        (folder / "trainer_state.json").write_text(json.dumps(content))
    return tmp_path / "sweep"


async def enter(pilot, path: Path | str) -> None:
    pilot.app.screen.query_one(Input).value = str(path)
    await pilot.press("enter")
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_was_found_is_shown_before_it_is_taken(tmp_path, sweep, screen_text, size):
    app = Host(tmp_path / "home")
    async with app.run_test(size=size) as pilot:
        await enter(pilot, sweep)
        shown = screen_text(app)
        assert "films" in shown
        assert "◌ interrupted" in shown
        assert "step 900 of 1,120" in shown
        assert "✓ finished" in shown
        assert "Enter takes these 2 runs" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
        assert not (tmp_path / "home").exists()
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        (runs,) = app.answers
        assert sorted(read_status(run.status).step for run in runs) == [900, 1120]
        assert all(run.path.parent == tmp_path / "home" / "runs" for run in runs)


async def test_a_run_that_is_there_already_is_told_so(tmp_path, sweep, screen_text, until):
    app = Host(tmp_path / "home")
    async with app.run_test(size=WIDE) as pilot:
        await enter(pilot, sweep / "films")
        await enter(pilot, sweep / "films")
        assert len(app.answers) == 1
        await app.push_screen(ImportScreen(app.home), app.answers.append)
        await enter(pilot, sweep / "films")
        await until(pilot, lambda: "in the list" in screen_text(app))
        await enter(pilot, sweep / "films")
        first, second = app.answers
        assert first == second


async def test_a_folder_without_runs_is_told_in_words_and_can_be_changed(
    tmp_path, sweep, screen_text
):
    (tmp_path / "empty").mkdir()
    app = Host(tmp_path / "home")
    async with app.run_test(size=NARROW) as pilot:
        await enter(pilot, tmp_path / "empty")
        assert "looked for" in screen_text(app)
        await enter(pilot, tmp_path / HOSTILE)
        assert "No such file or directory" in screen_text(app)
        await enter(pilot, "")
        assert "Name a folder first" in screen_text(app)
        await enter(pilot, sweep)
        assert "Enter takes these 2 runs" in screen_text(app)


async def test_another_path_is_looked_into_before_it_is_taken(tmp_path, sweep, screen_text):
    app = Host(tmp_path / "home")
    async with app.run_test(size=NARROW) as pilot:
        await enter(pilot, sweep)
        await enter(pilot, sweep / "films")
        assert app.answers == []
        assert "Enter takes it" in screen_text(app)


async def test_escape_answers_with_none(tmp_path, sweep):
    app = Host(tmp_path / "home")
    async with app.run_test(size=NARROW) as pilot:
        await enter(pilot, sweep)
        await pilot.press("escape")
        assert app.answers == [None]
        assert not (tmp_path / "home").exists()
