"""Keys that come before a dialog is there, and answers that come after it is gone."""

import asyncio
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList

from tui_finetune.ui.app import Dashboard
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.making import PANES
from tui_finetune.ui.panes.data import DataPane
from tui_finetune.ui.panes.model import ModelPane
from tui_finetune.ui.panes.tune import TunePane

from .conftest import AnsweringEngine

REFUSED = {
    "message": "it needs code of its own, which is not run",
    "switch": "model.trust_remote_code",
}


def models(*names):
    plain = {"kind": "local", "ready": True, "note": "", "about": "", "revision": None,
             "size_bytes": 97_000, "disk_bytes": 97_000, "last_used": None}  # fmt: skip
    return [{"source": name, "name": Path(name).name, **plain} for name in names]


class Choosing(App[None]):
    """One pane by itself."""

    def __init__(self, pane, draft, engine, home):
        super().__init__()
        self.pane = {
            "data": lambda: DataPane(draft, engine),
            "model": lambda: ModelPane(draft, engine),
            "tune": lambda: TunePane(draft, engine, home),
        }[pane]()

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.focus()

    @property
    def dialogs(self):
        return [type(screen).__name__ for screen in self.screen_stack[1:]]


@pytest.fixture
def engine(model):
    """An engine that knows three models, one of which needs code of its own."""
    made = AnsweringEngine()
    made.answers["models"] = lambda asked: models("/m/one", "/m/two")
    made.answers["model"] = lambda asked: model()
    return made


OPENING = [
    ("tune", "ctrl+k", "PreflightScreen"),
    ("tune", "ctrl+l", "PresetScreen"),
    ("tune", "ctrl+o", "RecipeFileScreen"),
    ("tune", "ctrl+r", "RecipeFileScreen"),
    ("tune", "ctrl+f", "FieldsScreen"),
    ("data", "ctrl+r", "DetailsScreen"),
    ("model", "a", "Question"),
]


@pytest.mark.parametrize(("pane", "key", "dialog"), OPENING)
async def test_a_key_pressed_twice_opens_its_dialog_once(
    pane, key, dialog, draft, model, engine, tmp_path, until
):
    draft.model = Finding(result=model(problem=REFUSED), error=REFUSED["message"])
    app = Choosing(pane, draft, engine, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.simulate_key(key)
        app.simulate_key(key)
        await until(pilot, lambda: app.dialogs and app.screen.is_mounted)
        await pilot.pause()
        assert app.dialogs == [dialog]


@pytest.mark.parametrize(("pane", "key", "dialog"), OPENING[1:6])
async def test_the_dashboard_can_be_left_while_a_dialog_opens(
    pane, key, dialog, draft, engine, tmp_path, until
):
    app = Choosing(pane, draft, engine, tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.simulate_key(key)
        while not app.dialogs:
            await asyncio.sleep(0)


async def test_another_model_chosen_while_the_list_is_made_anew_leaves_no_list_waited_for(
    draft, engine, tmp_path, until
):
    draft.catalogue = Finding(result=models("/m/one", "/m/two"))
    app = Choosing("model", draft, engine, tmp_path)
    async with app.run_test() as pilot:
        listed, came = [], asyncio.Event()

        async def request(method, params, on_progress=None):
            if method == "models":
                listed.append(params)
                await came.wait()
            return engine.answers[method](params)

        engine.request = request
        app.pane.choose("/m/new")  # is not in the list: that is made anew
        await until(pilot, lambda: listed)
        app.pane.choose("/m/one")
        came.set()
        await until(pilot, lambda: draft.model.result and not draft.catalogue.busy)
        assert draft.catalogue.result


async def test_the_model_under_the_cursor_is_chosen_though_the_list_becomes_another(
    engine, tmp_path, until
):
    draft = Draft()
    draft.catalogue = Finding(result=models("/m/one", "/m/two"))
    app = Choosing("model", draft, engine, tmp_path)
    async with app.run_test() as pilot:
        options = app.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 2)
        options.highlighted = 1
        options.action_select()  # heard of after the new list
        draft.catalogue = Finding(result=models("/m/zero", "/m/one", "/m/two"))
        draft.changed()
        await until(pilot, lambda: draft.content["model"]["source"] == "/m/two")


async def test_what_is_chosen_by_typing_is_asked_about_by_the_next_key(
    draft, model, engine, tmp_path, until
):
    engine.answers["model"] = lambda asked: model(problem=REFUSED)
    app = Choosing("model", draft, engine, tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("slash", *"/m/unsafe", "enter")
        await until(pilot, lambda: draft.model.error)
        await pilot.press("a")  # as the pane says, and not a letter of the name
        await until(pilot, lambda: app.dialogs == ["Question"])
        assert app.pane.query_one("#source", Input).value == "/m/unsafe"


async def test_a_pane_takes_its_room_though_its_focus_comes_before_its_place(
    engine, tmp_path, until, monkeypatch
):
    monkeypatch.setattr("tui_finetune.ui.app.EngineClient", lambda home: engine)
    app = Dashboard(tmp_path)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: all(app.query(f"#{pane}") for pane in PANES))
        # As scrolling leaves it: places that are looked up are found in a new map of the screen.
        app.screen._compositor._full_map_invalidated = True
        await pilot.press("f3")
        await until(pilot, lambda: app.query_one(TunePane).has_class("-wide"), seconds=5)
