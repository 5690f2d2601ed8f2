"""The quality list: each defect is planted, and found with its rows and what mends it."""

import csv
import json

import pytest

from tui_finetune.data import quality_rows
from tui_finetune.data.quality import quality
from tui_finetune.recipe import DataSection

WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "kelp"]


def sound(count=80, label="ab"):
    """Rows without a defect: no two texts share much."""
    return [
        (" ".join(WORDS[(n * k + k) % len(WORDS)] + str(n * k) for k in range(1, 8)), label[n % 2])
        for n in range(count)
    ]


def found(path, **settings):
    result = quality(DataSection(source=path, **settings))
    assert json.loads(json.dumps(result)) == result
    return {finding["title"]: finding for finding in result["findings"]}


@pytest.fixture
def planted(write):
    """Write the sound rows and these, which begin at row 80; return what is found."""

    def write_and_look(*rows, **settings):
        return found(write("a.csv", [("text", "label"), *sound(), *rows]), **settings)

    return write_and_look


def test_sound_rows_have_no_findings(planted):
    assert planted() == {}


def test_empty_texts_are_an_error_until_they_are_left_out(planted):
    rows = [("", "a"), ("words", ""), ("  ", "b")]
    finding = planted(*rows)["Empty texts"]
    assert (finding["severity"], finding["count"]) == ("error", 3)
    assert [row for _, row, _ in finding["rows"]] == [80, 81, 82]
    assert finding["fix"] == {"data.drop_empty": True}
    decided = planted(*rows, drop_empty=True)["Empty texts"]
    assert (decided["severity"], decided["fix"]) == ("info", None)


def test_repeated_rows_come_group_by_group(planted):
    texts = sound()
    finding = planted(texts[3], texts[9], texts[3])["Repeated rows"]
    assert finding["count"] == 3
    assert [row for _, row, _ in finding["rows"]] == [3, 80, 82, 9, 81]
    assert [group for _, _, group in finding["rows"]] == [0, 0, 0, 1, 1]
    assert finding["fix"] == {"data.drop_duplicates": True}


def test_the_same_text_with_another_label_is_no_repeat(planted):
    text, label = sound()[4]
    findings = planted((text, "b" if label == "a" else "a"))
    assert "Repeated rows" not in findings
    assert findings["Same text, different labels"]["count"] == 1
    assert [row for _, row, _ in findings["Same text, different labels"]["rows"]] == [4, 80]


def test_texts_of_a_test_file_that_stand_in_train_are_found_letter_by_letter_and_nearly(
    write, planted
):
    texts = sound()
    near = texts[7][0].replace(",", "") + "!"
    test = write("t.csv", [("text", "label"), texts[5], (near, texts[7][1]), ("own words", "a")])
    findings = planted(test=test)
    exact = findings["Texts in both train and test"]
    assert exact["count"] == 1
    assert exact["rows"] == [["train", 5, 0], ["test", 0, 0]]
    nearly = findings["Nearly the same in train and test"]
    assert nearly["rows"] == [["train", 7, 0], ["test", 1, 0]]
    mended = planted(test=test, drop_duplicates=True)
    assert "Texts in both train and test" not in mended
    assert "Nearly the same in train and test" in mended  # those are never left out


def test_repeats_that_are_cut_into_different_splits_are_found_there(write):
    rows = sound(60) * 2
    findings = found(write("a.csv", [("text", "label"), *rows]))
    assert findings["Repeated rows"]["count"] == 60
    shared = findings["Texts in both train and test"]
    assert 0 < shared["count"] <= 12
    parts = {part for part, _, _ in shared["rows"]}
    assert parts == {"train"}  # which is where all rows come from


def test_labels_that_train_lacks_are_an_error_and_merged_if_only_spelt_otherwise(write, planted):
    test = write("t.csv", [("text", "label"), ("own words", "A"), ("others", "b")])
    finding = planted(test=test)["Labels that train lacks"]
    assert (finding["severity"], finding["rows"]) == ("error", [["test", 0, None]])
    assert finding["fix"] == {"data.merge_labels": {"A": "a"}}
    assert "Labels that train lacks" not in planted(test=test, merge_labels={"A": "a"})
    foreign = write("f.csv", [("text", "label"), ("own words", "c"), ("others", "b")])
    assert planted(test=foreign)["Labels that train lacks"]["fix"] is None


def test_spellings_of_a_label_are_merged_with_the_most_frequent(write):
    rows = [
        (text, ("Very good", "very  good ", "bad")[n % 3]) for n, (text, _) in enumerate(sound())
    ]
    rows += [(" ".join(WORDS[:5]), "Very good"), (" ".join(WORDS[5:]), "Bad")]
    path = write("a.csv", [("text", "label"), *rows])
    finding = found(path)["Spelling variants of labels"]
    merges = {"very  good": "Very good", "Bad": "bad"}
    assert finding["fix"] == {"data.merge_labels": merges}
    assert finding["count"] == 2
    assert "Spelling variants of labels" not in found(path, merge_labels=merges)
    assert found(path)["Blanks around labels"]["severity"] == "info"


def test_a_merge_that_came_before_stays_and_ends_at_the_same_name(write):
    rows = [(text, ("good", "GOOD", "fine", "bad")[n % 4]) for n, (text, _) in enumerate(sound())]
    path = write("a.csv", [("text", "label"), *rows, ("one more of these", "good")])
    finding = found(path, merge_labels={"fine": "GOOD"})["Spelling variants of labels"]
    assert finding["fix"] == {"data.merge_labels": {"fine": "GOOD", "good": "GOOD"}}


def test_tiny_and_dominating_labels(write):
    rows = [(text, "c" if n < 4 else "a") for n, (text, _) in enumerate(sound())]
    findings = found(write("a.csv", [("text", "label"), *rows]))
    assert findings["Tiny labels"]["count"] == 1
    assert [row for _, row, _ in findings["Tiny labels"]["rows"]] == [0, 1, 2, 3]
    assert findings["One label dominates"]["fix"] == {"early_stopping.metric": "eval_f1"}


def test_characters_that_nobody_sees_and_broken_ones(planted):
    findings = planted(("a \x1b[31mred text", "a"), ("zero\u200bwidth", "b"), ("br\ufffdken", "a"))
    assert [row for _, row, _ in findings["Control characters"]["rows"]] == [80, 81]
    assert [row for _, row, _ in findings["Broken characters"]["rows"]] == [82]
    plain = planted(("line\nand\ttab", "a"), ("an emoji \U0001f468\u200d\U0001f469", "b"))
    assert "Control characters" not in plain


def test_mixed_types_and_words_for_nothing(planted):
    findings = planted(("12.5", "a"), ("NaN", "b"), ("null", "a"), ("new text", "1"))
    assert [row for _, row, _ in findings["Mixed types"]["rows"]] == [80]
    assert [row for _, row, _ in findings["Words for nothing"]["rows"]] == [81, 82]
    assert [row for _, row, _ in findings["Mixed types of labels"]["rows"]] == [83]


def test_very_long_texts_come_longest_first(planted):
    finding = planted(("long " * 600, "a"), ("longer " * 900, "b"))["Very long texts"]
    assert [row for _, row, _ in finding["rows"]] == [81, 80]


def test_a_thousand_rows_are_listed_and_the_rest_counted(write):
    rows = [("the very same", "a")] * 1_500 + sound()
    finding = found(write("a.csv", [("text", "label"), *rows]))["Repeated rows"]
    assert (len(finding["rows"]), finding["more_rows"]) == (1_000, 500)


def test_that_only_the_first_rows_were_looked_at_is_said(write, monkeypatch):
    path = write("a.csv", [("text", "label"), *sound(), sound()[0]])
    monkeypatch.setattr(quality_rows, "MOST_ROWS", 50)
    result = quality(DataSection(source=path))
    assert result["looked_at"] == {"train": [50, 81]}
    assert result["near"]["looked_at"] == {"train": [50, 81]}
    assert "Repeated rows" not in [finding["title"] for finding in result["findings"]]


def test_pairs_are_looked_at_in_both_texts(write):
    rows = [(text, text[::-1], label) for text, label in sound()]
    found_in = found(
        write("a.csv", [("premise", "hypothesis", "label"), *rows, rows[3], (*rows[5][:2], "x")])
    )
    assert [row for _, row, _ in found_in["Repeated rows"]["rows"]] == [3, 80]
    assert [row for _, row, _ in found_in["Same text, different labels"]["rows"]] == [5, 81]
    other = (rows[7][0], "another second text", "a")
    test = write("t.csv", [("premise", "hypothesis", "label"), rows[9], other])
    path = write("b.csv", [("premise", "hypothesis", "label"), *rows])
    shared = found(path, test=test)["Texts in both train and test"]
    assert shared["count"] == 1


def test_names_made_of_other_names_are_several_labels(write):
    rows = [(text, ("news", "sport", "sport; news")[n % 3]) for n, (text, _) in enumerate(sound())]
    path = write("a.csv", [("text", "label"), *rows])
    finding = found(path)["Several labels in one cell"]
    assert (finding["count"], finding["fix"]) == (26, {"data.label_separator": ";"})
    assert [row for _, row, _ in finding["rows"]][:3] == [2, 5, 8]
    assert "Several labels in one cell" not in found(path, label_separator=";")


@pytest.mark.parametrize(
    "labels", [("Food, drink", "Sport"), ("news; local", "news"), ("yes", "no")]
)
def test_a_sign_within_a_name_alone_does_not_make_several_labels(write, labels):
    rows = [(text, labels[n % 2]) for n, (text, _) in enumerate(sound())]
    path = write("a.csv", [("text", "label"), *rows])
    assert "Several labels in one cell" not in found(path)


def test_several_labels_and_numbers_are_looked_at_too(write):
    several = [(text, ("a;b", "A", "b")[n % 3]) for n, (text, _) in enumerate(sound())]
    findings = found(write("a.csv", [("text", "label"), *several]), label_separator=";")
    assert findings["Spelling variants of labels"]["fix"] == {"data.merge_labels": {"A": "a"}}
    numbers = [(text, n + 0.5) for n, (text, _) in enumerate(sound())]
    findings = found(write("n.csv", [("text", "label"), *numbers, (numbers[3][0], 99.5)]))
    assert list(findings) == ["Same text, different labels"]


def test_real_questions_have_the_repeats_that_counting_finds(shared):
    path = shared / "trec" / "train.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    findings = found(str(path), columns={"text": "text", "label": "label"})
    assert findings["Repeated rows"]["count"] == len(rows) - len(set(rows)) > 0
    assert findings["Near duplicates"]["count"] > 0
