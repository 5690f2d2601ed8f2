import pytest

from tui_finetune.errors import InputError
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.panes.data_findings import item_detail, item_line, items
from tui_finetune.ui.panes.data_quality import looked_words
from tui_finetune.ui.panes.evaluate_list import LineList

from .data_pane import NARROW, WIDE, Choosing, film_rows, finding, quality, rows_at


@pytest.fixture
def open_quality(draft, answering_engine):
    """Open the quality view with these findings in it."""

    def opened(*findings, **changes):
        answering_engine.answers |= {
            "rows": film_rows,
            "rows_at": rows_at,
            "quality": lambda params: quality(*findings, **changes),
        }
        return Choosing(draft, answering_engine)

    return opened


async def enter(app, pilot):
    """Go into the quality view."""
    await pilot.pause(0.3)
    app.pane.contents.show_view("quality")
    app.pane.action_enter_view()
    await pilot.pause(0.2)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_list_has_the_grave_first_with_counts_and_what_to_do(
    size, open_quality, screen_text
):
    torn = finding("Same text, different labels", severity="error", count=1, unit="text", fix=None)
    app = open_quality(finding(), torn, finding("Tiny labels", severity="info", fix=None, rows=[]))
    async with app.run_test(size=size) as pilot:
        await enter(app, pilot)
        text = screen_text(app)
        assert "1 error, 1 warning, 1 remark" in text
        order = [text.index(words) for words in ("✗          1 text", "!          3 rows", "·   ")]
        assert order == sorted(order)
        assert "Leave the copies out." in text
        assert "No decision mends this; the data itself must." in text
        await pilot.press("down")
        await pilot.pause()
        text = screen_text(app)
        assert "f mends it: data.drop_duplicates = true" in text
        assert "Enter shows 3 rows" in text


async def test_enter_opens_the_rows_of_a_line_and_enter_on_one_opens_it_whole(
    open_quality, screen_text, answering_engine
):
    app = open_quality(finding(more_rows=1200, count=1203))
    async with app.run_test(size=NARROW) as pilot:
        await enter(app, pilot)
        await pilot.press("enter")
        await pilot.pause(0.2)
        text = screen_text(app)
        assert "Repeated rows  3 of 1,203 rows" in text
        assert [(a["part"], a["rows"]) for a in answering_engine.of("rows_at")] == [
            ("train", [4, 9]),
            ("test", [2]),
        ]
        lines = [line.split() for line in text.splitlines() if " film " in line]
        # Rows of one group are joined at their side; rows are counted from 1 for the eye.
        assert lines[0][:4] == ["▸", "5", "train", "┌"]
        assert lines[1][:3] == ["10", "train", "└"]
        assert lines[2][:2] == ["3", "test"]
        assert "positive | train film 4" in text
        await pilot.press("down", "down", "enter")
        await pilot.pause(0.2)
        assert "row 3 of test" in screen_text(app)
        assert answering_engine.of("rows_at")[-1]["rows"] == [2]
        await pilot.press("left")
        await pilot.pause(0.2)
        assert "row 10 of train" in screen_text(app)
        await pilot.press("escape", "escape")
        await pilot.pause(0.1)
        assert "1 warning" in screen_text(app)
        assert isinstance(app.focused, LineList)


async def test_f_takes_the_fix_into_the_recipe_and_takes_a_decision_back(
    open_quality, draft, profile, answering_engine, screen_text
):
    app = open_quality(finding())

    def look(params):
        dropped = params["data"]["drop_duplicates"]
        decision = {
            "key": "data.drop_duplicates", "value": True, "rows": 3, "message": "3 rows left out",
        }  # fmt: skip
        return profile(decisions=[decision] if dropped else [])

    answering_engine.answers["profile"] = look
    answering_engine.answers["quality"] = lambda params: (
        quality() if params["data"]["drop_duplicates"] else quality(finding())
    )
    async with app.run_test(size=NARROW) as pilot:
        await enter(app, pilot)
        await pilot.press("f")
        await pilot.pause(0.5)
        assert draft.value("data.drop_duplicates") is True
        assert len(answering_engine.of("profile")) == 1
        text = screen_text(app)
        assert "Nothing doubtful was found" in text
        assert "✓          3 rows    Decided: data.drop_duplicates = true" in text
        await pilot.press("f")
        await pilot.pause(0.5)
        assert draft.value("data.drop_duplicates") is False
        assert "Repeated rows" in screen_text(app)


async def test_looking_takes_its_time_and_can_be_taken_back(
    draft, answering_engine, screen_text, profile
):
    answering_engine.answers = {"rows": film_rows}
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await enter(app, pilot)
        assert "Esc cancels" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause(0.3)
        assert answering_engine.taken_back == ["quality"]
        assert "Not looked through yet; r looks for more." in screen_text(app)
        draft.changed()
        await pilot.pause(0.3)
        assert len(answering_engine.of("quality")) == 1
        answering_engine.answers["quality"] = lambda params: InputError("the disk is full")
        await pilot.press("r")
        await pilot.pause(0.3)
        assert "✗ the disk is full" in screen_text(app)


async def test_much_data_is_looked_through_only_when_that_is_wanted(
    draft, profile, answering_engine
):
    draft.data = Finding(result=profile(rows=5_000_000))
    answering_engine.answers = {"rows": film_rows}
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.3)
        assert answering_engine.of("quality") == []
        app.pane.contents.show_view("quality")
        await pilot.pause(0.1)
        assert len(answering_engine.of("quality")) == 1


async def test_t_shows_the_tokens_of_a_row(open_quality, answering_engine):
    app = open_quality(finding())
    async with app.run_test(size=NARROW) as pilot:
        await enter(app, pilot)
        await pilot.press("enter")
        await pilot.pause(0.2)
        await pilot.press("down", "t")
        await pilot.pause(0.1)
        assert app.pane.contents.view == "tokens"
        (asked,) = answering_engine.of("tokens")
        assert asked["row"] == ["train", 9]


def test_what_the_profile_refuses_is_listed_once(profile):
    empty = {"title": "Empty cells", "message": "m", "severity": "error", "count": 2}
    other = {"title": "No labels", "message": "m", "severity": "error", "count": 1, "fix": None}
    looked = profile(problems=[empty, other])
    assert [item.title for item in items(looked, None)] == ["Empty cells", "No labels"]
    listed = items(looked, quality(finding("Empty texts", severity="error")))
    assert [item.title for item in listed] == ["No labels", "Empty texts"]


def test_a_merge_of_labels_is_said_in_words():
    fix = {"data.merge_labels": {"Positive": "positive", "[/]\x1b": "negative"}}
    (item,) = items({"problems": []}, quality(finding(fix=fix)))
    words = item_detail(item).plain
    assert "“Positive” as “positive”, “[/]�” as “negative”" in words
    assert item_line(item, 80).plain.endswith("f mends it")


def test_a_bounded_look_says_so():
    assert looked_words(quality()) == ""
    words = looked_words(
        quality(
            looked_at={"train": [1_000_000, 3_000_000]},
            near={
                "similarity": 0.8,
                "characters": 1000,
                "looked_at": {"train": [100_000, 3_000_000]},
            },
        )
    )
    assert "only the first 1,000,000 of 3,000,000 rows of train" in words
    assert "for near duplicates at 100,000 of 3,000,000 rows of train" in words
