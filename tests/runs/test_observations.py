import math

from tui_finetune.runs.history import Epoch
from tui_finetune.runs.observations import best_epoch, observe


def epochs(*rows: tuple[float | None, float | None, float | None]) -> list[Epoch]:
    """Epochs with these training losses, validation losses and accuracies."""
    return [
        Epoch(float(number), number * 50, train, validation, accuracy, None, None, accuracy)
        for number, (train, validation, accuracy) in enumerate(rows, 1)
    ]


def said(
    *rows: tuple[float | None, float | None, float | None], by: str = "eval_loss"
) -> list[str]:
    return observe(epochs(*rows), by)


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
    assert observe(rows, "eval_speed") == ["first epoch"]
