"""How far a run goes that takes seeds as they are needed: declared before it starts, kept to while it runs.

Until decided: verdicts are told at 16, 32, 64, 128 and the most seeds, each at its share of the level (reports/statistics/levels.py), and
only comparisons that are open then go on. Until precise: no verdict is told on the way; a comparison goes on until its
interval is narrow, from thirty seeds on, and never ends so where a tenth of its runs are bad.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError
from orchestrator.nouns import seeds
from orchestrator.nouns.plan import Job, plan

if TYPE_CHECKING:
    from orchestrator.reports.nouns.effect import Effect

LOOKS = (16, 32, 64, 128)
FIRST = 32
"""Seeds before a width is believed: the first whole block with thirty."""
BLOCK = 8
FEWEST = 2  # seeds that a comparison can be made of
MANY_BAD = 0.1
"""Intervals of means no longer hold what they promise where so many runs are bad."""

Name = tuple[str, str, str]


@dataclass(frozen=True)
class Until:
    """The most seeds a comparison gets, and the full width its interval is to have; decided, where there is none.

    `width` is in the measure's own units, for a ratio of spreads in its logarithm.
    """

    most: int = 200
    width: float | None = None

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which verdicts are told; none on the way to a width."""
        return () if self.width else (*(n for n in LOOKS if n < self.most), self.most)

    @property
    def first(self) -> int:
        """Seeds that every comparison gets."""
        return self.looks[0] if self.looks else min(FIRST, self.most)

    def following(self, row: Effect, seeds: int) -> int:
        """How many seeds a comparison is to have next, by the effect that decides it; `seeds` where it ends."""
        if seeds >= self.most or not _may_gain(row) or (self.is_met(row) and seeds >= self.first):
            return seeds
        if self.looks:
            return next(n for n in self.looks if n > seeds)
        blocks = math.ceil(min(self.expected(row, seeds), 2 * seeds) / BLOCK)
        return min(self.most, max(seeds + BLOCK, BLOCK * blocks))

    def expected(self, row: Effect, seeds: int) -> int:
        """How many seeds an open comparison would end with, were its effect what it looks like."""
        wanted = seeds * (_width(row) / self.width) ** 2 if self.width else row.seeds_settle / row.part
        return min(self.most, max(seeds, math.ceil(wanted))) if math.isfinite(wanted) else self.most

    def is_met(self, row: Effect) -> bool:
        """Whether a comparison is what was waited for: decided, or precise."""
        if self.width:
            return _width(row) <= self.width and not _many_are_bad(row)
        return not _is_open(row)


def _is_open(row: Effect) -> bool:
    from orchestrator.reports.verdicts.verdict import is_open  # noqa: PLC0415  statistics take a second to load

    return is_open(row)


def _width(row: Effect) -> float:
    """The full width of a row's interval; infinite where it has none."""
    low, high = row.low, row.high
    if row.statistic == "spread":
        low, high = (math.log(end) if end > 0 else -math.inf for end in (low, high))
    return math.inf if math.isnan(high - low) else high - low


def _may_gain(row: Effect) -> bool:
    from orchestrator.reports.statistics.more_seeds import seeds_can_decide  # noqa: PLC0415

    return seeds_can_decide(row)


def _many_are_bad(row: Effect) -> bool:
    return max(row.bad_baseline, row.bad_variant) >= MANY_BAD * row.n_seeds


def until_of(decided: bool, width: float | None, most: int | None, wanted: str | None) -> Until | None:
    """How far a user lets comparisons go.

    Raises:
        UsageError: two rules, seeds beside one, a width or number of seeds that can't be, or a most without a rule.
    """
    if not decided and width is None:
        if most is not None:
            raise UsageError(
                "--max-seeds goes with --until-decided or --until-precise; --seeds says how many there are without"
            )
        return None
    if decided and width is not None:
        raise UsageError("--until-decided and --until-precise: give one of them, a run stops by one rule")
    rule = "--until-decided" if decided else "--until-precise"
    if wanted is not None:
        raise UsageError(f"--seeds {wanted}: {rule} takes seeds from 0 on as they are needed; give --max-seeds instead")
    most = 200 if most is None else most
    if not FEWEST <= most <= seeds.MOST:
        raise UsageError(f"--max-seeds {most}: at least {FEWEST}, and at most {seeds.MOST:,}")
    if width is not None and not 0 < width < math.inf:
        raise UsageError(f"--until-precise {width:g}: a width is a number above 0")
    return Until(most, width)


def name(job: Job) -> Name:
    """What a comparison calls a job."""
    return job.lesson, job.variant, job.data


@dataclass(frozen=True)
class Course:
    """Where a run stands after a look: `jobs` as they were trained, those of their effects that decide, `rows`."""

    until: Until
    jobs: Sequence[Job]
    rows: Sequence[Effect]

    @property
    def further(self) -> tuple[Job, ...] | None:
        """The jobs with the seeds that they are to have next; None where no comparison goes on."""
        jobs = self.at(self.until.following)
        return jobs if any(len(now.seeds) > len(job.seeds) for now, job in zip(jobs, self.jobs, strict=True)) else None

    def said(self, seconds: float | None) -> str:
        """How it stands, in a line; `seconds` is what a unit of cost took, where that is known."""
        going = [row for row in self.rows if self._goes_on(row)]
        still = [row for row in self.rows if not (self._goes_on(row) or self.until.is_met(row))]
        what = "precise" if self.until.width else "decided"
        met = len(self.rows) - len(going) - len(still)
        parts = [
            f"at {max(map(self._seeds, self.rows), default=0)} seeds {met} of {len(self.rows)} comparisons are {what}"
        ]
        if going:
            following = max(self.until.following(row, self._seeds(row)) for row in going)
            parts.append(f"{len(going)} {'goes' if len(going) == 1 else 'go'} on to {following}{self._left(seconds)}")
        if most := sum(self._seeds(row) >= self.until.most for row in still):
            parts.append(f"{most} not with {self.until.most}, the most")
        if limited := len(still) - most:
            parts.append(f"{limited} can't be by more seeds, it takes more rows")
        return "; ".join(parts)

    def _goes_on(self, row: Effect) -> bool:
        return self.until.following(row, self._seeds(row)) > self._seeds(row)

    def _left(self, seconds: float | None) -> str:
        if seconds is None:
            return ""
        done = cost(self.jobs)
        expected, most = (seconds * (cost(self.at(to)) - done) for to in (self._expected, self._most))
        return f" (about {expected:.0f} s more if their effects are what they look like, {most:.0f} s at the most)"

    def _expected(self, row: Effect, seeds: int) -> int:
        return self.until.expected(row, seeds) if self._goes_on(row) else seeds

    def _most(self, row: Effect, seeds: int) -> int:
        return self.until.most if self._goes_on(row) else seeds

    def _seeds(self, row: Effect) -> int:
        """How many seeds a comparison was asked for."""
        return next(len(job.seeds) for job in self.jobs if name(job) == row.comparison)

    def at(self, count: Callable[[Effect, int], int]) -> tuple[Job, ...]:
        """The jobs with so many seeds for each comparison, a baseline with those of its largest."""
        wanted: dict[Name, int] = {}
        for row in self.rows:
            for variant in (row.baseline, row.variant):
                one = row.lesson, variant, row.data
                wanted[one] = max(wanted.get(one, 0), count(row, self._seeds(row)))
        return tuple(replace(job, seeds=_first(job, wanted.get(name(job), 0))) for job in self.jobs)


def _first(job: Job, count: int) -> tuple[int, ...]:
    return job.seeds if count <= len(job.seeds) else tuple(range(count))


def cost(jobs: Sequence[Job]) -> float:
    """What training these jobs' seeds costs, in the unit of `Job.cost`; what several share, once."""
    return sum(shard.cost for shard in plan(jobs, {}).shards)
