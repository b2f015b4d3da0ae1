"""A technique against its baseline, seed by seed: the mean effect and what goes with it.

Everything is a function of D = with - without, one difference a seed. Tests come from scipy and statsmodels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats
from statsmodels.stats.power import TTestPower

from orchestrator.reports.statistics.permutation import RESAMPLES, Bools, settled
from orchestrator.reports.statistics.scored_rows import Rows, beside
from orchestrator.reports.statistics.ties import merged

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
POWER = 0.8
EASY = 2.0
"""Beyond this dz a handful of pairs will do."""
LEAST_DZ = 1e-3
"""Below it no number of pairs that anybody has will do."""
MOST_EXACT = 50
EQUAL = 1e-10
"""Sums of differences closer than this share of their total size are equal: they are added in another order each time."""
ROUNDING = 1e-9
"""Differences closer than this, relative to their size, are equal: 0.83 - 0.82 is not 0.84 - 0.83 in binary."""
NOTHING = 1e-13
"""What is left of two equal numbers of usual size, which is no difference."""


@dataclass(frozen=True)
class MeanEffect:
    """D = with - without, summed up. Fields are NaN where they have no meaning: too few pairs, or no variation.

    Attributes:
        n: pairs. effect: mean of D. low, high: its t interval at 1 - alpha. dz: mean of D over SD of D. sd: SD of D.
        p_interval: the t test's p, which is below alpha just where that interval leaves out 0.
        iqm: interquartile mean of D. p_wilcoxon: signed ranks, zeros after Pratt.
        probability_better: share of pairs in which the technique is better, ties as half.
        p_equivalence: two one-sided t tests against -sesoi and +sesoi.
        mde: the smallest true mean difference that `power` of such experiments would find.
        seeds_needed: pairs needed to find a difference as large as the sesoi.
        correlation: Pearson's, between the two arms. skew: skewness of D; far from 0 the interval covers less than it
            says.
    """

    n: int
    effect: float
    low: float
    high: float
    p_interval: float
    dz: float
    sd: float
    iqm: float
    p_wilcoxon: float
    probability_better: float
    p_equivalence: float
    mde: float
    seeds_needed: float
    correlation: float
    skew: float


def constant(values: Floats) -> bool:
    """True when all of `values` are equal up to rounding, or there are none."""
    if not len(values):
        return True
    return bool(np.ptp(values) <= max(NOTHING, ROUNDING * float(np.abs(values).max())))


def sign_flip(
    differences: Floats, rng: np.random.Generator, resamples: int = RESAMPLES, levels: Floats | None = None
) -> Floats:
    """(k,) two-sided p of the sign-flip permutation test of each of k columns of (n, k) paired differences.

    Exact when there are at most `resamples` ways to flip (n <= 13). All columns share their draws; a column whose p lies
    close to its level in `levels` (k,) gets more of them. NaN for n < 2.
    """
    n, k = differences.shape
    if n < 2 or k == 0:
        return np.full(k, np.nan)

    size = np.abs(differences).sum(axis=0)
    shares = np.divide(differences, size, out=np.zeros_like(differences), where=size > 0)

    def ask(which: Bools) -> Any:
        return lambda signs: np.rint(signs @ shares[:, which] / EQUAL)

    return settled(n, ask, np.full(k, np.nan) if levels is None else levels, rng, resamples)


def mean_effect(
    baseline: Floats,
    variant: Floats,
    better: str,
    sesoi: float,
    alpha: float = 0.05,
    shared: float = 0.0,
    rows: Rows | None = None,
) -> MeanEffect:
    """The mean effect of n pairs; `baseline` and `variant` are (n,), finite, aligned by seed.

    `alpha` is the level of the interval, and the one that the minimal detectable effect and the seeds needed are computed
    at. `rows` are those that all runs were scored on; they add their own uncertainty (reports.statistics.scored_rows). `shared` is for data
    sets that have rows in common, test rows over training rows of each: they make the mean less certain than its pairs are
    many, SE^2 = SD^2 (1 / n + shared), after Nadeau and Bengio, "Inference for the generalization error", Machine Learning
    52 (2003).
    """
    (d,) = merged(variant - baseline)
    n = len(d)
    mean, sd = (float(d.mean()), 0.0 if constant(d) else float(d.std(ddof=1))) if n else (math.nan, 0.0)
    t = _error(sd, n, shared, rows)
    return MeanEffect(
        n=n,
        effect=mean,
        low=mean - t.reach(alpha),
        high=mean + t.reach(alpha),
        p_interval=t.tail(abs(mean)) * 2,
        dz=mean / sd if sd else math.nan,
        sd=sd if n > 1 else math.nan,
        iqm=float(stats.trim_mean(d, 0.25)) if n else math.nan,
        p_wilcoxon=_ranks(d),
        probability_better=_wins(d, better),
        p_equivalence=t.tail(sesoi - abs(mean)),
        mde=detectable(n, alpha) * t.error * math.sqrt(n) if t.error else math.nan,
        seeds_needed=_seeds(sd, sesoi, alpha, rows) if sd and not shared else math.nan,
        correlation=correlation(baseline, variant),
        skew=float(stats.skew(d, bias=False)) if n > 2 and sd else math.nan,
    )


@dataclass(frozen=True)
class _T:
    """A standard error and its degrees of freedom; 0 and everything NaN where it isn't known."""

    error: float
    degrees: float

    def reach(self, alpha: float) -> float:
        """Half the width of the interval at 1 - alpha."""
        return self.error * float(special.stdtrit(self.degrees, 1 - alpha / 2)) if self.error else math.nan

    def tail(self, distance: float) -> float:
        """The chance to come as far from the truth, to one side."""
        return float(special.stdtr(self.degrees, -distance / self.error)) if self.error else math.nan


def _error(sd: float, n: int, shared: float, rows: Rows | None) -> _T:
    """Of the mean of n differences."""
    if n < 2:
        return _T(0.0, math.nan)
    if shared or rows is None:
        return _T(sd * math.sqrt(1 / n + shared), n - 1)
    return _T(*rows.joined(sd**2 / n, n))


def _seeds(sd: float, sesoi: float, alpha: float, rows: Rows | None) -> float:
    return beside(seeds_needed(sesoi / sd, alpha), sd, enough(sesoi, alpha, POWER), rows.variance if rows else 0.0)


def enough(distance: float, alpha: float, power: float, sides: int = 2) -> float:
    """The standard error by which `distance` is found with that power, by the normal distribution."""
    return float(distance / (special.ndtri(power) - special.ndtri(alpha / sides)))


def _wins(d: Floats, better: str) -> float:
    """The share of differences for the better, ties as half; NaN where nobody said which way that is."""
    sign = {"higher": 1.0, "lower": -1.0}.get(better, math.nan)
    if math.isnan(sign):
        return math.nan
    return float(np.mean(sign * d > 0) + np.mean(d == 0) / 2) if len(d) else math.nan


def _ranks(d: Floats) -> float:
    """Signed ranks; 1 where all differences are none, NaN where all are the same."""
    if len(d) > 1 and not constant(d):
        return wilcoxon(d)
    return 1.0 if len(d) > 1 and np.all(np.abs(d) <= ROUNDING) else math.nan


def wilcoxon(d: Floats) -> float:
    """Wilcoxon's signed-rank p of (n,) differences; exact without ties, normal approximation with them.

    scipy's own choice would enumerate every sign for small tied samples, half a second each.
    """
    if not np.any(d):
        return 1.0
    tied = len(np.unique(np.abs(d))) < len(d) or bool(np.any(d == 0))
    method: Any = "asymptotic" if tied or len(d) > MOST_EXACT else "exact"
    return float(stats.wilcoxon(d, zero_method="pratt", method=method).pvalue)


def correlation(first: Floats, second: Floats) -> float:
    """Pearson's correlation of n pairs; NaN when an arm is constant or n < 3."""
    if len(first) < 3 or constant(first) or constant(second):
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


@cache
def detectable(n: int, alpha: float = 0.05) -> float:
    """The dz that a paired t test of n pairs finds with a power of 0.8 (0.53 at n = 30)."""
    if n < 2:
        return math.nan
    return float(np.squeeze(TTestPower().solve_power(nobs=n, alpha=alpha, power=POWER)))


def seeds_needed(dz: float, alpha: float = 0.05) -> float:
    """Pairs needed to find a standardised difference `dz` (taken to three digits) with a power of 0.8, at `alpha`."""
    return pairs_needed(float(f"{dz:.3g}"), alpha, POWER) if dz > 0 else math.nan


def fewest_pairs(alpha: float) -> int:
    """The fewest pairs with which a sign-flip test can reach `alpha`: its smallest p is 2 / 2^n."""
    return math.ceil(math.log2(2 / alpha))


@cache
def pairs_needed(dz: float, alpha: float, power: float, sides: int = 2) -> float:
    """Pairs for a paired t test to find `dz` with that power, never fewer than a sign-flip test needs to reach `alpha` at all."""
    if dz < LEAST_DZ:
        return math.inf

    def missing(n: float) -> float:
        return power - _power(n, min(dz, EASY), alpha, sides)

    least = fewest_pairs(alpha)
    found = optimize.brentq(missing, least, _plenty(missing, least)) if missing(least) > 0 else least
    return float(math.ceil(found))


def _plenty(missing: Callable[[float], float], n: int) -> int:
    return n if missing(n) <= 0 else _plenty(missing, 2 * n)


def _power(n: float, dz: float, alpha: float, sides: int) -> float:
    """The chance that a paired t test of n pairs finds `dz`; scipy says NaN of a far side that is as good as none."""
    border, apart = special.stdtrit(n - 1, alpha / sides), dz * math.sqrt(n)
    wrong = np.nan_to_num(special.nctdtr(n - 1, apart, border)) if sides == 2 else 0.0
    return float(1 - special.nctdtr(n - 1, apart, -border) + wrong)
