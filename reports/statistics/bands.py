"""When along training do the arms differ? The mean difference curve with a band that holds all of it at once.

A 95 % interval at each epoch misses somewhere along a curve far more often than one time in twenty. This band is as
wide as the largest deviation anywhere, over random flips of the seeds' signs (max-T: Westfall and Young 1993; Nichols
and Holmes 2002, whose variance smoothing is the model for the floor below).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.reports.statistics.paired import CONFIDENCE, ROUNDING
from orchestrator.reports.statistics.permutation import flip

Floats = npt.NDArray[np.float64]

RESAMPLES = 1999
FEWEST = 6
"""Five pairs have 16 distinct flips (a flip and its mirror image count once): too few for one in twenty."""
FLOOR = 0.2
"""Added to every epoch's standard error, as a share of the largest one. Where all runs of a stepped metric happen to
agree the standard error is 0, and a band of that width is wrong with certainty: on such curves it held the truth 0 to
66 % of the time without the floor and 94 to 95 % with it, for a few percent of width."""


@dataclass(frozen=True)
class Band:
    """Mean difference with - without, and its simultaneous 95 % band.

    Attributes:
        mean, low, high: (epochs,) low and high NaN with fewer than six pairs.
        n: pairs whose curves are finite throughout; the others are left out.
        critical: the band's half width in (floored) standard errors.
        parted: index of the first epoch in which any pair differs; before it the band has no width.
    """

    mean: Floats
    low: Floats
    high: Floats
    n: int
    critical: float
    parted: int

    @property
    def differs(self) -> npt.NDArray[np.bool_]:
        """(epochs,) where the band excludes zero."""
        return (self.low > 0) | (self.high < 0)


def difference_band(baseline: Floats, variant: Floats, rng: np.random.Generator, resamples: int = RESAMPLES) -> Band:
    """The band for (n, epochs) curves of `baseline` and `variant`, rows aligned by seed, stopped runs carried forward.

    Hand it thinned epochs: it then holds simultaneously over the epochs it was given. Signs are flipped on the
    residuals, not on the differences: a real effect would otherwise leak into the null distribution and narrow the
    band, which then held the truth 83 to 84 % of the time instead of 95.
    """
    difference = variant - baseline
    difference = difference[np.isfinite(difference).all(axis=1)]
    n, epochs = difference.shape
    nothing = np.full(epochs, np.nan)
    if n < FEWEST or epochs == 0:
        return Band(difference.mean(axis=0) if n else nothing, nothing, nothing, n, math.nan, 0)
    mean = difference.mean(axis=0)
    moved = np.flatnonzero(np.abs(difference).max(axis=0) > 0)
    parted = int(moved[0]) if len(moved) else epochs
    error = difference.std(axis=0, ddof=1) / math.sqrt(n)
    floored = error + FLOOR * error.max()
    if floored.max() <= ROUNDING * max(1.0, float(np.abs(mean).max())):
        return (
            Band(mean, nothing, nothing, n, math.nan, parted)
            if parted < epochs
            else Band(mean, mean, mean, n, 0.0, parted)
        )
    residuals = (difference - mean) * math.sqrt(n / (n - 1))
    critical = _critical(residuals, FLOOR * error.max(), rng, resamples)
    half = np.where(np.arange(epochs) < parted, 0.0, critical * floored)
    return Band(mean, mean - half, mean + half, n, critical, parted)


def _critical(residuals: Floats, floor: float, rng: np.random.Generator, resamples: int) -> float:
    """The 95 % quantile of the largest |t| along (n, epochs) residuals whose rows' signs are flipped."""
    n = len(residuals)
    squares = (residuals**2).sum(axis=0)

    def largest(signs: Floats) -> Floats:
        mean = signs @ residuals / n
        error = np.sqrt(np.maximum(squares - n * mean**2, 0.0) / (n - 1) / n)
        return np.asarray((np.abs(mean) / (error + floor)).max(axis=-1))

    test = flip(n, largest, rng, resamples)
    return float(np.quantile(test.null_distribution, CONFIDENCE))
