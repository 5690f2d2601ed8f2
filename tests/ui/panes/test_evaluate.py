import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from tui_finetune.engine.client import EngineClient, EngineError
from tui_finetune.errors import InputError
from tui_finetune.ui.panes.evaluate import EvaluatePane
from tui_finetune.ui.panes.evaluate_list import LineList
from tui_finetune.ui.panes.evaluate_results import VIEWS, EvaluationResults
from tui_finetune.ui.panes.evaluate_rows import Filter, class_line, ordered_classes, share
from tui_finetune.ui.panes.evaluate_text import (
    METRICS,
    axis_line,
    calibration,
    interval_figure,
    slices,
    summary,
    verdicts,
    with_interval,
)
from tui_finetune.ui.panes.evaluate_views import ViewLine
from tui_finetune.ui.widgets.key_line import KeyLine

NARROW, WIDE = (80, 24), (160, 48)
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol [bold]" + "x" * 300

# Of 10 rows 3 are wrong: good is taken for bad twice, bad for good once.
METRIC_VALUES = {
    "loss": 0.512, "accuracy": 0.7, "precision": 0.708, "recall": 0.708, "f1": 0.7,
    "precision_micro": 0.7, "recall_micro": 0.7, "f1_micro": 0.7, "precision_weighted": 0.725,
    "recall_weighted": 0.7, "f1_weighted": 0.703, "mcc": 0.417, "roc_auc": 0.75,
    "average_precision": 0.79, "ece": 0.143,
}  # fmt: skip
BEFORE_VALUES = {**METRIC_VALUES, "loss": 0.71, "accuracy": 0.3, "f1": 0.29}
MAJORITY_VALUES = {**dict.fromkeys(METRIC_VALUES), "accuracy": 0.6, "f1": 0.375}


def mistake(row, true, label, score, text):
    return {"row": row, "text": text, "true": true, "label": label, "score": score}


def evaluation(good="good", bad="bad", text="a long text", **changes):
    """Make an answer of the engine about ten rows."""
    return {
        "run": "x",
        "model": "/runs/x/model",
        "data": "test rows of /d/reviews.csv",
        "rows": 10,
        "labels": [good, bad],
        "metrics": METRIC_VALUES,
        "intervals": {"accuracy": [0.4, 0.9], "f1": [0.41, 0.88]},
        "confidence": 0.95,
        "baselines": {
            "majority": {"label": good, "metrics": MAJORITY_VALUES},
            "before": {
                "metrics": BEFORE_VALUES,
                "intervals": {"accuracy": [0.1, 0.35]},
                "difference": {"accuracy": 0.4, "interval": [0.05, 0.75]},
            },
            "before_problem": None,
        },
        "classes": [
            {
                "label": good, "precision": 0.8, "recall": 0.667, "f1": 0.727,
                "support": 6, "predicted": 5,
                "intervals": {"precision": [0.5, 1.0], "recall": [0.33, 1.0], "f1": [0.4, 0.95]},
            },
            {
                "label": bad, "precision": 0.6, "recall": 0.75, "f1": 0.667,
                "support": 4, "predicted": 5,
                "intervals": {"precision": [0.2, 1.0], "recall": [0.25, 1.0], "f1": [0.3, 0.9]},
            },
        ],
        "confusion": [[4, 2], [1, 3]],
        "cells": [
            {"true": good, "predicted": bad, "count": 2, "share": 1 / 3},
            {"true": bad, "predicted": good, "count": 1, "share": 0.25},
        ],
        "calibration": {
            "ece": 0.143,
            "bins": [
                {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
                {"low": 0.5, "high": 1.0, "rows": 10, "confidence": 0.843, "accuracy": 0.7},
            ],
            "temperature": 1.5,
            "ece_scaled": 0.031,
        },
        "mistakes": [
            mistake(11, good, bad, 0.98, f"{text} one"),
            mistake(3, bad, good, 0.91, f"{text} two"),
            mistake(70, good, bad, 0.6, f"{text} three"),
        ],
        "mistakes_total": 3,
        "label_errors": [
            {
                "row": 11, "text": f"{text} one", "true": good, "suggested": bad,
                "score": 0.98, "quality": 0.02,
            }
        ],
        "label_errors_problem": None,
        "label_errors_note": "A suggestion, not a verdict.",
        "slices": [
            {
                "column": "length in words",
                "slices": [
                    {"name": "1 to 9", "rows": 6, "accuracy": 1.0, "interval": [0.8, 1.0],
                     "f1": 1.0},
                    {"name": "10 to 40", "rows": 4, "accuracy": 0.25, "interval": [0.0, 0.6],
                     "f1": 0.2},
                ],
            }
        ],
        **changes,
    }  # fmt: skip


class Answering(EngineClient):
    """An engine without a process: its answer, an error, or progress and then silence."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.given_up = 0
        self.killed = 0

    async def request(self, method, params, on_progress=None):
        self.asked.append((method, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        on_progress({"what": "predicting \x1b[2J rows", "done": 320, "of": 1000})
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise

    async def cancel(self):
        self.killed += 1

    def close(self):
        pass


class Evaluating(App[None]):
    """The pane between the lines of the dashboard's frame."""

    CSS = "#above { height: 3; }"

    def __init__(self, home, run=None, answer=None):
        super().__init__()
        self.engine = Answering(answer)
        self.pane = EvaluatePane(self.engine, home, id="evaluate")
        self.pane.show_run(run)
        self.traced = []

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield self.pane
        yield KeyLine()

    def on_mount(self) -> None:
        self.pane.focus()

    def on_evaluate_pane_trace_wanted(self, message):
        self.traced.append((message.run, message.text, message.true))

    @property
    def view(self):
        return self.query_one(EvaluationResults).view


@pytest.fixture
def evaluated(tmp_path, put_run, put_checkpoint, screen_text, until):
    """Open the pane on an evaluated run and go to a view."""

    async def open_view(pilot, view="summary"):
        await pilot.press("enter")
        await until(pilot, lambda: "Summary" in screen_text(pilot.app))
        for _ in range(list(VIEWS).index(view)):
            await pilot.press("tab")
        await until(pilot, lambda: pilot.app.view == view)
        await pilot.pause()

    def make(answer):
        run = put_run()
        put_checkpoint(run)
        return Evaluating(tmp_path, run, answer), open_view

    return make


# --- asking ---


async def test_without_a_run_it_says_how_to_choose_one(tmp_path, screen_text):
    app = Evaluating(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        assert "No run to evaluate yet." in screen_text(app)
        assert "ctrl+o chooses one that has a model" in screen_text(app)
        await pilot.press("enter", "e", "o", "escape")
        assert app.engine.asked == []


async def test_a_run_without_a_model_is_evaluated_once_it_has_one(
    tmp_path, put_run, put_checkpoint, screen_text, until
):
    run = put_run(state="running", steps=1)
    app = Evaluating(tmp_path, run, evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "This run has no model yet." in screen_text(app))
        await pilot.press("enter")
        assert app.engine.asked == []
        put_checkpoint(run)
        await until(pilot, lambda: "Enter evaluates it on the test rows" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Accuracy 0.700" in screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_enter_evaluates_the_runs_own_test_rows(evaluated, screen_text, until, size):
    app, _ = evaluated(evaluation())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "⏎ Evaluate" in screen_text(app))
        assert "How good is this model" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Accuracy 0.700  [0.400, 0.900] on 10 rows" in screen_text(app))
        run = app.pane.run_shown.id
        assert app.engine.asked == [("evaluate", {"run": run, "data": None, "before": True})]
        text = screen_text(app)
        assert "reviews  ✓ finished  10 rows: test rows of /d/reviews.csv" in text
        assert "Training brought +0.400  [0.050, 0.750] (0.300 before): more than chance." in text
        assert "← → View" in text
        assert "⏎ Evaluate " not in text
        assert all(len(line) <= size[0] for line in text.splitlines())


async def test_what_goes_on_is_shown_and_can_be_cancelled_without_ending_the_engine(
    evaluated, screen_text, until
):
    app, _ = evaluated(None)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "320 of 1,000" in screen_text(app))
        line = next(line for line in screen_text(app).splitlines() if "320 of" in line)
        assert "predicting \ufffd[2J rows" in line
        assert line.count("█") == 6  # a third of 20 cells
        assert "esc Cancel" in screen_text(app)
        await pilot.press("enter", "e")
        assert len(app.engine.asked) == 1
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in screen_text(app))
        assert (app.engine.given_up, app.engine.killed) == (1, 0)
        assert "esc Cancel" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.engine.asked) == 2)


@pytest.mark.parametrize("kind", [InputError, EngineError])
async def test_what_went_wrong_is_one_line(evaluated, screen_text, until, kind):
    app, _ = evaluated(kind(f"run x: no test rows; give a file {HOSTILE}"))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "run x: no test rows; give a file [/]" in screen_text(app))
        assert not set("\x1b\x07\u202e") & set(screen_text(app))
        assert "How good is this model" in screen_text(app)


async def test_another_file_is_evaluated_by_its_absolute_path(
    evaluated, tmp_path, monkeypatch, screen_text, until
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.csv").write_text("text,label\n")
    app, open_view = evaluated(evaluation(data="more.csv"))
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "slices")
        await pilot.press("o", "escape")
        assert not app.query_one("#evaluate-path").display
        await pilot.press("right")
        assert app.view == "summary"

        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("m", "o")
        await until(pilot, lambda: app.query_one(Input)._suggestion == "more.csv")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: len(app.engine.asked) == 2)
        assert app.engine.asked[1][1]["data"] == str(tmp_path / "more.csv")
        assert not app.query_one("#evaluate-path").display


async def test_another_run_takes_the_results_away_and_gives_up_the_question(
    evaluated, put_run, put_checkpoint, screen_text, until
):
    app, open_view = evaluated(evaluation())
    other = put_run("other")
    put_checkpoint(other)
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "classes")
        app.engine.answer = None
        await pilot.press("e")
        await until(pilot, lambda: "320 of 1,000" in screen_text(app))
        app.pane.show_run(other)
        await until(pilot, lambda: app.engine.given_up == 1)
        await until(pilot, lambda: "How good is this model" in screen_text(app))
        text = screen_text(app)
        assert "other  ✓ finished" in text
        assert "320 of 1,000" not in text
        app.engine.answer = evaluation()
        await pilot.press("enter")
        await until(pilot, lambda: "Label errors" in screen_text(app))
        assert app.engine.asked[-1][1]["run"] == other.id


async def test_another_run_is_chosen_from_the_list_and_evaluated_anew(
    evaluated, put_run, put_checkpoint, screen_text, until
):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        other = put_run("other")
        put_checkpoint(other)
        await open_view(pilot, "mistakes")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "other " in screen_text(app))
        listed = [line for line in screen_text(app).splitlines() if "acc —" in line]
        below = next(number for number, line in enumerate(listed) if "other " in line)
        await pilot.press("home", *["down"] * below, "enter")
        await until(pilot, lambda: "How good is this model" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "3 mistakes" in screen_text(app))
        assert app.engine.asked[0][1]["run"] != app.engine.asked[1][1]["run"]
        await pilot.press("e")
        await until(pilot, lambda: len(app.engine.asked) == 3)
        assert app.engine.asked[2] == app.engine.asked[1]


async def test_an_answer_does_not_take_the_focus_from_elsewhere(evaluated, screen_text, until):
    app, _ = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await app.mount(Input(id="elsewhere"))
        app.query_one("#elsewhere").focus()
        await until(pilot, lambda: app.focused.id == "elsewhere")
        app.pane.action_evaluate()
        await until(pilot, lambda: "Accuracy 0.700" in screen_text(app))
        await pilot.pause()
        assert app.focused.id == "elsewhere"


# --- the views ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_arrows_and_the_mouse_go_from_view_to_view(evaluated, screen_text, until, size):
    shown = {
        "summary": "F1, macro ↑", "classes": "2 labels, lowest F1 first",
        "confusion": "true good predicted bad: 2 of 6 rows (33.3%)  wrong",
        "calibration": "Temperature 1.50", "mistakes": "3 mistakes, the most confident first",
        "doubts": "1 label that may be wrong in the data", "slices": "10 to 40",
    }  # fmt: skip
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=size) as pilot:
        await open_view(pilot)
        for view, words in shown.items():
            await until(pilot, lambda words=words: words in screen_text(app))
            assert app.query_one(ViewLine).present == app.view == view
            assert app.focused is not None
            await pilot.press("tab")
        assert app.view == "summary"
        await pilot.press("left", "left")
        assert app.view == "doubts"
        titles = screen_text(app).splitlines()
        row = next(number for number, line in enumerate(titles) if "Calibration" in line)
        await pilot.click(offset=(titles[row].index("Calibration"), row))
        await until(pilot, lambda: shown["calibration"] in screen_text(app))


async def test_the_arrows_leave_the_matrix_at_its_sides(evaluated):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "confusion")  # the cursor is on the second column
        await pilot.press("left")
        assert app.view == "confusion"
        await pilot.press("left")
        await pilot.pause()
        assert app.view == "classes"
        await pilot.press("right", "right")
        await pilot.pause()
        await pilot.press("right")
        await pilot.pause()
        assert app.view == "calibration"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_labels_and_texts_are_only_shown(evaluated, screen_text, size):
    app, open_view = evaluated(evaluation(HOSTILE, "映画" * 40, HOSTILE, data=HOSTILE))
    async with app.run_test(size=size) as pilot:
        await open_view(pilot)
        for view in VIEWS:
            await pilot.pause()
            text = screen_text(app)
            assert app.view == view
            assert not set("\x1b\x07\u202e") & set(text)
            if view not in ("calibration", "slices"):
                assert "[/]" in text
            await pilot.press("tab")


async def test_figures_that_are_not_known_are_dashes(evaluated, screen_text):
    nothing = dict.fromkeys(METRIC_VALUES)
    classes = [{**one, "precision": None, "intervals": {}} for one in evaluation()["classes"]]
    document = evaluation(
        metrics={**nothing, "accuracy": 0.7},
        intervals={},
        classes=classes,
        baselines={
            "majority": {"label": "good", "metrics": nothing},
            "before": None,
            "before_problem": "it has no head",
        },
        calibration={"ece": None, "bins": [], "temperature": None, "ece_scaled": None},
        label_errors=[],
        label_errors_problem="there are only 10 rows",
        slices=[],
    )
    app, open_view = evaluated(document)
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot)
        assert "accuracy ↑              —        —  0.700  —" in screen_text(app)
        assert "The model before fine-tuning: it has no head" in screen_text(app)
        expected = {
            "classes": "good         6          5         —",
            "confusion": "true good predicted bad",
            "calibration": "Calibration error (ECE) —",
            "mistakes": "3 mistakes",
            "doubts": "Not looked for: there are only 10 rows",
            "slices": "There is nothing to divide the rows by.",
        }
        for words in expected.values():
            await pilot.press("tab")
            await pilot.pause()
            assert words in screen_text(app)


async def test_a_model_without_mistakes_is_told_so(evaluated, screen_text):
    document = evaluation(
        confusion=[[6, 0], [0, 4]], cells=[], mistakes=[], mistakes_total=0, label_errors=[]
    )
    app, open_view = evaluated(document)
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "confusion")
        assert "No mistakes: every row is right." in screen_text(app)
        await pilot.press("n", "tab", "tab")
        await pilot.pause()
        assert "No mistakes: all 10 rows are right." in screen_text(app)
        await pilot.press("enter", "tab")
        await pilot.pause()
        assert "No label in these rows looks wrong." in screen_text(app)
        assert app.traced == []


# --- from a figure to the rows behind it ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_enter_on_a_cell_shows_its_mistakes_and_x_all_again(
    evaluated, screen_text, until, size
):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=size) as pilot:
        await open_view(pilot, "confusion")
        assert "x All mistakes" not in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: "true bad predicted good: 1 of 4" in screen_text(app))
        await pilot.press("enter")
        words = "1 of 3 mistakes: “bad” taken for “good”   x shows all"
        await until(pilot, lambda: words in screen_text(app))
        assert "a long text two" in screen_text(app)
        assert "a long text one" not in screen_text(app)
        await pilot.press("x")
        await until(pilot, lambda: "a long text one" in screen_text(app))
        assert "x All mistakes" not in screen_text(app)


async def test_enter_on_the_diagonal_says_that_those_rows_are_right(evaluated, screen_text, until):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "confusion")
        await pilot.press("left", "enter")
        await until(pilot, lambda: "These rows are right" in screen_text(app))
        assert app.view == "confusion"


async def test_enter_on_a_class_shows_the_mistakes_on_its_rows(evaluated, screen_text, until):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "classes")
        order = [line.split()[0] for line in screen_text(app).splitlines() if "├" in line]
        assert order == ["▸", "good"]  # bad, under the cursor, has the lower F1
        assert "F1 0.667  [0.300, 0.900]   4 rows, predicted 5 times" in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: "2 labels, most rows first" in screen_text(app))
        assert "F1 0.727  [0.400, 0.950]   6 rows" in screen_text(app)
        await pilot.press("enter")
        words = "2 of 3 mistakes: “good” taken for another"
        await until(pilot, lambda: words in screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_mistakes_count_rows_from_one_and_open_their_trace(
    evaluated, screen_text, until, size
):
    app, open_view = evaluated(evaluation(text="the \x1btext"))
    async with app.run_test(size=size) as pilot:
        await open_view(pilot, "mistakes")
        assert " 12  98.0%  good → bad " in screen_text(app)
        assert "row 12  true good, predicted bad with 98.0%" in screen_text(app)
        await pilot.press("down")
        await until(pilot, lambda: "row 4  true bad, predicted good" in screen_text(app))
        assert app.traced == []
        await pilot.press("enter")
        await until(pilot, lambda: len(app.traced) == 1)
        # The text as it is in the data, for the model reads it so.
        assert app.traced[0] == (app.pane.run_shown, "the \x1btext two", "bad")


async def test_a_doubtful_label_opens_its_trace(evaluated, screen_text, until):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "doubts")
        assert "row 12  in the data good, the model suggests bad with 98.0%" in screen_text(app)
        assert "A suggestion, not a verdict." in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.traced)
        assert app.traced[0][1:] == ("a long text one", "good")


async def test_the_whole_of_a_long_text_can_be_read(evaluated, screen_text, until):
    words = " ".join(f"word{number}" for number in range(100))
    app, open_view = evaluated(evaluation(text=words))
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "mistakes")
        assert "word60" not in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: "word99" in screen_text(app))
        await pilot.press("down")
        await until(pilot, lambda: "row 4 " in screen_text(app))
        await pilot.press("space")
        await until(pilot, lambda: "word60" not in screen_text(app))


async def test_ten_thousand_mistakes_are_paged(evaluated, screen_text, until):
    many = [mistake(row, "good", "bad", 1 - row / 1e5, f"text{row}") for row in range(10_000)]
    app, open_view = evaluated(evaluation(mistakes=many, mistakes_total=12_345))
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "mistakes")
        assert "10,000 of 12,345 mistakes, the most confident ones" in screen_text(app)
        await pilot.press("pagedown", "pagedown", "up")
        lines = app.query_one("#mistakes").query_one(LineList)
        assert lines.cursor == 2 * (lines.size.height - 1) - 1
        await pilot.press("end")
        await until(pilot, lambda: "10,000 of 10,000" in screen_text(app))
        assert "row 10000 " in screen_text(app)


async def test_a_list_draws_only_the_lines_in_sight():
    drawn = []

    def line(number, width):
        drawn.append(number)
        return Content(f"line {number}")

    class Listing(App[None]):
        def compose(self):
            yield LineList()

    app = Listing()
    async with app.run_test(size=(40, 11)) as pilot:
        lines = app.query_one(LineList)
        lines.focus()
        lines.show(1_000_000, line, lambda width: Content(""))
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert set(drawn) <= {*range(10), *range(999_990, 1_000_000)}
        assert lines.cursor == 999_999
        await pilot.click(offset=(3, 1))
        assert lines.cursor == 999_990


# --- in words and figures ---


def test_an_interval_stands_behind_its_figure():
    assert with_interval(0.912, [0.871, 0.945]) == "0.912  [0.871, 0.945]"
    assert with_interval(0.912, None) == "0.912"
    assert with_interval(None, None) == "—"
    assert interval_figure([None, 0.9]) == "—"


@pytest.mark.parametrize(
    ("value", "interval", "before", "drawn"),
    [
        (0.55, None, None, "━━━━━●┈┈┈┈"),
        (0.55, [0.25, 0.85], None, "━━├──●──┤┈"),
        (0.55, [0.25, 0.85], 0.15, "━○├──●──┤┈"),
        (1.0, [0.75, 1.0], 0.0, "○━━━━━━├─●"),
        (0.0, None, 1.0, "●┈┈┈┈┈┈┈┈○"),
        (-0.5, None, None, "●┈┈┈┈┈┈┈┈┈"),
        (None, None, 0.5, "          "),
    ],
)
def test_a_figure_is_drawn_with_its_interval(value, interval, before, drawn):
    assert axis_line(value, interval, 10, before).plain == drawn


def test_a_loss_is_drawn_up_to_the_largest_there_is():
    assert axis_line(1.0, None, 10, 2.0, top=2.0).plain == "━━━━━●┈┈┈○"


@pytest.mark.parametrize(
    ("before", "interval", "words"),
    [
        (0.3, [0.05, 0.75], "+0.400  [0.050, 0.750] (0.300 before): more than chance."),
        (0.5, [-0.1, 0.5], "+0.200  [-0.100, 0.500] (0.500 before): it may be chance."),
        (0.95, [-0.5, -0.01], "-0.250  [-0.500, -0.010] (0.950 before): worse, by more than"),
        (0.3, None, "Training brought +0.400 (0.300 before)."),
    ],
)
def test_the_gain_is_called_more_than_chance_only_if_its_interval_is_above_zero(
    before, interval, words
):
    baselines = {
        "majority": {"label": "good", "metrics": MAJORITY_VALUES},
        "before": {
            "metrics": {"accuracy": before},
            "intervals": {},
            "difference": interval and {"interval": interval},
        },
        "before_problem": None,
    }
    said = "\n".join(line.plain for line in verdicts(evaluation(baselines=baselines)))
    assert words in said


@pytest.mark.parametrize(
    ("always", "words"),
    [(0.3, "better than that"), (0.6, "not surely less"), (0.95, "worse than that")],
)
def test_the_majority_is_compared_with_the_models_interval(always, words):
    majority = {"label": "good", "metrics": {"accuracy": always}}
    baselines = {"majority": majority, "before": None, "before_problem": None}
    said = "\n".join(line.plain for line in verdicts(evaluation(baselines=baselines)))
    assert f"Always saying “good” would reach {always:.3f}" in said
    assert words in said


@pytest.mark.parametrize("width", [60, 77, 157])
def test_the_summary_names_every_metric_in_lines_of_the_width(width):
    lines = summary(evaluation(), width).plain.splitlines()
    table = lines[[line.startswith("metric") for line in lines].index(True) + 1 :]
    assert [line[:19].strip() for line in table] == list(METRICS.values())
    assert all(len(line) <= max(width, 75) for line in table)
    assert table[0].split()[2:6] == ["0.300", "0.600", "0.700", "[0.400,"]


def test_metrics_that_nobody_knows_are_left_out():
    nothing = dict.fromkeys(METRIC_VALUES)
    known = {**nothing, "accuracy": 0.7}
    baselines = {
        "majority": {"label": "good", "metrics": nothing}, "before": None, "before_problem": None,
    }  # fmt: skip
    text = summary(evaluation(metrics=known, intervals={}, baselines=baselines), 77).plain
    assert "accuracy ↑" in text
    assert "ROC AUC" not in text


def test_calibration_says_in_which_direction_the_scores_are_off():
    document = evaluation()
    assert "surer than it is right, by 14.3 points" in calibration(document).plain
    assert "softer: error 0.031" in calibration(document).plain
    found = document["calibration"]
    unsure = [{**found["bins"][1], "confidence": 0.6}]
    timid = evaluation(calibration={**found, "bins": unsure, "temperature": 0.8})
    assert "less sure than it is right, by 10.0 points" in calibration(timid).plain
    assert "sharper" in calibration(timid).plain
    none = evaluation(calibration={**found, "temperature": None, "ece_scaled": None})
    assert "No temperature" in calibration(none).plain


def test_only_slices_that_are_surely_worse_or_better_are_marked():
    lines = slices(evaluation(), 100).plain.splitlines()
    assert "▲ better" in lines[1]
    assert "▼ worse" in lines[2]
    assert "0.250  [0.000, 0.600]" in lines[2]
    [group] = evaluation()["slices"]
    alike = {**group["slices"][1], "interval": [0.0, 0.71]}
    plain = slices(evaluation(slices=[{**group, "slices": [alike]}]), 100).plain
    assert "▼" not in plain


def test_classes_are_ordered_by_f1_or_by_rows_and_those_that_do_not_occur_come_last():
    classes = evaluation()["classes"]
    never = {**classes[0], "label": "never", "f1": 0.0, "support": 1}
    absent = {**classes[0], "label": "absent", "f1": None, "support": 0}
    names = [one["label"] for one in ordered_classes([absent, *classes, never], 0)]
    assert names == ["never", "bad", "good", "absent"]
    names = [one["label"] for one in ordered_classes([absent, never, *classes], 1)]
    assert names == ["good", "bad", "never", "absent"]
    assert "—" in class_line(absent, 8, 76).plain


def test_a_wide_line_of_a_class_has_its_intervals_beside_it():
    line = class_line(evaluation()["classes"][0], 8, 150).plain
    assert "0.800  [0.500, 1.000]" in line
    assert "0.667  [0.330, 1.000]" in line
    assert "0.727  [0.400, 0.950]" in line


def test_a_filter_holds_the_mistakes_it_names():
    one = mistake(0, "good", "bad", 0.9, "text")
    assert Filter().holds(one)
    assert not Filter()
    assert Filter("good").holds(one)
    assert not Filter("good", "other").holds(one)
    assert not Filter(predicted="good").holds(one)


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "    —"), (0.5, "50.0%"), (0.99949, "99.9%"), (0.9999, " 100%"), (1.0, " 100%")],
)
def test_a_share_takes_five_cells(value, words):
    assert share(value) == words
