"""Rows of styled cells."""

from tui_finetune.ui.widgets.plotting.cells import changed, cut, put, width_of


def test_wide_characters_take_two_cells() -> None:
    row = [("x", "")] * 5
    put(row, 1, [("中a", "s")])
    assert [text for text, _ in row] == ["x", "中", "", "a", "x"]
    assert width_of(row) == 5


def test_text_stops_at_the_end_of_the_row() -> None:
    row = [("x", "")] * 3
    put(row, 1, [("a中", "s")])
    assert [text for text, _ in row] == ["x", "a", "x"]


def test_what_changed_is_the_stretch_from_the_first_to_the_last_difference() -> None:
    before = [(c, "") for c in "abcdef"]
    assert changed(before, list(before)) is None
    assert changed(before, [(c, "") for c in "abXdYf"]) == (2, 5)


def test_a_changed_wide_character_is_changed_as_a_whole() -> None:
    assert changed([("中", ""), ("", "")], [("国", ""), ("", "")]) == (0, 2)


def test_text_that_does_not_fit_ends_in_two_dots() -> None:
    assert cut("learning rate", 20) == "learning rate"
    assert cut("learning rate", 8) == "learni.."
    assert cut("learning rate", 0) == ""
