import pytest

from tui_finetune.ui.widgets.lens import leading_labels, lens_lines, stacked_bar

LENS = [[0.1, 0.6, 0.3], [0.3, 0.5, 0.2], [0.6, 0.3, 0.1], [0.9, 0.06, 0.04]]
LABELS = ["good", "bad", "so-so"]


def drawn(lens=LENS, labels=LABELS, width=76, height=10, layer=2, notes=None):
    lines = lens_lines(lens, labels, width=width, height=height, layer=layer, notes=notes or {})
    return [line.plain for line in lines]


def test_the_label_that_wins_comes_first_then_those_that_came_highest():
    assert leading_labels(LENS) == [0, 1, 2]
    assert leading_labels([[0.1, 0.2, 0.3, 0.4], [0.05, 0.6, 0.15, 0.2]]) == [1, 3, 2]


def test_each_label_has_its_share_of_the_bar():
    bar = stacked_bar([0.5, 0.25, 0.25], [0, 1], 40).plain
    assert (bar.count("█"), bar.count("▒"), len(bar)) == (20, 10, 40)


@pytest.mark.parametrize("width", [1, 7, 33])
def test_a_bar_has_its_width_whatever_the_rounding(width):
    for shares in (*LENS, [1.0, 0.0, 0.0], [0.34, 0.33, 0.33], [None, None, None]):
        assert len(stacked_bar(shares, [2, 0, 1], width).plain) == width


def test_each_layer_names_the_label_that_leads_there():
    lines = drawn(notes={2: "turns here"})
    assert [name in line for line, name in
            zip(lines[1:], ["bad", "bad", "good", "good"], strict=True)] == [True] * 4  # fmt: skip
    assert "0.60" in lines[3]
    assert lines[3].startswith("▸2")
    assert lines[3].rstrip().endswith("turns here")


def test_a_layer_that_is_not_known_has_a_dash():
    assert "—" in drawn([[None, None, None], LENS[3]], layer=1)[1]


def test_of_many_layers_those_around_the_present_one_are_in_sight():
    lens = [[1 - layer / 50, layer / 50] for layer in range(49)]
    for layer in (0, 20, 48):
        lines = drawn(lens, ["a", "b"], height=8, layer=layer)
        assert len(lines) == 8
        assert sum(line.startswith("▸") for line in lines) == 1


@pytest.mark.parametrize("width", [40, 60, 120])
def test_lines_keep_to_their_width(width):
    labels = ["映画" * 30, "x" * 200, "so-so"]
    for line in lens_lines(LENS, labels, width=width, height=9, layer=1, notes={}):
        assert line.cell_length <= width
