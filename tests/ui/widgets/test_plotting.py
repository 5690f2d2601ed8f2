"""The arithmetic of a chart: what is drawn where, before any terminal is involved."""

from math import inf, nan

import pytest

from tui_finetune.ui.widgets import plotting
from tui_finetune.ui.widgets.plotting import ASCII, BRAILLE, Buckets, Raster


def picture(raster: Raster) -> list[str]:
    return ["".join(character for character, _ in row) for row in raster.rows()]


# --- ticks ---


@pytest.mark.parametrize(
    ("low", "high", "maximum", "ticks"),
    [
        (0, 1, 3, [0, 0.5, 1]),
        (0, 1, 2, [0, 1]),
        (0, 1, 11, [0.1 * n for n in range(11)]),
        (0, 150, 7, [0, 25, 50, 75, 100, 125, 150]),
        (0, 150, 4, [0, 50, 100, 150]),
        (0.13, 0.41, 3, [0.2, 0.3, 0.4]),
        (-1.2, 1.2, 5, [-1, -0.5, 0, 0.5, 1]),
        (0, 5e-5, 6, [0, 1e-5, 2e-5, 3e-5, 4e-5, 5e-5]),
        (3, 3, 5, [3]),
    ],
)
def test_ticks_are_round_and_no_more_than_asked_for(
    low: float, high: float, maximum: int, ticks: list[float]
) -> None:
    assert plotting.nice_ticks(low, high, maximum) == pytest.approx(ticks)


def test_ticks_have_no_traces_of_binary_fractions() -> None:
    assert plotting.nice_ticks(0, 1, 11)[3] == 0.3


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0, 0.5, 1], ["0.0", "0.5", "1.0"]),
        ([0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0, 25, 50], ["0", "25", "50"]),
        ([0, 500, 1000, 1500], ["0", "0.5k", "1.0k", "1.5k"]),
        ([0, 10_000, 20_000], ["0", "10k", "20k"]),
        ([0, 2.5e6], ["0", "2.5M"]),
        ([0, 1e-5, 2e-5], ["0", "1e-05", "2e-05"]),
        ([2.5e-5, 5e-5], ["2.5e-05", "5.0e-05"]),
        ([-1, 0, 1], ["-1", "0", "1"]),
        ([0], ["0"]),
        ([], []),
    ],
)
def test_labels_of_an_axis_share_precision_and_unit(ticks: list[float], labels: list[str]) -> None:
    assert plotting.format_ticks(ticks) == labels


def test_tick_labels_side_by_side_keep_two_cells_between_them() -> None:
    ticks = plotting.level_ticks((0, 150_000), lambda x: round(x / 150_000 * 39), 40)
    assert [label for _, _, label in ticks] == ["0", "50k", "100k", "150k"]
    ends = [start + len(label) for _, start, label in ticks]
    assert all(ticks[n + 1][1] >= ends[n] + 2 for n in range(len(ticks) - 1))
    assert ends[-1] <= 40


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
    assert plotting.format_value(value) == short
    assert plotting.format_value(value, exact=True) == exact


# --- the range of an axis fitted to data ---


def test_a_fitted_range_leaves_head_room_and_ends_on_ticks() -> None:
    low, high = plotting.grow_range(0.14, 0.79)
    assert (low, high) == (0.1, 0.9)


def test_a_fitted_range_stays_while_it_holds_the_data() -> None:
    assert plotting.grow_range(0.2, 0.8, (0.1, 0.9)) == (0.1, 0.9)


def test_a_fitted_range_grows_where_the_data_left_it() -> None:
    low, high = plotting.grow_range(0.2, 1.0, (0.1, 0.9))
    assert low == 0.0 or low == 0.1
    assert high > 1.0


def test_a_falling_loss_moves_the_axis_only_a_few_times() -> None:
    fitted, ranges = None, set()
    for step in range(1000):
        loss = 2.3 * 0.995**step
        fitted = plotting.grow_range(loss, loss, fitted)
        ranges.add(fitted)
    assert len(ranges) <= 5


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-12, 5e-324, 1e299, -1e299])
def test_a_single_value_has_a_range_around_it(value: float) -> None:
    low, high = plotting.grow_range(value, value)
    assert low <= value < high


def test_data_that_are_never_negative_get_no_negative_axis() -> None:
    assert plotting.grow_range(0.001, 10.0)[0] == 0.0


# --- buckets ---


def test_buckets_keep_entry_minimum_maximum_and_exit_of_a_column() -> None:
    buckets = Buckets((0, 100), 2)
    buckets.add([(0, 5.0), (1, 9.0), (2, -3.0), (3, 4.0), (99, 1.0)])
    first, second = buckets.items
    assert (first.first, first.low, first.high, first.last) == (5.0, -3.0, 9.0, 4.0)
    assert (second.column, second.low, second.high) == (1, 1.0, 1.0)


def test_an_outlier_survives_among_a_hundred_thousand_points() -> None:
    points = [(float(x), 1.0) for x in range(100_000)]
    points[54_321] = (54_321.0, 1000.0)
    buckets = Buckets((0, 100_000), 60)
    buckets.add(points)
    assert len(buckets.items) == 60
    assert max(bucket.high for bucket in buckets.items) == 1000.0


@pytest.mark.parametrize("missing", [None, nan, inf, -inf, 1e308])
def test_values_without_a_place_on_the_axis_are_gaps(missing: float | None) -> None:
    buckets = Buckets((0, 4), 5)
    buckets.add([(0, 1.0), (1, 1.0), (2, missing), (3, 1.0), (4, 1.0)])
    assert [bucket.column for bucket in buckets.items] == [0, 1, 3, 4]
    assert [bucket.joined for bucket in buckets.items] == [False, True, False, True]


def test_points_out_of_the_range_of_x_are_left_out() -> None:
    buckets = Buckets((10, 20), 11)
    buckets.add([(0, 1.0), (10, 2.0), (20, 3.0), (21, 4.0), (nan, 5.0)])
    assert [bucket.first for bucket in buckets.items] == [2.0, 3.0]


def test_points_added_in_parts_come_to_the_same() -> None:
    points = [(float(x), None if x % 7 == 0 else float(x % 5)) for x in range(100)]
    whole, parts = Buckets((0, 100), 12), Buckets((0, 100), 12)
    whole.add(points)
    for start in range(0, 100, 9):
        parts.add(points[start : start + 9])
    assert parts.items == whole.items
    assert parts.seen == whole.seen == 100


def test_the_extent_knows_only_what_is_drawn() -> None:
    points = [(0.0, 9.0), (1.0, 2.0), (2.0, nan), (3.0, None), (4.0, -inf), (5.0, 3.0)]
    assert plotting.extent(points, (1, 5)) == (2.0, 3.0)
    assert plotting.extent(points, (2, 4)) is None


# --- points by their x ---


def test_the_neighbour_is_the_next_x_within_the_range() -> None:
    points = [(0.0, 1.0), (10.0, nan), (20.0, 2.0), (30.0, 3.0)]
    assert plotting.neighbour(points, 10, 1, (0, 25)) == 20
    assert plotting.neighbour(points, 20, 1, (0, 25)) is None
    assert plotting.neighbour(points, inf, -1, (0, 25)) == 20
    assert plotting.neighbour(points, -inf, 1, (5, 25)) == 10
    assert plotting.neighbour([], 0, 1, (0, 25)) is None


def test_a_value_is_given_only_at_exactly_its_x() -> None:
    points = [(0.0, 1.0), (10.0, 2.0)]
    assert plotting.value_at(points, 10) == 2.0
    assert plotting.value_at(points, 9) is None
    assert plotting.value_at(points, -1) is None


# --- the raster ---


def test_a_falling_line_lands_on_the_dots_of_the_diagonal() -> None:
    raster = Raster(2, 1)
    raster.line((0, 0), (3, 3), series=0)
    assert picture(raster) == ["⠑⢄"]


def test_a_level_line_fills_one_row_of_dots() -> None:
    raster = Raster(3, 1)
    raster.line((0, 2), (5, 2), series=0)
    assert picture(raster) == ["⠤⠤⠤"]


def test_an_upright_line_fills_one_column_of_dots() -> None:
    raster = Raster(1, 2)
    raster.line((1, 7), (1, 1), series=0)
    assert picture(raster) == ["⢰", "⢸"]


def test_a_steep_line_between_neighbours_changes_column_half_way() -> None:
    raster = Raster(1, 1)
    raster.line((0, 3), (1, 0), series=0)
    assert picture(raster) == ["⡜"]


def test_lines_are_clipped_at_the_edges() -> None:
    raster = Raster(1, 1)
    raster.line((-5, -5), (8, 8), series=0)
    raster.line((0, -9), (0, -1), series=0)
    raster.line((0, 4), (1, 40), series=0)
    assert picture(raster) == ["⠑"]


def test_a_cell_belongs_to_the_series_drawn_last() -> None:
    raster = Raster(2, 1)
    raster.line((0, 0), (3, 0), series=0)
    raster.line((0, 3), (1, 3), series=1)
    assert raster.rows() == [[("⣀", 1), ("⠉", 0)]]


def test_empty_cells_belong_to_nobody() -> None:
    assert Raster(1, 1).rows() == [[(" ", None)]]


def test_dashes_go_on_from_line_to_line() -> None:
    raster = Raster(4, 1)
    used = raster.line((0, 0), (4, 0), series=0, dash=(2, 2))
    raster.line((4, 0), (7, 0), series=0, dash=(2, 2), used=used)
    assert picture(raster) == ["⠉ ⠉ "]


def test_a_mark_stands_on_its_cell_whatever_is_drawn_there() -> None:
    raster = Raster(2, 1)
    raster.mark((3, 2), "●", series=1)
    raster.line((0, 0), (3, 0), series=0)
    raster.mark((99, 0), "x", series=1)
    assert raster.rows() == [[("⠉", 0), ("●", 1)]]


def test_the_ascii_raster_has_the_same_interface() -> None:
    raster = Raster(3, 1, ASCII)
    raster.line((0, 0), (2, 2), series=0)
    assert picture(raster) == ["'-."]
    raster.line((0, 0), (0, 2), series=1)
    assert raster.rows()[0][0] == ("|", 1)


def test_every_braille_character_is_used_once() -> None:
    assert len(set(BRAILLE.dots)) == 256


def test_a_line_is_broken_at_a_gap() -> None:
    buckets = Buckets((0, 7), 8)
    buckets.add([(0, 1.0), (1, 1.0), (2, 1.0), (3, nan), (6, 1.0), (7, 1.0)])
    raster = Raster(4, 1)
    plotting.draw_line(raster, buckets.items, (0, 1), series=0)
    assert picture(raster) == ["⠉⠁ ⠉"]


def test_a_line_joins_points_that_are_far_apart() -> None:
    buckets = Buckets((0, 7), 8)
    buckets.add([(0, 1.0), (7, 0.0)])
    raster = Raster(4, 1)
    plotting.draw_line(raster, buckets.items, (0, 1), series=0)
    assert " " not in picture(raster)[0]


# --- cells of text ---


def test_wide_characters_take_two_cells() -> None:
    row = [("x", "")] * 5
    plotting.put(row, 1, [("中a", "s")])
    assert [text for text, _ in row] == ["x", "中", "", "a", "x"]
    assert plotting.width_of(row) == 5


def test_text_stops_at_the_end_of_the_row() -> None:
    row = [("x", "")] * 3
    plotting.put(row, 1, [("a中", "s")])
    assert [text for text, _ in row] == ["x", "a", "x"]


def test_what_changed_is_the_stretch_from_the_first_to_the_last_difference() -> None:
    before = [(c, "") for c in "abcdef"]
    assert plotting.changed(before, list(before)) is None
    assert plotting.changed(before, [(c, "") for c in "abXdYf"]) == (2, 5)


def test_a_changed_wide_character_is_changed_as_a_whole() -> None:
    assert plotting.changed([("中", ""), ("", "")], [("国", ""), ("", "")]) == (0, 2)
