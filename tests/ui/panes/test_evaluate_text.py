import pytest

from tui_finetune.ui.panes.evaluate_rows import Filter, class_line, ordered_classes, share
from tui_finetune.ui.panes.evaluate_text import (
    METRICS,
    axis_line,
    calibration,
    interval_figure,
    slices,
    summary,
    verdicts,
    with_interval,
)

from .evaluate_pane import MAJORITY_VALUES, METRIC_VALUES, evaluation, mistake

# --- in words and figures ---


def test_an_interval_stands_behind_its_figure():
    assert with_interval(0.912, [0.871, 0.945]) == "0.912  [0.871, 0.945]"
    assert with_interval(0.912, None) == "0.912"
    assert with_interval(None, None) == "—"
    assert interval_figure([None, 0.9]) == "—"


@pytest.mark.parametrize(
    ("value", "interval", "before", "drawn"),
    [
        (0.55, None, None, "━━━━━●┈┈┈┈"),
        (0.55, [0.25, 0.85], None, "━━├──●──┤┈"),
        (0.55, [0.25, 0.85], 0.15, "━○├──●──┤┈"),
        (1.0, [0.75, 1.0], 0.0, "○━━━━━━├─●"),
        (0.0, None, 1.0, "●┈┈┈┈┈┈┈┈○"),
        (-0.5, None, None, "●┈┈┈┈┈┈┈┈┈"),
        (None, None, 0.5, "          "),
    ],
)
def test_a_figure_is_drawn_with_its_interval(value, interval, before, drawn):
    assert axis_line(value, interval, 10, before).plain == drawn


def test_a_loss_is_drawn_up_to_the_largest_there_is():
    assert axis_line(1.0, None, 10, 2.0, top=2.0).plain == "━━━━━●┈┈┈○"


@pytest.mark.parametrize(
    ("before", "interval", "words"),
    [
        (0.3, [0.05, 0.75], "+0.400  [0.050, 0.750] (0.300 before): more than chance."),
        (0.5, [-0.1, 0.5], "+0.200  [-0.100, 0.500] (0.500 before): it may be chance."),
        (0.95, [-0.5, -0.01], "-0.250  [-0.500, -0.010] (0.950 before): worse, by more than"),
        (0.3, None, "Training brought +0.400 (0.300 before)."),
    ],
)
def test_the_gain_is_called_more_than_chance_only_if_its_interval_is_above_zero(
    before, interval, words
):
    baselines = {
        "majority": {"label": "good", "metrics": MAJORITY_VALUES},
        "before": {
            "metrics": {"accuracy": before},
            "intervals": {},
            "difference": interval and {"interval": interval},
        },
        "before_problem": None,
    }
    said = "\n".join(line.plain for line in verdicts(evaluation(baselines=baselines)))
    assert words in said


@pytest.mark.parametrize(
    ("always", "words"),
    [(0.3, "better than that"), (0.6, "not surely less"), (0.95, "worse than that")],
)
def test_the_majority_is_compared_with_the_models_interval(always, words):
    majority = {"label": "good", "metrics": {"accuracy": always}}
    baselines = {"majority": majority, "before": None, "before_problem": None}
    said = "\n".join(line.plain for line in verdicts(evaluation(baselines=baselines)))
    assert f"Always saying “good” would reach {always:.3f}" in said
    assert words in said


@pytest.mark.parametrize("width", [60, 77, 157])
def test_the_summary_names_every_metric_in_lines_of_the_width(width):
    lines = summary(evaluation(), width).plain.splitlines()
    table = lines[[line.startswith("metric") for line in lines].index(True) + 1 :]
    assert [line[:19].strip() for line in table] == list(METRICS.values())
    assert all(len(line) <= max(width, 75) for line in table)
    assert table[0].split()[2:6] == ["0.300", "0.600", "0.700", "[0.400,"]


def test_metrics_that_nobody_knows_are_left_out():
    nothing = dict.fromkeys(METRIC_VALUES)
    known = {**nothing, "accuracy": 0.7}
    baselines = {
        "majority": {"label": "good", "metrics": nothing}, "before": None, "before_problem": None,
    }  # fmt: skip
    text = summary(evaluation(metrics=known, intervals={}, baselines=baselines), 77).plain
    assert "accuracy ↑" in text
    assert "ROC AUC" not in text


def test_calibration_says_in_which_direction_the_scores_are_off():
    document = evaluation()
    assert "surer than it is right, by 14.3 points" in calibration(document).plain
    assert "softer: error 0.031" in calibration(document).plain
    found = document["calibration"]
    unsure = [{**found["bins"][1], "confidence": 0.6}]
    timid = evaluation(calibration={**found, "bins": unsure, "temperature": 0.8})
    assert "less sure than it is right, by 10.0 points" in calibration(timid).plain
    assert "sharper" in calibration(timid).plain
    none = evaluation(calibration={**found, "temperature": None, "ece_scaled": None})
    assert "No temperature" in calibration(none).plain


def test_only_slices_that_are_surely_worse_or_better_are_marked():
    lines = slices(evaluation(), 100).plain.splitlines()
    assert "▲ better" in lines[1]
    assert "▼ worse" in lines[2]
    assert "0.250  [0.000, 0.600]" in lines[2]
    [group] = evaluation()["slices"]
    alike = {**group["slices"][1], "interval": [0.0, 0.71]}
    plain = slices(evaluation(slices=[{**group, "slices": [alike]}]), 100).plain
    assert "▼" not in plain


def test_classes_are_ordered_by_f1_or_by_rows_and_those_that_do_not_occur_come_last():
    classes = evaluation()["classes"]
    never = {**classes[0], "label": "never", "f1": 0.0, "support": 1}
    absent = {**classes[0], "label": "absent", "f1": None, "support": 0}
    names = [one["label"] for one in ordered_classes([absent, *classes, never], 0)]
    assert names == ["never", "bad", "good", "absent"]
    names = [one["label"] for one in ordered_classes([absent, never, *classes], 1)]
    assert names == ["good", "bad", "never", "absent"]
    assert "—" in class_line(absent, 8, 76).plain


def test_a_wide_line_of_a_class_has_its_intervals_beside_it():
    line = class_line(evaluation()["classes"][0], 8, 150).plain
    assert "0.800  [0.500, 1.000]" in line
    assert "0.667  [0.330, 1.000]" in line
    assert "0.727  [0.400, 0.950]" in line


def test_a_filter_holds_the_mistakes_it_names():
    one = mistake(0, "good", "bad", 0.9, "text")
    assert Filter().holds(one)
    assert not Filter()
    assert Filter("good").holds(one)
    assert not Filter("good", "other").holds(one)
    assert not Filter(predicted="good").holds(one)


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "    —"), (0.5, "50.0%"), (0.99949, "99.9%"), (0.9999, " 100%"), (1.0, " 100%")],
)
def test_a_share_takes_five_cells(value, words):
    assert share(value) == words
