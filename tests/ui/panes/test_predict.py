import asyncio
import json
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.recipe import dump_recipe, parse_recipe
from tui_finetune.ui.panes.picker import RunPicker
from tui_finetune.ui.panes.predict import PredictPane
from tui_finetune.ui.panes.predict_file import PredictFileScreen, progress_line
from tui_finetune.ui.panes.predict_live import Answer
from tui_finetune.ui.panes.predict_words import past_line
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.sentence_input import LONGEST_TEXT

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 300


class AnsweringEngine(EngineClient):
    """Answers with shares that hang on the text and the version, at once or when it is let.

    `asked` holds the parameters of all requests, `open` counts those under way.
    """

    def __init__(self, home: Path, labels=("good", "bad"), folder="/runs/x/model"):
        super().__init__(home)
        self.labels = labels
        self.folder = folder
        self.asked = []
        self.open = 0
        self.most_open = 0
        self.cancelled = 0
        self.held = False
        self.error = None
        self._let = asyncio.Event()

    def release(self):
        self._let.set()

    async def request(self, method, params, on_progress=None):
        self.asked.append(params)
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            if self.held:
                await self._let.wait()
                self._let.clear()
            if self.error:
                raise self.error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1
        share = self.share(params["texts"][0], params["version"])
        first, *others = self.labels
        scores = {first: share} | {label: (1 - share) / len(others) for label in others}
        if params["run"].endswith("-other"):
            scores = {"fair": share, first: 1 - share}
        label = max(scores, key=scores.get)
        made = {"text": params["texts"][0], "label": label, "score": scores[label]}
        return {"model": self.folder, "predictions": [{**made, "scores": scores}]}

    @staticmethod
    def share(text, version="after"):
        """Return the share of the first label, from 0.501 on, other for each length of text."""
        return 0.501 + min(len(text), 99) / 1000 + (0.2 if version == "before" else 0)

    @property
    def texts(self):
        """The texts of all requests but the first, which only loads the model."""
        return [params["texts"][0] for params in self.asked[1:]]


class Predicting(App[None]):
    def __init__(self, home, run=None, engine=None):
        super().__init__()
        self._home, self._run = home, run
        self.engine = engine or EngineClient(home)
        self.traced = []

    def compose(self) -> ComposeResult:
        pane = PredictPane(self.engine, self._home)
        pane.show_run(self._run)
        yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(PredictPane).focus()

    def on_unmount(self) -> None:
        self.engine.close()

    def on_predict_pane_trace_wanted(self, event) -> None:
        self.traced.append((event.run, event.text))


@pytest.fixture
def run(put_run, put_checkpoint):
    """A run with a checkpoint that can predict by the names of its files."""
    run = put_run()
    put_checkpoint(run)
    return run


@pytest.fixture
def app(tmp_path, run):
    engine = AnsweringEngine(tmp_path, folder=str(run.checkpoints / "checkpoint-4"))
    return Predicting(tmp_path, run, engine)


async def test_without_a_run_it_says_how_to_choose_one(tmp_path, screen_text, until):
    app = Predicting(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "No run is chosen." in screen_text(app))
        await pilot.press("a", "enter")
        await until(pilot, lambda: "No run is chosen yet: ctrl+o" in screen_text(app))
        assert not app.engine.alive


async def test_an_empty_sentence_gives_one_line_and_asks_nobody(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.engine.asked and not app.engine.open)
        await pilot.press("space", "enter")
        await until(pilot, lambda: "Type a sentence first." in screen_text(app))
        await pilot.pause(0.6)
        assert "Type a sentence first." in screen_text(app)
        assert app.engine.texts == []


async def test_a_run_without_a_model_says_when_there_will_be_one_and_takes_it_then(
    tmp_path, put_run, put_checkpoint, screen_text, until
):
    run = put_run(state="failed", steps=1)
    app = Predicting(tmp_path, run, AnsweringEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "enter")
        await until(pilot, lambda: "no model yet; the first" in screen_text(app))
        assert app.engine.asked == []
        put_checkpoint(run)
        await until(pilot, lambda: "50.2%" in screen_text(app))


async def test_the_model_is_loaded_before_there_is_a_text_and_that_is_said(app, screen_text, until):
    app.engine.held = True
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "loading the model …" in screen_text(app))
        assert len(app.engine.asked) == 1
        app.engine.release()
        await until(pilot, lambda: "loading" not in screen_text(app))
        assert "%" not in screen_text(app)
        await pilot.pause(0.6)
        assert len(app.engine.asked) == 1


async def test_as_one_types_the_shares_follow(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        for length, key in enumerate("film", 1):
            await pilot.press(key)
            share = f"{AnsweringEngine.share('x' * length):.1%}"
            await until(pilot, lambda share=share: f"good   {share}" in screen_text(app))
        assert app.engine.texts == ["f", "fi", "fil", "film"]


async def test_one_request_is_under_way_and_the_newest_text_wins(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.engine.asked and not app.engine.open)
        app.engine.held = True
        for key in "abcdef":
            await pilot.press(key)
        await pilot.pause(0.2)
        assert app.engine.texts == ["a"]
        app.engine.release()
        await until(pilot, lambda: app.engine.texts == ["a", "abcdef"])
        assert "%" not in screen_text(app)  # what was said of the first is out of date
        app.engine.release()
        await until(pilot, lambda: "50.7%" in screen_text(app))
        assert app.engine.most_open == 1


async def test_enter_keeps_the_sentence_also_before_its_answer_is_there(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.engine.asked and not app.engine.open)
        await pilot.press("o", "n", "e")
        await until(pilot, lambda: "50.4%" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "“one”" in screen_text(app))
        assert app.query_one(Input).value == ""
        assert "50.4%" in screen_text(app).split("earlier")[0]

        app.engine.held = True
        await pilot.press("t", "h", "r", "e", "e", "enter")
        app.engine.release()
        await until(pilot, lambda: app.engine.texts[-1] == "three")
        app.engine.release()
        await until(pilot, lambda: "“three”" in screen_text(app))
        earlier = screen_text(app).split("earlier sentences")[1]
        assert earlier.index("50.6%  good  three") < earlier.index("50.4%  good  one")


async def test_emptying_the_input_and_escape_clear_the_answer(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        for clearing in ("backspace", "escape"):
            await pilot.press("a")
            await until(pilot, lambda: "50.2%" in screen_text(app))
            await pilot.press(clearing)
            await until(pilot, lambda: "%" not in screen_text(app))
            assert app.query_one(Input).value == ""
        await until(pilot, lambda: "esc Clear" not in screen_text(app))


async def test_escape_takes_back_what_is_asked_and_the_engine_stays(app, screen_text, until):
    app.engine.held = True
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "loading the model" in screen_text(app))
        await pilot.press("a", "escape")
        await until(pilot, lambda: app.engine.cancelled == 1)
        await pilot.pause(0.6)
        assert app.engine.open == 0
        assert app.query_one(Input).value == ""
        app.engine.held = False
        await pilot.press("b")
        await until(pilot, lambda: "50.2%" in screen_text(app))


async def test_what_failed_is_said_and_the_next_text_is_asked_again(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.engine.asked and not app.engine.open)
        for error in (InputError(f"broken {HOSTILE}"), EngineError("the engine ended")):
            app.engine.error = error
            await pilot.press("a")
            await until(pilot, lambda error=error: str(error)[:10] in screen_text(app))
            asked = len(app.engine.asked)
            await pilot.pause(0.6)
            assert len(app.engine.asked) == asked  # nobody asks the same again by itself
            assert not set("\x1b\x07\u202e") & set(screen_text(app))
        app.engine.error = None
        await pilot.press("a")
        await until(pilot, lambda: "50.4%" in screen_text(app))


async def test_pasted_lines_become_one_and_are_cut_where_they_are_too_long(app, screen_text, until):
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await pilot.press("a", "space")
        app.query_one(Input).post_message(events.Paste("good\r\n\n  film\n"))
        await until(pilot, lambda: "a good film" in app.engine.texts)
        app.query_one(Input).post_message(events.Paste("x" * LONGEST_TEXT))
        await until(pilot, lambda: len(app.query_one(Input).value) == LONGEST_TEXT)
        await until(pilot, lambda: "11 characters too many were left out" in screen_text(app))
        app.query_one(Input).post_message(events.Paste("\n"))
        await pilot.press("escape", "b")
        await until(pilot, lambda: "50.2%" in screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_model_before_fine_tuning_stands_beside_it(app, screen_text, until, size):
    async with app.run_test(size=size) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "50.2%" in screen_text(app))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "70.2%" in screen_text(app))
        (good,) = [line for line in screen_text(app).splitlines() if "good" in line]
        assert [word for word in good.split() if word[-1] in "%0"] == ["50.2%", "70.2%", "-20.0"]
        title = next(line for line in screen_text(app).splitlines() if "left − right" in line)
        assert title.index("after fine-tuning") < title.index("before fine-tuning")
        assert {params["version"] for params in app.engine.asked} == {"after", "before"}
        await pilot.press("enter")
        await until(pilot, lambda: "50.2%  good   70.2%  good  a" in screen_text(app))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "before fine-tuning" not in screen_text(app))


async def test_a_second_run_stands_beside_it_with_dashes_for_labels_it_lacks(
    tmp_path, run, app, put_run, put_checkpoint, screen_text, until
):
    other = put_run("other")
    put_checkpoint(other)
    other.path.rename(other.path.with_name(f"{other.id}-other"))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, RunPicker))
        await until(pilot, lambda: "other" in screen_text(app))
        await pilot.press("enter" if "other" in picked(app) else "down")
        if isinstance(app.screen, RunPicker):
            await pilot.press("enter")
        await until(pilot, lambda: "fair" in screen_text(app))
        lines = {
            line.split()[0]: line.split() for line in screen_text(app).splitlines() if line.strip()
        }
        assert [word for word in lines["good"] if "█" not in word] == [
            "good", "50.2%", "49.8%", "+0.4"
        ]  # fmt: skip
        assert [word for word in lines["bad"] if "█" not in word] == ["bad", "49.8%", "—", "—"]
        assert [word for word in lines["fair"] if "█" not in word] == ["fair", "—", "50.2%", "—"]
        assert app.engine.most_open == 1


def picked(app):
    from textual.widgets import OptionList

    options = app.screen.query_one(OptionList)
    return str(options.get_option_at_index(options.highlighted).prompt)


async def test_ctrl_t_wants_the_present_or_the_kept_sentence_traced(app, run, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+t")
        assert app.traced == []
        await pilot.press("a", "b", "ctrl+t")
        await until(pilot, lambda: app.traced == [(run, "ab")])
        await until(pilot, lambda: "50.3%" in screen_text(app))
        await pilot.press("enter", "ctrl+t")
        await until(pilot, lambda: app.traced == [(run, "ab")] * 2)


async def test_the_head_says_which_folder_answers_and_that_a_newer_one_will(
    app, run, put_checkpoint, screen_text, until
):
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "checkpoint-4" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: "50.2%" in screen_text(app))
        put_checkpoint(run, 8)
        said = "checkpoint-4, checkpoint-8 from the next text on"
        await until(pilot, lambda: said in screen_text(app))
        app.engine.folder = str(run.checkpoints / "checkpoint-8")
        await pilot.press("b")
        await until(pilot, lambda: "checkpoint-4" not in screen_text(app))


async def test_another_run_takes_the_answers_of_the_one_before_away(
    app, put_run, put_checkpoint, screen_text, until
):
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "50.2%" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "earlier" in screen_text(app))
        app.engine.held = True
        other = put_run("other")
        put_checkpoint(other)
        app.query_one(PredictPane).show_run(other)
        await until(pilot, lambda: "%" not in screen_text(app))
        assert "earlier" not in screen_text(app)
        await until(pilot, lambda: app.engine.asked[-1]["run"] == other.id)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_labels_and_texts_are_harmless(tmp_path, run, screen_text, until, size):
    labels = (f"one {HOSTILE}", f"two {HOSTILE}", *(f"label {n}" for n in range(60)))
    app = Predicting(tmp_path, run, AnsweringEngine(tmp_path, labels))
    async with app.run_test(size=size) as pilot:
        app.query_one(Input).value = f"film {HOSTILE}"
        await until(pilot, lambda: "one [/]" in screen_text(app))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "left − right" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "“film [/]" in screen_text(app))
        await pilot.press("pagedown")
        await until(pilot, lambda: "one [/]" not in screen_text(app).split("earlier")[0])
        assert not set("\x1b\x07\u202e") & set(screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_picker_lists_only_runs_with_a_model(
    tmp_path, put_run, put_checkpoint, screen_text, until, size
):
    put_run("modelless")
    run = put_run(HOSTILE, "failed", metrics={"validation": {"accuracy": 0.75}})
    put_checkpoint(run)
    app = Predicting(tmp_path, engine=AnsweringEngine(tmp_path))
    async with app.run_test(size=size) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "acc 0.750" in screen_text(app))
        text = screen_text(app)
        assert isinstance(app.screen, RunPicker)
        assert "modelless" not in text
        assert not set("\x1b\x07\u202e") & set(text)
        await pilot.press("enter")
        await until(pilot, lambda: app.query_one(PredictPane).run_shown == run)
        await until(pilot, lambda: "✗ failed" in screen_text(app))
        assert "[/]" in screen_text(app)
        assert isinstance(app.focused, Input)


async def test_the_picker_without_any_model_says_so(tmp_path, put_run, screen_text, until):
    put_run("modelless")
    app = Predicting(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "No run has a model yet." in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RunPicker))


def test_a_share_that_is_not_known_is_a_dash():
    answer = Answer("one", "good", None, {"good": None, "bad": None})
    assert past_line([answer], 80).plain == "     —  good  one"
    assert past_line([answer, answer], 80).plain == "     —  good       —  good  one"


async def test_without_any_run_any_more_a_typed_text_stays(app, screen_text, until):
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "50.2%" in screen_text(app))
        app.query_one(PredictPane).show_run(None)
        await until(pilot, lambda: "No run is chosen." in screen_text(app))
        await pilot.press("b", "enter")
        await until(pilot, lambda: "No run is chosen yet" in screen_text(app))
        assert "%" not in screen_text(app)


# --- files ---


class FileEngine(AnsweringEngine):
    """Says how far a file is, and ends when it is let."""

    async def request(self, method, params, on_progress=None):
        if method == "predict":
            return await super().request(method, params, on_progress)
        self.asked.append(params)
        try:
            on_progress({"what": "predicting", "done": 200, "of": 1000})
            await asyncio.sleep(1.1)
            on_progress({"what": "predicting", "done": 500, "of": 1000})
            await self._let.wait()
            if self.error:
                raise self.error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {"out": f"/d/{HOSTILE}.csv", "rows": 1000, "empty": 3, "resumed_from": 200}


async def fill_in(pilot, app, until, source, out=None):
    await pilot.press("ctrl+f")
    await until(pilot, lambda: isinstance(app.screen, PredictFileScreen))
    app.screen.query_one("#file-in", Input).value = str(source)
    if out is not None:
        await pilot.pause()
        app.screen.query_one("#file-out", Input).value = str(out)
    await pilot.press("enter", "enter", "enter")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_file_is_predicted_with_its_progress_in_sight(
    tmp_path, run, screen_text, until, size
):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=size) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv")
        await until(pilot, lambda: "500 of 1,000" in screen_text(app))
        await until(pilot, lambda: "rows/s" in screen_text(app))
        assert app.engine.asked[-1] == {
            "run": run.id,
            "source": str(tmp_path / "in.csv"),
            "out": str(tmp_path / "in-predicted.csv"),
            "column": None,
            "overwrite": False,
        }
        app.engine.release()
        await until(pilot, lambda: "✓ 1,000 rows written" in screen_text(app))
        assert "3 without a text have no prediction" in screen_text(app)
        assert "200 of them were done before" in screen_text(app)
        assert not set("\x1b\x07\u202e") & set(screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PredictFileScreen))


async def test_a_cancelled_file_is_kept_for_going_on_and_that_is_said(
    tmp_path, run, screen_text, until
):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv")
        await until(pilot, lambda: "200 of 1,000" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled; what is done is kept" in screen_text(app))
        assert app.engine.cancelled == 1
        app.engine.error = InputError(f"this file {HOSTILE}")
        await pilot.press("enter")  # the paths are still there
        await until(pilot, lambda: "200 of 1,000" in screen_text(app))
        app.engine.release()
        await until(pilot, lambda: "this file [/]" in screen_text(app))


async def test_a_file_that_exists_is_overwritten_only_after_a_question(
    tmp_path, run, screen_text, until
):
    out = tmp_path / "out.csv"
    out.write_text("precious")
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, tmp_path / "in.csv", out)
        await until(pilot, lambda: "This file exists already." in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, PredictFileScreen))
        assert "source" not in app.engine.asked[-1]
        await pilot.press("enter")
        await until(pilot, lambda: "This file exists already." in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: app.engine.asked[-1].get("overwrite") is True)


async def test_without_paths_it_says_what_is_missing(tmp_path, run, screen_text, until):
    app = Predicting(tmp_path, run, FileEngine(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await fill_in(pilot, app, until, "")
        await until(pilot, lambda: "Name the file to read first." in screen_text(app))


def test_the_rate_is_said_only_where_it_is_known():
    told = {"what": "predicting", "done": 2000, "of": 10000}
    assert "rows/s" not in progress_line(told, 0.5, None).plain
    line = progress_line(told, 20.0, 100.0).plain
    assert "2,000 of 10,000" in line
    assert "100 rows/s   about 1m20 left" in line
    assert "reading" in progress_line({"what": "reading x", "done": 0, "of": 0}, 1, None).plain


# --- with a real engine ---


@pytest.mark.slow
async def test_predictions_of_a_real_engine(tmp_path, put_run, tiny_model, screen_text, until):
    """Live, beside the model before fine-tuning, and of a file."""
    from tui_finetune.models.loading import load_classifier, load_tokenizer

    run = put_run()
    content = {"data": {"source": "none.csv"}, "model": {"source": str(tiny_model())}}
    run.recipe.write_text(dump_recipe(parse_recipe(content, "test")))
    load_classifier(tiny_model(), ["[/]\x1b]0;x\x07", "good"]).save_pretrained(run.model)
    load_tokenizer(tiny_model()).save_pretrained(run.model)
    texts = ["a good film", "bad", ""]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": text, "id": text}) + "\n" for text in texts))
    app = Predicting(tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "loading the model" in screen_text(app))
        app.query_one(Input).value = f"a good film {HOSTILE}"
        await until(pilot, lambda: "%  █" in screen_text(app), 60)
        lines = [line for line in screen_text(app).splitlines() if "%  █" in line]
        shares = [float(line.split("%")[0].split()[-1]) for line in lines]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=0.11)
        assert "[/]" in screen_text(app)
        assert not set("\x1b\x07\u202e") & set(screen_text(app))

        await pilot.press("ctrl+l")
        await until(pilot, lambda: screen_text(app).count("%") == 4, 60)
        await pilot.press("enter")
        await until(pilot, lambda: "“a good film" in screen_text(app))

        await fill_in(pilot, app, until, source)
        await until(pilot, lambda: "✓ 3 rows written" in screen_text(app), 60)
        assert "1 without a text" in screen_text(app)
    out = (tmp_path / "in-predicted.jsonl").read_text()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in rows] == texts
    assert rows[2]["label"] is None
