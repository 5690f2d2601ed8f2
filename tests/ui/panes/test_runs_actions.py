import pytest
from textual import events
from textual.widgets import Input

from tui_finetune.runs.about import About, read_about
from tui_finetune.runs.index import list_runs
from tui_finetune.ui.panes.question import Question
from tui_finetune.ui.panes.runs import MOST_COMPARED
from tui_finetune.ui.panes.runs_dialogs import AskLine

from .runs_pane import NARROW, WIDE, Listing, line_of, names_shown, put_three


async def test_delete_asks_with_the_name_and_keeps_the_run_unless_told(
    tmp_path, put_run, screen_text, until
):
    put_run("precious")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "precious" in screen_text(app))
        for keys in (["d", "enter"], ["d", "escape"]):
            await pilot.press(keys[0])
            await until(pilot, lambda: isinstance(app.screen, Question))
            assert "Delete the run precious?" in screen_text(app)
            await pilot.press(keys[1])
            await until(pilot, lambda: not isinstance(app.screen, Question))
        assert len(list_runs(tmp_path)) == 1
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "No runs yet." in screen_text(app))
        assert list_runs(tmp_path) == []


async def test_a_key_pressed_twice_asks_once(tmp_path, put_run, screen_text, until):
    put_run("precious")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "precious" in screen_text(app))
        for _ in range(2):  # both are there before the first one is answered
            app.post_message(events.Key("d", "d"))
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert len(list_runs(tmp_path)) == 1


async def test_only_a_run_with_a_model_can_predict(
    tmp_path, put_run, put_checkpoint, screen_text, until
):
    run = put_run("early", "failed", steps=4)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "r Resume" in screen_text(app))
        assert "p Predict" not in screen_text(app)
        await pilot.press("p")
        put_checkpoint(run)
        await until(pilot, lambda: "p Predict" in screen_text(app))
        assert app.messages == []


async def test_keys_that_make_no_sense_for_a_run_do_nothing(tmp_path, put_run, screen_text, until):
    put_run("live", "running", steps=4)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "● running" in screen_text(app))
        await pilot.press("d", "r")
        await pilot.pause(0.2)
        assert not isinstance(app.screen, Question)
        assert app.messages == []


@pytest.mark.parametrize("state", ["stopped", "interrupted", "failed"])
async def test_a_run_that_ended_before_its_time_can_be_resumed(
    tmp_path, put_run, screen_text, until, state
):
    run = put_run("early", state, steps=4, reason="of its own")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: f"{state}: of its own" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: app.messages == [("resume", run)])


async def test_a_name_tags_and_a_note_are_written_beside_the_run(
    tmp_path, put_run, screen_text, until
):
    run = put_run("plain")
    before = run.status.read_bytes()
    app = Listing(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "plain" in screen_text(app))
        for key, typed in (("n", "splendid"), ("t", "base, night"), ("o", "keep this one")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, AskLine))
            app.screen.query_one(Input).value = typed
            await pilot.press("enter")
            await until(pilot, lambda: not isinstance(app.screen, AskLine))
        assert read_about(run) == About("splendid", ("base", "night"), "keep this one")
        assert run.status.read_bytes() == before
        await until(pilot, lambda: "base night   keep this one" in screen_text(app))
        assert "base night" in line_of(screen_text(app), "splendid")
        await pilot.press("n")
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: names_shown(screen_text(app)) == ["plain"])


async def test_a_name_that_is_refused_can_be_mended_and_escape_changes_nothing(
    tmp_path, put_run, screen_text, until
):
    run = put_run("plain")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "plain" in screen_text(app))
        await pilot.press("n")
        app.screen.query_one(Input).value = "x" * 61
        await pilot.press("enter")
        await until(pilot, lambda: "at most 60 characters, not 61" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, AskLine))
        assert read_about(run) == About()


async def test_marks_stay_through_sorting_and_filtering_and_are_compared_in_their_order(
    tmp_path, put_run, screen_text, until
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        assert "Compare" not in screen_text(app)
        await pilot.press("down", "space")  # c-run; the cursor goes on
        await until(pilot, lambda: "◆ c-run" in screen_text(app))
        await pilot.press("v")
        await pilot.press("s", "s", "slash", *"a-run", "enter", "space")
        await until(pilot, lambda: "◆ a-run" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "◆ 2 marked" in screen_text(app) and "v Compare"
                    in screen_text(app))  # fmt: skip
        await pilot.press("v")
        await until(pilot, lambda: len(app.messages) == 1)
        by_name = {run.name: run.run for run in list_runs(tmp_path)}
        assert app.messages == [("compare", [by_name["c-run"], by_name["a-run"]])]
        await pilot.press("escape")
        await until(pilot, lambda: "marked" not in screen_text(app))


async def test_no_more_runs_are_marked_than_can_be_compared(tmp_path, put_run, screen_text, until):
    for number in range(MOST_COMPARED + 1):
        put_run(f"run-{number}")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await until(pilot, lambda: "11 runs" in screen_text(app))
        await pilot.press(*["space"] * (MOST_COMPARED + 1))
        await until(pilot, lambda: "At most 10 runs are compared" in screen_text(app))
        assert "◆ 10 marked" in screen_text(app)


@pytest.mark.parametrize("origin", ["", "script", "import"])
async def test_only_the_recipe_of_a_run_of_our_own_is_copied_or_resumed(
    tmp_path, put_run, screen_text, until, origin
):
    run = put_run("one", "stopped", origin=origin)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "n Name" in screen_text(app))
        assert ("c Copy recipe" in screen_text(app)) == (origin == "")
        await pilot.press("c", "r", "i")
        await until(pilot, lambda: ("import", None) in app.messages)
        ours = [("recipe", run), ("resume", run)] if origin == "" else []
        assert app.messages == [*ours, ("import", None)]
