from pathlib import Path

import pytest

from tui_finetune.data.encodings import CHUNK, find_encoding
from tui_finetune.errors import InputError

TABLE = "text,label\nŒuvre à 5 €,oui\n“Œil”, dit-elle,non\n"


def encoding_of(path, wanted=None):
    return find_encoding(Path(path), wanted)[0]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_an_encoding_is_known_by_its_mark_or_its_bytes(write, written, found):
    assert encoding_of(write("a.csv", TABLE.encode(written))) == found


def test_utf_16_of_both_orders_with_a_mark_is_read(write):
    for mark, order in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        path = write("a.csv", mark + TABLE.encode(order))
        assert Path(path).read_text(encoding=encoding_of(path)) == TABLE


def test_the_quotes_in_a_file_are_found(write):
    assert find_encoding(Path(write("a.csv", 'it\'s "so",1\n')))[1] == ['"', "'"]
    assert find_encoding(Path(write("b.csv", "plain,1\n".encode("utf-16"))))[1] == []


@pytest.mark.parametrize(
    "encoding",
    ["cp1250", "cp1251", "iso8859-7", "gbk", "shift-jis", "mac-roman", "cp850", "iso8859-15"],
)
def test_other_encodings_are_not_taken_for_cp1252(write, encoding):
    texts = {
        "cp1250": "żółw i łąka,1\nmoże się zdarzyć,0\n",
        "cp1251": "хороший фильм,1\nплохой фильм,0\n",
        "iso8859-7": "καλή ταινία,1\nκακή ταινία,0\n",
        "gbk": "这是一部好电影,1\n很糟糕的电影,0\n",
        "shift-jis": "とても良い映画でした,1\n退屈な映画でした,0\n",
        "mac-roman": "un café,1\nà demain,0\n",
        "cp850": "un vrai bébé,1\nfini,0\n",
        "iso8859-15": "un café,1\nà 5 €,0\n",
    }
    path = write("a.csv", f"text,label\n{texts[encoding]}".encode(encoding))
    with pytest.raises(InputError, match=r"line [23] .*data\.reading\.encoding"):
        encoding_of(path)
    assert encoding_of(path, encoding) == encoding


def test_utf_8_with_a_damaged_character_is_not_taken_for_cp1252(write):
    content = ("café,1\n" * 5).encode() + b"caf\xc3,1\n" + "naïve,0\n".encode()
    with pytest.raises(InputError, match=r"line 6 is no UTF-8, while other text in it is"):
        encoding_of(write("a.csv", content))


def test_western_text_of_many_kinds_is_cp1252(write):
    for text in ("don´t, n° 5, 5 £, ½", "¿Qué? ¡Sí! «así»", "ÖÖÖÖÖÖ", "El niño – él", "£££££££££"):
        assert encoding_of(write("a.csv", f"{text};1\n".encode("cp1252"))) == "cp1252"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"text,label\nfine,1\na\0b,1\n", "line 3 holds a NUL"),
        ("text,label\na,1\n\ufefftext,label\n".encode(), "line 3 begins with a byte order mark"),
        ("\ufeff\ufefftext,label\n".encode(), "line 1 begins with a byte order mark"),
        ("text,label\na,1\n".encode("utf-16") + b"b", "line 3 is no utf-16"),
        ("text,label\r\na\0,1".encode("utf-16"), "line 2 holds a NUL"),
        (b"text,label\rfine,1\ra\0b,1\r", "line 3 holds a NUL"),
    ],
)
def test_what_is_no_sound_text_is_refused_with_its_line(write, content, words):
    with pytest.raises(InputError, match=words):
        encoding_of(write("a.csv", content))


def test_the_line_is_right_behind_the_first_piece_too(write):
    line = b"x" * 1023 + b"\n"
    content = line * (CHUNK // 1024 + 5) + b"a\0b\n"
    with pytest.raises(InputError, match=f"line {CHUNK // 1024 + 6} holds a NUL"):
        encoding_of(write("a.csv", content))


def test_a_mark_within_a_text_is_a_character_like_any_other(write):
    assert encoding_of(write("a.csv", "text,label\na\ufeffb,1\n")) == "utf-8"
