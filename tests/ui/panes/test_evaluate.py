import asyncio

import pytest
from textual import events
from textual.widgets import Input

from tui_finetune.engine.client import EngineError
from tui_finetune.errors import InputError
from tui_finetune.ui.panes.evaluate_results import VIEWS
from tui_finetune.ui.panes.evaluate_views import ViewLine

from .evaluate_pane import HOSTILE, METRIC_VALUES, NARROW, WIDE, Evaluating, evaluation

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


async def test_once_the_answer_is_there_nothing_is_waited_for_any_more(
    evaluated, screen_text, until
):
    app, _ = evaluated(evaluation())
    answer = app.engine.request

    async def reporting(*question):
        question[2]({"what": "resampling", "done": 1, "of": 10})
        asyncio.get_running_loop().call_soon(app.pane._tick)  # the clock, right after the answer
        return await answer(*question)

    app.engine.request = reporting
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "Accuracy 0.700" in screen_text(app))
        assert "resampling" not in screen_text(app)


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
        listed = [line for line in screen_text(app).splitlines() if "│" in line and "✓" in line]
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


async def test_an_answer_leaves_a_path_that_is_being_typed_as_it_is(evaluated, screen_text, until):
    app, _ = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("o", "a")
        app.pane.action_evaluate()
        await until(pilot, lambda: "Accuracy 0.700" in screen_text(app))
        await pilot.press("b")
        assert app.query_one(Input).value == "ab"


async def test_a_key_pressed_twice_opens_one_list_of_runs(evaluated, screen_text, until):
    app, _ = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        for _ in range(2):
            app.post_message(events.Key("ctrl+o", None))
        await until(pilot, lambda: "Which run?" in screen_text(app))
        await pilot.pause()
        assert len(app.screen_stack) == 2


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
