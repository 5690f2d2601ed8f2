import pytest

from tui_finetune.errors import InputError
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.panes.data_details import DetailsScreen, fields_of

from .data_pane import NARROW, WIDE, Choosing, film_rows, quality


@pytest.fixture
def app(draft, profile, answering_engine):
    """The pane over data that was read; its separator decides how many columns there are."""

    def rows(params):
        reading = params["data"]["reading"]
        if reading["separator"] == "|":
            return InputError("films.csv: line 3 has 1 field where most lines have 2")
        separator = "semicolon" if reading["separator"] == ";" else "comma"
        detected = {"kind": "delimited text", "encoding": "utf-8", "separator": separator}
        return {**film_rows(params), "detected": detected}

    draft.data = Finding(result=profile(source_splits={"train": 900, "test": 100}))
    answering_engine.answers = {
        "rows": rows,
        "quality": lambda params: quality(),
        "profile": lambda params: profile(source_splits={"train": 900, "test": 100}),
    }
    return Choosing(draft, answering_engine)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_what_was_detected_can_be_changed_with_the_rows_in_sight(
    size, app, draft, answering_engine, screen_text
):
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.2)
        await pilot.press("ctrl+r")
        await pilot.pause(0.2)
        text = screen_text(app)
        for words in (
            "‹ detected: utf-8 ›", "detected: comma separated", "detected: header line",
            "Test rows", "film 2",
        ):  # fmt: skip
            assert words in text
        await pilot.press("down", "right", "right")
        await pilot.pause(0.6)
        assert "semicolon separated" in screen_text(app)
        assert draft.value("data.reading.separator") is None
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert draft.value("data.reading.separator") == ";"
        assert len(answering_engine.of("profile")) == 1


async def test_back_to_what_is_detected_and_escape_changes_nothing(app, draft):
    draft.set("data.reading.separator", ";")
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        await pilot.press("ctrl+r", "down", "delete", "escape")
        await pilot.pause(0.1)
        assert draft.value("data.reading.separator") == ";"
        await pilot.press("ctrl+r", "down", "delete", "enter")
        await pilot.pause(0.1)
        assert draft.value("data.reading.separator") is None


async def test_a_reading_that_does_not_fit_says_why(app, screen_text):
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        await pilot.press("ctrl+r", "down", *"|")
        await pilot.pause(0.6)
        assert "✗ films.csv: line 3 has 1 field where most lines have 2" in screen_text(app)


async def test_values_can_be_typed_and_what_is_none_is_refused(app, draft, screen_text):
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.2)
        await pilot.press("ctrl+r", *"utf-99", "enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, DetailsScreen)
        assert "'utf-99' is not allowed here" in screen_text(app)
        await pilot.press(*["backspace"] * 6, *"cp437", *["down"] * 4, *"x")
        assert "x▏" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "write a whole number of lines" in screen_text(app)
        await pilot.press("backspace", "7", *["down"] * 3, *"train[:10%]", "down", "right", "right")
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert not isinstance(app.screen, DetailsScreen)
        assert draft.value("data.reading.encoding") == "cp437"
        assert draft.value("data.reading.skip_lines") == 7
        assert draft.value("data.splits.train") == "train[:10%]"
        assert draft.value("data.splits.validation") == "test"
        draft.undo()
        assert draft.value("data.reading.encoding") is None


def test_how_it_is_read_is_offered_only_where_it_is_text():
    def keys(detected, failed=False):
        return [field.key for field in fields_of(detected, {}, ["train"], failed)]

    assert keys({"kind": "Parquet"})[0] == "data.label_separator"
    assert keys({"kind": "text files", "encoding": "utf-8"})[:2] == [
        "data.reading.encoding",
        "data.label_separator",
    ]
    assert len(keys({}, failed=True)) == 10
