import json
import threading

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from tui_finetune.runs.history import HistoryReader
from tui_finetune.runs.status import read_status, write_status
from tui_finetune.ui.panes.compare import ComparePane
from tui_finetune.ui.panes.compare_lists import RunLines
from tui_finetune.ui.widgets.key_line import KeyLine
from tui_finetune.ui.widgets.line_chart import LineChart

NARROW, WIDE = (80, 21), (160, 45)  # what the frame leaves of 80x24 and 160x48


class Comparing(App[None]):
    def __init__(self, home, runs=()):
        super().__init__()
        self._home, self._runs = home, runs
        self.opened = []

    def compose(self) -> ComposeResult:
        yield ComparePane(self._home)
        yield KeyLine()

    def on_mount(self) -> None:
        if self._runs:
            self.pane.compare(self._runs)
        self.pane.focus()

    @property
    def pane(self) -> ComparePane:
        return self.query_one(ComparePane)

    @property
    def charts(self) -> list[LineChart]:
        return [chart for chart in self.query(LineChart) if chart.display]

    @property
    def titles(self) -> list[str]:
        return [str(chart.border_title) for chart in self.charts]

    def on_watch_wanted(self, message):
        self.opened.append(message.run)

    def ready(self) -> bool:
        """Whether the curves are drawn and have the focus."""
        drawn = [chart._traces and chart.border_title for chart in self.charts]
        return all([*drawn, self.query_one(RunLines)._count]) and self.focused in self.charts


@pytest.fixture
def three(put_trained):
    """Two seeds and a run with another learning rate that is wrong on ten rows more."""
    wide = range(60)
    return [
        put_trained("films", losses=(0.5, 0.4), train__seed=1, tested=wide, wrong={0, 1}),
        put_trained("films", losses=(0.5, 0.6), train__seed=2, tested=wide, wrong={1, 2}, speed=50),
        put_trained("hot", train__learning_rate=5e-4, tested=wide, wrong=range(12)),
    ]


def line_of(text, *words):
    found = [line for line in text.splitlines() if all(word in line for word in words)]
    assert found, text
    return found[0]


# --- the curves ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_three_runs_stand_side_by_side(tmp_path, three, size, screen_text, until):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.ready() and "lr 5e-4" in screen_text(app))
        text, titles = screen_text(app), app.titles
    one, two, hot = (
        line_of(text, mark, words)
        for mark, words in (("──●", "films seed 1"), ("╌╌■", "films seed 2"), ("··▲", "hot"))
    )
    assert "★0.400" in one  # the lowest validation loss of all
    assert "0.500" in two
    assert "0.600" in two  # its last one
    assert two.count("★") == 1  # of the test rows it has as many right as the first
    assert "1m00" in hot
    assert "accuracy 0.775 ± 0.035 (n=2)" in line_of(text, "seeds")
    assert "1 against 1 of 60 rows" in line_of(text, " test     ●")
    if size == WIDE:
        assert titles == ["train loss ↓", "validation loss ↓", "validation accuracy ↑",
                              "rows per second"]  # fmt: skip
        assert "✓ finished" in one
        assert "2.0x slower" in two
        assert "train.learning_rate 1e-4 | 1e-4 | 5e-4" in text
    else:
        assert titles == ["validation loss ↓"]


async def test_runs_are_told_apart_by_shape_as_well_as_by_colour(tmp_path, put_trained, until):
    runs = [put_trained(f"run-{n}", train__seed=n) for n in range(10)]
    app = Comparing(tmp_path, runs)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, app.ready)
        lines, marks = ([t.series for t in chart._traces] for chart in app.charts[:2])
    assert len({(one.style, one.dash) for one in lines}) == 10
    assert len({one.mark for one in marks}) == 10
    assert len({one.style for one in marks}) == 10


async def test_of_several_runs_the_test_of_the_two_best_is_told_and_they_are_named(
    tmp_path, put_trained, screen_text, until
):
    wrong = {"poor": range(30), "good": range(2), "fair": range(10), "best": [1]}
    runs = [put_trained(name, tested=range(60), wrong=set(w)) for name, w in wrong.items()]
    app = Comparing(tmp_path, runs)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.ready() and " test     " in screen_text(app))
        line = line_of(screen_text(app), " test     ")
    assert "■ good ◆ best: 0 against 1 of 60 rows" in line
    assert "the best by test accuracy, 5 more pairs" in line


async def test_class_weights_stand_beside_the_losses(tmp_path, put_trained, screen_text, until):
    runs = [put_trained("one"), put_trained("other")]
    for run in runs:
        with run.journal.open("a") as journal:
            journal.write('{"event": "note", "text": "", "class_weights": {"a": 2.0}}\n')
    app = Comparing(tmp_path, runs)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, app.ready)
        assert app.titles == ["validation loss ↓, classes weighted, in the test not"]
        await pilot.press("tab")
        await until(pilot, lambda: "logged as loss   classes weighted" in screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_ten_runs_still_leave_room_for_a_chart(
    tmp_path, put_trained, size, screen_text, until
):
    runs = [put_trained(f"a-run-with-a-long-name-{n}", train__seed=n) for n in range(10)]
    app = Comparing(tmp_path, runs)
    async with app.run_test(size=size) as pilot:
        await until(pilot, app.ready)
        await until(pilot, lambda: "name-9" in screen_text(app))
        text = screen_text(app)
        assert app.charts[0].size.height >= 4
    for number in range(10):
        assert f"name-{number}" in text


async def test_the_axis_is_the_epoch_where_steps_per_epoch_differ_and_a_key_changes_it(
    tmp_path, put_trained, screen_text, until
):
    app = Comparing(tmp_path, [put_trained("four"), put_trained("eight", steps_per_epoch=8)])
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "x: epoch" in screen_text(app))
        assert "different numbers of steps" in screen_text(app)
        four, eight = (trace.series for trace in app.charts[0]._traces)
        assert list(four.xs) == list(eight.xs) == [1.0, 2.0]
        await pilot.press("x")
        await until(pilot, lambda: "x: time" in screen_text(app))
        await pilot.press("x")  # tokens were not counted, so that axis is not offered
        await until(pilot, lambda: "x: step" in screen_text(app))
        assert [list(trace.series.xs) for trace in app.charts[0]._traces] == [[4, 8], [8, 16]]


async def test_keys_lead_through_the_metrics_and_filter_them(tmp_path, three, screen_text, until):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, app.ready)
        assert app.titles == ["validation loss ↓"]
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: app.titles == ["validation accuracy ↑"])
        await until(pilot, lambda: "★0.800" in line_of(screen_text(app), "──● films seed 1"))
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: app.titles == ["train loss ↓"])
        await pilot.press("slash", *"accu")
        await until(pilot, lambda: app.titles == ["validation accuracy ↑"])
        await pilot.press("enter")
        await until(pilot, app.ready)
        assert "filter accu" in screen_text(app)
        await pilot.press("slash", "z")
        await until(pilot, lambda: app.titles == ["no metric with these words"])
        await pilot.press("escape")
        await until(pilot, lambda: app.titles == ["train loss ↓"])
        assert not app.query_one(Input).display


async def test_a_chart_is_enlarged_and_made_small_again(tmp_path, three, until):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(app.charts) == 4 and app.ready())
        await pilot.press("down")
        await until(pilot, lambda: app.focused is app.charts[2])
        await pilot.press("z")
        await until(pilot, lambda: app.titles == ["validation accuracy ↑"])
        assert app.focused is app.charts[0]
        await pilot.press("enter")
        await until(pilot, lambda: len(app.charts) == 4 and app.focused is app.charts[2])


async def test_smoothing_the_crosshair_and_the_zoom_hold_for_all_charts(
    tmp_path, three, screen_text, until
):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(app.charts) == 4 and app.ready())
        assert {chart.smoothing for chart in app.charts} == {0.6}
        await pilot.press("m", "M", "right", "plus")
        await until(pilot, lambda: "smoothing 0.9 by distance" in screen_text(app))
        assert {chart.smoothing for chart in app.charts} == {0.9}
        assert {chart.smoothing_kind for chart in app.charts} == {"time"}
        await until(pilot, lambda: app.charts[0].zoom is not None)
        assert len({chart.cursor for chart in app.charts}) == 1
        assert len({chart.zoom for chart in app.charts}) == 1
        assert app.charts[0].cursor is not None


async def test_enter_on_a_run_opens_it_and_the_arrows_lead_there_and_back(tmp_path, three, until):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, app.ready)
        await pilot.press("down")
        await until(pilot, lambda: isinstance(app.focused, RunLines))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.opened)
        assert app.opened == [three[1]]
        await pilot.press("up", "up")
        await until(pilot, app.ready)


async def test_a_live_run_goes_on_growing_while_the_pane_is_in_sight(
    tmp_path, put_trained, screen_text, until
):
    live = put_trained("live", "running", losses=(0.5,), tested=())
    app = Comparing(tmp_path, [put_trained("done"), live])
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "1 going on" in screen_text(app) and app.charts)
        app.query_one(RunLines).focus()
        await pilot.press("down")
        with live.journal.open("a") as journal:
            entry = {"event": "log", "time": 9, "step": 8, "epoch": 2, "eval_loss": 0.111}
            journal.write(json.dumps(entry) + "\n")
        await until(pilot, lambda: "★0.111" in screen_text(app))
        assert list(app.charts[1]._traces[1].series.ys) == [0.5, 0.111]
        assert app.query_one(RunLines).cursor == 1  # where the person left it
        status = read_status(live.status)
        status.state, status.ended = "finished", status.started + 5
        write_status(live.status, status)
        await until(pilot, lambda: "going on" not in screen_text(app))
        app.pane.display = False
        await pilot.pause(1.2)
        reads = app.pane._comparison
        await pilot.pause(1.2)
        assert app.pane._comparison is reads


async def test_other_runs_take_the_place_of_those_before_even_under_the_same_names(
    tmp_path, put_trained, until
):
    before, after = ([put_trained(n, losses=(loss,)) for n in "ab"] for loss in (0.5, 0.3))
    app = Comparing(tmp_path, before)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, app.ready)
        await pilot.press("slash", *"accu", "enter")
        await until(pilot, lambda: app.titles == ["validation accuracy ↑"])
        app.pane.compare(after)
        await until(pilot, lambda: app.titles == ["validation loss ↓"])  # the filter is gone too
        assert [list(trace.series.ys) for trace in app.charts[0]._traces] == [[0.3], [0.3]]


async def test_other_runs_do_not_wait_for_the_reading_of_those_before(
    tmp_path, put_trained, screen_text, until, monkeypatch
):
    slow, others = ([put_trained(name + n) for n in "ab"] for name in ("slow ", "other "))
    go_on, plain = threading.Event(), HistoryReader.update
    read = []

    def update(reader):
        if reader.run in slow:
            read.append(reader.run)
            go_on.wait(20)
        return plain(reader)

    monkeypatch.setattr(HistoryReader, "update", update)
    app = Comparing(tmp_path, slow)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "reading the runs: 0 of 2" in screen_text(app))
        app.pane.compare(others)
        await until(pilot, lambda: app.ready() and "other a" in screen_text(app))
        go_on.set()
    assert read == slow[:1]  # the rest of what nobody wants is not read


# --- figures and settings ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_figures_have_every_metric_and_the_spread(
    tmp_path, three, size, screen_text, until
):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=size) as pilot:
        await until(pilot, app.ready)
        await pilot.press("tab")
        await until(pilot, lambda: "best → last" in screen_text(app))
        text = screen_text(app)
        assert "★0.400" in line_of(text, "validation loss")
        assert "0.500 → 0.600" in line_of(text, "validation loss")
        assert "★0.967" in line_of(text, "  test accuracy ↑")
        if size == NARROW:
            assert "1 to 3 of 4" in text
            await pilot.press("right")
            await until(pilot, lambda: "2 to 4 of 4" in screen_text(app))
        assert "0.450 ± 0.071" in line_of(screen_text(app), "validation loss")
        await pilot.press("down")
        await until(pilot, lambda: "best 0.400 at epoch 2, last 0.400" in screen_text(app))


async def test_the_settings_show_what_differs_and_on_a_key_all(
    tmp_path, three, put_trained, screen_text, until
):
    foreign = put_trained("foreign", tested=())
    foreign.recipe.unlink()
    foreign.arguments.write_text('{"learning_rate": 0.001}')
    app = Comparing(tmp_path, [three[0], three[2], foreign])
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, app.ready)
        await pilot.press("tab", "tab")
        await until(pilot, lambda: "differs (2)" in screen_text(app))
        rate = line_of(screen_text(app), "train.learning_rate")
        assert rate.split()[-3:] == ["1e-4", "5e-4", "0.001"]
        assert "num_train_epochs" not in screen_text(app)
        await pilot.press("a")
        await until(pilot, lambda: "train.num_train_epochs" in screen_text(app))
        assert line_of(screen_text(app), "train.num_train_epochs").split()[-3:] == ["3", "3", "—"]


# --- test rows ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_pairs_are_tested_and_their_rows_can_be_read(
    tmp_path, three, size, screen_text, until
):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=size) as pilot:
        await until(pilot, app.ready)
        await pilot.press("shift+tab")
        await until(pilot, lambda: "1 against 1 of 60 rows" in screen_text(app))
        assert "McNemar's exact test" in screen_text(app)
        await pilot.press("down")
        verdict = "10 against 0 of 60 rows, p = 0.002: films seed 1 is better by more than chance"
        await until(pilot, lambda: verdict in screen_text(app))
        line = line_of(screen_text(app), "● films seed 1", "▲ hot", "60")
        assert line.split()[-5:] == ["10", "0", "60", "0.002", "0.006"]  # Holm: three pairs
        assert "10 rows that one has right" in screen_text(app)
        await pilot.press("enter", "down")
        await until(pilot, lambda: "text of row 3" in screen_text(app))
        await until(pilot, lambda: "row 4  true positive" in screen_text(app))
        await pilot.press("escape", "down")
        await until(pilot, lambda: "p = 0.002: films seed 2 is better" in screen_text(app))


async def test_two_runs_with_other_rows_are_not_tested_and_it_is_said_why(
    tmp_path, put_trained, screen_text, until
):
    runs = [put_trained("a"), put_trained("b", tested=range(5, 25), data__seed=7)]
    app = Comparing(tmp_path, runs)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, app.ready)
        assert "! the split seed differs" in screen_text(app)
        await pilot.press("shift+tab")
        why = "no test: other test rows, their split seeds differ (42 and 7); 15 rows in both"
        await until(pilot, lambda: why in screen_text(app))


# --- the choice, and what cannot be compared ---


async def test_without_runs_it_says_what_to_do(tmp_path, put_trained, screen_text, until):
    app = Comparing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "No runs yet: two are needed to compare." in screen_text(app))
        assert "F3" in screen_text(app)
        put_trained("first")
        await until(pilot, lambda: "Only one run yet" in screen_text(app))


async def test_runs_are_chosen_with_the_space_bar_and_compared(tmp_path, three, screen_text, until):
    app = Comparing(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: all(w in screen_text(app) for w in ("Which runs?", "F5 Runs")))
        await pilot.press("enter")  # none is marked: that is said, and nothing happens
        await pilot.press("space")
        await until(pilot, lambda: "1 marked" in screen_text(app))
        await pilot.press("space", "enter")
        await until(pilot, lambda: "2 runs" in screen_text(app) and app.charts)
        assert len(app.pane.runs) == 2
        await pilot.press("ctrl+o")
        await until(pilot, lambda: screen_text(app).count("[x]") == 2)
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.view == "curves")


async def test_a_choice_that_cannot_be_compared_changes_nothing(tmp_path, three, until):
    app = Comparing(tmp_path, three)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, app.ready)
        app.pane.compare(three[:1])
        await pilot.pause()
        assert app.pane.runs == three
        assert "2 to 10 runs" in next(iter(app._notifications)).message


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_names_settings_and_texts_stay_off_the_screen(
    tmp_path, put_trained, hostile, size, screen_text, until
):
    runs = [put_trained(f"{hostile[:40]}{n}", tested=range(20), wrong={n}) for n in range(3)]
    for number, run in enumerate(runs):
        run.recipe.unlink()
        run.arguments.write_text(json.dumps({hostile: f"{hostile}{number}"}))
        file = run.evaluation / "test.jsonl"
        file.write_text(file.read_text().replace('text of row 1"', json.dumps(hostile)[1:]))
        entry = {"event": "log", "time": 1, "step": 1, "epoch": 1, f"eval_{hostile}": 1.0}
        with run.journal.open("a") as journal:
            journal.write(json.dumps(entry) + "\n")
    app = Comparing(tmp_path, runs)
    async with app.run_test(size=size) as pilot:
        await until(pilot, app.ready)
        for _ in range(4):
            text = screen_text(app)
            assert not set("\x1b\x07\u202e") & set(text)
            assert max(map(len, text.splitlines())) <= size[0]
            for _ in range(3):
                await pilot.press("down")
            await pilot.press("right_square_bracket", "tab")
            await pilot.pause(0.1)
        assert app.pane.view == "curves"


async def test_an_imported_run_without_epochs_or_scores_compares_with_an_own_one(
    tmp_path, put_trained, screen_text, until
):
    foreign = put_trained("kto", losses=(), tested=(), speed=None)
    foreign.recipe.unlink()
    lines = [
        {"event": "log", "step": step, "loss": 0.5, "rewards/chosen": step / 10}
        for step in (10, 20)
    ]
    foreign.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    app = Comparing(tmp_path, [put_trained("own"), foreign])
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, app.ready)
        row = line_of(screen_text(app), "╌╌■ kto")
        assert row.split().count("—") == 4  # best, last, test, speed: unknown is not zero
        await pilot.press("slash", *"rewards")
        await until(pilot, lambda: app.titles == ["rewards/chosen"])
        (only,) = (trace.series for trace in app.charts[0]._traces)
        assert (only.name, list(only.ys)) == ("kto", [1.0, 2.0])
