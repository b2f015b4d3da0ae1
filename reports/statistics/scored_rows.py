"""How sure an accuracy difference is on other rows of the same source, not only on those that were scored.

Seeds and rows are crossed: each of n pairs of runs is scored on the same R rows. Many seeds on few rows make the rows' own
luck look like an effect. The uncertainty of the mean difference over new seeds and new rows is

    SE^2 = s_D^2 / n + s_row^2 / R - s_res^2 / (n R)

with s_D the standard deviation across seeds of a pair's difference in accuracy, s_row that across rows of a row's mean
difference, and s_res that of what is left of the single differences once seeds and rows have had their means. It is the
two-way layout without replicates: the first two terms both hold the residual (Owen, "The pigeonhole bootstrap", Annals of
Applied Statistics 1 (2007); Searle, Casella and McCulloch, "Variance Components" (1992)). As much of it is taken off as the
smallest of the three terms: neither seeds nor rows are ever less than what scatters by themselves, and SE is never below
either's own. The t distribution has Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.reports.nouns.lesson import Lesson


@dataclass(frozen=True)
class Rows:
    """R rows that each of n pairs of runs was scored on; `between` is s_row^2, `residual` s_res^2."""

    rows: int
    pairs: int
    between: float
    residual: float

    @property
    def variance(self) -> float:
        """What the rows would still add to the squared standard error of the mean difference with no end of seeds."""
        return max(0.0, (self.between - self.residual / self.pairs) / self.rows)

    @property
    def error(self) -> float:
        """The standard error that is left with no end of seeds."""
        return math.sqrt(self.variance)

    def joined(self, of_seeds: float, n: int) -> tuple[float, float]:
        """The standard error over seeds and rows, and its degrees of freedom; `of_seeds` is s_D^2 / n of n seeds."""
        between, residual = self.between / self.rows, self.residual / (self.pairs * self.rows)
        twice = min(of_seeds, between, residual)
        squared = of_seeds + between - twice
        doubt = of_seeds**2 / (n - 1) + between**2 / (self.rows - 1) + twice**2 / ((n - 1) * (self.rows - 1))
        return math.sqrt(squared), squared**2 / doubt if doubt else math.nan


def beside(alone: float, sd: float, enough: float, of_rows: float) -> float:
    """Pairs that it takes, `alone` if rows added nothing: for a standard error of `enough`, of which `of_rows` is the rows' square."""
    if not of_rows:
        return alone
    room = enough**2 - of_rows
    return max(alone, float(math.ceil(sd**2 / room))) if room > 0 else math.inf


def scored(lesson: Lesson, variant: str, data: str, measure: str) -> Rows | None:
    """What the tables say of the rows behind an accuracy; None where the rows are taken as given."""
    part, _, metric = measure.partition("_")
    for each in lesson.scored:
        if metric == "accuracy" and (each.variant, each.data, each.part) == (variant, data, part):
            return Rows(each.rows, each.pairs, each.between, each.residual)
    return None
