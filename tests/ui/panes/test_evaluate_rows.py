import pytest
from textual.app import App
from textual.content import Content

from tui_finetune.ui.panes.evaluate_list import LineList

from .evaluate_pane import NARROW, WIDE, evaluation, mistake

# --- from a figure to the rows behind it ---


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_enter_on_a_cell_shows_its_mistakes_and_x_all_again(
    evaluated, screen_text, until, size
):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=size) as pilot:
        await open_view(pilot, "confusion")
        assert "x All mistakes" not in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: "true bad predicted good: 1 of 4" in screen_text(app))
        await pilot.press("enter")
        words = "1 of 3 mistakes: “bad” taken for “good”   x shows all"
        await until(pilot, lambda: words in screen_text(app))
        assert "a long text two" in screen_text(app)
        assert "a long text one" not in screen_text(app)
        await pilot.press("x")
        await until(pilot, lambda: "a long text one" in screen_text(app))
        assert "x All mistakes" not in screen_text(app)


async def test_enter_on_the_diagonal_says_that_those_rows_are_right(evaluated, screen_text, until):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "confusion")
        await pilot.press("left", "enter")
        await until(pilot, lambda: "These rows are right" in screen_text(app))
        assert app.view == "confusion"


async def test_enter_on_a_class_shows_the_mistakes_on_its_rows(evaluated, screen_text, until):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "classes")
        order = [line.split()[0] for line in screen_text(app).splitlines() if "├" in line]
        assert order == ["▸", "good"]  # bad, under the cursor, has the lower F1
        assert "F1 0.667  [0.300, 0.900]   4 rows, predicted 5 times" in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: "2 labels, most rows first" in screen_text(app))
        assert "F1 0.727  [0.400, 0.950]   6 rows" in screen_text(app)
        await pilot.press("enter")
        words = "2 of 3 mistakes: “good” taken for another"
        await until(pilot, lambda: words in screen_text(app))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_mistakes_count_rows_from_one_and_open_their_trace(
    evaluated, screen_text, until, size
):
    app, open_view = evaluated(evaluation(text="the \x1btext"))
    async with app.run_test(size=size) as pilot:
        await open_view(pilot, "mistakes")
        assert " 12  98.0%  good → bad " in screen_text(app)
        assert "row 12  true good, predicted bad with 98.0%" in screen_text(app)
        await pilot.press("down")
        await until(pilot, lambda: "row 4  true bad, predicted good" in screen_text(app))
        assert app.traced == []
        await pilot.press("enter")
        await until(pilot, lambda: len(app.traced) == 1)
        # The text as it is in the data, for the model reads it so.
        assert app.traced[0] == (app.pane.run_shown, "the \x1btext two", "bad")


async def test_a_doubtful_label_opens_its_trace(evaluated, screen_text, until):
    app, open_view = evaluated(evaluation())
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "doubts")
        assert "row 12  in the data good, the model suggests bad with 98.0%" in screen_text(app)
        assert "A suggestion, not a verdict." in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.traced)
        assert app.traced[0][1:] == ("a long text one", "good")


async def test_the_whole_of_a_long_text_can_be_read(evaluated, screen_text, until):
    words = " ".join(f"word{number}" for number in range(100))
    app, open_view = evaluated(evaluation(text=words))
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "mistakes")
        assert "word60" not in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: "word99" in screen_text(app))
        await pilot.press("down")
        await until(pilot, lambda: "row 4 " in screen_text(app))
        await pilot.press("space")
        await until(pilot, lambda: "word60" not in screen_text(app))


async def test_ten_thousand_mistakes_are_paged(evaluated, screen_text, until):
    many = [mistake(row, "good", "bad", 1 - row / 1e5, f"text{row}") for row in range(10_000)]
    app, open_view = evaluated(evaluation(mistakes=many, mistakes_total=12_345))
    async with app.run_test(size=NARROW) as pilot:
        await open_view(pilot, "mistakes")
        assert "10,000 of 12,345 mistakes, the most confident ones" in screen_text(app)
        await pilot.press("pagedown", "pagedown", "up")
        lines = app.query_one("#mistakes").query_one(LineList)
        assert lines.cursor == 2 * (lines.size.height - 1) - 1
        await pilot.press("end")
        await until(pilot, lambda: "10,000 of 10,000" in screen_text(app))
        assert "row 10000 " in screen_text(app)


async def test_a_list_draws_only_the_lines_in_sight():
    drawn = []

    def line(number, width):
        drawn.append(number)
        return Content(f"line {number}")

    class Listing(App[None]):
        def compose(self):
            yield LineList()

    app = Listing()
    async with app.run_test(size=(40, 11)) as pilot:
        lines = app.query_one(LineList)
        lines.focus()
        lines.show(1_000_000, line, lambda width: Content(""))
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert set(drawn) <= {*range(10), *range(999_990, 1_000_000)}
        assert lines.cursor == 999_999
        await pilot.click(offset=(3, 1))
        assert lines.cursor == 999_990
