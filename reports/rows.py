"""How sure an accuracy difference is on other rows of the same source, not only on those that were scored.

Seeds and rows are crossed: each of n pairs of runs is scored on the same R rows. Many seeds on few rows make the rows' own
luck look like an effect. From which rows each run got right, the uncertainty of the mean difference over new seeds and new
rows is

    SE^2 = s_D^2 / n + s_row^2 / R - s_res^2 / (n R)

with s_D the standard deviation across seeds of a pair's difference in accuracy, s_row that across rows of a row's mean
difference, and s_res that of what is left of the single differences once seeds and rows have had their means. It is the
two-way layout without replicates: the first term holds the residual once too often (Owen, "The pigeonhole bootstrap", Annals
of Applied Statistics 1 (2007); Searle, Casella and McCulloch, "Variance Components" (1992)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Crossed:
    """The mean difference in accuracy of n pairs of runs on R rows.

    Attributes:
        effect: the mean difference, with - without. error: its standard error over seeds and rows.
        of_seeds, of_rows: what either would leave if there were no end of the other's kind.
    """

    effect: float
    error: float
    of_seeds: float
    of_rows: float

    @property
    def rows_dominate(self) -> bool:
        """Whether more rows would help, and more seeds hardly."""
        return self.of_rows > self.of_seeds


def crossed(baseline: Bools, variant: Bools) -> Crossed:
    """The difference of (n, R) masks of rows that were right, aligned by seed and by row.

    All but the effect are NaN with fewer than two pairs or rows.
    """
    d = variant.astype(float) - baseline.astype(float)
    n, rows = d.shape
    effect = float(d.mean()) if d.size else math.nan
    if n < 2 or rows < 2:
        return Crossed(effect, math.nan, math.nan, math.nan)
    by_seed, by_row = d.mean(axis=1), d.mean(axis=0)
    residual = ((d - by_seed[:, None] - by_row + effect) ** 2).sum() / ((n - 1) * (rows - 1))
    seeds, sampled = by_seed.var(ddof=1) / n, by_row.var(ddof=1) / rows
    within = residual / (n * rows)
    error = math.sqrt(max(seeds + sampled - within, 0.0))
    return Crossed(effect, error, math.sqrt(max(seeds - within, 0.0)), math.sqrt(max(sampled - within, 0.0)))
