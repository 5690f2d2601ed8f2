import pytest
from textual.app import App, ComposeResult

from tui_finetune.ui.widgets.reliability import Reliability, reliability_lines


def one_bin(confidence, accuracy, rows=10):
    return {"low": 0.5, "high": 0.6, "rows": rows, "confidence": confidence, "accuracy": accuracy}


def line(one, width=71):
    """Return the line of a bin; at a width of 71 its bar has 20 cells."""
    return reliability_lines([one], width).plain.splitlines()[1]


def test_a_line_has_the_edges_the_rows_the_score_and_the_accuracy():
    assert line(one_bin(0.555, 0.75, 1234)).split()[:6] == [
        "0.50", "to", "0.60", "1234", "0.555", "0.750",
    ]  # fmt: skip


def test_the_bar_is_the_accuracy_and_the_mark_the_mean_score():
    drawn = line(one_bin(0.25, 0.75))[35:55]
    assert drawn == "█████◆█████████     "
    assert line(one_bin(0.9, 0.5))[35:55] == "██████████        ◆ "
    assert line(one_bin(1.0, 1.0))[35:55] == "█" * 19 + "◆"
    assert line(one_bin(0.0, 0.0))[35:55] == "◆" + " " * 19


@pytest.mark.parametrize(
    ("confidence", "accuracy", "words"),
    [
        (0.9, 0.5, "-0.40 too sure"),
        (0.5, 0.9, "+0.40 unsure"),
        (0.9, 0.89, "-0.01"),
        (0.5, 0.51, "+0.01"),
    ],
)
def test_the_difference_says_in_which_direction_it_is_off(confidence, accuracy, words):
    assert line(one_bin(confidence, accuracy)).endswith(f"  {words}")


@pytest.mark.parametrize("one", [one_bin(None, None, 0), one_bin(None, 0.5), one_bin(0.5, None)])
def test_what_is_not_known_is_a_dash_without_a_bar(one):
    text = line(one)
    assert text.count("—") == 2
    assert not set("█◆") & set(text)


def test_empty_bins_side_by_side_are_one_line():
    edges = [(0.0, 0.2, 0), (0.2, 0.4, 0), (0.4, 0.6, 3), (0.6, 0.7, 0), (0.7, 1.0, 0)]
    bins = [
        {"low": low, "high": high, "rows": rows, "confidence": low or None, "accuracy": 0.5}
        for low, high, rows in edges
    ]
    lines = reliability_lines(bins, 71).plain.splitlines()[1:]
    assert [line[:12] for line in lines] == ["0.00 to 0.40", "0.40 to 0.60", "0.60 to 1.00"]
    assert len(reliability_lines([], 71).plain.splitlines()) == 1


@pytest.mark.parametrize("width", [61, 80, 160])
async def test_the_lines_fit_the_width(width):
    bins = [
        {
            "low": n / 10,
            "high": (n + 1) / 10,
            "rows": 7 * n + 1,
            "confidence": n / 10,
            "accuracy": 0.5,
        }
        for n in range(10)
    ]

    class Calibrated(App[None]):
        def compose(self) -> ComposeResult:
            yield Reliability()

    app = Calibrated()
    async with app.run_test(size=(width, 20)) as pilot:
        diagram = app.query_one(Reliability)
        diagram.show(bins)
        await pilot.pause()
        lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
        assert len([text for text in lines if " to " in text]) == 10
        assert diagram.size.height == 11
        assert lines[10].endswith("too sure")
        assert min(width, 111) - 6 <= len(lines[10]) <= width
