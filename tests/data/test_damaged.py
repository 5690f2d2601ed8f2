"""A damaged file is read to the rows that its dialect gives, or refused with the line."""

import csv
import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tui_finetune.data.source import open_source
from tui_finetune.errors import InputError

WORDS = [
    "the",
    "film",
    "was",
    "a",
    "story",
    "of",
    "two",
    "friends",
    "and",
    "snow",
    "é",
    "naïve",
    "€",
]
OTHER = {'"': "'", "'": '"'}
CASES = 16  # of each damage


@dataclass
class Good:
    """A sound file, the dialect that it is written in, and its rows with the header."""

    text: str
    separator: str
    quote: str
    encoding: str
    rows: list[list[str]]


def good_file(chance: random.Random) -> Good:
    separator, quote = chance.choice(",;\t|"), chance.choice('"""\'')
    quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    rows = [["id", "text", "label"]]
    for number in range(chance.randint(12, 60)):
        text = " ".join(chance.choices(WORDS, k=chance.randint(2, 9)))
        match chance.randrange(8):
            case 0:
                text = text.replace(" ", f"{separator} ", 1)
            case 1:
                text = text.replace(" ", "\n", 1)
            case 2:
                text = f"he said {quote}{text}{quote} and left"
            case 3:
                text = f"{quote}{text}{quote}, he said" if chance.random() < 0.5 else text
        rows.append([str(number), text, chance.choice(["positive", "negative"])])
    buffer = io.StringIO()
    ending = chance.choice(["\n", "\n", "\r\n"])
    csv.writer(
        buffer, delimiter=separator, quotechar=quote, quoting=quoting, lineterminator=ending
    ).writerows(rows)
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16"])
    return Good(buffer.getvalue(), separator, quote, encoding, rows)


def in_lines(change: Callable[[str, random.Random, Good], str]):
    """Make a damage of one line, not the header's, out of a change of a line."""

    def damage(good: Good, chance: random.Random) -> bytes:
        lines = good.text.splitlines(keepends=True)
        number = chance.randrange(1, len(lines))
        lines[number] = change(lines[number], chance, good)
        return "".join(lines).encode(good.encoding, "ignore")

    return damage


def without_ending(line: str) -> tuple[str, str]:
    bare = line.rstrip("\r\n")
    return bare, line[len(bare) :]


def at(line: str, chance: random.Random, inserted: str) -> str:
    bare, ending = without_ending(line)
    place = chance.randint(0, len(bare))
    return bare[:place] + inserted + bare[place:] + ending


def cut_line(line: str, chance: random.Random, good: Good) -> str:
    bare, ending = without_ending(line)
    return bare[: chance.randint(0, max(len(bare) - 1, 0))] + ending


def one_off(line: str, chance: random.Random, sign: str) -> str:
    places = [place for place, character in enumerate(line) if character == sign]
    if not places:
        return line
    place = chance.choice(places)
    return line[:place] + line[place + 1 :]


def flip(good: Good, chance: random.Random) -> bytes:
    content = bytearray(good.text.encode(good.encoding))
    for _ in range(chance.randint(1, 3)):
        content[chance.randrange(4, len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def cut_file(good: Good, chance: random.Random) -> bytes:
    content = good.text.encode(good.encoding)
    return content[: chance.randrange(len(content) // 2, len(content))]


def lose_bytes(good: Good, chance: random.Random) -> bytes:
    content = good.text.encode(good.encoding)
    start = chance.randrange(4, len(content))
    return content[:start] + content[start + chance.randint(1, 40) :]


def mixed_ends(good: Good, chance: random.Random) -> bytes:
    lines = good.text.splitlines()
    return "".join(line + chance.choice(["\n", "\r\n", "\r"]) for line in lines).encode(
        good.encoding
    )


def join_two(good: Good, chance: random.Random) -> bytes:
    content = good.text.encode(good.encoding)
    return content + content


def mixed_encodings(good: Good, chance: random.Random) -> bytes:
    half = len(good.text) // 2
    return good.text[:half].encode("utf-8") + good.text[half:].encode("cp1252")


def doubled(line: str, chance: random.Random, good: Good) -> str:
    bare, ending = without_ending(line)
    return line + bare.rpartition(good.separator)[0] + (ending or "\n")


DAMAGES = {
    "a separator lost": in_lines(lambda line, chance, good: one_off(line, chance, good.separator)),
    "a separator more": in_lines(lambda line, chance, good: at(line, chance, good.separator)),
    "a quote opened": in_lines(lambda line, chance, good: good.quote + line),
    "a quote more": in_lines(lambda line, chance, good: at(line, chance, good.quote)),
    "a quote lost": in_lines(lambda line, chance, good: one_off(line, chance, good.quote)),
    "another quote": in_lines(lambda line, chance, good: at(line, chance, OTHER[good.quote])),
    "a line cut": in_lines(cut_line),
    "a line end lost": in_lines(lambda line, chance, good: without_ending(line)[0]),
    "a line end more": in_lines(lambda line, chance, good: at(line, chance, "\n")),
    "a row again with fewer cells": in_lines(doubled),
    "a byte order mark inside": in_lines(lambda line, chance, good: "\ufeff" + line),
    "a NUL": in_lines(lambda line, chance, good: at(line, chance, "\0")),
    "a control character": in_lines(lambda line, chance, good: at(line, chance, "\x1b[2J")),
    "another separator": in_lines(
        lambda line, chance, good: line.replace(good.separator, chance.choice(",;\t|"), 1)
    ),
    "bytes flipped": flip,
    "bytes lost": lose_bytes,
    "the file cut": cut_file,
    "mixed line ends": mixed_ends,
    "two files joined": join_two,
    "two encodings": mixed_encodings,
}  # fmt: skip


def strict_rows(content: bytes, good: Good) -> list[list[str]] | None:
    """Return the rows that the file's own dialect gives, None if it does not hold."""
    try:
        text = io.StringIO(content.decode(good.encoding), newline="")
        reader = csv.reader(text, delimiter=good.separator, quotechar=good.quote, strict=True)
        rows = [row for row in reader if len(row) > 1 or (row and row[0].strip())]
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows if {len(row) for row in rows} == {3} else None


def rows_or_refusal(path: str, cache: Path) -> tuple[list[dict[str, str]], str]:
    try:
        return open_source(path, cache=cache).dataset.to_list(), ""
    except InputError as error:
        return [], str(error)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_table_is_read_as_its_dialect_says_or_refused_with_the_line(name, tmp_path):
    chance = random.Random(name)
    for number in range(CASES):
        good = good_file(chance)
        content = DAMAGES[name](good, chance)
        path = tmp_path / f"{number}.csv"
        path.write_bytes(content)
        rows, refusal = rows_or_refusal(str(path), tmp_path / "cache")
        if refusal:
            assert re.search(r"line \d+", refusal), (refusal, content)
            assert refusal.isprintable()
            continue
        expected = strict_rows(content, good)
        assert expected is not None, content
        assert [list(row.values()) for row in rows] == expected[1:], content
        assert list(rows[0]) == [cell.strip() for cell in expected[0]], content


def test_undamaged_tables_are_read(tmp_path):
    chance = random.Random(0)
    for number in range(60):
        good = good_file(chance)
        path = tmp_path / f"{number}.csv"
        path.write_bytes(good.text.encode(good.encoding))
        rows = open_source(str(path), cache=tmp_path / "cache").dataset.to_list()
        assert [list(row.values()) for row in rows] == good.rows[1:], good
