"""Does the result vary less from seed to seed? The ratio of standard deviations, with over without.

The test permutes the (log) ratio: arms centred at their medians and swapped within pairs. It holds its level under
heavy tails, where the classical tests of variances (F, Pitman-Morgan) don't. The interval inverts that same test, with
the same draws: it holds every ratio r for which the arms, the variant's divided by r, could not be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from orchestrator.reports.statistics.paired import EQUAL, constant, detectable, seeds_needed
from orchestrator.reports.statistics.permutation import MORE, RESAMPLES, Bools, settled

Floats = npt.NDArray[np.float64]

TAIL = 100
"""An interval's end is where this many draws lie beyond, or as near to it as can be afforded."""
GRID = 20
CHUNK = 4
REACH = 8.0
"""The grid of ratios reaches this many normal-theory standard errors, 1/sqrt(n - 1), to either side."""


@dataclass(frozen=True)
class SpreadEffect:
    """SD with over SD without. All but the ratio are NaN where an arm is constant or there are fewer than two pairs.

    Attributes:
        n: pairs. effect: the ratio. low, high: its interval at 1 - alpha (0 or infinity where the seeds can't bound it).
        p_interval: two-sided p that the ratio is 1, at most alpha just where that interval leaves out 1.
        p_equivalence: the larger of the two one-sided p that the ratio lies within sesoi .. 1/sesoi.
        mde: the ratio below 1 that eight in ten such experiments would find. seeds_needed: to find the sesoi.
        per_seed: what a single pair adds to the uncertainty of the log ratio, as a standard deviation.
    """

    n: int
    effect: float
    low: float
    high: float
    p_interval: float
    p_equivalence: float
    mde: float
    seeds_needed: float
    per_seed: float


def ratio(baseline: Floats, variant: Floats) -> float:
    """SD of `variant` over SD of `baseline`, both (n,): 0 or infinity when one is constant, NaN when both or n < 2."""
    if len(baseline) < 2 or (constant(baseline) and constant(variant)):
        return math.nan
    if constant(baseline) or constant(variant):
        return math.inf if constant(baseline) else 0.0
    return float(variant.std(ddof=1) / baseline.std(ddof=1))


def swap_test(
    baseline: Floats,
    variant: Floats,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    levels: Floats | None = None,
) -> Floats:
    """(k,) two-sided p that the spreads of (n, k) `baseline` and `variant` are equal, column by column.

    The statistic is (v - b) / (v + b) of the two variances: it grows with the log ratio, so it has the same p, and
    stays finite when an arm is constant. NaN for n < 2 and where both arms are constant. A column whose p lies close to
    its level in `levels` (k,) gets more draws.
    """
    n, k = baseline.shape
    if n < 2 or k == 0:
        return np.full(k, np.nan)
    first = baseline - np.median(baseline, axis=0)
    second = variant - np.median(variant, axis=0)

    def ask(which: Bools) -> Callable[[Floats], Floats]:
        return _swapped(first[:, which], second[:, which])

    p = settled(n, ask, np.full(k, np.nan) if levels is None else levels, rng, resamples)
    both = np.array([constant(first[:, j]) and constant(second[:, j]) for j in range(k)])
    return np.where(both, np.nan, p)


def _swapped(first: Floats, second: Floats) -> Callable[[Floats], Floats]:
    """The statistic of (n, k) centred arms as a function of signs (..., n): -1 swaps a pair."""
    n = len(first)
    sums, squares = first.sum(axis=0) + second.sum(axis=0), (first**2).sum(axis=0) + (second**2).sum(axis=0)

    def statistic(signs: Floats) -> Floats:
        kept = (signs > 0).astype(float)
        a = first.sum(axis=0) + kept @ (second - first)
        a2 = (first**2).sum(axis=0) + kept @ (second**2 - first**2)
        va, vb = a2 - a**2 / n, (squares - a2) - (sums - a) ** 2 / n
        total = va + vb
        va -= vb  # in place: these arrays are too large for the processor's cache
        va[total <= 0] = 0.0
        np.divide(va, total, out=va, where=total > 0)
        va /= EQUAL
        return np.asarray(np.rint(va, out=va))

    return statistic


def spread_effects(
    pairs: Sequence[tuple[Floats, Floats]], sesois: Sequence[float], alphas: Sequence[float], rng: np.random.Generator
) -> list[SpreadEffect]:
    """The spread ratios of (baseline, variant) pairs, which share their draws where they share their level.

    Each array is (n,), finite, aligned by seed within its pair, and n is the same for all pairs.
    """
    effects = [ratio(*pair) for pair in pairs]
    p: dict[int, Floats] = {}
    for draws in sorted({_draws(alpha) for alpha in alphas}):
        asked = [i for i, effect in enumerate(effects) if 0 < effect < math.inf and _draws(alphas[i]) == draws]
        for start in range(0, len(asked), CHUNK):
            chunk = asked[start : start + CHUNK]
            p |= dict(zip(chunk, _tested([(*pairs[i], sesois[i]) for i in chunk], rng, draws), strict=True))
    return [
        _effect(effect, len(pair[0]), sesoi, alpha, p.get(i))
        for i, (effect, pair, sesoi, alpha) in enumerate(zip(effects, pairs, sesois, alphas, strict=True))
    ]


def _draws(alpha: float) -> int:
    """As many draws as put TAIL of them beyond either end of an interval at 1 - alpha, but not more than the first MORE."""
    return RESAMPLES if alpha / 2 * (RESAMPLES + 1) >= TAIL else MORE[0]


def _tested(asked: Sequence[tuple[Floats, Floats, float]], rng: np.random.Generator, draws: int) -> list[Floats]:
    """The p of every ratio in the grid, for each (baseline, variant, sesoi)."""
    grids = [_grid(ratio(a, b), len(a), sesoi) for a, b, sesoi in asked]
    baseline = np.repeat(np.stack([a for a, _, _ in asked], axis=1), len(grids[0]), axis=1)
    scaled = [(b - np.median(b))[:, None] / grid for (_, b, _), grid in zip(asked, grids, strict=True)]
    found = swap_test(baseline, np.concatenate(scaled, axis=1), deepcopy(rng), draws)
    return list(found.reshape(len(asked), -1))


def _grid(effect: float, n: int, sesoi: float) -> Floats:
    """The ratios to test: around the one seen, then the two ends of the zone of no interest, and no effect."""
    step = np.linspace(-REACH, REACH, 2 * GRID + 1) / math.sqrt(n - 1)
    return np.concatenate([effect * np.exp(step), sorted([sesoi, 1 / sesoi]), [1.0]])


def _effect(effect: float, n: int, sesoi: float, alpha: float, p: Floats | None) -> SpreadEffect:
    """From the p of every ratio in the grid, None where there was nothing to test."""
    if p is None:
        return SpreadEffect(n, effect, *[math.nan] * 7)
    ratios = _grid(effect, n, sesoi)
    low, high = _interval(ratios[:-3], p[:-3], float(p[-1]), alpha)
    inside = np.array([effect > ratios[-3], effect < ratios[-2]])
    one_sided = np.where(inside, p[-3:-1] / 2, 1 - p[-3:-1] / 2)
    width = math.log(high / low) if low > 0 else math.inf
    per_seed = width / (2 * stats.t.ppf(1 - alpha / 2, n - 1)) * math.sqrt(n)
    return SpreadEffect(
        n=n,
        effect=effect,
        low=low,
        high=high,
        p_interval=float(p[-1]),
        p_equivalence=float(one_sided.max()),
        mde=math.exp(-detectable(n, alpha) * per_seed),
        seeds_needed=seeds_needed(abs(math.log(sesoi)) / per_seed, alpha) if math.isfinite(per_seed) else math.nan,
        per_seed=per_seed,
    )


def _interval(ratios: Floats, p: Floats, p_one: float, alpha: float) -> tuple[float, float]:
    """Where p crosses alpha on either side of the middle of `ratios`; 0 and infinity where it never does.

    No effect is one of the ratios tried, so that the interval leaves out 1 when its p is at most alpha, and only then.
    """
    at = int(np.searchsorted(ratios, 1.0))
    logs, tried = np.log(np.insert(ratios, at, 1.0)), np.insert(p, at, p_one)
    middle = len(ratios) // 2 + (at <= len(ratios) // 2)
    low = _outward(logs[middle::-1], tried[middle::-1], alpha, 0.0)
    high = _outward(logs[middle:], tried[middle:], alpha, math.inf)
    return (min(low, 1.0), max(high, 1.0)) if p_one > alpha else (low, high)


def _outward(logs: Floats, p: Floats, alpha: float, far: float) -> float:
    below = np.flatnonzero(p <= alpha)
    if not len(below) or below[0] == 0:
        return far
    i = int(below[0])
    share = math.log(p[i - 1] / alpha) / math.log(p[i - 1] / p[i])
    return float(np.exp(logs[i - 1] + share * (logs[i] - logs[i - 1])))
