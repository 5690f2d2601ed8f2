"""Near duplicates, against a comparison of every text with every other."""

import random
from functools import cache

import pyarrow as pa
import pytest

from tui_finetune.data import near_duplicates as room
from tui_finetune.data.near_duplicates import SIMILARITY, near_duplicates


@cache
def pieces(text):
    words = "".join(each if each.isalnum() else " " for each in text.lower()).split()
    plain = " ".join(words)[:1000]
    return frozenset((plain + "\0" * 4)[at : at + 5] for at in range(len(plain)))


def similarity(one, other):
    return len(pieces(one) & pieces(other)) / len(pieces(one) | pieces(other))


def made_texts(count):
    chance = random.Random(3)
    words = [
        "".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 8))) for _ in range(400)
    ]
    texts = [" ".join(chance.choices(words, k=chance.randint(6, 30))) for _ in range(count)]
    for text in texts[::4]:
        changed = list(text)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.choice("xyz")
        texts.append("".join(changed))
    return list(dict.fromkeys(texts))


def groups_of(texts):
    return near_duplicates(pa.chunked_array([pa.array(texts, pa.string())])).groups


def test_all_pairs_that_are_alike_are_found_and_no_others():
    texts = made_texts(200)
    group = {at: number for number, found in enumerate(groups_of(texts)) for at in found}
    alike = [
        (one, other)
        for one in range(len(texts))
        for other in range(one)
        if similarity(texts[one], texts[other]) >= SIMILARITY
    ]
    assert len(alike) >= 20
    assert all(group[one] == group[other] for one, other in alike)
    assert set(group) == {at for pair in alike for at in pair}


def test_case_blanks_and_punctuation_are_no_difference():
    texts = ["A good film, indeed!", "a good  film indeed", "something else", "!?", "..."]
    assert groups_of(texts) == [[0, 1]]


def test_only_the_first_characters_count_and_other_scripts_do_too():
    same = "".join(chr(0x4E00 + n % 97 * 5) for n in range(2_000))
    assert groups_of([same, same[:1_500], same[::-1]]) == [[0, 1]]


def test_texts_of_one_template_take_bounded_time_and_what_was_left_out_is_said(monkeypatch):
    texts = pa.chunked_array([[f"the same text again and again, number {n}" for n in range(1_000)]])
    assert near_duplicates(texts).complete
    monkeypatch.setattr(room, "_MOST_COMPARED", 2_000)
    found = near_duplicates(texts)
    assert not found.complete
    assert sum(map(len, found.groups)) < 1_000


def test_it_can_be_cancelled():
    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        near_duplicates(pa.chunked_array([made_texts(20)]), stop)
