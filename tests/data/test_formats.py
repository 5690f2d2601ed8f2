from pathlib import Path

import pytest

from tui_finetune.data.formats import detect
from tui_finetune.errors import InputError


def found(path, header=None):
    return detect(Path(path), header)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp1252", "cp1252")],
)
def test_encodings_are_told_apart_by_the_bytes(write, encoding, name):
    path = write("a.csv", "text,label\nUn café – “bon”,1\nNon,0\n".encode(encoding))
    assert found(path).encoding == name
    assert found(path).columns == ("text", "label")


def test_a_cp1252_byte_far_behind_the_sample_counts(write):
    path = write("a.csv", b"text,label\n" + b"fine,1\nbad,0\n" * 200_000 + b"caf\xe9,1\n")
    assert found(path).encoding == "cp1252"
    assert found(path).rows == 400_001


def test_a_character_cut_by_a_chunk_is_still_utf_8(write):
    start = b"text,label\n"
    filler = b"x" * ((1 << 20) - len(start) - 1)
    path = write("a.csv", start + filler + "é,1\nbad,0\n".encode())
    assert found(path).encoding == "utf-8"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("text,label\na,1\n".encode("utf-16"), "UTF-16"),
        ("text,label\na,1\n".encode("utf-16-le"), "NUL"),
        (b"text,label\na\0b,1\n", "NUL"),
        (b"text,label\na\x81b,1\n", "neither UTF-8 nor cp1252"),
    ],
)
def test_what_is_no_known_text_is_refused(write, content, words):
    with pytest.raises(InputError, match=words):
        found(write("a.csv", content))


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_separators_are_found_among_texts_full_of_the_others(write, separator):
    others = "a, b; c | d\te".replace(separator, " ")
    path = write(
        "a.txt",
        f"text{separator}label\n{others}{separator}1\nplain{separator}0\n{others}{separator}1",
    )
    assert found(path).separator == separator
    assert found(path).rows == 3


def test_quoted_fields_may_hold_line_ends_separators_and_quotes(write):
    path = write("a.csv", 'text,label\n"one\ntwo, ""three""",1\n"x",0\n')
    assert found(path).quoted
    assert found(path).rows == 2


def test_stray_quotes_in_an_unquoted_file_swallow_no_lines(write):
    path = write("a.txt", '"Great" he said\t1\nA 5" screen\t0\n"never closed\t1\nfine\t0\n')
    assert (found(path).quoted, found(path).rows, found(path).separator) == (False, 4, "\t")


def test_quotes_within_texts_only_are_no_quoting(write):
    path = write("a.txt", 'the "clip" is odd\t0\nlooks great."\t1\n')
    assert found(path).quoted is False


def test_quotes_that_can_be_read_in_two_ways_are_refused(write):
    path = write("a.txt", '"open\t1\nfine\t0\nsome more\t1\nhe said "hm\t0\n"\t1\n')
    assert found(path).rows == 5  # no closing quote fits: one way only
    path = write("b.txt", '"open\t1\nfine\t0\n closed"\t1\nmore\t0\n')
    with pytest.raises(InputError, match="two ways"):
        found(path)


def test_two_fitting_separators_are_refused_unless_the_name_tells(write):
    content = "good, very\t1\nbad, indeed\t0\n"
    with pytest.raises(InputError, match=r"comma and tab both fit.*header"):
        found(write("a.txt", content))
    assert found(write("a.tsv", content)).separator == "\t"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("text,label\na,1\nb,0\nc,1,extra\nd,0\n", "line 4 has 3 fields"),
        ("text,label\na,1\nb\nc,1\nd,0\n", "line 3 has 1 fields"),
        ('text,label\n"two\nlines",1\nb,0,0\nd,0\n', "line 4 has 3 fields"),
        ("text,label\n" + "a,1\nb,0\n" * 3000 + "c\n", "line 6002 has 1 fields"),
        ('text,label\na,1\nb,0\nc,1\nd,1\n"open, e,1\n', "line 6 opens a quote"),
    ],
)
def test_ragged_rows_are_refused_with_their_line(write, content, words):
    with pytest.raises(InputError, match=words):
        found(write("a.csv", content))


@pytest.mark.parametrize("content", ["just\nsome\nlines\n", "To be, or not\nto be\nthat is\nthe\n"])
def test_a_file_without_columns_is_refused(write, content):
    with pytest.raises(InputError, match="no columns found"):
        found(write("a.txt", content))


@pytest.mark.parametrize("content", ["\n\n", " \n", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_but_blank_lines_is_empty(write, content):
    with pytest.raises(InputError, match="empty"):
        found(write("a.csv", content))


@pytest.mark.parametrize(
    ("first", "header"),
    [
        ("text,label", True),
        ("Review,Sentiment", True),
        ("phrase,kind", True),
        ("phrase,label", True),
        ("good film,0", False),  # a number
        ("good film,pos", False),  # pos occurs again below
        ("a sentence so long that it cannot be meant as a name,odd", False),
    ],
)
def test_a_header_is_guessed(write, first, header):
    path = write("a.csv", f"{first}\nnice one,pos\nbad one,neg\nfine,pos\n")
    assert found(path).header is header
    assert found(path).rows == 4 - header
    assert found(path).columns == (tuple(first.split(",")) if header else ("column_1", "column_2"))


def test_a_header_can_be_told(write):
    path = write("a.csv", "text,label\nnice,pos\nbad,neg\n")
    assert found(path, header=False).columns == ("column_1", "column_2")
    assert found(path, header=False).rows == 3
    path = write("b.csv", "nice,1\nbad,0\n")
    assert found(path, header=True).columns == ("nice", "1")


def test_empty_names_are_numbered_and_blanks_around_names_go(write):
    assert found(write("a.csv", ",text , label\n0,a,x\n1,b,y\n")).columns == (
        "column_1",
        "text",
        "label",
    )


@pytest.mark.parametrize("names", ["text,text,label", "column_2,,label"])
def test_a_header_with_the_same_name_twice_is_refused(write, names):
    with pytest.raises(InputError, match=r"names the column (text|column_2) 2 times"):
        found(write("a.csv", f"{names}\na,b,x\nc,d,y\n"), header=True)


def test_names_in_errors_are_safe_for_a_terminal(write):
    with pytest.raises(InputError) as error:
        found(write("a.csv", "\x1b]52;x,\x1b]52;x\na,b\n"), header=True)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("name", ["amazon_cells", "imdb", "yelp"])
def test_the_uci_sentences_are_unquoted_and_tab_separated(shared, name):
    got = found(shared / "uci_sentences" / f"{name}_labelled.txt")
    assert (got.separator, got.quoted, got.header, got.rows) == ("\t", False, False, 1000)
