import asyncio
import shutil
import time

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
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
        "size_bytes": 90_900_000, "last_used": None, "ready": True, "note": "", "revision": None,
        "commit": None, "disk_bytes": None, "about": "", **changes,
    }  # fmt: skip


DAY = 86_400
BERT = entry(
    "bert-base-uncased", kind="cache", name="bert-base-uncased", size_bytes=440_000_000,
    disk_bytes=890_000_000, last_used=time.time() - 3 * DAY, commit="0" * 40,
)  # fmt: skip
RUN = entry(
    "run:20260101-films", kind="run", name="films-minilm", last_used=time.time() - 7200,
    about="starter fine-tuned on films.csv, validation accuracy 0.882",
)  # fmt: skip
BROKEN = entry("/m/broken", kind="local", name="broken", ready=False, note="no tokenizer in it")

TINY = {
    "source": "google/tiny", "kind": "hub", "name": "google/tiny", "downloads": 61_200_000,
    "likes": 2100, "license": "mit", "size_bytes": 17_000_000, "parameters": 4_400_000,
    "safetensors": True, "gated": False, "task": "fill-mask",
    "last_modified": time.time() - 5 * DAY,
}  # fmt: skip
OLD = {**dict.fromkeys(TINY), "source": "some/old", "kind": "hub", "name": "some/old"}


class AnsweringEngine(EngineClient):
    """Answers a method with what is set for it, and never without; notes what it was asked."""

    def __init__(self, tmp_path, **answers):
        super().__init__(tmp_path)
        self.answers = answers
        self.asked = []

    async def request(self, method, params, on_progress=None):
        self.asked.append((method, params))
        for progress in self.answers.get("progress", []):
            if on_progress:
                on_progress(progress)
        answer = self.answers.get(method)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


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
        lines = [" ".join(line.split()) for line in text.splitlines()]
        for start in (
            "3 models, by place", "all-MiniLM-L6-v2 starter 91 MB",
            "bert-base-uncased cache 890 MB", "! broken folder 91 MB",
        ):  # fmt: skip
            assert any(line.startswith(start) for line in lines)
        for part in (
            "architecture    BertModel", "parameters      22.7 M",
            "weights         safetensors, 91 MB", "layers          6", "hidden size     384",
            "attention heads 12", "vocabulary      30522", "longest text    512 tokens",
            "head            none; one is made", "tokenizer       there",
            "licence         apache-2.0", "Chosen: starter", "/ finds · Next: Tune (F3)",
        ):  # fmt: skip
            assert part in text


async def test_a_wide_list_says_when_a_model_was_used(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "last used" in screen_text(app)
        assert "890 MB      3 d ago" in screen_text(app)


async def test_a_revision_stands_with_the_name_and_is_chosen_with_it(
    draft, silent_engine, screen_text
):
    draft.catalogue = Finding(result=[BERT, {**BERT, "revision": "v2"}])
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "@v2 cache" in screen_text(app)
        await pilot.press("end", "enter")
        assert draft.value("model.revision") == "v2"


async def test_what_is_unknown_is_a_dash(draft, model, silent_engine, screen_text):
    unknown = dict.fromkeys(model(), None)
    draft.model = Finding(result=unknown)
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        text = screen_text(app)
        for label in ("parameters      —", "longest text    —", "head            —"):
            assert label in text
        assert "weights         missing" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"head": "MaskedLM"}, "masked words; made anew"),
        ({"head": "SequenceClassification", "has_head": True, "labels": ["bad", "good"]},
         "for 2 labels: bad, good"),
    ],
)  # fmt: skip
async def test_the_head_says_what_it_is_for(
    changes, words, draft, model, silent_engine, screen_text
):
    draft.model = Finding(result=model(**changes))
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert f"head            {words}" in screen_text(app)


async def test_a_finished_run_says_where_its_model_comes_from(draft, silent_engine, screen_text):
    draft.catalogue = Finding(result=[entry(), RUN])
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "starter fine-tuned on films.csv, validation accuracy 0.882" in screen_text(app)
        await pilot.press("enter")
        assert draft.value("model.source") == "run:20260101-films"


async def test_enter_chooses_the_highlighted_model_and_escape_takes_the_question_back(
    draft, silent_engine, screen_text, until
):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert draft.content["model"]["source"] == "bert-base-uncased"
        assert "looking at bert-base-uncased" in screen_text(app)
        assert "Chosen: bert-base-uncased" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: draft.model == Finding())
        assert silent_engine.cancelled == 0  # the engine goes on
        await until(pilot, lambda: "files that came whole" in " ".join(screen_text(app).split()))


async def test_a_download_shows_its_bytes(draft, tmp_path, screen_text, until):
    news = {"what": "downloading gpt2", "done": 12e6, "of": 548e6, "unit": "bytes"}
    app = Choosing(draft, AnsweringEngine(tmp_path, progress=[news]))
    async with app.run_test(size=NARROW) as pilot:
        app.pane.choose("gpt2")
        await until(pilot, lambda: "12 MB of 548 MB" in screen_text(app))
        assert "downloading gpt2" in screen_text(app)
        assert "Esc cancels" in screen_text(app)


async def test_a_model_that_is_not_ready_says_why(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "! no tokenizer in it" in screen_text(app)


# --- finding and sorting ---


async def test_typing_leaves_the_models_that_fit(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"BERT unc")
        await pilot.pause()
        text = screen_text(app)
        assert "1 of 3, by place" in text
        assert "bert-base-uncased" in text
        assert "broken" not in text
        await pilot.press("enter")
        assert draft.value("model.source") == "bert-base-uncased"
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert "3 models" in screen_text(app)


async def test_a_hub_name_can_be_typed(draft, silent_engine):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.query_one("#source", Input).focus()
        await pilot.press(*"gpt2", "enter")
        assert draft.content["model"]["source"] == "gpt2"


async def test_a_typed_name_is_taken_as_it_is_though_others_fit(draft, silent_engine):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"bert", "down", "enter")
        assert draft.content["model"]["source"] == "bert"


async def test_a_typed_path_is_not_taken_for_a_longer_one(draft, silent_engine):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"/m/bro", "enter")
        assert draft.value("model.source") == "/m/bro"
        app.query_one("#source", Input).value = ""
        await pilot.press(*"/m/broken", "enter")
        assert draft.value("model.source") == "/m/broken"


async def test_s_goes_through_the_orders(draft, silent_engine, screen_text):
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        for order, first in (
            ("by name", "starter"), ("largest first", "bert-base-uncased"),
            ("last used first", "bert-base-uncased"), ("by place", "starter"),
        ):  # fmt: skip
            await pilot.press("s")
            await pilot.press("home")
            await pilot.pause()
            assert f"3 models, {order}" in screen_text(app)
            await pilot.press("enter")
            assert draft.value("model.source") == first


# --- the hub ---


async def test_the_hub_is_asked_only_when_the_person_says_so(draft, tmp_path, screen_text, until):
    engine = AnsweringEngine(tmp_path, search_models=[TINY, OLD])
    app = Choosing(draft, engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"tiny")
        await pilot.pause(0.3)
        assert "search_models" not in dict(engine.asked)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "hub: 2, most downloads first" in screen_text(app))
        assert dict(engine.asked)["search_models"] == {"words": "tiny"}
        text = screen_text(app)
        for part in (
            "google/tiny", "61.2 M   17 MB", "downloads       61.2 M", "likes           2100",
            "licence         mit", "parameters      4.4 M", "size            17 MB",
            "weights         safetensors", "access          open", "changed         5 d ago",
            "Enter downloads it",
        ):  # fmt: skip
            assert part in text
        looked_at = [asked["model"]["source"] for name, asked in engine.asked if name == "model"]
        assert "google/tiny" not in looked_at
        await pilot.press("s", "s", "s", "end")
        await pilot.pause()
        text = screen_text(app)
        assert "hub: 2, largest first" in text
        assert "weights         no safetensors" in text
        assert "likes           —" in text
        await pilot.press("home", "enter")
        assert draft.value("model.source") == "google/tiny"


async def test_escape_leads_back_from_the_hub(draft, tmp_path, screen_text, until):
    app = Choosing(draft, AnsweringEngine(tmp_path, search_models=[]))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("h")
        await until(pilot, lambda: "the hub has nothing" in screen_text(app))
        await pilot.press("escape")
        await pilot.pause()
        assert "3 models" in screen_text(app)


async def test_an_unreachable_hub_is_said_in_words(draft, tmp_path, screen_text, until):
    refused = InputError("the hub cannot be reached; connect, or choose among the models here")
    app = Choosing(draft, AnsweringEngine(tmp_path, search_models=refused))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("h")
        await until(pilot, lambda: "✗ the hub cannot be reached" in screen_text(app))


# --- what is unsafe ---

PICKLED = {
    "weights": "pickle",
    "problem": {"message": "it has only pickled weights", "switch": "model.allow_pickle"},
}
CODED = {
    "code": ["modeling.py"],
    "problem": {"message": "needs code of its own", "switch": "model.trust_remote_code"},
}


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_pickled_weights_are_allowed_only_after_a_question_that_names_the_risk(
    size, draft, model, tmp_path, screen_text, until
):
    engine = AnsweringEngine(tmp_path, model=model(**PICKLED), models=[])
    app = Choosing(draft, engine)
    async with app.run_test(size=size) as pilot:
        app.pane.choose("/m/old")
        await until(pilot, lambda: "✗ it has only pickled weights" in screen_text(app))
        assert "weights         pickle" in screen_text(app)
        assert draft.obstacle() == "no data yet: choose a file in Data (F1)"
        draft.set("data.source", "/d.csv")
        assert draft.obstacle() == "Model (F2): it has only pickled weights"
        await pilot.press("a")
        await until(pilot, lambda: "loading one can run any code" in screen_text(app))
        assert "model.allow_pickle: true" in screen_text(app)
        await pilot.press("enter")  # begins at the harmless answer
        await pilot.pause()
        assert draft.value("model.allow_pickle") is False

        engine.answers["model"] = model(weights="pickle")
        await pilot.press("a")
        await pilot.pause()
        await pilot.press("y")
        await until(pilot, lambda: "! pickled weights are allowed" in screen_text(app))
        assert dict(engine.asked)["model"]["model"]["allow_pickle"] is True
        assert draft.obstacle() is None
        await pilot.press("a")
        assert draft.value("model.allow_pickle") is False


async def test_code_is_run_only_after_a_question_that_names_the_files(
    draft, model, tmp_path, screen_text, until
):
    app = Choosing(draft, AnsweringEngine(tmp_path, model=model(**CODED), models=[]))
    async with app.run_test(size=NARROW) as pilot:
        app.pane.choose("/m/own")
        await until(pilot, lambda: "✗ needs code of its own" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: "Run the code that comes with own?" in screen_text(app))
        assert "modeling.py: run with all your rights" in screen_text(app)
        await pilot.press("y")
        await pilot.pause()
        assert draft.value("model.trust_remote_code") is True
        # what was allowed for one model is not allowed for the next
        app.pane.choose("/m/other")
        assert draft.value("model.trust_remote_code") is False


async def test_there_is_nothing_to_allow_for_a_model_that_is_safe(
    draft, model, silent_engine, screen_text
):
    draft.model = Finding(result=model())
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "a Allow" not in screen_text(app)
        await pilot.press("a")
        await pilot.pause()
        assert app.screen is app.screen_stack[0]


async def test_an_error_of_the_engine_stands_with_the_model(draft, silent_engine, screen_text):
    draft.model = Finding(error="gpt2: not on this machine, and the hub cannot be reached")
    app = Choosing(draft, silent_engine)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "✗ gpt2: not on this machine" in screen_text(app)
        assert "choose another" in screen_text(app)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_names_are_shown_harmless(size, model, tmp_path, screen_text, hostile, until):
    draft = Draft()
    broken = entry(
        hostile, kind="local", name=hostile, ready=False, note=hostile, about=hostile,
        revision=hostile,
    )  # fmt: skip
    draft.catalogue = Finding(result=[broken])
    draft.set("model.source", hostile)
    draft.model = Finding(
        result=model(architecture=hostile, license=hostile, head=hostile, code=[hostile])
    )
    found = {**TINY, "name": hostile, "license": hostile, "task": hostile}
    app = Choosing(draft, AnsweringEngine(tmp_path, search_models=[found]))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert "[/] �]52;c" in text
        assert not any(sign in text for sign in ("\x1b", "\x07", "\u202e"))
        await pilot.press("h")
        await until(pilot, lambda: "hub: 1" in screen_text(app))
        assert not any(sign in screen_text(app) for sign in ("\x1b", "\x07", "\u202e"))


@pytest.mark.slow
async def test_the_engine_lists_and_describes_models(
    tiny_model, tmp_path, monkeypatch, screen_text, until
):
    folder = tmp_path / "models" / "tiny-bert"
    shutil.copytree(tiny_model(), folder)
    pickled = shutil.copytree(folder, tmp_path / "models" / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    monkeypatch.chdir(tmp_path)
    engine, draft = EngineClient(tmp_path / "home"), Draft()
    app = Choosing(draft, engine)
    try:
        async with app.run_test(size=NARROW) as pilot:
            await until(pilot, lambda: draft.catalogue.result is not None)
            sources = [found["source"] for found in draft.catalogue.result]
            assert app.query_one(OptionList).option_count == len(sources)
            assert str(folder) in sources
            await until(pilot, lambda: "layers " in screen_text(app))  # the first is looked at
            app.pane.choose(str(folder))
            await until(pilot, lambda: "layers          2" in screen_text(app), 150)  # loads torch
            app.pane.choose(str(pickled))
            await until(pilot, lambda: "has only pickled weights" in screen_text(app))
            await until(pilot, lambda: "layers          2" in screen_text(app), 60)
            app.pane.choose("/nowhere/model")
            await until(pilot, lambda: "no such model folder" in (draft.model.error or ""), 60)
            await pilot.press("h")
            await until(pilot, lambda: "HF_HUB_OFFLINE is set" in screen_text(app), 60)
    finally:
        engine.close()
