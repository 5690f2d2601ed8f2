"""Evaluate, Predict, Data and Tune for pairs, several labels a row, and numbers."""

import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.engine.client import EngineClient
from tui_finetune.recipe import dump_recipe, parse_recipe
from tui_finetune.ui.draft import Draft, Finding
from tui_finetune.ui.panes.data_words import kind_phrases, label_lines
from tui_finetune.ui.panes.evaluate_results import EvaluationResults
from tui_finetune.ui.panes.predict import PredictPane
from tui_finetune.ui.widgets.key_line import KeyLine

HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol"
SET_METRICS = {
    "loss": 0.3, "subset_accuracy": 0.725, "f1_micro": 0.812, "f1": 0.693, "f1_samples": 0.8,
    "f1_weighted": 0.751, "hamming_loss": 0.103, "average_precision": None, "precision": 0.9,
    "recall": 0.6, "precision_micro": 0.9, "recall_micro": 0.7,
}  # fmt: skip
SETS = {
    "run": "x", "model": "/m", "data": "rows", "problem_type": "multi_label_classification",
    "rows": 40, "labels": ["good", HOSTILE], "metrics": SET_METRICS,
    "intervals": {"subset_accuracy": [0.659, 0.782], "f1": [0.6, 0.75]}, "confidence": 0.95,
    "baselines": {
        "majority": {"labels": [], "metrics": {**SET_METRICS, "f1_micro": 0.0}},
        "before": {
            "metrics": {**SET_METRICS, "subset_accuracy": 0.32}, "intervals": {},
            "difference": {"subset_accuracy": 0.405, "interval": [0.3, 0.5]},
        },
        "before_problem": None,
    },
    "classes": [
        {
            "label": label, "precision": 0.9, "recall": 0.5, "f1": f1, "average_precision": 0.8,
            "support": 20, "predicted": 11, "threshold": 0.25, "intervals": {"f1": [0.4, 0.8]},
        }
        for label, f1 in (("good", 0.643), (HOSTILE, 0.5))
    ],
    "thresholds": {"values": {"good": 0.25, HOSTILE: 0.25}, "metrics": {**SET_METRICS, "f1": 0.9}},
    "mistakes_total": 2,
    "mistakes": [
        {"row": 6, "text": "one text", "text_pair": None, "true": ["good"], "labels": [],
         "loss": 1.2},
        {"row": 8, "text": "other text", "text_pair": None, "true": [], "labels": [HOSTILE],
         "loss": 0.9},
    ],
    "slices": [{"column": "length in words", "slices": [
        {"name": "1 to 3", "rows": 40, "subset_accuracy": 0.725, "interval": [0.5, 0.8],
         "f1_micro": 0.8}]}],
}  # fmt: skip
NUMBER_METRICS = {
    "loss": 0.129, "mse": 0.129, "rmse": 0.3596, "mae": 0.3015, "r2": 0.927, "pearson": None,
    "spearman": 0.887,
}  # fmt: skip
NUMBERS = {
    "run": "x", "model": "/m", "data": "rows", "problem_type": "regression", "rows": 60,
    "labels": [], "metrics": NUMBER_METRICS, "intervals": {"mae": [0.2563, 0.357]},
    "confidence": 0.95,
    "baselines": {
        "mean": {"value": 2.933, "metrics": {**NUMBER_METRICS, "mae": 1.157}},
        "before": None, "before_problem": "its model is gone",
    },
    "bias": -0.5, "range": {"true": [1, 3, 5], "predicted": [1, 3, 5]}, "mistakes_total": 60,
    "mistakes": [
        {"row": 560, "text": "the play", "text_pair": "the book", "true": 2.4, "value": 3.289,
         "error": 0.889},
    ],
    "slices": [{"column": "genre", "slices": [
        {"name": "x", "rows": 30, "mae": 0.9, "interval": [0.7, 1.1], "bias": 0.1}]}],
}  # fmt: skip


class Showing(App[None]):
    def compose(self) -> ComposeResult:
        yield EvaluationResults()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(EvaluationResults).focus()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_several_labels_are_shown_in_the_views_that_fit_them(size, screen_text):
    app = Showing()
    async with app.run_test(size=size) as pilot:
        results = app.query_one(EvaluationResults)
        results.show(SETS, traceable=False)
        await pilot.pause()
        text = screen_text(app)
        for part in (
            "All labels right in 72.5% of the rows [0.659, 0.782] on 40 rows, 2 labels.",
            "by +0.405 (0.320 before): more than chance.",
            "Always giving no label",
            "F1, macro is 0.900 here (0.693",
            "Labels",
        ):
            assert part in text
        assert "Confusion" not in text
        assert "Calibration" not in text
        await pilot.press("tab")
        await pilot.pause()
        assert results.view == "classes"
        assert "best threshold 0.250" in screen_text(app)
        await pilot.press("down", "enter")  # the mistakes of the label with the better F1
        await pilot.pause()
        text = screen_text(app)
        assert results.view == "mistakes"
        assert "good → no label" in text
        assert "other text" not in text
        assert "Trace" not in text
        await pilot.press("x", "tab")
        await pilot.pause()
        assert results.view == "slices"
        assert "0.725" in screen_text(app)
        assert "\x1b" not in screen_text(app)
        await pilot.press("tab")
        assert results.view == "summary"


async def test_numbers_are_shown_as_errors_in_their_own_unit(screen_text):
    app = Showing()
    async with app.run_test(size=(80, 24)) as pilot:
        results = app.query_one(EvaluationResults)
        results.show(NUMBERS, traceable=False)
        await pilot.pause()
        text = screen_text(app)
        for part in (
            "Off by 0.3015 [0.2563, 0.357] on average of 60 rows, on the whole 0.5 too low.",
            "before fine-tuning: its model is gone",
            "the mean, 2.933, is off by 1.157: the model is better than that.",
            "Pearson ↑                  —        —        —  —",
        ):
            assert part in text
        await pilot.press("tab")
        await pilot.pause()
        text = screen_text(app)
        assert "+0.889  2.4 → 3.289" in text
        assert "the play | the book" in text
        await pilot.press("tab")
        await pilot.pause()
        assert "▼ worse" in screen_text(app)


async def test_one_label_a_row_has_all_its_views_again(screen_text):
    app = Showing()
    async with app.run_test(size=(120, 24)) as pilot:
        results = app.query_one(EvaluationResults)
        results.show(NUMBERS)
        await pilot.pause()
        assert "Errors" in screen_text(app)
        results.show(SETS)
        await pilot.pause()
        assert "Labels" in screen_text(app)


# --- Predict ---


class Answering(EngineClient):
    def __init__(self, home, document):
        super().__init__(home)
        self.document = document
        self.asked = []

    async def request(self, method, params, on_progress=None):
        self.asked.append(params)
        await asyncio.sleep(0)
        made = {"text": params["texts"][0], **self.document}
        return {"model": "/runs/x/model", "predictions": [made]}


class Predicting(App[None]):
    def __init__(self, home, run, document):
        super().__init__()
        self.engine = Answering(home, document)
        self._home, self._run = home, run

    def compose(self) -> ComposeResult:
        pane = PredictPane(self.engine, self._home)
        pane.show_run(self._run)
        yield pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(PredictPane).focus()

    def on_unmount(self) -> None:
        self.engine.close()


@pytest.fixture
def predicting(tmp_path, put_run, put_checkpoint):
    """Open the pane on a run of another kind, whose engine answers with a document."""

    def make(document, kind=None, **columns):
        run = put_run()
        put_checkpoint(run)
        content = {"data": {"source": "/d/a.csv", "columns": columns}, "problem_type": kind}
        run.recipe.write_text(dump_recipe(parse_recipe(content, "test")))
        return Predicting(tmp_path, run, document)

    return make


async def test_a_pair_is_asked_for_in_two_boxes(predicting, screen_text, until):
    document = {"label": "same", "score": 0.75, "scores": {"same": 0.75, "different": 0.25}}
    app = predicting(document, text="q", text_pair="a", label="label")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.engine.asked) == 1)
        assert app.engine.asked[0]["pairs"]
        assert "the second text" in screen_text(app)
        await pilot.press(*"why", "enter")
        await pilot.pause()
        assert len(app.engine.asked) == 1  # half a pair is asked nobody
        assert app.focused is app.query_one("#predict-pair", Input)
        await pilot.press(*"so")
        await until(pilot, lambda: "75.0%" in screen_text(app))
        assert app.engine.asked[-1]["texts"] == ["why"]
        assert app.engine.asked[-1]["pairs"] == ["so"]
        assert "Trace" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "why | so" in screen_text(app))
        assert app.focused is app.query(Input).first()
        assert "“why” “so”" in screen_text(app)


async def test_escape_empties_half_a_pair(predicting, screen_text, until):
    document = {"label": "same", "score": 0.75, "scores": {"same": 0.75, "different": 0.25}}
    app = predicting(document, text="q", text_pair="a", label="label")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.engine.asked) == 1)
        await pilot.press(*"why")
        await until(pilot, lambda: "esc Clear" in screen_text(app))
        await pilot.press("escape")
        assert app.query(Input).first().value == ""
        await until(pilot, lambda: "esc Clear" not in screen_text(app))


async def test_a_second_run_that_reads_pairs_is_given_a_second_text(
    predicting, put_run, put_checkpoint, screen_text, until
):
    app = predicting({"label": "same", "score": 0.75, "scores": {"same": 0.75}}, text="text")
    other = put_run("other")
    put_checkpoint(other)
    content = {"data": {"source": "/d/a.csv", "columns": {"text": "q", "text_pair": "a"}}}
    other.recipe.write_text(dump_recipe(parse_recipe(content, "test")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "75.0%" in screen_text(app))
        app.query_one(PredictPane)._beside_chosen(other)
        await until(pilot, lambda: "the second text" in screen_text(app))
        pairs = [asked["pairs"] for asked in app.engine.asked if asked["texts"] == ["a"]
                 and "pairs" in asked]  # fmt: skip
        assert pairs == []  # its second text is not typed yet
        app.query_one("#predict-pair").focus()
        await pilot.press("b")
        await until(pilot, lambda: any(asked.get("pairs") == ["b"] for asked in app.engine.asked))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "the second text" not in screen_text(app))


async def test_a_number_is_shown_as_it_is(predicting, screen_text, until):
    app = predicting({"value": 3.25}, "regression", text="text", label="stars")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"fine")
        await until(pilot, lambda: "3.25" in screen_text(app))
        assert "%" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "3.25  fine" in screen_text(app))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "left − right" in screen_text(app) and "+0" in screen_text(app))
        assert "%" not in screen_text(app)


async def test_each_of_several_labels_has_its_own_probability(predicting, screen_text, until):
    scores = {"good": 0.9, "long": 0.7, "dull": 0.1}
    document = {"labels": ["good", "long"], "label": "good", "score": 0.9, "scores": scores}
    app = predicting(document, "multi_label_classification", text="text", label="tags")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"fine")
        await until(pilot, lambda: "90.0%" in screen_text(app))
        assert "70.0%" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "good, long  fine" in screen_text(app))


# --- Data and Tune ---


def test_shares_of_several_labels_are_of_the_rows():
    profile = {"problem_type": "multi_label_classification", "labels": {"a": 75, "b": 50},
               "rows": 100}  # fmt: skip
    text = label_lines(profile, 8).plain
    assert " 75%" in text
    assert " 50%" in text
    assert kind_phrases(profile) == ["several labels a row"]


def test_numbers_are_described_by_their_spread():
    numbers = {"min": 1.0, "median": 3.0, "mean": 2.933, "max": 5.0, "deviation": 1.3,
               "histogram": [[2.0, 1], [5.0, 4]]}  # fmt: skip
    profile = {"problem_type": "regression", "labels": {}, "numbers": numbers, "rows": 5,
               "text_pair": "reply"}  # fmt: skip
    text = label_lines(profile, 8).plain
    assert "2.933" in text
    assert "deviation 1.3" in text
    assert kind_phrases(profile) == ["pairs with reply", "a number to predict"]


def test_the_best_epoch_is_chosen_by_what_there_is_for_the_labels():
    draft = Draft(parse_recipe({"data": {"source": "a.csv"}}, "test"))
    assert "eval_accuracy" in draft.metrics()
    draft.set("early_stopping.metric", "eval_mae")
    assert draft.obstacle() is None  # nobody has looked at the rows yet
    draft.set("early_stopping.metric", "eval_loss")
    draft.data = Finding(result={"problem_type": "regression", "problems": []})
    assert "eval_rmse" in draft.metrics()
    assert draft.obstacle() is None
    draft.set("early_stopping.metric", "eval_f1")
    assert draft.obstacle().startswith("Best epoch by: f1 is not known for these labels; there")
    draft.set("early_stopping.metric", "eval_rmse")
    assert draft.obstacle() is None
