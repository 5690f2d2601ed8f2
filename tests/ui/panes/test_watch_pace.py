import pytest

from tui_finetune.runs.history import History
from tui_finetune.ui.panes.watch_pace import last_step, seconds_left, unfinished_epoch


def steps_at(*times: float, evaluations: tuple[int, ...] = ()) -> History:
    """A history of ten steps an epoch whose steps ended at these times."""
    history = History(steps_per_epoch=10)
    for step, moment in enumerate(times, 1):
        history.add({"event": "log", "time": moment, "step": step, "loss": 1.0})
        if step in evaluations:
            history.add({"event": "log", "time": moment, "step": step, "eval_loss": 1.0})
    return history


def test_the_time_left_leaves_out_the_slow_first_step():
    assert seconds_left(steps_at(60.0, 62.0, 64.0), 3, 10) == pytest.approx(14.0)


def test_the_time_left_is_unknown_before_two_steps():
    assert seconds_left(steps_at(60.0), 1, 10) is None


def test_evaluations_still_to_come_take_what_the_last_one_took():
    times = [*range(1, 11), *range(16, 21)]  # the evaluation after step 10 took five seconds
    history = steps_at(*map(float, times), evaluations=(10,))
    assert seconds_left(history, 15, 30) == pytest.approx(15 + 2 * 5)


def test_the_pause_of_a_resumed_run_is_no_step():
    assert seconds_left(steps_at(1.0, 2.0, 3.0, 9000.0, 9001.0), 5, 10) == pytest.approx(5.0)


def test_nothing_is_left_after_the_last_step():
    assert seconds_left(steps_at(1.0, 2.0), 2, 2) == 0.0


def test_the_last_step_is_that_of_any_figure():
    history = steps_at(1.0, 2.0)
    history.add({"event": "log", "time": 3.0, "step": 7, "eval_loss": 1.0})
    assert (last_step(history), last_step(History())) == (7, 0)


def test_the_unfinished_epoch_has_the_mean_loss_since_the_last_evaluation():
    history = History(steps_per_epoch=10)
    for step, loss in ((5, 9.0), (10, 9.0), (12, 0.5), (15, 1.0)):
        history.add({"event": "log", "time": float(step), "step": step, "loss": loss})
    history.add({"event": "log", "time": 10.0, "step": 10, "eval_loss": 1.0})
    epoch = unfinished_epoch(history, 16)
    assert epoch is not None
    assert epoch.number == 2.0
    assert epoch.train_loss == pytest.approx((2 * 0.5 + 3 * 1.0) / 5)
    assert unfinished_epoch(history, 10) is None


def test_steps_without_times_tell_nothing_of_the_time_left():
    history = History()
    for step in (1, 2, 3):
        history.add({"event": "log", "step": step, "loss": 1.0})
    assert seconds_left(history, 3, 10) is None
