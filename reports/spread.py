"""Does the result vary less from seed to seed? The ratio of standard deviations, with over without.

The test permutes the (log) ratio: arms centred at their medians and swapped within pairs. It holds its level under
heavy tails, where the classical tests of variances (F, Pitman-Morgan) don't. The interval inverts that same test: it
holds every ratio r for which the arms, the variant's divided by r, could not be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from reports.paired import CONFIDENCE, constant, detectable, seeds_needed
from reports.permutation import RESAMPLES, flip

Floats = npt.NDArray[np.float64]

GRID_RESAMPLES = 1999
GRID = 20
CHUNK = 32
REACH = 8.0
"""The grid of ratios reaches this many normal-theory standard errors, 1/sqrt(n - 1), to either side."""


@dataclass(frozen=True)
class SpreadEffect:
    """SD with over SD without. All but the ratio are NaN where an arm is constant or there are fewer than two pairs.

    Attributes:
        n: pairs. effect: the ratio. low, high: its 95 % interval (0 or infinity where the seeds can't bound it).
        p_equivalence: the larger of the two one-sided p that the ratio lies within sesoi .. 1/sesoi.
        mde: the ratio below 1 that eight in ten such experiments would find. seeds_needed: to find the sesoi.
    """

    n: int
    effect: float
    low: float
    high: float
    p_equivalence: float
    mde: float
    seeds_needed: float


def ratio(baseline: Floats, variant: Floats) -> float:
    """SD of `variant` over SD of `baseline`, both (n,): 0 or infinity when one is constant, NaN when both or n < 2."""
    if len(baseline) < 2 or (constant(baseline) and constant(variant)):
        return math.nan
    if constant(baseline) or constant(variant):
        return math.inf if constant(baseline) else 0.0
    return float(variant.std(ddof=1) / baseline.std(ddof=1))


def swap_test(baseline: Floats, variant: Floats, rng: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
    """(k,) two-sided p that the spreads of (n, k) `baseline` and `variant` are equal, column by column.

    The statistic is (v - b) / (v + b) of the two variances: it grows with the log ratio, so it has the same p, and
    stays finite when an arm is constant. NaN for n < 2 and where both arms are constant.
    """
    n, k = baseline.shape
    if n < 2 or k == 0:
        return np.full(k, np.nan)
    first = baseline - np.median(baseline, axis=0)
    second = variant - np.median(variant, axis=0)
    sums, squares = first.sum(axis=0) + second.sum(axis=0), (first**2).sum(axis=0) + (second**2).sum(axis=0)

    def statistic(signs: Floats) -> Floats:
        kept = (signs > 0).astype(float)
        a = first.sum(axis=0) + kept @ (second - first)
        a2 = (first**2).sum(axis=0) + kept @ (second**2 - first**2)
        va, vb = a2 - a**2 / n, (squares - a2) - (sums - a) ** 2 / n
        return np.asarray(np.divide(va - vb, va + vb, out=np.zeros_like(va), where=va + vb > 0))

    test = flip(n, statistic, rng, resamples)
    both = np.array([constant(first[:, j]) and constant(second[:, j]) for j in range(k)])
    return np.where(both, np.nan, test.pvalue)


def spread_effects(
    pairs: Sequence[tuple[Floats, Floats]], sesois: Sequence[float], alphas: Sequence[float], rng: np.random.Generator
) -> list[SpreadEffect]:
    """The spread ratios of (baseline, variant) pairs, which share their draws.

    Each array is (n,), finite, aligned by seed within its pair, and n is the same for all pairs.
    """
    effects = [ratio(*pair) for pair in pairs]
    drawn = [i for i, effect in enumerate(effects) if 0 < effect < math.inf]
    p: dict[int, Floats] = {}
    for start in range(0, len(drawn), CHUNK):
        chunk = drawn[start : start + CHUNK]
        grids = [_grid(effects[i], len(pairs[i][0]), sesois[i]) for i in chunk]
        baseline = np.repeat(np.stack([pairs[i][0] for i in chunk], axis=1), len(grids[0]), axis=1)
        scaled = [(pairs[i][1] - np.median(pairs[i][1]))[:, None] / grid for i, grid in zip(chunk, grids, strict=True)]
        found = swap_test(baseline, np.concatenate(scaled, axis=1), deepcopy(rng), GRID_RESAMPLES)
        p |= dict(zip(chunk, found.reshape(len(chunk), -1), strict=True))
    return [
        _effect(effect, len(pair[0]), sesoi, alpha, p.get(i))
        for i, (effect, pair, sesoi, alpha) in enumerate(zip(effects, pairs, sesois, alphas, strict=True))
    ]


def _grid(effect: float, n: int, sesoi: float) -> Floats:
    """The ratios to test: around the one seen, and the two ends of the zone of no interest."""
    step = np.linspace(-REACH, REACH, 2 * GRID + 1) / math.sqrt(n - 1)
    return np.concatenate([effect * np.exp(step), sorted([sesoi, 1 / sesoi])])


def _effect(effect: float, n: int, sesoi: float, alpha: float, p: Floats | None) -> SpreadEffect:
    """From the p of every ratio in the grid, None where there was nothing to test."""
    if p is None:
        return SpreadEffect(n, effect, *[math.nan] * 5)
    ratios = _grid(effect, n, sesoi)
    low, high = _crossings(np.log(ratios[:-2]), p[:-2])
    inside = np.array([effect > ratios[-2], effect < ratios[-1]])
    one_sided = np.where(inside, p[-2:] / 2, 1 - p[-2:] / 2)
    width = math.log(high / low) if low > 0 else math.inf
    per_seed = width / (2 * stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * math.sqrt(n)
    return SpreadEffect(
        n=n,
        effect=effect,
        low=low,
        high=high,
        p_equivalence=float(one_sided.max()),
        mde=math.exp(-detectable(n, alpha) * per_seed),
        seeds_needed=seeds_needed(abs(math.log(sesoi)) / per_seed, alpha) if math.isfinite(per_seed) else math.nan,
    )


def _crossings(logs: Floats, p: Floats) -> tuple[float, float]:
    """Where p crosses 0.05 on either side of the middle of `logs`, as ratios; 0 and infinity where it never does."""
    level, middle = 1 - CONFIDENCE, len(logs) // 2

    def outward(xs: Floats, ps: Floats, far: float) -> float:
        below = np.flatnonzero(ps <= level)
        if not len(below) or below[0] == 0:
            return far
        i = int(below[0])
        share = math.log(ps[i - 1] / level) / math.log(ps[i - 1] / ps[i])
        return float(np.exp(xs[i - 1] + share * (xs[i] - xs[i - 1])))

    return outward(logs[middle::-1], p[middle::-1], 0.0), outward(logs[middle:], p[middle:], math.inf)
