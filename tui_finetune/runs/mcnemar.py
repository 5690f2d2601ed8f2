"""Whether two models that judged the same rows differ by more than chance."""

import math
from collections.abc import Sequence

# Below this a p value is taken for more than chance, as is the custom.
LEVEL = 0.05


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p value of McNemar's exact test.

    `only_first` rows are right in the first model and wrong in the second, `only_second` the other
    way round; rows that both have right or both have wrong say nothing. If the models were equally
    good, each of the n = first + second rows would fall to either side like a coin, so that p is
    twice the share of the binomial distribution B(n, 1/2) at or below the smaller count, at most 1.

    McNemar 1947, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12; Dietterich 1998 recommends it for two classifiers and one test
    set. The exact form holds for small counts too, where the chi-squared one does not.
    """
    rows, smaller = only_first + only_second, min(only_first, only_second)
    # In logarithms: 2 ** rows is beyond any float from 1,024 rows on.
    whole = math.lgamma(rows + 1) - rows * math.log(2)
    shares = (
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(rows - k + 1)) for k in range(smaller + 1)
    )
    return min(2 * math.fsum(shares), 1.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for being so many, in their order.

    The smallest of m is multiplied by m, the next by m - 1, and so on, never falling, at most 1.
    Compared with a level, they keep the chance of even one false alarm below it (Holm 1979, "A
    simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6).
    """
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(p_values[index] * (len(p_values) - rank), 1.0))
        corrected[index] = highest
    return corrected
