import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_finetune.runs.history import SAMPLES_KEPT, History, HistoryReader, read_history
from tui_finetune.runs.journal import JournalWriter


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "journal.jsonl"


def log(step: int, **values) -> dict:
    return {"event": "log", "time": 1000.0 + step, "step": step, "epoch": step / 10, **values}


def folded(*entries: dict) -> History:
    history = History()
    for entry in entries:
        history.add(entry)
    return history


def steps(points) -> list[int]:
    return [point.step for point in points]


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


def test_a_run_that_has_not_begun_has_an_empty_history(path):
    assert read_history(path) == History()
    assert History().epochs() == []


def test_the_journal_of_two_epochs_is_told_in_full(path):
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
    history = read_history(path)
    assert (history.total_steps, history.steps_per_epoch) == (20, 10)
    assert history.selection_metric == "eval_f1"
    assert history.stages["load"]["rows"] == 100
    assert steps(history.training) == [5, 10]
    assert history.training[0].values == {"loss": 0.2, "learning_rate": 1e-4}
    assert history.checkpoints[10]["bytes"] == 1234
    assert [note["text"] for note in history.notes] == ["early"]
    assert history.test == {"accuracy": 0.7}
    (epoch,) = history.epochs()
    assert (epoch.number, epoch.step, epoch.validation_loss) == (1.0, 10, 0.5)
    assert (epoch.accuracy, epoch.f1, epoch.precision) == (0.75, 0.7, None)
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
    assert history.training[0].values == {"loss": None}
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
    assert steps(history.training) == [5, 10, 15, 20, 25, 30]
    assert steps(history.evaluations) == list(history.checkpoints) == [10, 20, 30]
    assert [row.train_loss for row in history.epochs()] == pytest.approx([0.9, 0.7, 0.6])


def test_a_run_that_begins_anew_keeps_nothing_of_its_first_attempt():
    start = {"event": "start", "total_steps": 30}
    saved = {"event": "checkpoint", "step": 10}
    history = folded(start, log(5, loss=0.9), log(10, eval_loss=0.8), saved, start)
    assert history == folded(start)


def test_only_the_newest_memory_samples_are_kept():
    history = folded(*({"event": "sample", "number": n} for n in range(SAMPLES_KEPT + 5)))
    assert len(history.samples) == SAMPLES_KEPT
    assert (history.samples[0]["number"], history.samples[-1]["number"]) == (5, SAMPLES_KEPT + 4)


def test_a_stage_that_is_told_again_is_replaced():
    history = folded(
        {"event": "stage", "stage": "load", "rows": 1}, {"event": "stage", "stage": "load"}
    )
    assert history.stages == {"load": {"event": "stage", "stage": "load"}}


def test_entries_that_are_not_ours_are_passed_over(path):
    strange = [
        {"event": "log", "step": "three", "time": 1.0, "loss": 0.1},
        {"event": "log", "step": 3, "loss": 0.1},
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
    reader = HistoryReader(path)
    assert reader.update()
    assert reader.history == folded(log(4, loss=0.2))


@pytest.mark.parametrize("event", ["log", "checkpoint", "start"])
def test_a_step_beyond_all_numbers_is_passed_over(path, event):
    entry = f'{{"event": "{event}", "time": 1, "loss": 1, "step": 1e999, "total_steps": 1e999}}\n'
    path.write_text(entry + json.dumps(log(4, loss=0.2)) + "\n")
    assert steps(read_history(path).training) == [4]


def test_an_update_tells_whether_anything_came(path):
    reader = HistoryReader(path)
    assert not reader.update()
    path.write_text(json.dumps(log(1, loss=0.5)))
    assert not reader.update()  # half a line
    with path.open("a") as file:
        file.write("\n")
    assert reader.update()
    assert not reader.update()
    assert steps(reader.history.training) == [1]


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
    path = tmp_path_factory.getbasetemp() / "pieces.jsonl"
    path.write_bytes(b"")
    reader = HistoryReader(path)
    for start, end in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True):
        with path.open("ab") as file:
            file.write(WHOLE[start:end])
        reader.update()
    assert reader.history == read_history(path)
    assert steps(reader.history.training) == [5, 10, 15]
    assert reader.history.test == {"f1": 0.5}
