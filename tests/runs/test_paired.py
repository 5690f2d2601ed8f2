import pytest
from scipy.stats import binomtest

from tui_finetune.runs.comparison import Comparer
from tui_finetune.runs.paired import p_words


def pairs_of(*runs):
    return Comparer(runs).read().pairs


def test_rows_that_one_has_right_and_the_other_wrong_are_counted_and_listed(put_trained):
    one = put_trained("one", wrong={1, 2, 3}, tested=range(30))
    other = put_trained("other", wrong={3, 4, 5, 6, 7, 8, 9, 10, 11}, tested=range(30))
    (pair,) = pairs_of(one, other)
    assert (pair.only_first, pair.only_second) == (8, 2)
    assert (pair.both_right, pair.both_wrong, pair.rows) == (19, 1, 30)
    assert pair.p_value == pytest.approx(binomtest(8, 10).pvalue)
    first = pair.disagreements[0]
    assert (first.row, first.text, first.true) == (1, "text of row 1", "positive")
    assert (first.first, first.second, first.first_is_right) == ("negative", "positive", False)


def test_half_a_point_is_called_what_it_is(put_trained):
    one = put_trained("one", wrong=range(5), tested=range(200))
    other = put_trained("other", wrong=range(5, 19), tested=range(200))
    (pair,) = pairs_of(one, other)
    expected = "14 against 5 of 200 rows, p = 0.064: not enough rows to call one better"
    assert pair.words("one", "other") == expected


def test_many_more_right_rows_are_more_than_chance(put_trained):
    one = put_trained("one", tested=range(200))
    other = put_trained("other", wrong=range(30), tested=range(200))
    (pair,) = pairs_of(other, one)
    expected = "0 against 30 of 200 rows, p < 0.001: one is better by more than chance"
    assert pair.words("other", "one") == expected


def test_a_small_p_value_among_many_pairs_may_still_be_chance(put_trained):
    # 0 against 6 is p = 0.031; among the six pairs of four runs Holm's correction takes it away.
    runs = [put_trained("a", wrong=range(6)), *(put_trained(name) for name in "bcd")]
    pair = pairs_of(*runs)[0]
    assert pair.p_value == pytest.approx(0.03125)
    assert pair.p_holm == pytest.approx(6 * 0.03125)
    assert "so many pairs were looked at that it may be chance" in pair.words("a", "b")


def test_the_same_answers_are_no_difference_at_all(put_trained):
    (pair,) = pairs_of(put_trained("a", wrong={1}), put_trained("b", wrong={1}))
    assert pair.p_value == 1.0
    assert pair.words("a", "b").endswith("no difference at all")


def test_other_rows_are_not_tested_and_the_reason_is_said(put_trained):
    one = put_trained("one", tested=range(20))
    for reason, other in {
        "their split seeds differ (42 and 7)": put_trained("b", tested=range(5, 25), data__seed=7),
        "the data file was changed between them": put_trained("c", tested=range(9), digest="d2"),
        "their test shares differ (0.1 and 0.2)": put_trained(
            "d", tested=range(40), data__test=0.2
        ),
    }.items():
        (pair,) = pairs_of(one, other)
        assert pair.p_value is None
        assert reason in pair.why_not
        assert pair.disagreements == ()
    (pair,) = pairs_of(one, put_trained("b", tested=range(5, 25), data__seed=7))
    assert pair.common == 15


def test_the_same_numbers_with_other_texts_are_other_rows(put_trained):
    one, other = put_trained("one"), put_trained("other")
    file = other.evaluation / "test.jsonl"
    file.write_text(file.read_text().replace("text of row 3", "another text"))
    (pair,) = pairs_of(one, other)
    assert pair.p_value is None
    assert pair.common == 19
    assert pair.why_not == "they were not tested on the same rows"


def test_without_predictions_there_is_no_test(put_trained):
    (pair,) = pairs_of(put_trained("one", tested=()), put_trained("other"))
    assert pair.why_not == "one: no predictions of test rows"
    assert pair.words("one", "other") == "no test: one: no predictions of test rows"


def test_a_p_value_is_never_zero():
    assert p_words(1e-9) == "< 0.001"
    assert p_words(0.0313) == "= 0.031"
