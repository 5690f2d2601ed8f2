"""Watch turns to a newer run by itself: in the whole dashboard, because the home knows the runs."""

import asyncio
import threading
import time

import pytest

from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.newest import NewestRun
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
        assert shown(app) is None  # an old run is no news
        await pilot.press("f4")
        await until(pilot, lambda: shown(app) == "first")  # but who wants to watch sees it
        await until(pilot, lambda: "following the newest run" in screen_text(app))
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


async def test_where_only_imported_runs_are_the_newest_of_them_is_watched(
    put_run, silent_engine, tmp_path, shown, until
):
    put_run("taken in", origin="import")
    app = Dashboard(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: list(app.query(WatchPane)))
        await pilot.press("f4")
        await until(pilot, lambda: shown(app) == "taken in")


async def test_a_run_named_while_a_newer_one_is_looked_for_stays(
    put_run, silent_engine, tmp_path, shown, until, monkeypatch
):
    first, second = put_run("first"), put_run("second")
    asked, answer = threading.Event(), threading.Event()

    def newer(self):
        if threading.current_thread() is threading.main_thread():
            return None
        asked.set()
        answer.wait(30)
        return second

    monkeypatch.setattr(NewestRun, "newer", newer)
    app = Dashboard(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: list(app.query(WatchPane)) and asked.is_set())
        await app.query_one(Workspace)._choose(first)
        answer.set()
        looks = app.query_one(Workspace).workers
        await until(pilot, lambda: not any(worker.group == "newest" for worker in looks))
        assert shown(app) == "first"


async def test_a_long_journal_is_read_by_one_thread_at_a_time(
    put_run, silent_engine, tmp_path, until, monkeypatch
):
    monkeypatch.setattr("tui_finetune.ui.workspace._LOOK_SECONDS", 0.05)
    reading, most, rounds = [], [], []

    def update(self):
        reading.append(1)
        most.append(len(reading))
        time.sleep(0.3)
        reading.pop()
        rounds.append(1)

    monkeypatch.setattr("tui_finetune.ui.workspace.HistoryReader.update", update)
    app = Dashboard(tmp_path, parse_recipe({"data": {"source": "a.csv"}}, "test"), put_run("long"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(rounds) >= 3)
    assert max(most) == 1


def rename(run, run_id):
    """Give a run the id of another time."""
    run.path.rename(run.path.with_name(run_id))


async def test_a_run_that_is_opened_while_the_pane_is_being_made_is_shown(
    watching, put_run, screen_text, until
):
    first, second = put_run("early"), put_run("later")
    app = watching(None)
    async with app.run_test(size=(80, 24)) as pilot:
        pane = WatchPane()
        pane.show_run(first)
        made = app.screen.mount(pane)
        while not pane.children:
            await asyncio.sleep(0)
        pane.show_run(second)  # its parts are there, theirs are not
        await made
        await until(pilot, lambda: "later" in screen_text(app))
        assert "early" not in screen_text(app)
