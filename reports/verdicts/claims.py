"""What others published, held against what was measured here: contradicted, holds, same direction, not shown.

In this order: *contradicted* where the interval leaves the published effect out and the effect found points the other way, or
where every effect that matters is ruled out and the published one matters; it *holds* where the interval has it inside, or,
of a single run, where single runs here lie on either side of it; *same direction* where an effect is shown that way, of
another size; else it is *not shown*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestrator.reports.nouns.claim import Claim
from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.single_pairs import single
from orchestrator.reports.verdicts.plain_words import between, change, plain
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.verdict import SAME
from orchestrator.reports.wording.words import count, scale, typeset

CONTRADICTED, HOLDS, SAME_DIRECTION, NOT_SHOWN = "contradicted", "holds", "same direction", "not shown"
SCOPE = "fixed"
"""A published number is of one data set."""


@dataclass(frozen=True)
class Checked:
    """A claim, what it comes to here, and the sentence that says so; `range` is that of single differences here."""

    claim: Claim
    category: str
    effect: float
    range: tuple[float, float]
    row: Effect

    @property
    def sentence(self) -> str:
        """What was published, what was found, and what that comes to."""
        name = scale(self.row.measure, self.row.threshold).name
        found, interval = plain(self.row)
        low, high = self.range
        single_runs = f", single runs {between(self.row, low, high)}" if self.claim.n == 1 and low < high else ""
        said = f"{change(self.row, self.effect)}, {count(self.claim.n, 'run')} ({self.claim.source})"
        return typeset(f"Published of {name}: {said}. Here {f'{found} {interval}'.strip()}{single_runs}: {self._told}.")

    @property
    def _told(self) -> str:
        return {
            CONTRADICTED: "contradicted",
            HOLDS: "it holds",
            SAME_DIRECTION: "the same direction, another size",
        }.get(self.category, "not shown here")


def checked(results: Results, lesson: Lesson, contrast: str) -> list[Checked]:
    """The claims about a comparison, as far as their measure was taken here."""
    found = [_checked(results, lesson, claim) for claim in lesson.published if _of(lesson, claim) == contrast]
    return [each for each in found if each]


def _of(lesson: Lesson, claim: Claim) -> str:
    return claim.contrast or lesson.deciding[0].name


def _checked(results: Results, lesson: Lesson, claim: Claim) -> Checked | None:
    wanted = (lesson.id, _of(lesson, claim), SCOPE), claim.measure or lesson.endpoint.measure, "mean"
    row = next((e for e in results.effects if (e.comparison, e.measure, e.statistic) == wanted), None)
    if row is None:
        return None
    effect = claim.effect if claim.effect is not None else float(claim.value or 0.0) - row.mean_baseline
    reach = (row.single_low, row.single_high) if claim.value is None else _of_runs(results, lesson, claim, row)
    return Checked(claim, _category(row, effect, reach, claim.n), effect, reach, row)


def _of_runs(results: Results, lesson: Lesson, claim: Claim, row: Effect) -> tuple[float, float]:
    """Where single runs of the variant lie, beside the baseline's mean."""
    variant = lesson.contrast(_of(lesson, claim)).variants[-1]
    column = results.arm(lesson.id, variant, SCOPE).get(row.measure, pd.Series(dtype=float))
    values = column.to_numpy(dtype=float)
    found = single(values[np.isfinite(values)] - row.mean_baseline, math.nan)
    return found.low, found.high


def _category(row: Effect, effect: float, reach: tuple[float, float], n: int) -> str:
    within = row.low <= effect <= row.high
    ruled_out = (row.verdict == SAME or row.p_equivalence <= row.alpha) and abs(effect) >= row.sesoi
    if ruled_out or (not within and row.effect * effect < 0):
        return CONTRADICTED
    if within or (n == 1 and reach[0] <= effect <= reach[1]):
        return HOLDS
    return SAME_DIRECTION if min(row.low * effect, row.high * effect) > 0 else NOT_SHOWN
