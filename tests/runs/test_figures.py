import pytest

from tui_finetune.runs.figures import direction, read_figures, speed, title_of
from tui_finetune.runs.history import read_history
from tui_finetune.runs.listing import summarise


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("loss", "lower"), ("eval_loss", "lower"), ("eval_imdb_loss", "lower"),
        ("eval_wer", "lower"), ("eval_accuracy", "higher"), ("eval_f1", "higher"),
        ("eval_rewards/accuracies", "higher"), ("rewards/chosen", None), ("learning_rate", None),
        ("grad_norm", None), ("kl", None), ("eval_runtime", None),
        ("eval_hamming_loss", "lower"), ("eval_f1_micro", "higher"), ("test_mae", "lower"),
        ("eval_r2", "higher"), ("pearson", "higher"), ("loss_scale", None),
    ],
)  # fmt: skip
def test_only_losses_and_scores_have_a_better_side(metric, better):
    assert direction(metric) == better


def test_metrics_are_called_by_what_they_are():
    assert title_of("loss") == "train loss"
    assert title_of("eval_loss") == "validation loss"
    assert title_of("test_f1") == "test F1"
    assert title_of("rewards/chosen") == "rewards/chosen"
    assert "\x1b" not in title_of("\x1b]52;c;AAAA\x07")


def test_how_long_an_evaluation_took_is_no_figure_of_the_model(put_trained):
    run = put_trained()
    with run.journal.open("a") as journal:
        journal.write('{"event": "log", "time": 1, "step": 9, "epoch": 3, "eval_runtime": 2.5}\n')
    assert "eval_runtime" not in read_figures(read_history(run), summarise(run))


def test_the_trainers_speed_counts_only_the_steps_that_were_done(put_trained):
    run = put_trained(state="stopped", speed=None)
    with run.journal.open("a") as journal:
        journal.write(
            '{"event": "log", "time": 1, "step": 9, "epoch": 3, "train_loss": 0.5,'
            ' "train_runtime": 10.0, "train_samples_per_second": 50.0}\n'
        )
    status = run.status.read_text().replace('"total_steps":8', '"total_steps":16')
    run.status.write_text(status)
    assert speed(summarise(run), read_history(run)) == 25.0
