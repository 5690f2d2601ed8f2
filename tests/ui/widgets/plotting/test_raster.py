"""Lines and marks on the grid of dots."""

from math import nan

from tui_finetune.ui.widgets.plotting.axes import Scale
from tui_finetune.ui.widgets.plotting.buckets import Buckets
from tui_finetune.ui.widgets.plotting.raster import (
    ASCII,
    BRAILLE,
    DASHED,
    Raster,
    draw_arrows,
    draw_line,
)


def picture(raster: Raster) -> list[str]:
    return ["".join(character for character, _ in row) for row in raster.rows()]


def buckets_of(points: list[tuple[float, float]], x: Scale, y: Scale) -> Buckets:
    buckets = Buckets(x, y)
    buckets.add([x for x, _ in points], [y for _, y in points], len(points))
    return buckets


def test_a_falling_line_lands_on_the_dots_of_the_diagonal() -> None:
    raster = Raster(2, 1)
    raster.line((0, 0), (3, 3), layer=0)
    assert picture(raster) == ["⠑⢄"]


def test_a_level_line_fills_one_row_of_dots() -> None:
    raster = Raster(3, 1)
    raster.line((0, 2), (5, 2), layer=0)
    assert picture(raster) == ["⠤⠤⠤"]


def test_an_upright_line_fills_one_column_of_dots() -> None:
    raster = Raster(1, 2)
    raster.line((1, 7), (1, 1), layer=0)
    assert picture(raster) == ["⢰", "⢸"]


def test_a_steep_line_between_neighbours_changes_column_half_way() -> None:
    raster = Raster(1, 1)
    raster.line((0, 3), (1, 0), layer=0)
    assert picture(raster) == ["⡜"]


def test_lines_are_clipped_at_the_edges() -> None:
    raster = Raster(1, 1)
    raster.line((-5, -5), (8, 8), layer=0)
    raster.line((0, -9), (0, -1), layer=0)
    raster.line((0, 4), (1, 40), layer=0)
    assert picture(raster) == ["⠑"]


def test_a_line_from_far_away_costs_no_more_than_what_is_seen_of_it() -> None:
    raster = Raster(3, 1)
    raster.line((-(10**12), 2), (10**12, 2), layer=0)
    assert picture(raster) == ["⠤⠤⠤"]


def test_a_cell_belongs_to_the_layer_drawn_last() -> None:
    raster = Raster(2, 1)
    raster.line((0, 0), (3, 0), layer=0)
    raster.line((0, 3), (1, 3), layer=1)
    assert raster.rows() == [[("⣀", 1), ("⠉", 0)]]


def test_empty_cells_belong_to_nobody() -> None:
    assert Raster(1, 1).rows() == [[(" ", None)]]


def test_dashes_go_on_from_line_to_line() -> None:
    raster = Raster(4, 1)
    used = raster.line((0, 0), (4, 0), layer=0, dash="##  ")
    raster.line((4, 0), (7, 0), layer=0, dash="##  ", used=used)
    assert picture(raster) == ["⠉ ⠉ "]


def test_a_mark_stands_on_its_cell_whatever_is_drawn_there() -> None:
    raster = Raster(2, 1)
    raster.mark((3, 2), "●", layer=1)
    raster.line((0, 0), (3, 0), layer=0)
    raster.mark((99, 0), "x", layer=1)
    assert raster.rows() == [[("⠉", 0), ("●", 1)]]


def test_the_ascii_raster_has_the_same_interface() -> None:
    raster = Raster(3, 1, ASCII)
    raster.line((0, 0), (2, 2), layer=0)
    assert picture(raster) == ["'-."]
    raster.line((0, 0), (0, 2), layer=1)
    assert raster.rows()[0][0] == ("|", 1)


def test_every_braille_character_is_used_once() -> None:
    assert len(set(BRAILLE.dots)) == 256


def test_a_line_is_broken_at_a_gap() -> None:
    x, y = Scale(0, 7, 8), Scale(0, 1, 4)
    buckets = buckets_of([(0, 1), (1, 1), (2, 1), (3, nan), (6, 1), (7, 1)], x, y)
    raster = Raster(4, 1)
    draw_line(raster, buckets.items, y, layer=0)
    assert picture(raster) == ["⠉⠁ ⠉"]


def test_a_line_joins_points_that_are_far_apart() -> None:
    x, y = Scale(0, 7, 8), Scale(0, 1, 4)
    raster = Raster(4, 1)
    draw_line(raster, buckets_of([(0, 1), (7, 0)], x, y).items, y, layer=0)
    assert " " not in picture(raster)[0]


def test_a_line_between_points_out_of_sight_crosses_the_picture() -> None:
    x, y = Scale(40, 47, 8), Scale(0, 1, 4)
    raster = Raster(4, 1)
    draw_line(raster, buckets_of([(0, 0.33), (100, 0.33)], x, y).items, y, layer=0)
    assert picture(raster) == ["⠤⠤⠤⠤"]


def test_drawing_on_from_a_column_comes_to_the_same_as_drawing_it_all() -> None:
    x, y = Scale(0, 99, 60), Scale(0, 10, 20)
    points = [(float(n), (n * 7919 % 101) / 10) for n in range(0, 100, 3)]
    for dash in ("#", DASHED):
        whole, parts = Raster(30, 5), Raster(30, 5)
        buckets = buckets_of(points, x, y)
        for raster in (whole, parts):
            draw_line(raster, buckets.items, y, 0, dash)
        parts.clear(17)
        assert picture(parts) != picture(whole)
        draw_line(parts, buckets.items, y, 0, dash, from_column=34)
        assert parts.rows() == whole.rows()


def test_arrows_point_to_what_is_outside() -> None:
    x, y = Scale(0, 7, 8), Scale(0, 1, 12)
    raster = Raster(4, 3)
    draw_arrows(raster, buckets_of([(0, 9), (4, 0.5), (7, -9)], x, y).items, y, layer=0)
    assert picture(raster) == ["↑   ", "    ", "   ↓"]
