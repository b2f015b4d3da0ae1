"""Two arms whose runs have nothing to do with each other: no seed joins them, and they may be of different numbers.

The interval is Welch's, the test permutes runs between the arms, rates go by Fisher's exact test. What the pairs of a paired
comparison are, are here the runs of an arm.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from orchestrator.reports.statistics.paired import POWER, MeanEffect, constant, seeds_needed
from orchestrator.reports.statistics.permutation import RESAMPLES
from orchestrator.reports.statistics.rates import WorstRank

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
MIDDLE = 0.25
LARGE = 1000
"""Beyond so many runs an arm the least p of a permutation is as good as 0."""


def mean_effect(baseline: Floats, variant: Floats, better: str, sesoi: float, alpha: float) -> MeanEffect:
    """The difference of the means of (n,) and (m,) finite values, variant's minus baseline's.

    The interval at 1 - `alpha` and the two one-sided tests are Welch's ("The generalization of Student's problem when several
    different population variances are involved", Biometrika 34, 1947). `n` is the smaller arm's, `sd` that of the difference
    of a run of either arm, `p_wilcoxon` Mann and Whitney's, `probability_better` the chance that a run of the variant does better
    than one of the baseline, `iqm` the difference of interquartile means; what takes pairs is NaN. The least detectable
    difference is (t_(1 - alpha/2) + t_0.8) standard errors.
    """
    n = min(len(baseline), len(variant))
    known = MeanEffect(n, *[math.nan] * 14)
    if n == 0:
        return known
    effect = float(variant.mean() - baseline.mean())
    middle = float(stats.trim_mean(variant, MIDDLE) - stats.trim_mean(baseline, MIDDLE))
    ranks = stats.mannwhitneyu(variant, baseline)
    above = float(ranks.statistic) / (len(baseline) * len(variant))
    wins = {"higher": above, "lower": 1 - above}.get(better, math.nan)
    known = replace(known, effect=effect, iqm=middle, probability_better=wins)
    if n < 2:
        return known
    known = replace(known, p_wilcoxon=float(ranks.pvalue))
    if constant(baseline) and constant(variant):
        return known
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of arms that hardly vary: their interval says it
        test = stats.ttest_ind(variant, baseline, equal_var=False)
    interval, degrees = test.confidence_interval(1 - alpha), float(test.df)
    error, sd = _error(baseline, variant), _sd(baseline, variant)
    reach = float(stats.t.isf(alpha / 2, degrees) + stats.t.ppf(POWER, degrees))
    return replace(
        known,
        low=float(interval.low),
        high=float(interval.high),
        p_interval=float(test.pvalue),
        sd=sd,
        p_equivalence=float(stats.t.sf((sesoi - abs(effect)) / error, degrees)),
        mde=reach * error,
        seeds_needed=seeds_needed(sesoi / sd, alpha),
    )


def permuted(baseline: Floats, variant: Floats, rng: np.random.Generator) -> float:
    """Two-sided p of the difference of the means when runs are dealt out to the arms at random; NaN below two runs an arm."""
    if min(len(baseline), len(variant)) < 2:
        return math.nan

    def difference(a: Floats, b: Floats, axis: int) -> Any:
        return a.mean(axis=axis) - b.mean(axis=axis)

    test = stats.permutation_test((variant, baseline), difference, vectorized=True, n_resamples=RESAMPLES, rng=rng)
    return float(test.pvalue)


def least(n: int, m: int) -> float:
    """The least two-sided p that dealing out n + m runs can give: 2 of all ways to do so."""
    return 0.0 if min(n, m) > LARGE else min(1.0, 2 / math.comb(n + m, n))


def fewest_runs(alpha: float) -> int:
    """The fewest runs an arm with which that p can reach `alpha`."""
    return next(n for n in range(1, LARGE) if least(n, n) <= alpha)


def fisher(baseline: Bools, variant: Bools) -> float:
    """Fisher's exact p that something happens as often in both arms."""
    if not len(baseline) or not len(variant):
        return math.nan
    table = np.array([[arm.sum(), (~arm).sum()] for arm in (variant, baseline)])
    return float(stats.fisher_exact(table).pvalue)


def worst_rank(baseline: Floats, variant: Floats, gone: tuple[Bools, Bools], better: str) -> WorstRank:
    """Mann and Whitney's test with the runs in `gone` as the worst of all, equal to each other; other NaN are left out."""
    sign = 1.0 if better == "higher" else -1.0
    arms = [
        np.where(lost, -np.inf, sign * values)[lost | np.isfinite(values)]
        for values, lost in zip((baseline, variant), gone, strict=True)
    ]
    if min(map(len, arms)) < 1:
        return WorstRank(math.nan, 0)
    ranks = stats.rankdata(np.concatenate(arms))
    apart = float(ranks[len(arms[0]) :].mean() - ranks[: len(arms[0])].mean())
    test = stats.mannwhitneyu(ranks[len(arms[0]) :], ranks[: len(arms[0])])
    return WorstRank(float(test.pvalue), int(np.sign(apart)))


def _sd(baseline: Floats, variant: Floats) -> float:
    return math.hypot(*(float(arm.std(ddof=1)) for arm in (baseline, variant)))


def _error(baseline: Floats, variant: Floats) -> float:
    return math.hypot(*(float(arm.std(ddof=1)) / math.sqrt(len(arm)) for arm in (baseline, variant)))
