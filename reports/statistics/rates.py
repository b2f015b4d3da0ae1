"""Runs that went wrong: how many of how many, and whether the two arms differ in it.

A bad run is an outcome. It is never dropped and never re-seeded: its rate is told first, then it enters the ranks as the
worst there is, and only then come the pairs in which both halves have the number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, samplesize_proportions_2indep_onetail

from orchestrator.reports.statistics.paired import CONFIDENCE, POWER, wilcoxon

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MANY = 10_000
TINY = 1e-9


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


@cache
def newcombe(
    variant: int, baseline: int, n: int, confidence: float = CONFIDENCE, of_baseline: int | None = None
) -> tuple[float, float]:
    """The interval of the difference of two shares, variant's minus baseline's, of n runs each or of `of_baseline`; NaN for none.

    Method 10 of Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998): it makes no use of the pairing, which only ever makes it wider than need be.
    """
    runs = n if of_baseline is None else of_baseline
    if n == 0 or runs == 0:
        return math.nan, math.nan
    low, high = confint_proportions_2indep(
        variant, n, baseline, runs, method="newcomb", compare="diff", alpha=1 - confidence
    )
    return float(low), float(high)


def seeds_to_tell(variant: int, baseline: int, n: int, alpha: float) -> float:
    """Pairs at which exact McNemar would reach `alpha`, were the two arms' discordant pairs to go on as in these n.

    `variant` and `baseline` count the pairs in which only that half is bad. Infinite when they are as many.
    """
    discordant = variant + baseline
    if variant == baseline:
        return math.inf
    for total in range(discordant, MANY):
        more = round(total * max(variant, baseline) / discordant)
        if stats.binomtest(more, total).pvalue <= alpha:
            return float(math.ceil(total * n / discordant))
    return math.inf


@dataclass(frozen=True)
class RateEffect:
    """The share of runs that something happened to, with minus without.

    Attributes:
        effect, low, high: the difference and its interval at 1 - alpha: Newcombe's, and no effect with it where
            p_interval, exact McNemar's, does not exclude that.
        p_equivalence: the level at which Newcombe's interval (at 1 - 2 p) just fits within the sesoi to either side.
        seeds_needed: runs an arm that find a difference as large as the sesoi four times in five.
    """

    effect: float
    low: float
    high: float
    p_interval: float
    p_equivalence: float
    seeds_needed: float


def rate_effect(baseline: Bools, variant: Bools, sesoi: float, alpha: float) -> RateEffect:
    """The difference in shares of (n,) runs, aligned by seed."""
    n, first, second = len(baseline), int(baseline.sum()), int(variant.sum())
    if n == 0:
        return RateEffect(*[math.nan] * 6)
    p = exact_mcnemar(baseline, variant)
    low, high = newcombe(second, first, n, 1 - alpha)
    if p > alpha:
        low, high = min(low, 0.0), max(high, 0.0)
    share = min(max((first + second) / (2 * n), 0.5 / n), 1 - sesoi - TINY)
    needed = (
        float(samplesize_proportions_2indep_onetail(sesoi, share, POWER, alpha=alpha / 2)) if share > 0 else math.nan
    )
    return RateEffect((second - first) / n, low, high, p, _fits(second, first, n, sesoi), math.ceil(needed))


def _fits(variant: int, baseline: int, n: int, sesoi: float) -> float:
    def beyond(alpha: float) -> float:
        return max(map(abs, newcombe(variant, baseline, n, 1 - 2 * alpha))) - sesoi

    if beyond(0.5 - TINY) >= 0:
        return 1.0
    return TINY if beyond(TINY) <= 0 else float(optimize.brentq(beyond, TINY, 0.5 - TINY))


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
