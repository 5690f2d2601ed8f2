import asyncio

import pytest

from tui_finetune.engine.client import EngineClient
from tui_finetune.errors import InputError
from tui_finetune.ui.draft import Draft
from tui_finetune.ui.panes.data_row import cells_words
from tui_finetune.ui.panes.data_table import RowTable

from .data_pane import NARROW, TOTAL, WIDE, Choosing, film_rows


@pytest.fixture
def in_table(draft, answering_engine):
    """Open the pane with the cursor in its table."""
    answering_engine.answers["rows"] = film_rows

    class Opened:
        def __init__(self, size):
            self.app = Choosing(draft, answering_engine)
            self.size = size

        async def __aenter__(self):
            self.test = self.app.run_test(size=self.size)
            self.pilot = await self.test.__aenter__()
            await self.pilot.pause(0.1)
            await self.pilot.press("down")
            await self.pilot.pause(0.1)
            return self.app, self.pilot

        async def __aexit__(self, *problem):
            await self.test.__aexit__(*problem)

    return lambda size=NARROW: Opened(size)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_cursor_in_the_table_gives_it_room_and_only_a_page_is_held(
    size, in_table, answering_engine, screen_text
):
    async with in_table(size) as (app, pilot):
        table = app.query_one(RowTable)
        assert table.size.height > 10
        assert f"film {table.room - 1}" in screen_text(app)
        await pilot.press("pagedown")
        await pilot.pause(0.1)
        assert len(app.pane.contents.rows.page["rows"]) == table.room


async def test_pages_the_ends_and_a_number(in_table, screen_text):
    async with in_table() as (app, pilot):
        room = app.query_one(RowTable).room

        async def at(row, *keys):
            await pilot.press(*keys)
            await pilot.pause(0.1)
            text = screen_text(app)
            assert f"row {row + 1:,} of 1,000" in text
            assert f"film {row} " in text

        await at(room, "pagedown")
        await at(3 * room, "pagedown", "pagedown")
        await at(2 * room, "pageup")
        await at(TOTAL - 1, "end")
        await at(TOTAL - 1, "down", "pagedown")
        await at(TOTAL - room - 1, *["up"] * room)
        await at(0, "home", "up")
        await at(room, *["down"] * room)
        await at(499, "g", *"500", "enter")
        await at(TOTAL - 1, "g", *"99999", "enter")
        await at(TOTAL - 1, "g", "escape")


async def test_pages_that_are_passed_while_one_is_waited_for_are_never_asked_for(
    in_table, answering_engine, screen_text
):
    async with in_table() as (app, pilot):
        room = app.query_one(RowTable).room
        gate = asyncio.Event()

        async def slowly(method, params, on_progress=None):
            answering_engine.asked.append((method, params))
            await gate.wait()
            return film_rows(params)

        answering_engine.request = slowly
        answering_engine.asked.clear()
        await pilot.press(*["pagedown"] * 9)
        gate.set()
        await pilot.pause(0.1)
        assert [asked["offset"] for asked in answering_engine.of("rows")] == [room, 9 * room]
        assert f"row {9 * room + 1} of" in screen_text(app)


async def test_the_last_row_of_what_was_not_read_to_its_end_is_read_for_on_end(
    in_table, answering_engine, screen_text, until
):
    async with in_table() as (app, pilot):
        answering_engine.answers["rows"] = lambda params: {**film_rows(params), "total": None}
        await pilot.press("pagedown")
        await until(pilot, lambda: "of — · not read to its end yet" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: "asking for the rows" in screen_text(app))
        assert len(answering_engine.of("read_whole")) == 1
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "read_whole" in answering_engine.taken_back
        answering_engine.answers |= {"read_whole": lambda params: {"train": TOTAL}}
        answering_engine.answers["rows"] = film_rows
        await pilot.press("end")
        await pilot.pause(0.1)
        assert "row 1,000 of 1,000" in screen_text(app)


async def test_a_page_that_fails_says_why(in_table, answering_engine, screen_text):
    async with in_table() as (app, pilot):
        answering_engine.answers["rows"] = lambda params: InputError("films.csv: line 7 is torn")
        await pilot.press("pagedown")
        await pilot.pause(0.1)
        assert "✗ films.csv: line 7 is torn" in screen_text(app)
        answering_engine.answers["rows"] = film_rows
        await pilot.press("pagedown")
        await pilot.pause(0.1)
        assert "✗" not in screen_text(app)


async def test_many_columns_come_into_sight_by_a_key(in_table, answering_engine, screen_text):
    names = ["text", "label", *(f"column {number}" for number in range(30))]

    def wide_rows(params):
        rows = [[f"film {params['offset']}", "good", *range(30)]] * params["limit"]
        return {**film_rows(params), "columns": names, "rows": rows}

    answering_engine.answers["rows"] = wide_rows
    async with in_table() as (app, pilot):
        answering_engine.answers["rows"] = wide_rows
        app.pane.contents.rows._forget()
        app.pane.contents.rows._ask(0, 0)
        await pilot.pause(0.1)
        text = screen_text(app)
        assert "columns 1 to" in text
        assert "column 29" not in text
        # What is learnt comes first, then the text.
        header = next(line for line in text.splitlines() if line.strip().startswith("row  "))
        assert header.split()[1:3] == ["label", "text"]
        await pilot.press(*["shift+right"] * 40)
        assert "column 29" in screen_text(app)
        await pilot.press(*["shift+left"] * 40)
        assert "label" in screen_text(app)


async def test_s_shows_the_next_split(in_table, answering_engine, screen_text):
    def two(params):
        split = params["split"] or "train"
        rows = film_rows(params)["rows"]
        return {
            **film_rows(params), "splits": {"train": TOTAL, "test": TOTAL}, "split": split,
            "rows": [[f"{split} {text}", label] for text, label in rows],
        }  # fmt: skip

    async with in_table() as (app, pilot):
        answering_engine.answers["rows"] = two
        await pilot.press("pagedown")
        await pilot.pause(0.1)
        assert "split train of train, test (s)" in screen_text(app)
        await pilot.press("s")
        await pilot.pause(0.1)
        assert "test film 0" in screen_text(app)


async def test_enter_opens_a_row_whole_and_the_arrows_the_rows_beside_it(
    in_table, answering_engine, screen_text
):
    def whole(params):
        if params["limit"] > 1:
            return film_rows(params)
        rows = [[f"film {params['offset']} " + "at length " * 100 + "END", None]]
        return {**film_rows(params), "rows": rows}

    answering_engine.answers["rows"] = whole
    async with in_table() as (app, pilot):
        answering_engine.answers["rows"] = whole
        await pilot.press("down", "enter")
        await pilot.pause(0.1)
        text = screen_text(app)
        assert "row 2 of train" in text
        assert "film 1 at length" in text
        await pilot.press("pagedown", "pagedown")
        assert "END" in screen_text(app)
        assert "nothing stands here" in screen_text(app)
        await pilot.press("right")
        await pilot.pause(0.1)
        assert "row 3 of train" in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.focused, RowTable)


async def test_an_empty_text_differs_from_a_missing_one(in_table, answering_engine, screen_text):
    async with in_table() as (app, pilot):
        answering_engine.answers["rows"] = lambda params: {
            **film_rows(params), "rows": [["", None]], "total": 1,
        }  # fmt: skip
        app.pane.contents.rows._ask(0, 0)
        await pilot.pause(0.1)
        line = next(line for line in screen_text(app).splitlines() if line.startswith(" ▸"))
        assert line.split() == ["▸", "1", "—", '""']
    words = cells_words(["text", "label"], ["", None]).plain
    assert words == "text  0 characters\nan empty text\n\nlabel\nnothing stands here"


@pytest.mark.slow
async def test_any_page_of_a_parquet_file_that_the_engine_reads(
    tmp_path, screen_text, until, draft
):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = [f"film {number}" for number in range(50_000)]
    parquet.write_table(
        pa.table({"text": texts, "label": ["a", "b"] * 25_000}), tmp_path / "f.parquet"
    )
    engine, draft = EngineClient(tmp_path), Draft()
    app = Choosing(draft, engine)
    try:
        async with app.run_test(size=NARROW) as pilot:
            app.pane.choose(str(tmp_path / "f.parquet"))
            await until(pilot, lambda: "film 0" in screen_text(app), 60)
            await pilot.press("down", "end")
            await until(pilot, lambda: "film 49999" in screen_text(app), 60)
            await pilot.press("g", *"25000", "enter")
            await until(pilot, lambda: "row 25,000 of 50,000" in screen_text(app), 60)
            assert "film 24999" in screen_text(app)
    finally:
        engine.close()
