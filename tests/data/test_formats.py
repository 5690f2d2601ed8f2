import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from tui_finetune.data.formats import detect, read_rows
from tui_finetune.errors import InputError
from tui_finetune.recipe import Reading


@dataclass
class Found:
    encoding: str
    separator: str
    quote: str
    header: bool
    skip_lines: int
    columns: tuple[str, ...]
    rows: int


def found(path, **wanted) -> Found:
    got = detect(Path(path), Reading(**wanted))
    return Found(**got.reading.model_dump(), columns=got.columns, rows=got.rows)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp1252", "cp1252")],
)
def test_encodings_are_told_apart_by_the_bytes(write, encoding, name):
    path = write("a.csv", "text,label\nUn café – “bon”,1\nNon,0\n".encode(encoding))
    assert found(path).encoding == name
    assert found(path).columns == ("text", "label")


def test_a_cp1252_byte_far_behind_the_sample_counts(write):
    path = write("a.csv", b"text,label\n" + b"fine,1\nbad,0\n" * 100_000 + b"caf\xe9,1\n")
    assert found(path).encoding == "cp1252"


def test_a_character_cut_by_a_chunk_is_still_utf_8(write):
    start = b"text,label\n"
    filler = b"x" * ((1 << 20) - len(start) - 1)
    path = write("a.csv", start + filler + "é,1\nbad,0\n".encode())
    assert found(path).encoding == "utf-8"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"text,label\na\0b,1\n", "line 2 holds a NUL"),
        (b"text,label\na\x81b,1\n", "line 2 is neither UTF-8 nor cp1252"),
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
    assert found(path).quote == '"'
    assert found(path).rows == 2


def test_stray_quotes_in_an_unquoted_file_swallow_no_lines(write):
    path = write("a.txt", '"Great" he said\t1\nA 5" screen\t0\n"never closed\t1\nfine\t0\n')
    assert (found(path).quote, found(path).rows, found(path).separator) == ("none", 4, "\t")


def test_quotes_within_texts_only_are_no_quoting(write):
    path = write("a.txt", 'the "clip" is odd\t0\nlooks great."\t1\n')
    assert found(path).quote == "none"


def test_a_field_that_is_written_like_a_quoted_one_among_others_keeps_its_quotes(write):
    path = write(
        "a.tsv", 'so so film\t1\n"hm"\t0\n"a film"\t1\nno film at all\t0\nnot bad\t1\nnot so\t0\n'
    )
    assert (found(path).quote, detect(Path(path)).kept_quotes) == ("none", True)
    assert found(path, quote='"').rows == 6
    assert not detect(Path(path), Reading(quote="none")).kept_quotes


@pytest.mark.parametrize(
    "content",
    [
        'my review,stars\n"good film",1\n"bad film",0\n"so so",1\nmy own line,0\n',  # most of them
        '"good film",1\nbad,0\ngood,1\nfine,0\nbad,1\n',  # for its blank, as sqlite does
        '"good, very";1\nbad film;0\nso so;1\nno film;0\n',  # for its comma, as Excel does
        '"a ""good"" film";1\nbad film;0\nso so;1\nno film;0\n',  # with doubled quotes
    ],
)
def test_quotes_that_a_program_would_write_enclose_fields(write, content):
    path = write("a.csv", content)
    assert (found(path).quote, detect(Path(path)).kept_quotes) == ('"', False)


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_quotes_with_a_backslash_before_them_are_read_as_the_csv_module_does(write, quote, quoting):
    said = f"he said {quote}fine{quote}"
    table = [["words", "kind"], [said, "a"], [f"{said}, twice", "b"], ["one\\two", "a"]]
    table += [[f"{quote}so{quote}", "b"], ["plain words", "a"]]
    text = io.StringIO()
    csv.writer(
        text, quotechar=quote, quoting=quoting, doublequote=False, escapechar="\\"
    ).writerows(table)
    path = Path(write("a.csv", text.getvalue()))
    assert found(path).quote == f"\\{quote}"
    assert list(read_rows(path, detect(path))) == table[1:]


def test_a_backslash_that_is_no_escape_is_left_alone(write):
    path = Path(write("a.csv", 'place,kind\nC:\\new \\"disk\\",a\nD:\\old,b\n'))
    assert found(path).quote == "none"
    assert next(iter(read_rows(path, detect(path))))[0] == 'C:\\new \\"disk\\"'


def test_a_damaged_row_of_a_file_with_escaped_quotes_is_refused_with_its_line(write):
    rows = "".join(f'"he said \\"{n}\\"",{n % 2}\n' for n in range(9))
    with pytest.raises(InputError, match="line 11 opens a quote"):
        found(write("a.csv", f'text,label\n{rows}"broken,1\n{rows}'))


def test_quotes_that_can_be_read_in_two_ways_are_refused(write):
    path = write("a.txt", '"open\t1\nfine\t0\nsome more\t1\nhe said "hm\t0\n"\t1\n')
    assert found(path).rows == 5  # no closing quote fits: one way only
    path = write("b.txt", '"open\t1\nfine\t0\n closed"\t1\nmore\t0\n')
    with pytest.raises(InputError, match="two ways"):
        found(path)


def test_single_quotes_enclose_fields_where_nothing_else_fits(write):
    path = write("a.csv", "text;label\n'one; two';1\nit's three;0\n'it''s four';1\n")
    assert (found(path).quote, found(path).separator, found(path).rows) == ("'", ";", 3)
    assert list(read_rows(Path(path), detect(Path(path))))[2] == ["it's four", "1"]


def test_single_quotes_around_every_field_of_a_column_enclose_it(write):
    assert found(write("a.csv", "text,label\n'one',1\n'two',0\n")).quote == "'"
    assert found(write("b.csv", "text,label\n'tis one,1\nthe 'two',0\n")).quote == "none"


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_damaged_quote_among_sound_ones_is_no_reason_to_keep_all_quotes(write, quote):
    rows = "".join(f"{quote}text {number}{quote},{number % 2}\n" for number in range(9))
    path = write("a.csv", f"text,label\n{rows}{quote}broken,1\n{rows}")
    with pytest.raises(InputError, match=r"line 11 opens a quote.*data\.reading\.quote=none"):
        found(path)
    assert found(path, quote="none").rows == 19


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("Export of 21 November\n\n", 2),
        ("# made by a tool\n# 3 rows\n", 2),
        ('"A title"\n', 1),
        ("a,b,c,d\n", 1),
    ],
)
def test_what_stands_above_a_sure_header_is_skipped_and_counted(write, above, lines):
    path = write("a.csv", f"{above}text,label\na,1\nb,0\nc,1\n")
    assert (found(path).skip_lines, found(path).columns) == (lines, ("text", "label"))
    assert found(path).rows == 3


def test_a_spreadsheets_own_line_names_the_separator(write):
    path = write("a.csv", "sep=;\nphrase;kind\na, b;1\nc, d;0\n")
    assert (found(path).separator, found(path).skip_lines, found(path).rows) == (";", 1, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("good,1\ntext,label\nbad,0\n", r"line 2 looks like the header.*skip_lines"),
        ("a title\nphrase;kind\na;1\nb;0\n", r"line 1 has 1 fields.*skip_lines"),
        ("text,label\na,1\ntext,label\nb,0\n", "line 3 repeats the header"),
    ],
)
def test_lines_that_may_be_rows_are_not_skipped_in_silence(write, content, words):
    path = Path(write("a.csv", content))
    with pytest.raises(InputError, match=words):
        list(read_rows(path, detect(path)))


def test_what_is_said_of_the_reading_is_taken_as_it_is(write):
    content = "not a row\nneither\nA~'x~y'\nB~z\n".encode("cp1250")
    path = write("a.csv", content)
    wanted = {"encoding": "cp1250", "separator": "~", "quote": "'", "header": False}
    got = found(path, **wanted, skip_lines=2)
    assert (got.columns, got.rows) == (("column_1", "column_2"), 2)
    with pytest.raises(InputError, match="line 4 has 2 fields"):
        found(path, **{**wanted, "quote": "none"}, skip_lines=2)
    with pytest.raises(InputError, match="line 2 is no ascii"):
        found(write("b.csv", "a,b\né,1\n"), encoding="ascii")


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
        ('text,label\na,1\nb,0\nc,1\nd,1\n"open, e,1\n', "line 6 opens a quote"),
    ],
)
def test_ragged_rows_are_refused_with_their_line(write, content, words):
    with pytest.raises(InputError, match=words):
        found(write("a.csv", content))


def test_a_ragged_row_far_behind_the_sample_is_refused_while_the_rows_are_read(write):
    path = Path(write("a.csv", "text,label\n" + "a,1\nb,0\n" * 3000 + "c\n"))
    with pytest.raises(InputError, match="line 6002 has 1 fields"):
        list(read_rows(path, detect(path)))


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


@pytest.mark.parametrize(
    ("first", "header"),
    [
        ("id-0004,short one,sad", False),  # a code as below
        ("code,short one,sad", True),
        ("one,2026-01-30,sad", True),  # a date, but there are none below
        ("one,Short one.,sad", False),  # a sentence as below
        ("Item no.,text of it,kind of it", True),
        ("one,short one,neutral", False),  # a usual label
        ("positive,words,kind", True),  # not where there are numbers below
    ],
)
def test_a_row_like_those_below_it_is_no_header(write, first, header):
    below = ["id-0001,Nice one!,good", "id-0020,A bad one.,bad", "id-0003,It is fine.,good"]
    if first.startswith("positive"):
        below = ["1,nice,a", "0,bad,b"]
    path = write("a.csv", "".join(f"{line}\n" for line in [first, *below]))
    assert found(path).header is header


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
    assert (got.separator, got.quote, got.header, got.rows) == ("\t", "none", False, 1000)
