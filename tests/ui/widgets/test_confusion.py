import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Container

from tui_finetune.ui.widgets.confusion import ConfusionMatrix, fit, short_names

LABELS = ["joy", "love", "anger"]
COUNTS = [[90, 9, 1], [25, 15, 10], [0, 0, 0]]
MANY = [f"intent {number}" for number in range(40)]
HOSTILE = "[/] \x1b]52;c;AAAA\x07 \u202egnol " + "x" * 300


class Confusing(App[None]):
    CSS = "ConfusionMatrix { height: 100%; }"

    def __init__(self, labels, counts):
        super().__init__()
        self.matrix = ConfusionMatrix()
        self.matrix.show(labels, counts)
        self.messages = []

    def compose(self) -> ComposeResult:
        yield self.matrix

    def on_mount(self) -> None:
        self.matrix.focus()

    def lines(self):
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    def style_at(self, column, row):
        return self.screen.get_style_at(column, row)

    def on_confusion_matrix_moved(self):
        self.messages.append("moved")

    def on_confusion_matrix_chosen(self):
        self.messages.append("chosen")

    def on_confusion_matrix_left(self, message):
        self.messages.append(message.side)


def diagonal(size):
    return [[row * (row == column) for column in range(size)] for row in range(size)]


async def test_true_labels_stand_down_and_predicted_ones_across():
    app = Confusing(LABELS, COUNTS)
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        caption, names, *rows = app.lines()
        assert "predicted →" in caption
        assert names.split() == ["true", "↓", *LABELS]
        assert [row.split()[0] for row in rows] == LABELS
        assert rows[1].split()[1:] == ["25", "▒", "15", "░", "10", "░"]
        assert rows[2].split()[1:] == ["·", "·", "·"]  # no row of that label: no share, no sign


async def test_a_larger_share_of_a_label_has_a_lighter_ground():
    app = Confusing(LABELS, COUNTS)
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        row = app.lines()[3]
        lightness = [
            sum(app.style_at(row.index(count), 3).bgcolor.triplet) for count in ("25", "15", "10")
        ]
        assert lightness == sorted(lightness, reverse=True)
        assert len(set(lightness)) == 3


async def test_where_there_is_room_cells_are_tall_and_show_their_share():
    app = Confusing(LABELS, COUNTS)
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.pause()
        assert app.lines()[4].split() == ["90%", "9%", "1%"]


async def test_the_cursor_moves_by_the_arrows_and_leaves_at_the_sides():
    app = Confusing(LABELS, COUNTS)
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        assert app.lines()[2].split()[1] == "["
        await pilot.press("up", "down", "right", "right", "right", "down", "down", "home")
        assert app.matrix.cell == (2, 0)
        await pilot.press("left", "enter")
        assert app.messages == ["moved", "moved", "moved", 1, "moved", "moved", -1, "chosen"]


async def test_a_click_moves_and_a_second_one_chooses():
    app = Confusing(LABELS, COUNTS)
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        place = (app.lines()[3].index("15"), 3)
        await pilot.click(offset=place)
        assert app.matrix.cell == (1, 1)
        await pilot.click(offset=place)
        await pilot.click(offset=(0, 0))
        assert app.messages == ["moved", "chosen"]


async def test_what_the_cell_counts_is_said_in_words():
    matrix = ConfusionMatrix()
    matrix.show(LABELS, COUNTS)
    assert matrix.describe().plain == "true joy predicted joy: 90 of 100 rows (90.0%)  right"
    matrix._row, matrix._column = 2, 0
    assert matrix.describe().plain == "true anger predicted joy: 0 of 0 rows  wrong"


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_many_labels_scroll_with_the_cursor(size):
    app = Confusing(MANY, diagonal(40))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "columns 1 to" in app.lines()[0]
        await pilot.press("end", *["down"] * 39)
        await pilot.pause()
        lines = app.lines()
        assert "to 40 of 40" in lines[0]
        last = [line for line in lines if line][-1]
        assert last.startswith("intent 39")
        assert last.endswith("[ 39 █]")
        assert all(len(line) <= size[0] for line in lines)


async def test_a_cell_that_is_told_to_is_brought_into_sight():
    app = Confusing(MANY, diagonal(40))
    async with app.run_test(size=(80, 12)) as pilot:
        app.matrix.move_to(25, 25)
        await pilot.pause()
        assert any("[" in line and "25" in line for line in app.lines())


async def test_two_hundred_labels_are_drawn_without_delay():
    app = Confusing([f"label {number}" for number in range(200)], diagonal(200))
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        drawn = []
        monitor = app.matrix.render

        def render():
            drawn.append(monitor())
            return drawn[-1]

        app.matrix.render = render
        await pilot.press("end")
        await pilot.pause()
        assert len(drawn) == 1
        assert len(drawn[0].plain.splitlines()) <= 48


@pytest.mark.parametrize("label", [HOSTILE, "映画" * 60, "", "\u202e"])
async def test_hostile_labels_stay_in_their_columns(label):
    app = Confusing([label, "plain"], [[5, 2], [1, 7]])
    async with app.run_test(size=(80, 4)) as pilot:
        await pilot.pause()
        lines = app.lines()
        assert not set("\x1b\x07\u202e") & set("".join(lines))
        first, second = lines[2:4]
        ends = [
            cell_len(line[: line.rindex(count)]) for line, count in ((first, "2"), (second, "7"))
        ]
        assert ends[0] == ends[1]


async def test_nothing_to_show_is_nothing_shown():
    app = Confusing([], [])
    async with app.run_test(size=(40, 4)) as pilot:
        await pilot.press("left", "right", "up", "down", "home", "end", "enter")
        assert not any(app.lines())
        assert app.matrix.describe().plain == ""


async def test_its_height_is_that_of_its_labels():
    class Above(Confusing):
        CSS = "Container { height: 10; }"

        def compose(self):
            with Container():
                yield self.matrix

    app = Above(LABELS, COUNTS)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        assert app.matrix.size.height == 5


def test_labels_that_begin_alike_are_told_apart_by_their_ends():
    assert short_names(["intent 1", "intent 2", "other"], 5) == ["…nt 1", "…nt 2", "other"]
    assert short_names(["joy", "love"], 5) == ["joy  ", "love "]
    names = short_names(["映画映画映画一", "映画映画映画二"], 6)
    assert [cell_len(name) for name in names] == [6, 6]
    assert names[0] != names[1]


@pytest.mark.parametrize("width", [0, 1, 2, 5, 9])
def test_a_text_is_fitted_to_its_width(width):
    for text in ("", "a", "abcdefgh", "映画映画"):
        assert cell_len(fit(text, width)) == width
