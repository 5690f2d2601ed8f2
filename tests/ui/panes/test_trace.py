import asyncio

import pytest
from textual.widgets import Input

from tui_finetune.ui.panes.trace import TracePane
from tui_finetune.ui.panes.trace_dialogs import ChecksScreen

from .trace_pane import (
    NARROW,
    TEXT,
    WIDE,
    AnsweringEngine,
    Tracing,
    check_answer,
    logit_of,
    softmax,
)

# --- without a trace ---


async def test_without_a_run_it_says_how_to_choose_one(tmp_path, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "No run to trace yet." in screen_text(app))
        await pilot.press("a", "enter")
        await until(pilot, lambda: "No run is chosen yet: ctrl+o" in screen_text(app))
        assert app.engine.asked == []


async def test_with_a_run_it_says_what_to_type(tmp_path, run, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "Type a sentence above" in screen_text(app))
        await pilot.press("space", "enter")
        await until(pilot, lambda: "Type a sentence first." in screen_text(app))
        assert app.engine.asked == []


async def test_a_run_without_a_model_says_when_there_will_be_one(
    tmp_path, put_run, screen_text, until
):
    app = Tracing(AnsweringEngine(), tmp_path, put_run(state="failed", steps=1))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "enter")
        await until(pilot, lambda: "no model yet; the first" in screen_text(app))
        assert app.engine.asked == []


async def test_a_text_that_the_engine_refuses_gives_its_reason(tmp_path, run, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*"refused", "enter")
        await until(pilot, lambda: "the text [/]" in screen_text(app))
        assert not set("\x1b\x07\u202e") & set(screen_text(app))
        assert "Type a sentence above" in screen_text(app)


# --- the text and the way between the stages ---


async def test_enter_traces_and_the_keys_lead_into_the_text_and_back(
    tmp_path, run, screen_text, until
):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*"a new film", "enter")
        await until(pilot, lambda: "● 1 Tokenize" in screen_text(app))
        asked = {"run": run.id, "version": "after", "text": "a new film", "true": None}
        assert app.engine.asked[0] == ("trace", asked)
        await until(pilot, lambda: not isinstance(app.focused, Input))
        for key in ("slash", "e"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.focused, Input))
            assert app.query_one(Input).value == "a new film"
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.focused, Input))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_stages_follow_one_another_and_end_at_both_ends(traced, size):
    async with traced(size) as here:
        titles = ["1 Tokenize", "2 Embed", "3 Layers", "4 Head", "5 Predict", "6 Attribution"]
        await here.press("p")
        for number, title in enumerate(titles):
            await here.sees(f"● {title}")
            await here.press("n" if number % 2 else "pagedown")
        await here.sees("● 6 Attribution")
        for title in reversed(titles):
            await here.sees(f"● {title}")
            await here.press("p")


async def test_a_click_goes_to_a_stage(traced):
    async with traced(WIDE) as here:
        row, line = next((y, text) for y, text in enumerate(here.lines) if "5 Predict" in text)
        await here.pilot.click(offset=(line.index("5 Predict") + 3, row))
        await here.sees("● 5 Predict")
        await here.sees("the model says")


async def test_the_next_text_is_shown_at_the_same_stage(traced):
    async with traced(NARROW) as here:
        await here.press("n", "n", "n", "n", "slash")
        here.app.query_one(Input).value = "eee"
        await here.press("enter")
        share = softmax([logit_of(0, "eee"), logit_of(1, "eee")])[0]
        await here.sees(f"with {share:.3f}")
        assert "● 5 Predict" in here.text


async def test_the_true_label_belongs_to_the_text_it_came_with(traced):
    async with traced(NARROW, true="negative") as here:
        await here.sees("negative 0.80 ✓")
        await here.press("n", "n", "n", "n")
        await here.sees("✓ that is the true label")
        await here.press("slash", "e", "enter")
        await here.sees("no true label was given")
        assert here.engine.of("trace")[-1]["true"] is None


async def test_a_text_from_the_data_is_traced_as_it_is_and_shown_without_control_bytes(traced):
    text = " \x1b]52;c;AAAA\x07 a \u202e good film\n"
    async with traced(NARROW, text=text, true="positive") as here:
        assert here.engine.of("trace")[-1]["text"] == text
        assert not set("\x1b\x07\u202e") & set(here.text)
        # traced again unchanged it is still the same text, with its label
        await here.press("slash", "enter")
        assert here.engine.of("trace")[-1] == here.engine.of("trace")[0]
        assert here.engine.of("trace")[-1]["true"] == "positive"


async def test_a_wrong_verdict_is_marked(traced):
    async with traced(NARROW, true="positive") as here:
        await here.sees("negative 0.80 ✗")
        await here.press("n", "n", "n", "n")
        await here.sees("✗ the true label is positive")
        assert here.line("19.5%").rstrip().endswith("◂ true")


async def test_waiting_shows_progress_and_escape_gives_up(tmp_path, run, screen_text, until):
    app = Tracing(AnsweringEngine(), tmp_path, run)
    app.engine.wait = asyncio.Event()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("a", "enter")
        await until(pilot, lambda: "3 of 50" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled" in screen_text(app))
        assert app.engine.cancelled == ["trace"]
        app.engine.wait = None
        await pilot.press("enter")
        await until(pilot, lambda: "● 1 Tokenize" in screen_text(app))


async def test_an_answer_leaves_the_focus_in_a_text_that_is_typed_on(traced):
    async with traced(NARROW) as here:
        here.engine.wait = asyncio.Event()
        await here.press("slash", "end", "space", "e", "enter")
        await here.sees("3 of 50")
        await here.press("e")
        here.engine.wait.set()
        await here.sees(" e ")
        await until_traced(here, TEXT + " e")
        await here.press("n")
        assert here.app.query_one(Input).value == TEXT + " een"
        await here.press("enter")
        await until_traced(here, TEXT + " een")
        await here.press("n")
        await here.sees("● 2 Embed")


async def until_traced(here, text):
    pane = here.app.query_one(TracePane)
    await here.until(lambda: pane._asked["text"] == text and not pane._busy)


async def test_a_text_from_elsewhere_is_traced_and_no_words_are_changed_any_more(traced, run):
    async with traced(NARROW) as here:
        await here.press("w")
        await here.sees("Change words; Enter compares")
        here.app.query_one(TracePane).trace(run, "another film")
        await until_traced(here, "another film")
        await here.until(lambda: not isinstance(here.app.focused, Input))
        await here.press("slash", "e", "enter")
        await until_traced(here, "e")
        assert here.engine.of("trace_compare") == []


async def test_another_run_takes_the_trace_away(traced, put_run):
    async with traced(NARROW) as here:
        here.app.query_one(TracePane).show_run(put_run("another"))
        await here.sees("Type a sentence above")
        assert "Tokenize" not in here.text
        assert isinstance(here.app.focused, Input)


# --- checks ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_failing_check_is_named_and_the_list_says_all(traced, size):
    checks = [check_answer("logits", 0.25), check_answer("head", None), check_answer("sum", 0.0)]
    async with traced(size, checks=checks) as here:
        await here.sees("checks 1 of 3 ✗ logits, head (c)")
        await here.press("c")
        assert isinstance(here.app.screen, ChecksScreen)
        assert "off by 2.5e-01, at most 1e-05" in here.line("✗ logits   off")
        assert "off by no number" in here.line("✗ head   off")
        assert "off by 0.0e+00" in here.line("✓ sum")
        assert "the sum are the same both ways" in here.text
        await here.press("escape")
        assert not isinstance(here.app.screen, ChecksScreen)
