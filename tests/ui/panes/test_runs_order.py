import json
import re

import pytest
from textual.widgets import Input

from tui_finetune.recipe import dump_recipe, parse_recipe
from tui_finetune.runs.status import Status, write_status
from tui_finetune.ui.panes.runs import RunsPane
from tui_finetune.ui.panes.runs_table import RunsTable

from .runs_pane import NARROW, WIDE, Listing, line_of, names_shown, put_three


async def test_the_order_goes_by_any_column_and_unknown_figures_come_last_either_way(
    tmp_path, put_run, screen_text, until
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        assert "started▼" in screen_text(app)
        assert names_shown(screen_text(app)) == ["a-run", "c-run", "b-run"]
        for keys, title, names in (
            ("S", "started▲", ["b-run", "c-run", "a-run"]),
            ("ss", "name▲", ["a-run", "b-run", "c-run"]),
            ("s", "best val▼", ["c-run", "b-run", "a-run"]),
            ("S", "best val▲", ["b-run", "c-run", "a-run"]),
            ("sss", "took▼", ["b-run", "c-run", "a-run"]),
        ):
            await pilot.press(*keys)
            await until(pilot, lambda title=title: title in screen_text(app))
            assert names_shown(screen_text(app)) == names


async def test_a_click_on_a_title_sorts_by_it_and_another_turns_the_order(
    tmp_path, put_run, screen_text, until
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        x = screen_text(app).splitlines()[1].index("name")
        await pilot.click(RunsTable, offset=(x, 0))
        await until(pilot, lambda: "name▲" in screen_text(app))
        assert names_shown(screen_text(app)) == ["a-run", "b-run", "c-run"]
        await pilot.click(RunsTable, offset=(x, 0))
        await until(pilot, lambda: "name▼" in screen_text(app))
        assert names_shown(screen_text(app)) == ["c-run", "b-run", "a-run"]
        assert app.messages == []


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_filter_works_while_it_is_typed_and_escape_takes_it_away(
    tmp_path, put_run, screen_text, until, size
):
    put_three(put_run)
    app = Listing(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        await pilot.press("slash")
        await until(pilot, lambda: "such as  state:failed" in screen_text(app))
        await pilot.press(*"accuracy>0.8")
        await until(pilot, lambda: names_shown(screen_text(app)) == ["c-run"])
        assert "1 of 3 runs" in screen_text(app)
        assert "3 runs   1 match" in screen_text(app)
        await pilot.press(*" or nam:x")
        await until(pilot, lambda: "there is no key nam; did you mean name?" in screen_text(app))
        assert names_shown(screen_text(app)) == ["c-run"]  # what it meant last
        await pilot.press("enter")
        assert isinstance(app.focused, RunsTable)
        await pilot.press("escape")
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 3)
        assert "such as" not in screen_text(app)
        assert app.query_one(RunsPane).selected.name == "c-run"


async def test_a_run_that_comes_to_match_comes_into_the_list(tmp_path, put_run, screen_text, until):
    run = put_run("one", "running", steps=4)
    put_run("two")
    app = Listing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 2)
        await pilot.press("slash", *"state:failed")
        await until(pilot, lambda: "0 of 2 runs" in screen_text(app))
        assert names_shown(screen_text(app)) == []
        write_status(run.status, Status(name="one", state="failed"))
        await until(pilot, lambda: names_shown(screen_text(app)) == ["one"])


@pytest.fixture(scope="module")
def large_home(tmp_path_factory):
    """A home of 10,000 runs, the newest with the largest number; every tenth one failed."""
    home = tmp_path_factory.mktemp("large")
    for number in range(10_000):
        folder = home / "runs" / f"20260101-000000-run-{number:05}-0000"
        folder.mkdir(parents=True)
        status = {
            "name": f"run-{number:05}", "state": "failed" if number % 10 == 0 else "finished",
            "started": 1.7e9 + number, "ended": 1.7e9 + 2 * number, "epochs": 3, "epoch": 3,
            "metrics": {"validation": {"accuracy": number / 10_000}},
        }  # fmt: skip
        (folder / "status.json").write_text(json.dumps(status))
    return home


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_ten_thousand_runs_are_read_paged_filtered_and_sorted(
    large_home, screen_text, until, size
):
    app = Listing(large_home)
    lines = size[1] - 5  # all but title, header, two lines about the run, keys
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "▸ ✓ finished     run-09999" in screen_text(app))
        await until(pilot, lambda: screen_text(app).startswith(" 10,000 runs"), 60)
        assert f"rows 1 to {lines}" in screen_text(app)
        assert len(names_shown(screen_text(app))) == lines
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: f"rows {lines + 2} to {2 * lines + 1}" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: f"to {10_000:,}" in screen_text(app))
        assert "▸ ✗ failed       run-00000" in screen_text(app)
        await pilot.press("slash")
        app.query_one(Input).value = "state:failed accuracy>=0.9"
        await until(pilot, lambda: "100 of 10,000 runs" in screen_text(app))
        assert names_shown(screen_text(app))[:2] == ["run-09990", "run-09980"]
        await pilot.press("enter", "S")
        await until(pilot, lambda: names_shown(screen_text(app))[:1] == ["run-09000"])


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_runs_of_other_kinds_show_and_are_ordered_by_their_own_figures(
    tmp_path, put_run, screen_text, until, size
):
    for name, figures in (
        ("one-label", {"loss": 0.5, "accuracy": 0.8, "f1": 0.7}),
        ("many-labels", {"loss": 0.5, "f1": 0.65, "hamming_loss": 0.1}),
        ("far-off", {"loss": 0.9, "mae": 2.5, "r2": 0.1}),
        ("close", {"loss": 0.5, "mae": 1.25, "r2": 0.4}),
        ("tiny-loss", {"loss": 0.00033}),
    ):
        put_run(name, metrics={"validation": figures, "test": figures})
    chosen = put_run("chosen", metrics={"validation": {"loss": 0.5, "hamming_loss": 0.125}})
    content = {"data": {"source": "a"}, "early_stopping": {"metric": "eval_hamming_loss"}}
    chosen.recipe.write_text(dump_recipe(parse_recipe(content, "test")))
    app = Listing(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(names_shown(screen_text(app))) == 6)
        for name, told in (
            ("one-label", r"acc 0\.800 +0\.800 "), ("many-labels", r"F1 0\.650 +0\.650 "),
            ("close", r"mae 1\.250 +1\.250 "), ("chosen", r"ham\S* 0\.125 +— "),
            ("tiny-loss", r"loss 3e-04 +3e-04 "),
        ):  # fmt: skip
            assert re.search(told, line_of(screen_text(app), name)), name
        x = screen_text(app).splitlines()[1].index("best val")
        await pilot.click(RunsTable, offset=(x, 0))
        await until(pilot, lambda: "best val▼" in screen_text(app))
        # metric by metric, and of an error the smallest first
        assert names_shown(screen_text(app)) == [
            "one-label", "many-labels", "tiny-loss", "close", "far-off", "chosen",
        ]  # fmt: skip
        await pilot.press("slash", *"mae<2 or hamming_loss<0.12")
        await until(pilot, lambda: names_shown(screen_text(app)) == ["many-labels", "close"])
