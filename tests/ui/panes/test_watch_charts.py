import math
import time
from itertools import product

import pytest

from tui_finetune.runs.charts import Line
from tui_finetune.runs.curves import Curve
from tui_finetune.runs.journal import JournalWriter
from tui_finetune.ui.panes.watch_charts import MOST_CHARTS, shape
from tui_finetune.ui.panes.watch_feed import RunFeed
from tui_finetune.ui.panes.watch_series import series_of, share_range
from tui_finetune.ui.widgets.line_chart import LineChart

NARROW, WIDE = (80, 24), (160, 48)


def log(run, *entries):
    """Add log entries to a run's journal."""
    journal = JournalWriter(run.journal)
    for entry in entries:
        journal.write("log", **entry)
    journal.close()


def titles(app):
    """The titles of the charts in sight, in their order."""
    return [str(chart.border_title) for chart in app.query(LineChart) if chart.display]


@pytest.fixture
def put_full_run(put_run):
    """A run that logs what the Trainer and the sampler log."""

    def put(**values):
        run = put_run(steps=0, **values)
        journal = JournalWriter(run.journal)
        for step in range(1, 9):
            figures = {"grad_norm": 2.0, "learning_rate": 5e-5 - step * 5e-6}
            tokens = {"num_input_tokens_seen": 100 * step}
            journal.write("log", step=step, epoch=step / 4, loss=1 / step, **figures, **tokens)
            sample = {"rows_per_second": 40.0, "process_rss": 1e9, "host_used": 2e9}
            journal.write("sample", step=step, cpu_percent=90.0, gpus=[], **sample)
            if step % 4 == 0:
                scores = {"eval_accuracy": 0.7 + step / 80, "eval_f1": 0.7, "eval_runtime": 1.5}
                journal.write("log", step=step, epoch=step / 4, eval_loss=1 / step, **scores)
        journal.close()
        return run

    return put


async def test_two_charts_fit_at_80_columns_and_pages_lead_to_the_others(
    watching, put_full_run, screen_text, until
):
    app = watching(put_full_run())
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: titles(app) == ["loss", "accuracy"])
        assert "x: step   page 1 of 5" in screen_text(app)
        await pilot.press("pagedown")
        await until(pilot, lambda: titles(app) == ["F1", "learning rate"])
        assert "page 2 of 5" in screen_text(app)
        await pilot.press("]", "]", "]", "]")
        await until(pilot, lambda: titles(app) == ["evaluation runtime"])
        await pilot.press("[", "pageup", "[")
        await until(pilot, lambda: titles(app) == ["F1", "learning rate"])
        await pilot.press("z")
        await until(pilot, lambda: titles(app) == ["F1"])
        assert "chart 3 of 9" in screen_text(app)
        assert "train loss" not in screen_text(app)
        await pilot.press("]")
        await until(pilot, lambda: titles(app) == ["learning rate"])
        await pilot.press("escape")
        await until(pilot, lambda: titles(app) == ["F1", "learning rate"])
        await until(pilot, lambda: str(app.focused.border_title) == "learning rate")
        assert "train loss" in screen_text(app)


async def test_a_wide_screen_has_all_charts_and_one_crosshair_for_them(
    watching, put_full_run, screen_text, until
):
    app = watching(put_full_run())
    async with app.run_test(size=WIDE) as pilot:
        first = ["loss", "accuracy", "F1", "learning rate", "gradient norm", "throughput, rows/s"]
        await until(pilot, lambda: titles(app) == [*first, "memory", "CPU", "evaluation runtime"])
        await pilot.press("left", "left")
        charts = [chart for chart in app.query(LineChart) if chart.display]
        await until(pilot, lambda: {chart.cursor for chart in charts} == {7.0})
        assert "step 7" in screen_text(app)
        await pilot.press("plus")
        await until(pilot, lambda: len({chart.zoom for chart in charts}) == 1 and charts[8].zoom)
        assert "zoomed" in screen_text(app)
        await pilot.press("0")
        await until(pilot, lambda: "zoomed" not in screen_text(app))


async def test_the_axes_that_are_known_follow_one_another_and_smoothing_its_steps(
    watching, put_full_run, screen_text, until
):
    app = watching(put_full_run())
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "x: step" in screen_text(app))
        for axis in ("epoch", "time", "tokens", "step"):
            await pilot.press("x")
            await until(pilot, lambda axis=axis: f" {axis} ─╯" in screen_text(app))
            assert f"x: {axis}" in screen_text(app)
        for amount in ("0.6", "0.9", "0.97"):
            await pilot.press("m")
            await until(pilot, lambda amount=amount: f"smoothing {amount}" in screen_text(app))
        await pilot.press("M")
        await until(pilot, lambda: "smoothing 0.97 by time" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "smoothing 0" not in screen_text(app))


async def test_typing_filters_the_charts_and_escape_brings_them_back(
    watching, put_full_run, screen_text, until
):
    app = watching(put_full_run())
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: titles(app) == ["loss", "accuracy"])
        await pilot.press("/", *"rate")
        await until(pilot, lambda: titles(app) == ["learning rate"])
        await pilot.press("enter")
        await until(pilot, lambda: "filter rate" in screen_text(app))
        await pilot.press("/", *"xyz", "enter")
        await until(pilot, lambda: "no chart has xyz in its name" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: titles(app) == ["loss", "accuracy"])
        assert "filter rate" not in screen_text(app)


async def test_a_run_without_any_figure_has_an_empty_chart_and_says_so(
    watching, put_run, screen_text, until
):
    app = watching(put_run(state="failed", steps=0, reason="no such file"))
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "failed: no such file" in screen_text(app))
        assert titles(app) == ["loss"]
        assert "no figures yet" in screen_text(app)
        await until(pilot, lambda: "epochs: nothing was logged" in screen_text(app))


async def test_figures_that_are_no_numbers_are_gaps_and_new_ones_join_live(
    watching, put_run, screen_text, until
):
    run = put_run(state="running", steps=0, heartbeat=time.time())
    log(run, *({"step": step, "epoch": step / 4, "loss": math.nan} for step in (1, 2, 3)))
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: titles(app) == ["loss"])
        log(run, {"step": 4, "epoch": 1.0, "loss": 0.25, "rewards/chosen": 1.5, "kl": None})
        await until(pilot, lambda: titles(app) == ["loss", "rewards"])
        assert "0.250" in screen_text(app)


async def test_forty_metrics_are_paged(watching, put_run, screen_text, until):
    run = put_run(steps=0)
    log(run, {"step": 1, "loss": 1.0, **{f"metric_{number}": number for number in range(39)}})
    app = watching(run)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(titles(app)) == 9)
        assert "page 1 of 5" in screen_text(app)
        await pilot.press("]", "]", "]", "]")
        await until(
            pilot, lambda: titles(app) == ["metric 35", "metric 36", "metric 37", "metric 38"]
        )


async def test_a_hostile_name_of_a_metric_stays_text(watching, put_run, screen_text, until):
    run = put_run(steps=0)
    log(run, {"step": 1, "loss": 1.0, "[/] \x1b]52;c;AAAA\x07 \u202egnol": 2.0})
    app = watching(run)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "[/]" in screen_text(app))
        assert not set("\x1b\x07\u202e") & set(screen_text(app))


@pytest.mark.parametrize(
    ("room", "charts", "expected"),
    [
        ((80, 12), 10, (2, 1)),
        ((160, 20), 6, (3, 2)),
        ((160, 20), 2, (2, 1)),
        ((120, 14), 5, (3, 2)),
        ((30, 5), 5, (1, 1)),
        ((80, 24), 0, (1, 1)),
    ],
)
def test_as_many_charts_stand_side_by_side_as_fit(room, charts, expected):
    assert shape(*room, charts) == expected


def test_the_grid_never_asks_for_more_charts_than_there_are():
    for width, height in product((80, 120, 160, 250, 400), (7, 24, 48, 90)):
        shapes = [shape(width, height, charts) for charts in range(1, 60)]
        assert all(columns * rows <= MOST_CHARTS for columns, rows in shapes)


def test_points_without_a_place_on_the_axis_are_left_out():
    curve = Curve()
    for step, tokens in ((1, math.nan), (2, 200.0), (3, 300.0)):
        curve.append(step, step / 4, step, tokens, step / 10)
    drawn = series_of(Line("train", "loss", "train"), curve, 0, "tokens", alone=True)
    assert (list(drawn.xs), list(drawn.ys)) == ([200.0, 300.0], [0.2, 0.3])
    assert drawn.smooth


def test_a_curve_that_did_not_grow_is_the_same_object_in_the_next_snapshot(put_run):
    run = put_run(state="running", steps=5)
    feed = RunFeed(run)
    before = feed.read()
    log(run, {"step": 6, "epoch": 1.5, "loss": 0.5})
    after = feed.read()
    assert after.curves["eval_loss"] is before.curves["eval_loss"]
    assert list(after.curves["loss"].values) == [*before.curves["loss"].values, 0.5]
    assert len(before.curves["loss"]) == 5


@pytest.mark.parametrize(
    ("shares", "axis"),
    [([], (0.0, 1.0)), ([0.92, 0.93], (0.8, 1.0)), ([0.5, 0.84], (0.4, 1.0)), ([0.0], (0.0, 1.0))],
)
def test_the_accuracy_axis_ends_at_one_and_begins_below_the_lowest(shares, axis):
    assert share_range(shares) == pytest.approx(axis)
