"""A series condensed to the columns of dots."""

from math import inf, nan

import pytest

from tui_finetune.ui.widgets.plotting.axes import Scale
from tui_finetune.ui.widgets.plotting.buckets import Buckets, measure

Y = Scale(-1e6, 1e6, 100)


def condensed(
    points: list[tuple[float, float]], low: float, high: float, columns: int, y: Scale = Y
) -> Buckets:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    buckets = Buckets(Scale(low, high, columns), y)
    buckets.add(xs, ys, len(xs))
    return buckets


def test_a_bucket_keeps_entry_minimum_maximum_and_exit_of_its_column() -> None:
    first, second = condensed([(0, 5), (1, 9), (2, -3), (3, 4), (99, 1)], 0, 100, 2).items
    assert (first.first, first.low, first.high, first.last) == (5, -3, 9, 4)
    assert (second.column, second.low, second.high) == (1, 1, 1)


def test_an_outlier_survives_among_a_hundred_thousand_points() -> None:
    points = [(float(x), 1.0) for x in range(100_000)]
    points[54_321] = (54_321.0, 1000.0)
    buckets = condensed(points, 0, 100_000, 60)
    assert len(buckets.items) == 60
    assert max(bucket.high for bucket in buckets.items) == 1000.0


@pytest.mark.parametrize("missing", [nan, inf, -inf, 1e308])
def test_values_without_a_place_on_the_axis_are_gaps(missing: float) -> None:
    buckets = condensed([(0, 1), (1, 1), (2, missing), (3, 1), (4, 1)], 0, 4, 5)
    assert [bucket.column for bucket in buckets.items] == [0, 1, 3, 4]
    assert [bucket.joined for bucket in buckets.items] == [False, True, False, True]


def test_a_gap_at_the_edge_of_a_column_breaks_the_line() -> None:
    begins = condensed([(0, 1), (10, nan), (10.1, 1), (11, 1)], 0, 10, 2)
    ends = condensed([(0, 1), (1, nan), (10, 1)], 0, 10, 2)
    for buckets in (begins, ends):
        assert [bucket.joined for bucket in buckets.items] == [False, False]


def test_on_a_logarithmic_axis_what_is_not_above_zero_is_a_gap_and_counted() -> None:
    log = Scale(0.1, 10, 50, log=True)
    buckets = condensed([(0, 1), (1, 0), (2, -4), (3, 2), (4, nan)], 0, 4, 5, log)
    assert [bucket.column for bucket in buckets.items] == [0, 3]
    assert not buckets.items[1].joined
    assert buckets.left_out == 2


def test_the_nearest_points_out_of_sight_are_kept_for_the_line_to_the_edge() -> None:
    points = [(0, 1), (5, 2), (12, 3), (18, 4), (30, 5), (40, 6)]
    buckets = condensed(points, 10, 20, 11, Scale(0, 3.5, 10))
    assert [bucket.first for bucket in buckets.items] == [2, 3, 4, 5]
    assert buckets.items[0].column < 0
    assert buckets.items[-1].column > 10
    assert buckets.outside == 1  # only what is in sight counts


def test_points_outside_of_the_scale_of_y_are_counted() -> None:
    points = [(float(x), 100.0 if x % 10 == 0 else 1.0) for x in range(1000)]
    buckets = condensed(points, 0, 999, 20, Scale(0, 50, 10))
    assert buckets.outside == 100


def test_points_added_in_parts_come_to_the_same() -> None:
    xs = [float(x) for x in range(1000)]
    ys = [nan if x % 7 == 0 else float(x % 5) for x in range(1000)]
    for low, high in ((0, 1000), (200, 400), (-50, 90)):
        whole, parts = (Buckets(Scale(low, high, 33), Scale(0, 3, 9)) for _ in range(2))
        whole.add(xs, ys, 1000)
        for end in (1, 2, 50, 51, 300, 777, 1000):
            parts.add(xs, ys, end)
        assert parts.items == whole.items
        assert parts.outside == whole.outside


def test_measuring_looks_only_at_what_can_be_drawn() -> None:
    found = measure([9.0, 2.0, nan, -inf, 3.0, -1.0], 0.0)
    assert found is not None
    assert (list(found.values), found.low, found.high) == ([9.0, 2.0, 3.0], 2.0, 9.0)
    assert measure([nan, -1.0], 0.0) is None
    assert measure([], 0.0) is None
