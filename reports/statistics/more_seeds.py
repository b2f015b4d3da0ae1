"""What seeds would show: how many settle a comparison, and with what chance so many give which verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.statistics.paired import POWER, enough, fewest_pairs, pairs_needed
from orchestrator.reports.statistics.scored_rows import beside

EITHER_SIDE = (1 + POWER) / 2
"""Equivalence takes two tests. At this power each, both succeed in at least POWER of experiments."""
MOST = 10_000


def settle(effect: float, sd: float, sesoi: float, alpha: float, of_rows: float = 0.0) -> tuple[str, float]:
    """What would be shown ("beyond" the sesoi, "within" it, or only that it is "real"), and by how many pairs.

    `effect` and its SD over single pairs are on a scale where no effect is 0. What lies close to the sesoi can hardly be told
    from it: then what settles the comparison first is telling it from nothing. `of_rows` is the squared error that the rows
    leave: where it is too large, no number of pairs will do.
    """

    def pairs(distance: float, power: float, sides: int = 2) -> float:
        alone = pairs_needed(distance / sd, alpha, power, sides)
        return beside(alone, sd, enough(distance, alpha, power, sides), of_rows)

    if not (sd > 0 and math.isfinite(sd) and math.isfinite(effect) and math.isfinite(sesoi)):
        return "", math.nan
    size = abs(effect)
    real = pairs(size, POWER)
    if size > sesoi:
        beyond = pairs(size - sesoi, POWER)
        return ("beyond", beyond) if beyond <= MOST or math.isinf(real) else ("real", real)
    within = pairs(sesoi - size, EITHER_SIDE, 1)
    return ("within", within) if within <= real else ("real", real)


def seeds_can_decide(effect: Effect) -> bool:
    """Whether more seeds can decide a comparison: not where its rows are too few, or its draws share rows."""
    return not (effect.rows_dominate or effect.shared)


QUANTILES = (np.arange(400) + 0.5) / 400
"""Of the scatter that n pairs will show: the chance of a verdict is its mean over these."""


@dataclass(frozen=True)
class Chances:
    """With what chance n pairs give each verdict; they add up to 1."""

    improves: float
    harms: float
    small: float
    same: float
    undecided: float


def chances(truth: float, sd: float, sesoi: float, alpha: float, n: int, of_rows: float = 0.0) -> Chances:
    """For a true mean difference `truth` (better above 0), differences being normal with standard deviation `sd`.

    The verdicts are those of `reports.verdicts.verdict` without bad runs: the t interval at 1 - alpha, and two one-sided t tests.
    `of_rows` is the squared error that the rows add, taken as known.
    """
    if n < fewest_pairs(alpha):
        return Chances(0.0, 0.0, 0.0, 0.0, 1.0)
    error = math.sqrt(sd**2 / n + of_rows)
    seen = np.sqrt(sd**2 / n * stats.chi2.ppf(QUANTILES, n - 1) / (n - 1) + of_rows)
    reach = seen * stats.t.ppf(1 - alpha / 2, n - 1)
    inner = np.minimum(reach, sesoi - seen * stats.t.ppf(1 - alpha, n - 1))

    def above(border: npt.NDArray[np.float64]) -> float:
        return float(stats.norm.sf((border - truth) / error).mean())

    improves, harms = above(sesoi + reach), 1 - above(-sesoi - reach)
    small = above(reach) - improves + 1 - above(-reach) - harms
    same = float(
        np.where(
            inner > 0, stats.norm.cdf((inner - truth) / error) - stats.norm.cdf((-inner - truth) / error), 0
        ).mean()
    )
    return Chances(improves, harms, small, same, 1 - improves - harms - small - same)
