import pytest
from textual.widgets import Input

from tui_finetune.ui.panes.trace_dialogs import ExportScreen
from tui_finetune.ui.panes.trace_view import TraceView

from .trace_pane import NARROW, TEXT, WIDE, compare_answer, trace_answer

# --- comparison ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_changed_words_are_compared_with_the_text_before(traced, size):
    async with traced(size) as here:
        await here.press("w")
        await here.sees("Change words; Enter compares")
        assert isinstance(here.app.focused, Input)
        await here.press("enter")
        await here.sees("The text is still the same")
        here.app.query_one(Input).value = "not a fine film"
        await here.press("enter")
        await here.sees("what the head would say")
        asked = here.engine.of("trace_compare")[0]
        assert (asked["text"], asked["other"]["text"]) == (TEXT, "not a fine film")
        assert TEXT in here.line("one  ")
        assert "fine" in here.line("other ")
        await here.press("escape")
        await here.sees("● 1 Tokenize")
        await until_in_view(here)


async def until_in_view(here):
    await here.until(lambda: here.app.query_one(TraceView).has_focus_within)


async def test_ctrl_t_compares_while_typing(traced):
    async with traced(NARROW) as here:
        await here.press("slash", "end", "space", "e", "ctrl+t")
        await here.sees("other " + TEXT + " e")
        assert here.engine.of("trace_compare")[0]["other"]["text"] == TEXT + " e"


async def test_the_comparison_shows_where_the_verdicts_part(traced):
    async with traced((120, 60), text="e", labels=("negative", "positive")) as here:
        one = trace_answer(here.engine.of("trace")[0])
        answer = compare_answer(one, one)
        answer["turn"] = {"one": 3, "other": 5, "parting": 4}
        answer["logits"][0] |= {"one": 1.25, "other": -0.5, "difference": 1.75}
        here.engine.request = compares_to(here.engine, answer)
        await here.press("b")
        await here.sees("◂ part")
        assert here.line("◂ part").split()[0] == "4"
        assert here.line("◂ one turns").split()[0] == "3"
        assert here.line("◂ other turns").split()[0] == "5"
        row = here.line("+1.750")
        assert row.index("+1.250") < row.index("-0.500") < row.index("+1.750")


def compares_to(engine, answer):
    before = engine.request

    async def request(method, params, on_progress=None):
        found = await before(method, params, on_progress)
        return answer if method == "trace_compare" else found

    return request


async def test_b_compares_with_the_model_before_fine_tuning(traced):
    async with traced(NARROW) as here:
        await here.press("b")
        await here.sees("the same in both")
        asked = here.engine.of("trace_compare")[0]
        assert (asked["version"], asked["other"]["version"]) == ("after", "before")
        assert asked["text"] == asked["other"]["text"] == TEXT


async def test_m_traces_with_the_model_before_fine_tuning_and_back(traced):
    async with traced(WIDE) as here:
        await here.press("m")
        await here.sees("its model before fine-tuning")
        assert here.engine.of("trace")[-1]["version"] == "before"
        await here.press("m")
        await here.until(lambda: "its model before fine-tuning" not in here.text)
        assert here.engine.of("trace")[-1]["version"] == "after"


# --- export ---


async def test_export_asks_for_a_path_that_can_be_written(traced, tmp_path):
    async with traced(NARROW) as here:
        await here.press("x")
        assert isinstance(here.app.screen, ExportScreen)
        path = here.app.screen.query_one(Input)
        for wrong, words in (("t.pdf", "must end in .html"), ("/nowhere/t.html", "no folder")):
            path.value = wrong
            await here.press("enter")
            await here.sees(words)
        path.value = str(tmp_path / "t.json")
        await here.press("enter")
        await here.sees("written to")
        asked = here.engine.of("trace_export")[0]
        assert (asked["path"], asked["attributions"]) == (str(tmp_path / "t.json"), False)


async def test_export_takes_attributions_if_they_are_wanted(traced, tmp_path):
    async with traced(NARROW) as here:
        await here.press("x")
        here.app.screen.query_one(Input).value = str(tmp_path / "t.html")
        assert "X" not in here.line("with the attributions")
        await here.press("tab", "space")
        assert "X" in here.line("with the attributions")
        await here.press("shift+tab", "enter")
        await here.sees("written to")
        assert here.engine.of("trace_export")[0]["attributions"] is True
