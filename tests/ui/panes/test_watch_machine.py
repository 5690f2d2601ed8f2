import time

import pytest

from tui_finetune.runs.journal import JournalWriter
from tui_finetune.ui.panes.watch_feed import RunFeed
from tui_finetune.ui.panes.watch_machine import condensed, machine_lines, machine_view

GPU = {
    "index": 0, "name": "NVIDIA H200", "used_by_run": 2.1e9, "used_by_others": 10.3e9,
    "total": 141e9, "utilisation": 64, "temperature": 41, "power": 212.0, "used": 12.4e9,
}  # fmt: skip
HOST = {"rows_per_second": 412.0, "process_rss": 1.4e9, "host_used": 9.2e9, "host_total": 33.5e9,
        "cpu_percent": 87.0, "disk_free": 74.8e9, "disk_total": 271e9}  # fmt: skip


@pytest.fixture
def sampled(put_run):
    """The snapshot of a run with samples, each with these GPUs."""

    def read(*samples, gpu_note=""):
        run = put_run(state="running", steps=5)
        journal = JournalWriter(run.journal)
        for gpus in samples:
            journal.write("sample", step=5, gpus=gpus, gpu_note=gpu_note, **HOST)
        journal.close()
        return RunFeed(run).read()

    return read


@pytest.mark.parametrize("width", [80, 120, 160])
def test_a_gpu_has_its_figures_on_one_line(sampled, width):
    first, second = machine_lines(sampled([GPU, {"index": 1}]), width, 2).plain.splitlines()
    for figure in ("GPU 0", "2.1 GB", "10.3 GB", "141 GB", "64%", "41 °C", "212 W"):
        assert figure in first
    assert len(first) <= width
    assert second.count("—") == 6
    assert "0 GB" not in second


def test_where_it_is_wide_each_figure_has_its_history(sampled):
    loads = [[{**GPU, "utilisation": load}] for load in (0, 50, 99)]
    assert "64%" not in (line := machine_lines(sampled(*loads), 160, 4).plain.splitlines()[0])
    assert "99% ▁▅█" in line
    assert line.count("▁▁▁") + line.count("▄▄▄") + line.count("███") >= 2  # steady: °C and W


def test_more_gpus_than_lines_lead_to_the_view_of_all(sampled):
    lines = machine_lines(sampled([{**GPU, "index": n} for n in range(8)]), 120, 4).plain
    assert lines.splitlines()[3] == " and 5 more GPUs; g all"
    assert "GPU 2 " in lines
    assert "GPU 3 " not in lines


def test_memory_of_which_nobody_tells_whose_it_is_counts_for_others_in_the_bar(sampled):
    unknown = {"index": 0, "total": 100e9, "used": 60e9}
    line = machine_lines(sampled([unknown]), 120, 1).plain
    assert "▒" * 12 + "░" * 8 in line
    assert line.count("—") == 5


@pytest.mark.parametrize("width", [80, 120, 160])
def test_without_a_gpu_the_host_and_the_reason_stand_there(sampled, width):
    line = machine_lines(sampled([], gpu_note="no GPU here"), width, 2).plain
    for figure in ("1.4 GB", "9.2 GB of 33.5 GB", "87%", "no GPU here"):
        assert figure in line
    assert ("74.8 GB free" in line) == (width > 80)
    assert len(line) <= width


def test_a_run_of_others_has_no_figures_and_says_so(put_run):
    run = put_run(origin="import")
    assert "a run of others" in machine_lines(RunFeed(run).read(), 80, 2).plain


def test_the_view_of_all_has_every_gpu_with_histories_disk_and_notes(sampled):
    gpus = [{**GPU, "index": n, "note": "shares the host's memory"} for n in range(6)]
    text = machine_view(sampled(gpus, gpus), 120).plain
    for number in range(6):
        assert f" GPU {number}  NVIDIA H200   shares the host's memory" in text
    assert text.count("free 129 GB of 141 GB") == 6
    assert "74.8 GB  free of 271 GB" in text
    assert "2 samples" in text
    assert "CPU, of a core     87 %" in text


@pytest.mark.parametrize("width", [76, 100])
def test_no_line_of_the_view_of_all_is_longer_than_there_is_room(sampled, width):
    gpus = [{**GPU, "index": n, "used_by_run": 130.2e9} for n in range(8)]
    lines = machine_view(sampled(gpus), width).plain.splitlines()
    assert max(map(len, lines)) <= width - 2  # the scroll bar is there with eight


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_eight_gpus_are_three_lines_in_a_small_chart_and_eight_in_a_large_one(
    watching, put_run, screen_text, until, size
):
    run = put_run(state="running", steps=5, heartbeat=time.time())
    journal = JournalWriter(run.journal)
    for load in (50, 60):
        gpus = [{**GPU, "index": n, "utilisation": load + n} for n in range(8)]
        journal.write("sample", step=5, gpus=gpus, **HOST)
    journal.close()
    app = watching(run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "and " in screen_text(app))
        await pilot.press("slash", *"utili", "enter")
        await until(pilot, lambda: "highest 67%" in screen_text(app))
        text = screen_text(app)
        assert "mean" in text
        assert "lowest" in text
        assert "GPU 7" not in text.partition("epoch  train loss")[0]
        await pilot.press("z")
        await until(pilot, lambda: "67%" in screen_text(app) and "highest" not in screen_text(app))


def test_what_no_sample_tells_is_a_dash_in_the_view_of_all(sampled):
    text = machine_view(sampled([{"index": 0}]), 100).plain
    assert "free — of —" in text
    assert "temperature" in text
    assert " 0 %" not in text
    assert "0 B" not in text


async def test_g_shows_the_machine_and_brings_the_charts_back(
    watching, put_run, screen_text, until
):
    run = put_run(state="running", steps=5, heartbeat=time.time())
    journal = JournalWriter(run.journal)
    journal.write("sample", step=5, gpus=[{**GPU, "index": n} for n in range(3)], **HOST)
    journal.close()
    app = watching(run)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "and 2 more GPUs" in screen_text(app))
        await pilot.press("g")
        await until(pilot, lambda: "GPU 1  NVIDIA H200" in screen_text(app))
        assert "train loss" not in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: "free of 271 GB" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "train loss" in screen_text(app))
        assert "s stop" in screen_text(app)


def test_long_histories_are_condensed_to_means_in_their_order():
    assert condensed([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 6.0]
    assert condensed([1.0, 2.0], 5) == [1.0, 2.0]
    assert len(condensed(list(range(1001)), 40)) == 40
