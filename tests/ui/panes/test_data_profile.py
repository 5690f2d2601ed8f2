import pytest
from textual.content import Content

from tui_finetune.errors import InputError
from tui_finetune.ui.draft import Finding
from tui_finetune.ui.panes.data_lengths import cut_lines, histogram, label_note, token_lines
from tui_finetune.ui.panes.data_profile import column_words, label_words

from .data_pane import NARROW, TOKEN_LENGTHS, WIDE, Choosing, film_rows, quality


def plain(lines):
    """Return lines as plain text."""
    return "\n".join(line.plain.rstrip() for line in lines)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_profile_shows_labels_cut_shares_and_lengths_and_m_takes_the_suggestion(
    size, draft, answering_engine, screen_text
):
    answering_engine.answers = {
        "rows": film_rows,
        "quality": lambda params: quality(),
        "token_lengths": lambda params: {
            **TOKEN_LENGTHS,
            "max_length": params["tokens"]["max_length"],
            "fix": None if params["tokens"]["max_length"] == 64 else {"tokens.max_length": 64},
        },
    }
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.3)
        assert answering_engine.of("token_lengths") == []
        app.pane.contents.show_view("profile")
        app.pane.action_enter_view()
        await pilot.pause(0.2)
        text = screen_text(app)
        assert "2 labels in label" in text
        assert "128 tokens" in text
        assert "◂ now" in text
        assert "◂ suggested" in text
        (asked,) = answering_engine.of("token_lengths")
        assert asked["model"] == draft.content["model"]
        await pilot.press("m")
        await pilot.pause(0.4)
        assert draft.value("tokens.max_length") == 64
        assert len(answering_engine.of("token_lengths")) == 2
        assert "◂ now, suggested" in screen_text(app)
        await pilot.press("end")
        assert "Columns of train" in screen_text(app)


async def test_counting_tokens_can_be_taken_back_and_asked_for_again(
    draft, answering_engine, screen_text
):
    answering_engine.answers = {"rows": film_rows, "quality": lambda params: quality()}
    app = Choosing(draft, answering_engine)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause(0.3)
        app.pane.contents.show_view("profile")
        app.pane.action_enter_view()
        await pilot.pause(0.1)
        assert "Esc cancels" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert answering_engine.taken_back == ["token_lengths"]
        assert "not counted; r counts them" in screen_text(app)
        answering_engine.answers["token_lengths"] = lambda params: InputError("no such model")
        await pilot.press("r")
        await pilot.pause(0.2)
        assert "✗ no such model" in screen_text(app)


def test_labels_stand_with_their_counts_in_each_split(profile):
    looked = profile(
        labels_by_split={
            "train": {"positive": 480, "negative": 320},
            "validation": {"positive": 60, "negative": 40},
            "test": {"positive": 60},
        }
    )
    lines = plain(label_words(looked, 78)).splitlines()
    assert lines[0].split()[-4:] == ["rows", "train", "validation", "test"]
    assert lines[1].split()[-5:] == ["600", "60%", "480", "60", "60"]
    assert lines[2].split()[-5:] == ["400", "40%", "320", "40", "0"]
    assert all(len(line) <= 78 for line in lines)


def test_imbalance_is_named():
    found = {
        "largest": "good", "largest_count": 90, "largest_share": 0.9, "smallest": "bad",
        "smallest_count": 10, "ratio": 9.0, "words": "strongly imbalanced",
    }  # fmt: skip
    words = label_note({"imbalance": found}).plain
    assert words == ("strongly imbalanced: “good” has 90 rows (90%), “bad” 10; 9 times as many")
    even = {**found, "words": "balanced", "largest_count": 50, "smallest_count": 50}
    assert label_note({"imbalance": even}).plain == "balanced: 50 each"
    assert label_note({"imbalance": None}).plain == ""


def test_numbers_to_predict_have_a_histogram_of_their_own(profile):
    numbers = {"min": 0.5, "median": 2.5, "mean": 3.0, "max": 9.0, "deviation": 1.5,
               "histogram": [[4.0, 30], [9.0, 10]]}  # fmt: skip
    text = plain(label_words(profile(numbers=numbers, labels={}), 78))
    assert text.startswith("Numbers in label  from 0.5 to 9, median 2.5")
    assert "≤         4 ██████████████████████████████ 30" in text


def test_a_histogram_has_a_bar_and_a_share_for_each_bucket():
    lines = plain(histogram("Tokens", [(10, 50), (1000, 50)], 60)).splitlines()
    assert lines[1].startswith("≤    10 █")
    assert lines[1].endswith("50  50%")
    assert plain(histogram("Tokens", [], 60)).endswith("no texts")


def test_the_share_cut_off_stands_at_each_longest_length():
    lines = plain(cut_lines(Finding(result=TOKEN_LENGTHS))).splitlines()
    assert lines[1].split()[-3:] == ["90.0%", "720", "rows"]
    assert "0.5%   4 rows  ◂ suggested" in lines[2]
    assert lines[3].endswith("◂ now")
    assert lines[4].endswith("◂ all that the model reads")
    assert "m takes 64 as the longest length (now 128)" in lines[-1]


def test_tokens_of_some_rows_only_say_so():
    some = Finding(result={**TOKEN_LENGTHS, "rows": 800, "of": 9000})
    assert "of the first 800 of 9,000 rows" in plain(token_lines(some, Content(""), 70))


def test_columns_of_each_part_have_type_missing_distinct_and_samples(profile):
    column = {
        "name": "text",
        "type": "string",
        "missing": 7,
        "distinct": None,
        "samples": ["a", ""],
    }
    looked = profile(columns_by_part={"train": [column], "test": [column]},
                     rows_by_part={"train": 900, "test": 100})  # fmt: skip
    text = plain(column_words(looked, 78))
    assert "Columns of train, 900 rows" in text
    assert "Columns of test, 100 rows" in text
    assert text.splitlines()[2].split() == ["text", "string", "7", "—", "a", "·", '""']
