from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient
from tui_finetune.ui.panes.picker import RunPicker
from tui_finetune.ui.panes.predict import PredictPane
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film"]
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 300


class Predicting(App[None]):
    def __init__(self, home, run=None):
        super().__init__()
        self._home, self._run = home, run
        self.engine = EngineClient(home)

    def compose(self) -> ComposeResult:
        pane = PredictPane(self.engine, self._home)
        pane.show_run(self._run)
        yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(PredictPane).focus()

    def on_unmount(self) -> None:
        self.engine.close()


async def test_without_a_run_it_says_how_to_choose_one(tmp_path, screen_text, until):
    app = Predicting(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "No run is chosen." in screen_text(app))
        await pilot.press("a", "enter")
        await until(pilot, lambda: "No run is chosen yet: ctrl+o" in screen_text(app))
        assert not app.engine.alive


async def test_an_empty_sentence_gives_one_line_and_asks_nobody(
    tmp_path, put_run, screen_text, until
):
    app = Predicting(tmp_path, put_run())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("space", "enter")
        await until(pilot, lambda: "Type a sentence first." in screen_text(app))
        assert not app.engine.alive


async def test_a_run_without_a_model_says_when_there_will_be_one(
    tmp_path, put_run, screen_text, until
):
    app = Predicting(tmp_path, put_run(state="failed", steps=1))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "enter")
        await until(pilot, lambda: "no model yet; the first" in screen_text(app))
        assert not app.engine.alive


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_picker_lists_only_runs_with_a_model(
    tmp_path, put_run, put_checkpoint, screen_text, until, size
):
    put_run("modelless")
    run = put_run(HOSTILE, "failed", metrics={"validation": {"accuracy": 0.75}})
    put_checkpoint(run)
    app = Predicting(tmp_path)
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


async def test_a_score_that_is_not_known_is_a_dash(
    tmp_path, put_run, put_checkpoint, screen_text, until
):
    run = put_run()
    put_checkpoint(run)
    app = Predicting(tmp_path, run)

    async def answer(method, params, on_progress=None):
        scores = {"good": None, "bad": None}
        text = params["texts"][0]
        return {"predictions": [{"text": text, "label": "good", "score": None, "scores": scores}]}

    app.engine.request = answer
    async with app.run_test(size=NARROW) as pilot:
        for sentence in ("one", "two"):
            app.query_one(Input).value = sentence
            await pilot.press("enter")
            await until(pilot, lambda sentence=sentence: f"“{sentence}”" in screen_text(app))
        assert "—  good  one" in screen_text(app)


def put_model(folder: Path, labels: list[str]) -> None:
    """Save a tiny classifier with a tokenizer of nine words."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    names = dict(enumerate(labels))
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=512,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)


@pytest.mark.slow
async def test_predictions_of_a_real_model(tmp_path, put_run, screen_text, until):
    """From a cancelled sentence to remembered ones, with a real engine."""
    run = put_run()
    put_model(run.model, ["[/]\x1b]0;x\x07", "good"])
    app = Predicting(tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        app.query_one(Input).value = f"a good film {HOSTILE}"
        await pilot.press("enter")
        await until(pilot, lambda: "asking the model" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in screen_text(app))
        assert not app.engine.alive

        await pilot.press("enter")
        await until(pilot, lambda: "“a good film" in screen_text(app), 60)
        text = screen_text(app)
        shares = [
            float(line.split("%")[0].split()[-1]) for line in text.splitlines() if "%  █" in line
        ]
        assert len(shares) == 2
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=0.11)
        assert "[/]" in text
        assert not set("\x1b\x07\u202e") & set(text)
        assert app.query_one(Input).value == ""

        for sentence in ("bad film", "a film"):
            app.query_one(Input).value = sentence
            await pilot.press("enter")
            await until(pilot, lambda sentence=sentence: f"“{sentence}”" in screen_text(app), 60)
        past = screen_text(app).split("before")[1]
        assert past.index("bad film") < past.index("a good film")
