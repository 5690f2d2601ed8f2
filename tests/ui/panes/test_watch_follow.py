"""Watch turns to a newer run by itself: in the whole dashboard, because the home knows the runs."""

import pytest

from tui_finetune.runs.status import read_status
from tui_finetune.ui.app import Dashboard
from tui_finetune.ui.panes.watch import WatchPane
from tui_finetune.ui.workspace import Workspace


@pytest.fixture
def shown():
    """The name of the run that an app watches."""

    def name(app):
        pane = next(iter(app.query(WatchPane)), None)
        run = pane.run_shown if pane else None
        return read_status(run.status).name if run else None

    return name


async def test_a_newer_run_is_turned_to_until_the_person_opens_another(
    put_run, silent_engine, tmp_path, shown, screen_text, until, monkeypatch
):
    monkeypatch.setattr("tui_finetune.ui.workspace._LOOK_SECONDS", 0.2)
    first = put_run("first")
    app = Dashboard(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: list(app.query(WatchPane)))
        await pilot.press("f4")
        assert shown(app) is None  # an old run is no news
        rename(put_run("second", state="running", steps=5), "99991231-000000-second")
        await until(pilot, lambda: shown(app) == "second")
        await until(pilot, lambda: "following the newest run" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: "following" not in screen_text(app))
        rename(put_run("third"), "99991231-000001-third")
        await pilot.pause(0.6)
        assert shown(app) == "second"
        await pilot.press("f")
        await until(pilot, lambda: shown(app) == "third")
        await app.query_one(Workspace)._choose(first)
        await until(pilot, lambda: "following" not in screen_text(app))
        assert shown(app) == "first"


async def test_a_named_run_is_stayed_with(
    put_run, silent_engine, tmp_path, shown, until, monkeypatch
):
    monkeypatch.setattr("tui_finetune.ui.workspace._LOOK_SECONDS", 0.2)
    app = Dashboard(tmp_path, run=put_run("first"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app) == "first")
        rename(put_run("second", state="running", steps=5), "99991231-000000-second")
        await pilot.pause(0.6)
        assert shown(app) == "first"


def rename(run, run_id):
    """Give a run the id of another time."""
    run.path.rename(run.path.with_name(run_id))
