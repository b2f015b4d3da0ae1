"""What one pair of runs may look like: on how many data sets the technique is better, and how far single runs lie apart.

The mean says nothing of that. On redrawn data a pair of runs is a new data set, so this is what happens to whoever has one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from statsmodels.stats.proportion import proportion_confint

from orchestrator.reports.statistics.paired import CONFIDENCE

Floats = npt.NDArray[np.float64]

MIDDLE = 0.9
"""The range of single runs is to hold at least this share of them."""
FEWEST = 20


@dataclass(frozen=True)
class Single:
    """Single differences, with - without.

    Attributes:
        better_low, better_high: Wilson's 95 % interval of the share of pairs in which the technique is better.
        low, high: two of the ordered differences, between which the next one lies with a chance of `coverage`, whatever
            the differences are drawn from. NaN with fewer than twenty pairs.
    """

    better_low: float
    better_high: float
    low: float
    high: float
    coverage: float


def single(differences: Floats, better: float) -> Single:
    """(n,) differences; `better` is the share of them on the better side, ties as half."""
    n = len(differences)
    if n == 0 or math.isnan(better):
        return Single(math.nan, math.nan, *_middle(np.sort(differences)))
    low, high = proportion_confint(better * n, n, alpha=1 - CONFIDENCE, method="wilson")
    return Single(float(low), float(high), *_middle(np.sort(differences)))


def _middle(ordered: Floats) -> tuple[float, float, float]:
    """The narrowest symmetric pair of order statistics that covers enough: (j - i) / (n + 1) for the i-th and the j-th.

    Wilks, "Determination of sample sizes for setting tolerance limits", Annals of Mathematical Statistics 12 (1941).
    """
    n = len(ordered)
    if n < FEWEST:
        return math.nan, math.nan, math.nan
    cut = max(1, math.floor((n + 1) * (1 - MIDDLE) / 2 + 1e-9))
    return float(ordered[cut - 1]), float(ordered[n - cut]), (n + 1 - 2 * cut) / (n + 1)
