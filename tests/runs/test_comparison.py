import json
import statistics

import pytest

from tui_finetune.errors import InputError
from tui_finetune.runs.comparison import Comparer, check_choice, spread
from tui_finetune.runs.directory import RunDirectory


def compare(*runs):
    return Comparer(runs).read()


def labels_of(comparison, places):
    return {comparison.labels[place] for place in places}


# --- which runs ---


@pytest.mark.parametrize("count", [0, 1, 11])
def test_only_two_to_ten_runs_are_compared(tmp_path, count):
    with pytest.raises(InputError, match=f"2 to 10 runs can be compared, not {count}"):
        check_choice([RunDirectory(tmp_path / str(n)) for n in range(count)])


def test_a_run_is_not_compared_with_itself(tmp_path):
    runs = [RunDirectory(tmp_path / name) for name in ("a", "b", "a")]
    with pytest.raises(InputError, match="run a: named 2 times"):
        check_choice(runs)


def test_runs_stand_in_the_order_they_were_named(put_trained):
    runs = [put_trained(name) for name in "cab"]
    assert compare(*runs).labels == ["c", "a", "b"]


def test_equal_names_get_their_seed_or_else_the_end_of_their_id(put_trained):
    one, two = (put_trained("same", train__seed=seed) for seed in (1, 2))
    assert compare(one, two).labels == ["same seed 1", "same seed 2"]
    three = put_trained("same", train__seed=2)
    assert compare(one, three, two).labels == [f"same {run.id[-4:]}" for run in (one, three, two)]


# --- figures ---


def test_each_metric_has_its_last_and_its_best_value_with_the_epoch(put_trained):
    comparison = compare(put_trained("a", losses=(0.6, 0.4, 0.5)), put_trained("b"))
    figure = comparison.runs[0].figures["eval_loss"]
    assert (figure.final, figure.best, figure.best_epoch) == (0.5, 0.4, 2.0)
    figure = comparison.runs[0].figures["eval_accuracy"]
    assert (figure.final, figure.best, figure.best_epoch) == (0.75, 0.8, 2.0)
    assert comparison.runs[0].figures["test_accuracy"].final == 1.0


def test_the_train_loss_is_the_mean_over_an_epoch(put_trained):
    # The fixture logs 1 - step / 100: the second epoch of four steps is 0.95, 0.94, 0.93, 0.92.
    comparison = compare(put_trained("a"), put_trained("b"))
    expected = statistics.fmean([0.95, 0.94, 0.93, 0.92])
    assert comparison.runs[0].figures["loss"].final == pytest.approx(expected)


def test_the_lowest_loss_and_the_highest_score_are_the_best_and_equal_ones_all(put_trained):
    comparison = compare(
        put_trained("high", losses=(0.9,)),
        put_trained("low", losses=(0.3,)),
        put_trained("as-low", losses=(0.5, 0.3)),
    )
    assert labels_of(comparison, comparison.best["eval_loss"]) == {"low", "as-low"}
    assert labels_of(comparison, comparison.best["eval_accuracy"]) == {"low", "as-low"}


def test_nothing_is_best_that_only_one_run_has_or_that_has_no_better_side(put_trained):
    one, two = put_trained("a"), put_trained("b")
    with one.journal.open("a") as journal:
        journal.write('{"event": "log", "time": 2, "step": 9, "epoch": 2, "eval_f1": 0.5}\n')
    for run in (one, two):
        with run.journal.open("a") as journal:
            journal.write('{"event": "log", "time": 3, "step": 9, "epoch": 2, "grad_norm": 0.5}\n')
    comparison = compare(one, two)
    assert comparison.best["eval_f1"] == frozenset()
    assert comparison.best["grad_norm"] == frozenset()
    assert list(comparison.metrics)[-1] == "eval_f1"  # what two runs have comes first


def test_numbers_that_are_none_are_gaps_and_never_the_best(put_trained):
    bad = put_trained("bad", losses=(0.5, float("nan")))
    comparison = compare(bad, put_trained("good", losses=(0.9, 0.8)))
    figure = comparison.runs[0].figures["eval_loss"]
    assert (figure.final, figure.best) == (0.5, 0.5)


def test_a_damaged_journal_and_a_missing_status_do_not_stop_the_comparison(put_trained):
    broken, whole = put_trained("broken"), put_trained("whole")
    broken.journal.write_text('{"event": "test", "metrics": {"accuracy": "high"}}\n{]\n')
    broken.status.unlink()
    (broken.evaluation / "test.jsonl").write_text("[]\n")
    comparison = compare(broken, whole)
    assert comparison.runs[0].summary.state == "interrupted"
    assert comparison.runs[0].figures["test_accuracy"].final is None
    assert "cannot be read" in comparison.pairs[0].why_not


def test_the_speed_is_the_median_of_the_samples_and_the_duration_that_of_the_status(put_trained):
    run = put_trained("a", seconds=90.0, speed=100.0)
    with run.journal.open("a") as journal:
        for rate in (300.0, 120.0):
            journal.write(
                json.dumps({"event": "sample", "step": 2, "rows_per_second": rate}) + "\n"
            )
    found = compare(run, put_trained("b", speed=None)).runs
    assert (found[0].seconds, found[0].rows_per_second) == (90.0, 120.0)
    assert found[1].rows_per_second is None  # unknown is not zero


def test_a_run_that_goes_on_grows_and_takes_its_time_until_now(put_trained):
    comparer = Comparer([put_trained("a"), live := put_trained("live", "running")])
    before = comparer.read()
    assert before.runs[1].summary.active
    assert before.runs[1].seconds > 1e6
    with live.journal.open("a") as journal:
        journal.write('{"event": "log", "time": 9, "step": 12, "epoch": 3, "eval_loss": 0.1}\n')
    assert comparer.read().runs[1].figures["eval_loss"].best == 0.1


# --- axes ---


def test_curves_stand_over_the_epoch_where_its_steps_differ_and_else_over_the_step(put_trained):
    four, eight = put_trained("four"), put_trained("eight", steps_per_epoch=8)
    assert compare(four, eight).default_axis == "epoch"
    assert compare(four, put_trained("four-too")).default_axis == "step"


# --- seeds ---


def test_runs_that_differ_in_seeds_alone_are_one_group_with_mean_and_deviation(put_trained):
    losses = (0.50, 0.40, 0.45)
    same = [
        put_trained(f"seed-{seed}", losses=(loss,), train__seed=seed)
        for seed, loss in enumerate(losses)
    ]
    other = put_trained("hot", train__seed=1, train__learning_rate=5e-4)
    comparison = compare(same[0], other, *same[1:])
    groups = [group.members for group in comparison.groups]
    assert groups == [(0, 2, 3), (1,)]
    found = comparison.groups[0].spreads["eval_loss"]
    assert found.count == 3
    assert found.mean == pytest.approx(0.45)
    assert found.deviation == pytest.approx(statistics.stdev(losses))
    assert comparison.groups[1].spreads["eval_loss"].deviation is None


def test_a_spread_has_the_deviation_of_a_sample_and_one_value_has_none():
    assert spread([1.0, 3.0]).deviation == pytest.approx(2**0.5)
    assert spread([1.0]).deviation is None


def test_a_run_that_has_not_finished_is_left_out_of_the_spread(put_trained):
    runs = [put_trained(f"s{n}", train__seed=n) for n in (1, 2)]
    stopped = put_trained("s3", "stopped", losses=(9.0,), train__seed=3)
    (group,) = compare(*runs, stopped).groups
    assert group.unfinished == 1
    assert group.spreads["eval_loss"].count == 2
    assert group.spreads["eval_loss"].mean == 0.5


def test_split_seeds_make_a_group_too_but_their_test_rows_differ(put_trained):
    one, two = (put_trained(f"s{seed}", data__seed=seed) for seed in (1, 2))
    comparison = compare(one, two)
    assert comparison.groups[0].other_test_rows
    assert (
        "the split seed differs: the validation figures are of different rows" in comparison.caveats
    )


def test_other_data_under_the_same_name_is_another_group_and_a_caveat(put_trained):
    comparison = compare(put_trained("a", train__seed=1), put_trained("b", digest="d2"))
    assert len(comparison.groups) == 2
    assert comparison.caveats == ["the data differ: their figures are of different rows"]


def test_runs_whose_settings_are_not_known_are_no_group(put_trained):
    runs = [put_trained(name) for name in "ab"]
    for run in runs:
        run.recipe.unlink()
        run.arguments.write_text('{"learning_rate": 5e-05}')
    assert [len(group.members) for group in compare(*runs).groups] == [1, 1]


# --- settings ---


def test_only_what_differs_is_a_difference_and_a_setting_unsaid_is_not_equal(put_trained):
    own = put_trained("own", train__learning_rate=5e-5)
    hot = put_trained("hot", train__learning_rate=5e-4)
    foreign = put_trained("foreign")
    foreign.recipe.unlink()
    foreign.arguments.write_text('{"learning_rate": 5e-05, "output_dir": "/x", "max_steps": 7}')
    comparison = compare(own, hot, foreign)
    assert comparison.differs == ["train.learning_rate"]
    assert {"tokens.max_length", "train.max_steps"} <= set(comparison.unsaid)
    assert "train.output_dir" not in [*comparison.unsaid, *comparison.same]
    assert comparison.same == []
    assert [run.differs for run in comparison.runs] == ["lr 5e-5", "lr 5e-4", "lr 5e-5"]
    assert [run.differs for run in compare(own, hot).runs] == ["lr 5e-5", "lr 5e-4"]


def test_versions_and_devices_that_differ_are_named(put_trained):
    runs = [put_trained(name) for name in "abc"]
    for run, torch, device in zip(
        runs, ("2.6", "2.7", "2.6"), ("H200", "H200", "cpu"), strict=True
    ):
        said = {"packages": {"torch": torch, "transformers": "5.23"},
                "devices": {"devices": [{"type": "x", "name": device}]}, "host": "box"}  # fmt: skip
        run.environment.write_text(json.dumps(said))
    comparison = compare(*runs)
    assert comparison.environment == ["torch", "device"]
    assert comparison.runs[2].environment["device"] == "cpu"
    runs[0].environment.write_text("[")
    assert compare(*runs).runs[0].environment == {}


def test_losses_with_class_weights_are_told_from_those_without(put_trained):
    plain, weighted = put_trained("plain"), put_trained("weighted")
    with weighted.journal.open("a") as journal:
        journal.write('{"event": "note", "text": "class weights", "class_weights": {"a": 2.0}}\n')
    mixed = compare(plain, weighted)
    assert mixed.weights_words("eval_loss") == "classes weighted in 1 of 2"
    assert mixed.weights_words("eval_accuracy") == mixed.weights_words("test_loss") == ""
    assert any("losses do not compare" in words for words in mixed.caveats)
    assert compare(plain, put_trained("x")).weights_words("eval_loss") == ""
