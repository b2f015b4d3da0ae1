"""Where a technique stops training early: does its effect depend on when it stopped?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

FEWEST = 5
"""Runs on either side."""
LEVEL = 0.01
"""For the best of all places to cut, each counted (Bonferroni): it is only said where it is plain."""


@dataclass(frozen=True)
class Parted:
    """Runs that stopped by epoch `until`, and the others: how many, and the mean difference of each group."""

    until: int
    early: int
    late: int
    effect_early: float
    effect_late: float
    p: float


def parted(stops: Floats, differences: Floats) -> Parted | None:
    """The epoch that best separates (n,) differences by the (n,) epochs their runs stopped in; None where none does.

    Of all cuts with five runs on either side, the one with the smallest p after Mann and Whitney, times the cuts tried.
    """
    cuts = [cut for cut in np.unique(stops)[:-1] if FEWEST <= (stops <= cut).sum() <= len(stops) - FEWEST]
    tested = [(_ranks(differences[stops <= cut], differences[stops > cut]), cut) for cut in cuts]
    p, cut = min(tested, default=(1.0, 0))
    if p * len(cuts) > LEVEL or not tested:
        return None
    early = stops <= cut
    means = float(differences[early].mean()), float(differences[~early].mean())
    return Parted(int(cut), int(early.sum()), int((~early).sum()), *means, p * len(cuts))


def _ranks(first: Floats, second: Floats) -> float:
    return float(stats.mannwhitneyu(first, second).pvalue)
