"""Runs that did not finish: how many of how many, and whether the two arms differ in it.

A diverged run is an outcome. It is never dropped and never re-seeded: its rate is told first, then it enters the ranks
as the worst there is, and only then come the pairs in which both halves finished.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from reports.paired import CONFIDENCE, wilcoxon

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rate:
    """k of n runs, with Wilson's 95 % interval for the share (NaN for n = 0)."""

    k: int
    n: int
    low: float
    high: float


def rate(happened: Bools) -> Rate:
    """How many of (n,) runs it happened to."""
    return _rate(int(happened.sum()), len(happened))


@cache
def _rate(k: int, n: int) -> Rate:
    if n == 0:
        return Rate(0, 0, math.nan, math.nan)
    interval = stats.binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(k, n, float(interval.low), float(interval.high))


def exact_mcnemar(baseline: Bools, variant: Bools) -> float:
    """The p that it happens equally often in both arms, from those of (n,) pairs in which it happened to one half."""
    if len(baseline) == 0:
        return math.nan
    table = [[int((a & b).sum()) for b in (variant, ~variant)] for a in (baseline, ~baseline)]
    return float(min(1.0, mcnemar(table, exact=True).pvalue)) if table[0][1] + table[1][0] else 1.0


@dataclass(frozen=True)
class WorstRank:
    """Signed ranks, diverged runs being the worst; `direction` is 1 when the variant ranks better, -1 worse, else 0."""

    p: float
    direction: int


def worst_rank(baseline: Floats, variant: Floats, diverged: tuple[Bools, Bools], better: str) -> WorstRank:
    """Wilcoxon's test over the pairs in which each half finished or diverged; two diverged halves are a tie.

    After Lachin, "Worst-rank score analysis with informatively missing observations in clinical trials", Controlled
    Clinical Trials 20 (1999). Arrays are (n,); values of diverged runs are ignored, other NaN leave their pair out.
    """
    sign = 1.0 if better == "higher" else -1.0
    arms = [np.where(gone, np.nan, sign * values) for values, gone in zip((baseline, variant), diverged, strict=True)]
    known = [np.isfinite(arm) | gone for arm, gone in zip(arms, diverged, strict=True)]
    finite = np.concatenate([arm[np.isfinite(arm)] for arm in arms])
    worst = float(finite.min() - np.ptp(finite) - 1.0) if len(finite) else 0.0
    ranked = [np.where(gone, worst, arm)[known[0] & known[1]] for arm, gone in zip(arms, diverged, strict=True)]
    d = ranked[1] - ranked[0]
    if len(d) < 2:
        return WorstRank(math.nan, 0)
    signed = float((np.sign(d) * stats.rankdata(np.abs(d))).sum())
    return WorstRank(wilcoxon(d), int(np.sign(signed)))
