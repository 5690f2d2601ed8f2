import math

import pytest

from tui_finetune.runs.listing import summarise
from tui_finetune.ui.panes.runs_columns import COLUMNS, columns_for, trend


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 5, ""),
        ([1.0], 5, "▄"),
        ([3.0, 3.0], 5, "▄▄"),
        ([0.0, 1.0, 2.0], 5, "▁▄▇"),
        ([0.0, 0.0, 1.0, 1.0], 2, "▁▇"),
        ([float("nan")] * 3, 3, ""),
        ([1.0, float("nan"), 0.0], 3, "▇ ▁"),
        ([float("inf"), 1.0, 0.0, 2.0], 2, "▄▄"),
    ],
)
def test_a_trend_goes_from_its_lowest_to_its_highest_mean(values, width, drawn):
    assert trend(values, width) == drawn


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.000"), (0.8125, "0.812"), (1.25, "1.250"), (-0.5, "-0.500"), (12.345, "12.35"),
        (123.45, "123.5"), (12345.6, "12346"), (123456.0, "1e+05"), (0.00033, "3e-04"),
        (-2.5e7, "-2e+07"), (math.nan, "—"), (-math.inf, "—"),
    ],
)  # fmt: skip
def test_a_figure_stands_whole_in_the_narrow_column_of_the_test(put_run, value, shown):
    figures = {"loss": value}
    run = summarise(put_run("one", metrics={"validation": figures, "test": figures}))
    assert COLUMNS["test"].cell(run, 0.0) == shown
    assert len(shown) <= COLUMNS["test"].width


@pytest.mark.parametrize("width", [78, 98, 118, 158, 298])
def test_the_columns_fill_the_room_and_more_come_with_it(width):
    columns = columns_for(width)
    assert sum(column_width + 2 for _, column_width in columns) - 2 <= width
    keys = {column.key for column, _ in columns}
    assert {"state", "name", "validation", "test", "epochs", "took", "started"} <= keys
    assert ("loss" in keys) == (width >= 98)
    assert ("tags" in keys) == (width >= 118)
    assert ({"data", "model"} <= keys) == (width >= 158)
