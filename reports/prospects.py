"""How many seeds would settle a comparison, and as what, if the effect is what it looks like."""

from __future__ import annotations

import math

import numpy as np
from statsmodels.stats.power import TTestPower

from reports.paired import EASY, POWER, fewest_pairs

EITHER_SIDE = (1 + POWER) / 2
"""Equivalence takes two tests. At this power each, both succeed in at least POWER of experiments."""
MOST = 10_000
LEAST_DZ = 1e-3


def settle(effect: float, sd: float, sesoi: float, alpha: float) -> tuple[str, float]:
    """What would be shown ("beyond" the sesoi, "within" it, or only that it is "real"), and by how many pairs.

    `effect` and its SD over single pairs are on a scale where no effect is 0. What lies close to the sesoi can hardly be told
    from it: then what settles the comparison first is telling it from nothing.
    """
    if not (sd > 0 and math.isfinite(sd) and math.isfinite(effect)):
        return "", math.nan
    size = abs(effect)
    real = _pairs(size / sd, alpha, POWER, two_sided=True)
    if size > sesoi:
        beyond = _pairs((size - sesoi) / sd, alpha, POWER, two_sided=True)
        return ("beyond", beyond) if beyond <= MOST else ("real", real)
    within = _pairs((sesoi - size) / sd, alpha, EITHER_SIDE, two_sided=False)
    return ("within", within) if within <= real else ("real", real)


def _pairs(dz: float, alpha: float, power: float, *, two_sided: bool) -> float:
    """Pairs for a paired t test to find `dz` with that power, never fewer than a sign-flip test needs."""
    if dz < LEAST_DZ:
        return math.inf
    alternative = "two-sided" if two_sided else "larger"
    found = TTestPower().solve_power(effect_size=min(dz, EASY), alpha=alpha, power=power, alternative=alternative)
    return float(max(fewest_pairs(alpha), math.ceil(float(np.squeeze(found)))))
