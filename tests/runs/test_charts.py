import json
from pathlib import Path

import pytest

from tui_finetune.runs.charts import Chart, charts_of, is_cost
from tui_finetune.runs.history import History

REAL_RUNS = Path(__file__).parents[2].parent / "shared" / "data" / "trainer_runs"


def history_of(*entries: dict, **start) -> History:
    """A history of these log entries."""
    history = History()
    if start:
        history.add({"event": "start", "time": 0.0, **start})
    for entry in entries:
        history.add({"event": "log", **entry})
    return history


def titles(charts: list[Chart]) -> list[str]:
    return [chart.title for chart in charts]


def lines(charts: list[Chart], title: str) -> list[tuple[str, str]]:
    (chart,) = (chart for chart in charts if chart.title == title)
    return [(line.name, line.key) for line in chart.lines]


def test_nothing_logged_is_no_chart_but_what_is_expected_has_one():
    assert charts_of(History()) == []
    assert titles(charts_of(History(), ["accuracy"])) == ["accuracy"]


def test_loss_and_validation_loss_share_a_chart_and_what_matters_comes_first():
    train = {"step": 1, "grad_norm": 1.0, "learning_rate": 1e-5, "loss": 0.5, "entropy": 2.0}
    evaluated = {
        "step": 1,
        "eval_runtime": 1.0,
        "eval_f1": 0.5,
        "eval_precision": 0.4,
        "eval_accuracy": 0.5,
        "eval_loss": 0.6,
        "eval_samples_per_second": 9.0,
    }
    charts = charts_of(history_of(train, evaluated))
    assert titles(charts) == [
        "loss", "accuracy", "F1", "precision", "learning rate", "gradient norm", "entropy",
        "evaluation runtime", "evaluation samples per second",
    ]  # fmt: skip
    assert lines(charts, "loss") == [("train", "loss"), ("validation", "eval_loss")]
    assert (charts[7].unit, charts[8].unit) == ("seconds", "number")


def test_the_metric_that_chooses_the_best_epoch_comes_right_after_the_loss():
    start = {"total_steps": 1, "selection_metric": "eval_recall"}
    evaluated = {"step": 1, "eval_loss": 1.0, "eval_accuracy": 1.0, "eval_recall": 1.0}
    assert titles(charts_of(history_of(evaluated, **start))) == ["loss", "recall", "accuracy"]


def test_a_figure_has_its_twin_of_the_training_and_of_the_test_in_one_chart():
    history = history_of({"step": 1, "train_accuracy": 0.9}, {"step": 1, "eval_accuracy": 0.8})
    history.add({"event": "test", "metrics": {"accuracy": 0.85, "runtime": 1.0}})
    charts = charts_of(history)
    assert titles(charts) == ["accuracy"]
    assert [line.role for line in charts[0].lines] == ["train", "validation", "test"]


def test_several_evaluation_sets_are_lines_of_one_chart():
    evaluated = [
        {"step": 1, f"eval_{name}_loss": 1.0, f"eval_{name}_f1": 1.0, f"eval_{name}_runtime": 2.0}
        for name in ("imdb", "imdb_long", "yelp")
    ]
    charts = charts_of(history_of({"step": 1, "loss": 1.0}, *evaluated))
    assert titles(charts) == ["loss", "F1", "evaluation runtime"]
    assert [name for name, _ in lines(charts, "loss")] == ["train", "imdb", "imdb_long", "yelp"]


def test_a_metric_that_ends_in_loss_is_no_evaluation_set():
    evaluated = {"step": 1, "eval_loss": 1.0, "eval_nll_loss": 1.0, "eval_runtime": 1.0}
    charts = charts_of(history_of({"step": 1, "loss": 1.0, "nll_loss": 1.0}, evaluated))
    assert titles(charts)[:2] == ["loss", "nll loss"]


def test_rewards_of_both_answers_share_a_chart():
    names = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")
    charts = charts_of(history_of({"step": 1, "loss": 1.0, **dict.fromkeys(names, 1.0)}))
    assert titles(charts) == ["loss", "rewards", "rewards/accuracies"]
    assert [name for name, _ in lines(charts, "rewards")] == ["chosen", "rejected", "margins"]


def test_the_machine_comes_after_the_model():
    history = history_of({"step": 1, "loss": 1.0})
    gpu = {"used_by_run": 1e9, "used": 2e9, "utilisation": 5, "temperature": 6, "power": 7.0}
    sample = {"event": "sample", "step": 1, "rows_per_second": 1.0, "process_rss": 1e9}
    history.add({**sample, "gpus": [{"index": 0, **gpu}], "cpu_percent": 50.0})
    charts = charts_of(history)
    assert titles(charts) == [
        "loss", "throughput, rows/s", "GPU memory", "GPU utilisation", "GPU temperature, °C",
        "GPU power, W", "memory", "CPU",
    ]  # fmt: skip
    assert lines(charts, "GPU memory")[0] == ("this run", "gpu0/used_by_run")
    assert [chart.unit for chart in charts][2:4] == ["bytes", "percent"]


def test_several_gpus_are_lines_of_one_chart_in_the_order_of_their_numbers():
    history = History()
    gpus = [{"index": index, "utilisation": 5} for index in range(11)]
    history.add({"event": "sample", "step": 1, "gpus": gpus})
    charts = charts_of(history)
    assert titles(charts) == ["GPU utilisation"]
    assert [line.name for line in charts[0].lines] == [f"GPU {n}" for n in range(11)]


def test_every_logged_name_has_its_place():
    names = [f"metric_{n}" for n in range(40)] + ["[/]", "eval_", "train_", "a/b/c", "eval_x_loss"]
    charts = charts_of(history_of({"step": 1, **dict.fromkeys(names, 1.0)}))
    assert sorted(line.key for chart in charts for line in chart.lines) == sorted(names)


def test_a_chart_is_found_by_words_in_its_title_and_its_lines():
    (chart,) = charts_of(history_of({"step": 1, "rewards/chosen": 1.0}))
    assert chart.matches([])
    assert chart.matches(["REW", "chosen"])
    assert not chart.matches(["rew", "rejected"])


@pytest.mark.parametrize(
    ("name", "cost"), [("runtime", True), ("imdb_runtime", True), ("f1", False), ("loss", False)]
)
def test_what_an_evaluation_took_is_told_from_what_it_found(name, cost):
    assert is_cost(name) is cost


@pytest.mark.parametrize(
    ("run", "first"),
    [
        ("chatglm2-lora-60-epochs", ["loss", "learning rate"]),
        ("news-analysis-unfinished", ["loss", "learning rate", "gradient norm"]),
        ("roberta-lora-agnews", ["loss", "accuracy", "learning rate"]),
        ("trl-kto", ["loss", "rewards", "learning rate", "gradient norm", "KL", "logps"]),
    ],
)
def test_the_charts_of_real_runs(run, first):
    if not REAL_RUNS.is_dir():
        pytest.skip("the real files are not on this machine")
    state = json.loads((REAL_RUNS / run / "trainer_state.json").read_text())
    assert titles(charts_of(history_of(*state["log_history"])))[: len(first)] == first


def test_losses_with_class_weights_say_so_and_that_of_the_test_that_it_has_none():
    history = history_of({"step": 1, "loss": 0.5}, {"step": 1, "eval_loss": 0.6})
    history.add({"event": "test", "metrics": {"loss": 0.4}})
    assert titles(charts_of(history)) == ["loss"]
    history.add({"event": "note", "text": "class weights: …", "class_weights": {"a": 2.0}})
    assert lines(charts_of(history), "loss, classes weighted") == [
        ("train", "loss"), ("validation", "eval_loss"), ("test, not weighted", "loss"),
    ]  # fmt: skip


@pytest.mark.parametrize(("gpus", "in_brief"), [(3, []), (8, ["highest", "mean", "lowest"])])
def test_more_gpus_than_a_small_chart_can_show_are_told_in_brief(gpus, in_brief):
    history = History()
    loads = [{"index": n, "utilisation": n} for n in range(gpus)]
    history.add({"event": "sample", "time": 0.0, "step": 1, "gpus": loads})
    (chart,) = charts_of(history)
    assert len(chart.lines) == gpus
    assert [line.name for line in chart.in_brief] == in_brief
