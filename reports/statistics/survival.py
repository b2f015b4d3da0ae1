"""How many epochs until a threshold is reached, when some runs never reach it.

A run that stops first is right-censored: all we know is that its time is longer. So the arms are told by the median of
their Kaplan-Meier curves and how many got there, and compared by the log-rank test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from orchestrator.reports.statistics.rates import Rate, rate

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WaitingTimes:
    """One arm's waiting times.

    Attributes:
        reached: how many got there.
        median: the epoch by which half of the runs did, infinity when fewer than half ever do.
    """

    reached: Rate
    median: float


def waiting(epochs: Floats, reached: Bools) -> WaitingTimes:
    """(n,) epochs waited, until reached or until training ended, and (n,) whether it was reached."""
    if len(epochs) == 0:
        return WaitingTimes(rate(reached), math.nan)
    curve = stats.ecdf(_censored(epochs, reached)).cdf
    half = np.flatnonzero(curve.probabilities >= 0.5 - 1e-12)
    return WaitingTimes(rate(reached), float(curve.quantiles[half[0]]) if len(half) else math.inf)


def logrank(baseline: tuple[Floats, Bools], variant: tuple[Floats, Bools]) -> float:
    """The p that both arms wait equally long; each is (epochs, reached). NaN when nobody got anywhere."""
    if not (baseline[1].any() or variant[1].any()):
        return math.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(stats.logrank(_censored(*baseline), _censored(*variant)).pvalue)


def _censored(epochs: Floats, reached: Bools) -> stats.CensoredData:
    return stats.CensoredData(uncensored=epochs[reached], right=epochs[~reached])
