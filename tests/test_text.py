import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_finetune.text import REPLACEMENT, clean, clean_lines

JOINERS = "\u200c\u200d"
FAMILY = "👩\u200d👩\u200d👧"
PERSIAN = "می\u200cخواهم"

# Everything there is, and more often than by chance what terminals obey.
hostile_text = st.text(
    st.one_of(
        st.characters(),  # lone surrogates too
        st.sampled_from(
            "\x00\x07\x08\t\n\x0b\r\x1b\x7f\x85\x9b\x9d\u2028\u202e\u2066\ufeff" + JOINERS
        ),
    )
)


def test_plain_text_stays_as_it_is():
    for text in ("a good film", "", "naïve café — 北京", "[/] [bold]no markup[/bold]"):
        assert clean(text) == text


def test_what_is_not_text_is_written_as_text():
    assert clean(None) == "None"
    assert clean(0.5) == "0.5"


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "\x1b]52;c;aGVsbG8=\x07",
        "\x9b31mred",
        "\x9d52;c;aGVsbG8=\x9c",
        "bell\x07 back\x08 delete\x7f null\x00",
    ],
)
def test_sequences_for_the_terminal_lose_what_makes_them_work(text):
    cleaned = clean(text)
    assert not any(unicodedata.category(character) == "Cc" for character in cleaned)
    assert len(cleaned) == len(text)
    assert cleaned.count(REPLACEMENT) == sum(not character.isprintable() for character in text)


def test_the_readable_part_of_an_escape_sequence_stays_in_sight():
    assert clean("\x1b]52;c;aGVsbG8=\x07") == f"{REPLACEMENT}]52;c;aGVsbG8={REPLACEMENT}"


@pytest.mark.parametrize(
    "character", "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
)
def test_text_cannot_turn_the_direction_of_writing(character):
    assert clean(f"invoice{character}fdp.exe") == f"invoice{REPLACEMENT}fdp.exe"


def test_joiners_stay_because_emoji_and_persian_need_them():
    assert clean(FAMILY) == FAMILY
    assert clean(PERSIAN) == PERSIAN


@pytest.mark.parametrize("character", "\u200b\u2060\ufeff\u00ad\U000e0041")
def test_other_invisible_characters_become_visible(character):
    assert clean(f"a{character}b") == f"a{REPLACEMENT}b"


def test_tabs_and_line_ends_become_spaces():
    assert clean("a\tb\nc\rd") == "a b c d"


def test_line_separators_do_not_break_the_line():
    assert clean("a\u2028b\u2029c\x85d\x0be") == REPLACEMENT.join("abcde")


def test_half_a_surrogate_pair_can_be_written_afterwards():
    assert clean("a\ud800b\udfff").encode() == f"a{REPLACEMENT}b{REPLACEMENT}".encode()


def test_a_limit_ends_in_an_ellipsis_only_if_something_was_cut():
    assert clean("abcdef", 6) == "abcdef"
    assert clean("abcdefg", 6) == "abcde…"
    assert clean("\x1bbcdefg", 3) == f"{REPLACEMENT}b…"
    assert clean("abc", 1) == "…"


def test_lines_stay_apart_and_each_is_cleaned_and_limited():
    text = "one\r\n\x1b[2Jtwo\nthree is long"
    assert clean_lines(text, 7) == f"one\n{REPLACEMENT}[2Jtwo\nthree …"


def test_every_kind_of_line_break_becomes_a_plain_one():
    assert clean_lines("a\u2028b\x85c\x0cd\re") == "a\nb\nc\nd\ne"


def is_safe(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character) not in {
        "Cc", "Cf", "Cs", "Zl", "Zp",
    }  # fmt: skip


@given(hostile_text, st.none() | st.integers(1, 20))
def test_whatever_comes_in_one_safe_line_goes_out(text, limit):
    cleaned = clean(text, limit)
    assert all(map(is_safe, cleaned))
    assert len(cleaned.splitlines()) <= 1
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert len(cleaned) == (len(text) if limit is None else min(len(text), limit))


@given(hostile_text, st.none() | st.integers(1, 20))
def test_whatever_comes_in_safe_lines_go_out(text, limit):
    cleaned = clean_lines(text, limit)
    assert all(map(is_safe, cleaned.replace("\n", "")))
    lines = cleaned.split("\n")
    assert all(len(line) <= (limit or len(text)) for line in lines)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned


@given(hostile_text)
def test_cleaning_twice_changes_nothing_more(text):
    assert clean(clean(text)) == clean(text)
