"""Ticks and values as they are written, in each unit."""

from itertools import islice
from math import inf, nan

import pytest

from tui_finetune.ui.widgets.plotting.units import (
    Unit,
    format_log_ticks,
    format_ticks,
    format_value,
    nice_steps,
)


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0, 0.5, 1], ["0.0", "0.5", "1.0"]),
        ([0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0, 25, 50], ["0", "25", "50"]),
        ([0, 500, 1000, 1500], ["0", "500", "1000", "1500"]),
        ([0, 10_000, 20_000], ["0", "10k", "20k"]),
        ([0, 2.5e6], ["0", "2.5M"]),
        ([0, 1e9, 2e9], ["0", "1B", "2B"]),
        ([0, 5e11, 1e12], ["0", "0.5T", "1.0T"]),
        ([0, 1e-5, 2e-5], ["0", "1e-05", "2e-05"]),
        ([2.5e-5, 5e-5], ["2.5e-05", "5.0e-05"]),
        ([-1, 0, 1], ["-1", "0", "1"]),
        ([0], ["0"]),
        ([], []),
    ],
)
def test_labels_of_an_axis_share_precision_and_unit(ticks: list[float], labels: list[str]) -> None:
    assert format_ticks(ticks) == labels


@pytest.mark.parametrize(
    ("unit", "ticks", "labels"),
    [
        ("seconds", [0, 30, 60, 90], ["0", "30s", "1m", "1m30"]),
        ("seconds", [0, 1800, 3600, 4800], ["0", "30m", "1h", "1h20"]),
        ("seconds", [0, 86400, 97200], ["0", "1d", "1d03h"]),
        ("seconds", [0, 0.5, 1], ["0", "0.5s", "1.0s"]),
        ("bytes", [0, 5e8, 1e9, 1.5e9], ["0", "0.5 GB", "1.0 GB", "1.5 GB"]),
        ("bytes", [0, 500], ["0", "500 B"]),
        ("percent", [0, 50, 100], ["0", "50%", "100%"]),
    ],
)
def test_labels_name_the_unit(unit: Unit, ticks: list[float], labels: list[str]) -> None:
    assert format_ticks(ticks, unit) == labels


def test_labels_of_a_logarithmic_axis_are_each_as_short_as_can_be() -> None:
    ticks = [1e-5, 1e-3, 0.05, 1, 20, 1000, 2e6]
    labels = ["1e-05", "0.001", "0.05", "1", "20", "1000", "2M"]
    assert format_log_ticks(ticks) == labels


def test_steps_of_time_are_round_on_a_clock() -> None:
    assert list(islice(nice_steps(1.0, "seconds"), 12)) == [
        *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
    ]
    assert next(nice_steps(0.03, "seconds")) == 0.01


@pytest.mark.parametrize(
    ("value", "short", "exact"),
    [
        (0.61134567, "0.611", "0.611346"),
        (0.5, "0.500", "0.5"),
        (12.345, "12.3", "12.345"),
        (99.97, "100", "99.97"),
        (12_345.6, "12346", "12345.6"),
        (5e-5, "5.00e-05", "5e-05"),
        (1_234_567, "1.23e+06", "1234567"),
        (nan, "nan", "nan"),
        (-inf, "-inf", "-inf"),
    ],
)
def test_values_are_short_in_passing_and_exact_on_request(
    value: float, short: str, exact: str
) -> None:
    assert format_value(value) == short
    assert format_value(value, exact=True) == exact


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.25, "seconds", "12.2s"),
        (4805, "seconds", "1h20m05"),
        (2_123_456_789, "bytes", "2.12 GB"),
        (0, "bytes", "0 B"),
        (63.7, "percent", "64%"),
        (nan, "seconds", "nans"),
        (nan, "bytes", "nan"),
    ],
)
def test_values_name_their_unit(value: float, unit: Unit, text: str) -> None:
    assert format_value(value, unit) == text
