import math
import time

import pytest

from tui_finetune.ui.words import (
    ago,
    counted,
    duration,
    figure,
    loss_figure,
    short_source,
    size,
    state_mark,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"), (59.4, "59s"), (59.6, "1m00"), (64, "1m04"), (3599, "59m59"), (3600, "1h00"),
        (7500, "2h05"), (86400 * 3 + 7200, "3d02h"), (-5, "0s"), (None, "—"), (math.inf, "—"),
    ],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"), (999, "999 B"), (87_000_000, "87 MB"), (999_600_000, "1.0 GB"),
        (2.13e9, "2.1 GB"), (141e9, "141 GB"), (1.5e12, "1.5 TB"), (None, "—"),
    ],
)  # fmt: skip
def test_a_size_has_a_unit_that_fits(count, words):
    assert size(count) == words


def test_unknown_figures_are_a_dash_and_never_zero():
    assert [figure(None), figure(math.nan), figure(math.inf)] == ["—"] * 3
    assert [figure(0.0), figure(0.8125), figure(123456789.0)] == ["0.000", "0.812", "1.23e+08"]


def test_a_small_loss_keeps_three_significant_digits():
    losses = [0.6931, 0.00333333, 0.00033, 0.0000123456, 0.0, math.nan, None]
    words = ["0.693", "0.00333", "0.00033", "1.23e-05", "0.000", "—", "—"]
    assert [loss_figure(loss) for loss in losses] == words


def test_one_is_singular():
    assert [counted(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "just now"),
        (119, "1 min ago"),
        (7300, "2 h ago"),
        (86400 * 3 + 5, "3 d ago"),
        (-5, "just now"),
    ],
)
def test_the_near_past_is_said_relatively(seconds, words):
    assert ago(1e9 - seconds, 1e9) == words


def test_the_far_past_and_the_future_are_dates():
    for moment in (1e9 - 40 * 86400, 1e9 + 86400):
        assert ago(moment, 1e9) == time.strftime("%Y-%m-%d", time.localtime(moment))
    assert ago(None, 1e9) == "—"


def test_a_source_is_named_without_its_folders():
    assert short_source("/a/b/reviews.csv") == "reviews.csv"
    assert short_source("~/b/reviews.csv") == short_source("../reviews.csv") == "reviews.csv"
    assert short_source("org/model") == "org/model"
    assert short_source("") == "—"
    assert "\x1b" not in short_source("/a/\x1b]0;x\x07")


def test_an_unknown_state_is_shown_as_it_is():
    assert state_mark("[/]\x1b").plain == "? [/]\ufffd"
