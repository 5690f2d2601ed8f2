import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_finetune.runs.curves import AXES
from tui_finetune.runs.directory import RunDirectory
from tui_finetune.runs.history import SAMPLES_KEPT, History, HistoryReader, read_history
from tui_finetune.runs.journal import JournalWriter


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    return RunDirectory(tmp_path)


@pytest.fixture
def path(run) -> Path:
    return run.journal


def log(step: int, **values) -> dict:
    return {"event": "log", "time": 1000.0 + step, "step": step, "epoch": step / 10, **values}


def folded(*entries: dict) -> History:
    history = History()
    for entry in entries:
        history.add(entry)
    return history


def steps(points) -> list[int]:
    return [point.step for point in points]


def losses_logged(history: History) -> list[float]:
    return list(history.curves["loss"].steps)


def same(one: History, other: History) -> bool:
    """Equal, where a gap (NaN) equals a gap."""
    return repr(one) == repr(other)


def plain_means(logs: list[tuple[int, float | None]], ends: list[int]) -> list[float | None]:
    """The mean training loss between these ends, step by step: a log is for all steps before it."""
    each = np.full(max([0, *ends, *(step for step, _ in logs)]), np.nan)
    previous = 0
    for step, loss in logs:
        each[previous:step] = np.nan if loss is None else loss
        previous = step
    means = []
    for start, end in zip([0, *ends], ends, strict=False):
        known = each[start:end][~np.isnan(each[start:end])]
        means.append(float(known.mean()) if known.size else None)
    return means


def test_a_run_that_has_not_begun_has_an_empty_history(run):
    assert read_history(run) == History()
    assert History().epochs() == []


def test_the_journal_of_two_epochs_is_told_in_full(run, path):
    journal = JournalWriter(path)
    journal.write("stage", stage="load", rows=100)
    journal.write("start", total_steps=20, steps_per_epoch=10, selection_metric="eval_f1")
    for step in (5, 10):
        journal.write("log", step=step, epoch=step / 10, loss=1 / step, learning_rate=1e-4)
    journal.write("log", step=10, epoch=1.0, eval_loss=0.5, eval_accuracy=0.75, eval_f1=0.7)
    journal.write("checkpoint", step=10, bytes=1234)
    journal.write("sample", gpu_used=5)
    journal.write("note", text="early")
    journal.write("test", metrics={"accuracy": 0.7}, rows=10)
    journal.close()
    history = read_history(run)
    assert (history.total_steps, history.steps_per_epoch) == (20, 10)
    assert history.selection_metric == "eval_f1"
    assert history.stages["load"]["rows"] == 100
    assert losses_logged(history) == [5, 10]
    assert list(history.curves["loss"].values) == [0.2, 0.1]
    assert list(history.curves["learning_rate"].values) == [1e-4, 1e-4]
    assert history.checkpoints[10]["bytes"] == 1234
    assert [note["text"] for note in history.notes] == ["early"]
    assert history.test == {"accuracy": 0.7}
    (epoch,) = history.epochs()
    assert (epoch.number, epoch.step, epoch.validation_loss) == (1.0, 10, 0.5)
    assert (epoch.accuracy, epoch.f1, epoch.metrics) == (
        0.75, 0.7, {"loss": 0.5, "accuracy": 0.75, "f1": 0.7},
    )  # fmt: skip
    assert epoch.train_loss == pytest.approx(0.15)


def test_a_log_that_reaches_over_an_epochs_end_counts_with_its_share():
    # Steps 1 to 8 lost 1.0 each, 9 to 12 lost 0.4: two of these before the end at 10, two after.
    history = folded(
        log(8, loss=1.0), log(10, eval_loss=0.5), log(12, loss=0.4), log(20, loss=0.2),
        log(20, eval_loss=0.4),
    )  # fmt: skip
    first, second = (epoch.train_loss for epoch in history.epochs())
    assert first == pytest.approx((8 * 1.0 + 2 * 0.4) / 10)
    assert second == pytest.approx((2 * 0.4 + 8 * 0.2) / 10)


def test_a_log_over_several_epochs_gives_each_the_same_loss():
    history = folded(*(log(end, eval_loss=0.5) for end in (10, 20, 30)), log(35, loss=0.7))
    assert [epoch.train_loss for epoch in history.epochs()] == pytest.approx([0.7] * 3)


def test_an_epoch_without_a_log_yet_has_no_training_loss():
    history = folded(log(5, loss=0.5), log(10, eval_loss=0.5), log(20, eval_loss=0.4))
    assert [epoch.train_loss for epoch in history.epochs()] == [0.5, None]


losses = st.none() | st.floats(0, 10)
some_steps = st.sets(st.integers(1, 60), max_size=12).map(sorted)


@given(some_steps.flatmap(lambda at: st.tuples(*(st.tuples(st.just(n), losses) for n in at))),
       some_steps)  # fmt: skip
def test_mean_losses_agree_with_a_computation_step_by_step(logs, ends):
    history = folded(*(log(step, loss=loss) for step, loss in logs))
    for end in ends:
        history.add(log(end, eval_loss=0.5))
    means = [epoch.train_loss for epoch in history.epochs()]
    for mean, plain in zip(means, plain_means(list(logs), ends), strict=True):
        assert (mean is None) == (plain is None)
        assert mean is None or math.isclose(mean, plain, rel_tol=1e-9, abs_tol=1e-9)


def test_a_loss_that_was_not_finite_is_a_gap():
    history = folded(log(5, loss=None), log(10, loss=0.4), log(10, eval_loss=None))
    assert [math.isnan(value) for value in history.curves["loss"].values] == [True, False]
    (epoch,) = history.epochs()
    assert (epoch.train_loss, epoch.validation_loss) == (0.4, None)


def test_what_a_resumed_run_repeats_stands_once():
    def epoch(number: int, loss: float) -> list[dict]:
        end = number * 10
        saved = {"event": "checkpoint", "step": end, "bytes": 1}
        return [log(end - 5, loss=loss), log(end, loss=loss), log(end, eval_loss=loss), saved]

    start = {"event": "start", "total_steps": 30, "steps_per_epoch": 10}
    first = [start, *epoch(1, 0.9), *epoch(2, 0.8), log(25, loss=0.1)]
    rest = [{**start, "resumed_from": 10}, *epoch(2, 0.7), *epoch(3, 0.6)]
    history = folded(*first, *rest)
    assert losses_logged(history) == [5, 10, 15, 20, 25, 30]
    assert steps(history.evaluations) == list(history.checkpoints) == [10, 20, 30]
    assert [row.train_loss for row in history.epochs()] == pytest.approx([0.9, 0.7, 0.6])


def test_a_run_that_begins_anew_keeps_nothing_of_its_first_attempt():
    start = {"event": "start", "total_steps": 30}
    saved = {"event": "checkpoint", "step": 10}
    history = folded(start, log(5, loss=0.9), log(10, eval_loss=0.8), saved, start)
    assert same(history, folded(start))
    assert not history.curves


def test_only_the_newest_memory_samples_are_kept():
    history = folded(*({"event": "sample", "number": n} for n in range(SAMPLES_KEPT + 5)))
    assert len(history.samples) == SAMPLES_KEPT
    assert (history.samples[0]["number"], history.samples[-1]["number"]) == (5, SAMPLES_KEPT + 4)


def test_a_stage_that_is_told_again_is_replaced():
    history = folded(
        {"event": "stage", "stage": "load", "rows": 1}, {"event": "stage", "stage": "load"}
    )
    assert history.stages == {"load": {"event": "stage", "stage": "load"}}


def test_entries_that_are_not_ours_are_passed_over(run, path):
    strange = [
        {"event": "log", "step": "three", "time": 1.0, "loss": 0.1},
        {"event": "log", "step": 3, "time": "late", "loss": 0.1},
        {"event": "log", "step": 3, "time": 1.0, "loss": "low"},
        {"event": "log", "step": 3, "time": 1.0, "loss": [0.1]},
        {"event": "checkpoint"},
        {"event": "checkpoint", "step": None},
        {"event": "test"},
        {"event": "start", "resumed_from": "there"},
        {"event": ["log"]},
        {"event": "from a later version"},
        {},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in [*strange, log(4, loss=0.2)]))
    reader = HistoryReader(run)
    assert reader.update()
    assert losses_logged(reader.history) == [4]
    assert not reader.history.evaluations


@pytest.mark.parametrize("event", ["log", "checkpoint", "start"])
def test_a_step_beyond_all_numbers_is_passed_over(run, path, event):
    entry = f'{{"event": "{event}", "time": 1, "loss": 1, "step": 1e999, "total_steps": 1e999}}\n'
    path.write_text(entry + json.dumps(log(4, loss=0.2)) + "\n")
    assert losses_logged(read_history(run)) == [4]


def test_an_update_tells_whether_anything_came(run, path):
    reader = HistoryReader(run)
    assert not reader.update()
    path.write_text(json.dumps(log(1, loss=0.5)))
    assert not reader.update()  # half a line
    with path.open("a") as file:
        file.write("\n")
    assert reader.update()
    assert not reader.update()
    assert losses_logged(reader.history) == [1]


WHOLE = b"".join(
    json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    for entry in [
        {"event": "stage", "stage": "load", "source": "naïve 北京 👩‍👩‍👧.csv"},
        {"event": "start", "total_steps": 20},
        log(5, loss=0.9), log(10, loss=0.8), log(10, eval_loss=0.7),
        {"event": "checkpoint", "step": 10}, log(15, loss=0.6), "not ours", {"event": "log"},
        {"event": "start", "total_steps": 20, "resumed_from": 10}, log(15, loss=0.5),
        log(20, eval_loss=None), {"event": "test", "metrics": {"f1": 0.5}},
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.sets(st.integers(0, len(WHOLE)), max_size=8).map(sorted))
def test_however_the_bytes_arrive_the_history_is_the_same(tmp_path_factory, cuts):
    run = RunDirectory(tmp_path_factory.getbasetemp())
    path = run.journal
    path.write_bytes(b"")
    reader = HistoryReader(run)
    for start, end in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True):
        with path.open("ab") as file:
            file.write(WHOLE[start:end])
        reader.update()
    assert same(reader.history, read_history(run))
    assert losses_logged(reader.history) == [5, 10, 15]
    assert reader.history.test == {"f1": 0.5}


def test_every_number_has_a_curve_with_its_place_on_each_axis():
    history = folded(
        {"event": "start", "time": 1000.0, "total_steps": 20},
        log(10, loss=0.5, grad_norm=2.0, num_input_tokens_seen=640),
        log(10, eval_loss=0.4, eval_runtime=1.5),
        log(20, loss=0.3, num_input_tokens_seen=1280),
    )
    assert list(history.curves) == ["loss", "grad_norm", "eval_loss", "eval_runtime"]
    loss = history.curves["loss"]
    assert [list(loss.xs(axis)) for axis in ("step", "epoch", "time", "tokens")] == [
        [10, 20], [1, 2], [10, 20], [640, 1280],
    ]  # fmt: skip
    assert list(loss.values) == [0.5, 0.3]
    assert loss.last() == 0.3
    assert all(loss.knows(axis) for axis in ("step", "epoch", "time", "tokens"))


def test_an_axis_on_which_a_place_is_missing_is_not_known():
    history = folded({"event": "log", "step": 3, "epoch": 1, "loss": 0.5})
    assert [history.curves["loss"].knows(axis) for axis in ("step", "time", "tokens")] == [
        True, False, False,
    ]  # fmt: skip


def test_an_entry_that_goes_back_takes_the_place_of_what_followed():
    history = folded(*(log(step, loss=step) for step in (1, 2, 3, 2, 4)))
    assert list(history.curves["loss"].values) == [1, 2, 4]


def test_evaluations_of_several_sets_at_one_step_are_one():
    history = folded(log(10, eval_a_loss=0.5), log(10, eval_b_loss=0.6), log(20, eval_a_loss=0.4))
    assert steps(history.evaluations) == [10, 20]
    assert history.epochs()[0].metrics == {"a_loss": 0.5, "b_loss": 0.6}


def test_the_end_of_the_training_is_a_summary_and_no_curve():
    history = folded(log(10, loss=0.5), log(10, train_runtime=3.0, train_loss=0.6))
    assert history.summary == {"train_runtime": 3.0, "train_loss": 0.6}
    assert list(history.curves) == ["loss"]


def test_the_running_time_beside_each_loss_is_no_curve_and_no_end():
    history = folded(*(log(n, loss=n, train_runtime=2.0 * n, train_loss_b=n) for n in (1, 2)))
    assert list(history.curves) == ["loss", "train_loss_b"]
    assert history.summary == {}


def test_samples_give_the_machine_its_curves():
    gpu = {"index": 1, "used_by_run": 5, "used": 7, "power": None}
    entry = {"event": "sample", "time": 1.0, "step": 4, "process_rss": 100, "gpus": [gpu]}
    history = folded({"event": "start", "time": 0.0, "steps_per_epoch": 8}, entry)
    assert {name: curve.last() for name, curve in history.machine.items()} == {
        "process_rss": 100, "gpu1/used_by_run": 5, "gpu1/used": 7,
    }  # fmt: skip
    assert list(history.machine["process_rss"].epochs) == [0.5]


def test_a_clock_that_was_set_back_never_turns_the_axis_of_time_round():
    history = folded(*({**log(n, loss=n), "time": time} for n, time in enumerate((50, 90, 30, 95))))
    assert list(history.curves["loss"].times) == [0, 40, 40, 45]


def test_an_evaluation_whose_epoch_is_not_known_is_placed_by_its_step():
    entry = {"event": "log", "step": 400, "eval_loss": 0.5}
    (epoch,) = folded(entry).epochs()
    assert (epoch.ordinal, epoch.place) == ("—", "step 400")
    (epoch,) = folded({**entry, "epoch": 2.5}).epochs()
    assert (epoch.ordinal, epoch.place) == ("2.5", "epoch 2.5")


def test_a_history_that_was_read_stays_as_it_is_while_more_comes(run):
    journal = JournalWriter(run.journal)
    gpus = [{"index": 0, "used": 1.0}]
    journal.write("log", step=1, loss=0.9, grad_norm=2.0)
    journal.write("log", step=1, eval_loss=0.8)
    journal.write("sample", step=1, cpu_percent=5.0, gpus=gpus)
    reader = HistoryReader(run)
    reader.update()
    before, told = reader.history, repr(reader.history)
    journal.write("log", step=2, loss=0.7, learning_rate=1e-4)
    journal.write("log", step=2, eval_loss=0.6, eval_f1=0.5)
    journal.write("sample", step=2, cpu_percent=6.0, gpus=gpus, process_rss=1e9)
    journal.write("checkpoint", step=2)
    journal.write("stage", stage="split")
    journal.write("note", text="new")
    reader.update()
    assert repr(before) == told
    assert losses_logged(reader.history) == [1, 2]
    assert reader.history.curves["grad_norm"] is before.curves["grad_norm"]  # it did not grow
    between, told = reader.history, repr(reader.history)
    journal.write("start", resumed_from=1, total_steps=3)
    journal.close()
    reader.update()
    assert repr(between) == told
    assert losses_logged(reader.history) == [1]


def test_a_number_too_large_for_a_float_adds_nothing_to_its_curve(run):
    whole = json.dumps(log(1, loss=0.9)) + "\n"
    large = json.dumps(log(2, loss=10**400)) + "\n"
    run.journal.write_text(whole + large + json.dumps(log(3, loss=0.7)) + "\n")
    loss = read_history(run).curves["loss"]
    assert list(loss.steps) == [1, 3]
    assert {len(loss.xs(axis)) for axis in AXES} == {len(loss.values)} == {2}


def test_four_gpus_and_more_have_their_lowest_mean_and_highest_too():
    gpus = [{"index": n, "utilisation": 10 * n, "power": None} for n in range(5)]
    machine = folded({"event": "sample", "time": 0.0, "step": 1, "gpus": gpus}).machine
    found = {name: curve.values[0] for name, curve in machine.items() if name.startswith("gpus/")}
    assert found == {
        "gpus/lowest/utilisation": 0, "gpus/mean/utilisation": 20, "gpus/highest/utilisation": 40,
    }  # fmt: skip
