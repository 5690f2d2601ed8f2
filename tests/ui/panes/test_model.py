import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.model import ModelPane
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)


class Choosing(App[None]):
    """The pane between lines above and a footer, as in the dashboard."""

    CSS = "#above { height: 3; }"

    def __init__(self, draft, engine):
        super().__init__()
        self.pane = ModelPane(draft, engine, id="model")

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()


def entry(source="starter", **changes):
    return {
        "source": source, "kind": "starter", "name": "all-MiniLM-L6-v2", "path": "/models/minilm",
        "size_bytes": 90_900_000, "last_used": None, "ready": True, "note": "", **changes,
    }  # fmt: skip


BERT = entry("bert-base-uncased", kind="cache", name="bert-base-uncased", size_bytes=440_000_000)
BROKEN = entry("/m/broken", kind="local", name="broken", ready=False, note="no tokenizer in it")


@pytest.fixture
def draft():
    """A draft with models to choose from."""
    made = Draft()
    made.catalogue = Finding(result=[entry(), BERT, BROKEN])
    return made


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_list_and_the_facts_of_the_chosen_model_stand_side_by_side(
    size, draft, model, silent_engine, screen_text
):
    draft.model = Finding(result=model())
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        for part in (
            "all-MiniLM-L6-v2  starter  91 MB", "bert-base-uncased  HF cache  440 MB",
            "! broken  folder", "architecture    BertModel", "parameters      22.7 M",
            "layers          6", "hidden size     384", "attention heads 12",
            "vocabulary      30522", "longest text    512 tokens", "licence         apache-2.0",
            "Chosen: starter", "/ types a name · Next: Tune (F3)",
        ):  # fmt: skip
            assert part in text


async def test_what_is_unknown_is_a_dash(draft, model, silent_engine, screen_text):
    unknown = dict.fromkeys(model(), None)
    draft.model = Finding(result=unknown)
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "parameters      —" in screen_text(app)
        assert "longest text    —" in screen_text(app)


async def test_enter_chooses_the_highlighted_model(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert draft.content["model"]["source"] == "bert-base-uncased"
        assert "looking at bert-base-uncased" in screen_text(app)
        assert "Chosen: bert-base-uncased" in screen_text(app)
        await pilot.press("escape")
        assert silent_engine.cancelled == 1


async def test_a_model_that_is_not_ready_says_why(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "! no tokenizer in it" in screen_text(app)


async def test_a_hub_name_can_be_typed(draft, silent_engine):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.query_one("#source", Input).focus()
        await pilot.press(*"gpt2", "enter")
        assert draft.content["model"]["source"] == "gpt2"


async def test_an_error_of_the_engine_stands_with_the_model(draft, silent_engine, screen_text):
    draft.model = Finding(error="gpt2: not on this machine, and the hub cannot be reached")
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "✗ gpt2: not on this machine" in screen_text(app)
        assert "choose another" in screen_text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_names_are_shown_harmless(size, model, silent_engine, screen_text, hostile):
    draft = Draft()
    broken = entry(hostile, kind="local", name=hostile, ready=False, note=hostile)
    draft.catalogue = Finding(result=[broken])
    draft.set("model.source", hostile)
    draft.model = Finding(result=model(architecture=hostile, license=hostile))
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert "[/] �]52;c" in text
        assert not any(sign in text for sign in ("\x1b", "\x07", "\u202e"))


@pytest.mark.slow
async def test_the_engine_lists_and_describes_models(
    tiny_model, tmp_path, monkeypatch, screen_text, until
):
    folder = tiny_model()
    monkeypatch.chdir(folder.parent)
    engine, draft = EngineClient(tmp_path), Draft()
    app = Choosing(draft, engine)
    try:
        async with app.run_test(size=NARROW) as pilot:
            await until(pilot, lambda: draft.catalogue.result is not None)
            sources = [found["source"] for found in draft.catalogue.result]
            assert app.query_one(OptionList).option_count == len(sources)
            assert str(folder) in sources
            app.pane.choose(str(folder))
            await until(pilot, lambda: "layers          2" in screen_text(app))
            app.pane.choose("/nowhere/model")
            await until(pilot, lambda: draft.model.error is not None, 60)
    finally:
        engine.close()
