import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tui_finetune.ui.widgets.attention_map import AttentionMap


class Mapped(App[None]):
    def __init__(self, names, rows, cell=(0, 0)):
        super().__init__()
        self._shown = (names, rows, cell)
        self.moved = []

    def compose(self) -> ComposeResult:
        yield AttentionMap()

    def on_mount(self) -> None:
        names, rows, cell = self._shown
        shown = self.query_one(AttentionMap)
        shown.show(names, rows, [sum(weight or 0.0 for weight in row) for row in rows])
        shown.move_to(*cell)

    def on_attention_map_moved(self, event: AttentionMap.Moved) -> None:
        self.moved.append((event.row, event.column))

    @property
    def lines(self):
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


def peaked(size):
    """Each token looks at the next one with 0.75, the rest is shared."""
    rest = 0.25 / (size - 1)
    return [[0.75 if to == (row + 1) % size else rest for to in range(size)]
            for row in range(size)]  # fmt: skip


def words(size):
    return [f"w{number}" for number in range(size)]


async def test_large_weights_are_darker_and_stand_there_as_figures():
    app = Mapped(words(4), peaked(4), (3, 3))
    async with app.run_test(size=(60, 9)):
        for row in range(4):
            line = app.lines[1 + row]
            if row == 3:  # the crosshair's row
                line = line.replace("[", "").replace("]", "")
            assert line.count(".75") == 1
            assert line.index("█") < line.index(".75")
        columns = [app.lines[1 + row].index(".75") for row in range(3)]
        assert columns == sorted(columns)


async def test_the_crosshair_is_said_in_words_and_figures():
    app = Mapped(words(4), peaked(4), (1, 2))
    async with app.run_test(size=(60, 9)):
        assert app.lines[2].startswith("▸w1")
        assert "[" in app.lines[2]
        assert "w1 → w2  0.750   the row sums to 1.000" in app.lines[6]


async def test_there_is_a_taller_row_where_there_is_room():
    app = Mapped(words(4), peaked(4))
    async with app.run_test(size=(60, 20)):
        assert [line.strip("▸ ").split()[0] for line in app.lines[1:9:2]] == words(4)


@pytest.mark.parametrize("cell", [(0, 0), (250, 300), (511, 511), (0, 511)])
async def test_of_many_tokens_those_around_the_crosshair_are_in_sight(cell):
    app = Mapped(words(512), [[1 / 512] * 512] * 512, cell)
    async with app.run_test(size=(80, 20)):
        assert any(line.startswith(f"▸w{cell[0]} ") for line in app.lines)
        assert f"w{cell[1]}" in app.lines[0]
        # the mark stands over the crosshair
        row = next(line for line in app.lines if line.startswith("▸"))
        assert app.lines[0].index("▾") - row.index("[") in (0, 1)
        assert "0.00195" in app.lines[19]


async def test_a_single_token_looks_at_itself():
    app = Mapped(["a"], [[1.0]])
    async with app.run_test(size=(40, 8)):
        assert "a → a  1.000" in "\n".join(app.lines)


async def test_a_weight_that_is_not_known_is_a_dash():
    app = Mapped(words(2), [[None, None], [None, None]])
    async with app.run_test(size=(40, 8)):
        assert "w0 → w0  —" in "\n".join(app.lines)


async def test_names_of_wide_characters_keep_the_columns():
    names = ["映画", "😀", "a", "とてもよかったです"]
    app = Mapped(names, peaked(4), (3, 3))
    async with app.run_test(size=(50, 9)):
        # Each row's large weight stands one column further to the right.
        starts = [cell_len(line[: line.index(".75")]) for line in app.lines[1:4]]
        assert starts[1] - starts[0] == starts[2] - starts[1] > 0
        assert all(cell_len(line) <= 50 for line in app.lines)


async def test_words_stand_where_there_is_no_map():
    app = Mapped(words(3), [])
    async with app.run_test(size=(40, 8)) as pilot:
        app.query_one(AttentionMap).say("the engine has ended")
        await pilot.pause()
        assert app.lines[0] == "the engine has ended"


@pytest.mark.parametrize("height", [9, 20])
async def test_a_click_tells_the_cell(height):
    app = Mapped(words(4), peaked(4))
    async with app.run_test(size=(60, height)) as pilot:
        row = next(y for y, line in enumerate(app.lines) if line.strip().startswith("w2"))
        await pilot.click(AttentionMap, offset=(app.lines[row].index(".75") + 1, row))
        await pilot.pause()
        assert app.moved == [(2, 3)]
