import pytest
from textual import events
from textual.widgets import Input

from tui_finetune.engine.client import EngineError
from tui_finetune.errors import InputError
from tui_finetune.ui.panes.picker import RunPicker
from tui_finetune.ui.panes.predict import PredictPane
from tui_finetune.ui.panes.predict_live import Answer
from tui_finetune.ui.panes.predict_words import past_line
from tui_finetune.ui.widgets.sentence_input import LONGEST_TEXT

from .predict_pane import HOSTILE, NARROW, WIDE, AnsweringEngine, Predicting


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
