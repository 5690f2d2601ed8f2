import math

import pytest

from tui_finetune.runs.history import Epoch, History
from tui_finetune.runs.observations import (
    Observation,
    best_epoch,
    lower_is_better,
    observe,
    observe_history,
    value_of,
)

Row = tuple[float | None, float | None, float | None]


def epochs(*rows: Row) -> list[Epoch]:
    """Epochs with these training losses, validation losses and accuracies."""
    return [
        Epoch(float(number), number * 50, train, {"loss": validation, "accuracy": accuracy})
        for number, (train, validation, accuracy) in enumerate(rows, 1)
    ]


def seen(*rows: Row, by: str = "eval_loss", **known) -> list[Observation]:
    return observe(epochs(*rows), by, **known)


def said(*rows: Row, by: str = "eval_loss") -> list[str]:
    return [observation.words for observation in seen(*rows, by=by)]


def test_no_epoch_has_no_observation():
    assert observe([], "eval_loss") == []


def test_one_epoch_is_only_the_first():
    assert said((0.6, 0.5, 0.8)) == ["first epoch"]


def test_both_losses_fall():
    rows = (0.6, 0.58, 0.77), (0.45, 0.5, 0.77), (0.3, 0.45, 0.76)
    assert said(*rows)[1:] == ["learning: both losses fall"] * 2


def test_overfitting_names_the_epoch_since_when():
    rows = (0.6, 0.5, 0.8), (0.4, 0.4, 0.85), (0.3, 0.45, 0.85), (0.2, 0.6, 0.84)
    words = "overfitting since epoch 3: validation loss rises while training loss falls"
    assert said(*rows)[2:] == [words, words]


def test_a_pause_in_overfitting_starts_the_count_anew():
    rows = (0.6, 0.4, 0.8), (0.4, 0.5, 0.8), (0.3, 0.401, 0.8), (0.2, 0.5, 0.8)
    observations = said(*rows)
    assert observations[1].startswith("overfitting since epoch 2:")
    assert observations[3].startswith("overfitting since epoch 4:")


def test_a_validation_loss_that_rises_with_the_training_loss_is_no_overfitting():
    assert said((0.5, 0.5, 0.8), (0.52, 0.55, 0.78))[1] == "worse than the epoch before"


def test_the_best_epoch_by_accuracy_says_so_although_the_loss_rises():
    rows = (0.6, 0.4, 0.8), (0.3, 0.5, 0.86)
    assert said(*rows, by="eval_accuracy")[1] == "best so far, though validation loss rises"
    assert said(*rows, by="eval_loss")[1].startswith("overfitting")


def test_best_so_far_without_a_falling_training_loss():
    assert said((0.3, 0.5, 0.8), (0.3, 0.45, 0.8))[1] == "best so far"


def test_better_than_before_but_not_the_best():
    rows = (0.5, 0.4, 0.9), (0.5, 0.6, 0.7), (0.5, 0.5, 0.8)
    assert said(*rows)[1:] == ["worse than the epoch before", "still improving"]


def test_equal_values_are_a_plateau():
    assert said((0.5, 0.4, 0.8), (0.5, 0.4, 0.8), (0.5, 0.4, 0.8))[1:] == ["plateau", "plateau"]


def test_a_change_within_noise_is_a_plateau():
    assert said((0.5, 0.4, 0.8), (0.4995, 0.4002, 0.8))[1] == "plateau"


def test_a_training_loss_that_shoots_up_diverges_until_it_comes_back():
    rows = (0.6, 0.5, 0.8), (1.2, 0.9, 0.6), (1.1, 0.8, 0.6), (0.5, 0.49, 0.8)
    words = "diverging: training loss rises"
    assert said(*rows) == ["first epoch", words, words, "learning: both losses fall"]


def test_tiny_losses_that_double_do_not_diverge():
    assert "diverging" not in said((0.001, 0.4, 0.9), (0.002, 0.4, 0.9))[1]


def test_a_loss_that_is_no_number_is_said():
    words = "loss is not a number: try a lower learning rate"
    rows = (0.6, 0.5, 0.8), (None, None, 0.5), (0.6, math.nan, 0.5), (0.6, math.inf, 0.5)
    assert said(*rows)[1:] == [words] * 3


def test_an_unknown_training_loss_does_not_hide_the_rest():
    rows = (None, 0.5, 0.8), (None, 0.4, 0.85), (None, 0.45, 0.8)
    assert said(*rows) == ["first epoch", "best so far", "worse than the epoch before"]


def test_the_first_epoch_is_judged_when_it_is_no_number():
    assert said((None, None, None)) == ["loss is not a number: try a lower learning rate"]


def test_the_earliest_of_equal_epochs_is_the_best():
    rows = epochs((0.6, 0.5, 0.8), (0.5, 0.4, 0.8), (0.4, 0.4, 0.8), (0.3, None, None))
    assert best_epoch(rows, "eval_loss") is rows[1]
    assert best_epoch(rows, "eval_accuracy") is rows[0]


def test_an_unknown_metric_has_no_best_epoch():
    rows = epochs((0.6, 0.5, 0.8))
    assert best_epoch(rows, "eval_speed") is None
    assert [one.kind for one in observe(rows, "eval_speed")] == ["first"]


def test_an_accuracy_that_swings_more_than_it_moves_is_too_noisy_to_say():
    shares = [0.80, 0.84, 0.79, 0.85, 0.80]
    rows = [(0.3, 0.5 - 0.0001 * number, share) for number, share in enumerate(shares)]
    last = seen(*rows, by="eval_accuracy", rows=100)[-1]
    assert last.kind == "noisy"
    assert last.words == "too noisy to say: accuracy swings by 5.0 points"
    assert "5.0 points from one to the next, and by 0.0 points from first to last" in (
        last.explanation
    )
    # sqrt(0.816 * 0.184 / 100) = 0.0387
    assert "With 100 validation rows, ±3.9 points are chance" in last.explanation
    assert last.setting == "data.validation: a larger share than these 100 rows"


@pytest.mark.parametrize(
    "shares",
    [
        [0.80, 0.84, 0.79],  # too few
        [0.70, 0.75, 0.74, 0.80, 0.79, 0.85],  # up and down, but on its way
        [0.800, 0.801, 0.800, 0.801, 0.800],  # a swing that is nothing
        [0.80, 0.79, 0.78, 0.77, 0.76],  # one way only
    ],
)
def test_what_has_a_trend_or_stands_still_is_not_noisy(shares):
    rows = [(0.3, 0.5, share) for share in shares]
    assert "noisy" not in {one.kind for one in seen(*rows, by="eval_accuracy")}


def test_overfitting_explains_itself_with_the_figures_and_names_what_helps():
    rows = (0.6, 0.5, 0.8), (0.4, 0.4, 0.85), (0.3, 0.45, 0.85), (0.2, 0.6, 0.84)
    last = seen(*rows)[-1]
    assert "Since epoch 2 val loss rose 0.400 → 0.600" in last.explanation
    assert "training loss fell 0.400 → 0.200" in last.explanation
    assert last.setting.startswith("early_stopping.patience: 2, or train.num_train_epochs: 2;")


@pytest.mark.parametrize(
    ("rows", "kind", "rate"),
    [
        ([(0.6, 0.5, 0.8), (1.2, 0.9, 0.6)], "diverging", "2e-5"),
        ([(0.6, 0.5, 0.8), (None, None, 0.6)], "not a number", "5e-6"),
    ],
)
def test_a_training_that_breaks_names_a_lower_learning_rate(rows, kind, rate):
    last = seen(*rows, learning_rate=5e-5)[-1]
    assert last.kind == kind
    assert f"train.learning_rate: try {rate} instead of 5e-05" in last.setting
    unknown = seen(*rows)[-1]
    assert "train.learning_rate: lower" in unknown.setting


def test_a_plateau_names_early_stopping_and_learning_more_epochs():
    plateau = seen((0.5, 0.4, 0.8), (0.5, 0.4, 0.8))[-1]
    assert plateau.setting.startswith("early_stopping.patience")
    learning = seen((0.6, 0.58, 0.77), (0.45, 0.5, 0.77))[-1]
    assert learning.setting.startswith("train.num_train_epochs")
    assert "training loss 0.600 → 0.450 (-25.0%)" in learning.explanation


def test_a_gain_in_accuracy_is_told_in_rows_too():
    best = seen((0.5, 0.4, 0.80), (0.5, 0.4, 0.83), by="eval_accuracy", rows=200)[-1]
    assert best.kind == "best"
    assert "accuracy 0.800 → 0.830" in best.explanation
    assert "That is 6 of 200 validation rows." in best.explanation


def test_an_evaluation_without_a_loss_is_judged_by_its_metric():
    rows = [Epoch(float(n), n, 0.5, {"f1": f1}) for n, f1 in enumerate((0.5, 0.6, 0.4), 1)]
    assert [one.kind for one in observe(rows, "eval_f1")] == ["first", "best", "worse"]


def test_errors_are_better_when_they_are_lower():
    assert all(map(lower_is_better, ("eval_loss", "eval_wer", "perplexity", "eval_rmse")))
    assert not any(map(lower_is_better, ("eval_accuracy", "f1", "rewards/margins")))
    rows = [Epoch(float(n), n, None, {"wer": wer}) for n, wer in enumerate((0.5, 0.3), 1)]
    assert best_epoch(rows, "eval_wer") is rows[1]
    assert value_of(rows[0], "wer") == 0.5


def test_a_thousand_epochs_are_judged_in_one_pass():
    rows = epochs(*((1 / n, 1 / n, 0.5) for n in range(1, 5001)))
    assert observe(rows, "eval_loss")[4999].kind in ("plateau", "learning", "best")


def test_rows_and_learning_rate_come_from_the_journal():
    history = History()
    history.add({"event": "stage", "stage": "split", "validation": 80})
    for step, loss in ((1, 0.5), (2, 2.0)):
        history.add({"event": "log", "step": step, "loss": loss, "learning_rate": 3e-4 / step})
        history.add({"event": "log", "step": step, "eval_loss": loss})
    last = observe_history(history, history.epochs())[-1]
    assert "try 1e-4 instead of 0.0003" in last.setting
