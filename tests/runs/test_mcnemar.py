import math

import pytest
from scipy.stats import binomtest

from tui_finetune.runs.mcnemar import holm, mcnemar_exact


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [(14, 5), (5, 14), (0, 6), (1, 0), (7, 7), (33, 4), (260, 201), (700, 640), (5200, 4900)],
)
def test_the_p_value_is_that_of_the_two_sided_binomial_test(only_first, only_second):
    expected = binomtest(only_first, only_first + only_second, 0.5).pvalue
    assert mcnemar_exact(only_first, only_second) == pytest.approx(expected, rel=1e-9)


def test_fourteen_against_five_are_not_enough_to_call_one_better():
    assert round(mcnemar_exact(14, 5), 3) == 0.064


def test_without_any_disagreement_there_is_no_evidence_at_all():
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(3, 3) == 1.0


def test_counts_beyond_what_a_float_can_hold_still_have_a_p_value():
    p_value = mcnemar_exact(50_000, 50_500)
    # So many coins are as good as normal, with a correction of half a row for the steps.
    normal = math.erfc((500 - 1) / math.sqrt(100_500) / math.sqrt(2))
    assert p_value == pytest.approx(normal, rel=1e-3)


def test_holm_multiplies_the_smallest_most_and_never_turns_the_order_round():
    # Computed by hand: 0.01 * 4, then max(0.04, 0.02 * 3), max(0.06, 0.03 * 2), max(0.06, 0.5).
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []
