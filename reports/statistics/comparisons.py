"""Every contrast of every lesson, in every scope, by every endpoint: the pairs that the statistics are made of.

What stands below in a contrast is called its baseline, what stands above the variant. Of several variants on a side the
numbers are added up, each times its weight; a pair counts where all of its runs do, and is bad where any of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.nouns.contrast import Contrast, Weights
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.history import LABELS, Arm
from orchestrator.reports.nouns.lesson import Data, Lesson
from orchestrator.reports.statistics.endpoints import STANDING_STILL, Judged, Scores, declared, scores
from orchestrator.reports.statistics.histories import Curves, Histories, Source
from orchestrator.reports.statistics.levels import WHOLE, Level, level
from orchestrator.reports.statistics.outcomes import Outcomes, outcomes, together, tried
from orchestrator.reports.statistics.scored_rows import Rows, scored
from orchestrator.reports.statistics.ties import merged

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """A variant against its baseline in one scope, by one endpoint; all arrays are aligned by seed, (n,).

    Of runs that no seed joins each arm's are of its own seeds, and may be of another number.

    Attributes:
        names: what the baseline and the comparison are called. arms: the variants on either side.
        primary, guards: whether the endpoint decides the lesson, or is what must not get worse meanwhile.
        baseline, variant: their scores. ended: how their runs ended, baseline first. seeds: those of either arm.
        level: what the lesson's primary endpoint is judged at.
        shared: test rows over training rows where draws of data have rows in common (re-split files), else 0.
        part: the share of the seeds that judge, where the others chose.
        rows: those that all runs were scored on, where they are a further source of uncertainty; None: they are as given.
    """

    lesson: str
    names: tuple[str, str]
    arms: tuple[tuple[str, ...], tuple[str, ...]]
    data: str
    endpoint: Endpoint
    baseline: Scores
    variant: Scores
    ended: tuple[Outcomes, Outcomes]
    seeds: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    level: Level
    primary: bool = False
    guards: bool = False
    shared: float = 0.0
    rows: Rows | None = None
    paired: bool = True
    part: float = 1.0

    @property
    def alpha(self) -> float:
        """The level of the interval: the comparison's own for what decides or guards, 0.05 for what is looked into."""
        return self.level.alpha if self.primary or self.guards else WHOLE

    @property
    def usable(self) -> tuple[Bools, Bools]:
        """Which runs of baseline and variant finished and have the number."""
        first, second = (
            np.isfinite(arm.values) & ~self._useless(ended)
            for arm, ended in zip((self.baseline, self.variant), self.ended, strict=True)
        )
        return first, second

    def _useless(self, ended: Outcomes) -> Bools:
        """The bad runs whose number, if they have one, says nothing."""
        if self.endpoint.statistic == "rate":
            return np.zeros(len(ended.bad), dtype=bool)
        still = self.endpoint.measure in STANDING_STILL
        return ended.absent | ended.diverged | (ended.stuck & still)

    @property
    def pairs(self) -> tuple[Floats, Floats]:
        """Values of baseline and variant where both are usable; of runs that no seed joins, where each is."""
        first, second = self.usable
        if not self.paired:
            return self.baseline.values[first], self.variant.values[second]  # noqa: PD011  arrays, no frame
        both = first & second
        return self.baseline.values[both], self.variant.values[both]  # noqa: PD011  arrays, no frame


def comparisons(
    runs: pd.DataFrame, histories: pd.DataFrame | Source | Histories, lessons: Sequence[Lesson]
) -> Iterator[Comparison]:
    """Every lesson's contrasts, in every scope with runs of all their variants, by every endpoint."""
    index = Histories.of(histories)
    arms = {
        (str(a), str(b), str(c)): part.sort_values("seed")
        for (a, b, c), part in tried(runs).groupby([*LABELS], observed=True, sort=False)
    }
    scopes = list(dict.fromkeys(data for _, _, data in arms))
    for lesson in lessons:
        columns = {*_known(arms, lesson.id), *index.metrics}
        for contrast in lesson.contrasts:
            for data in sorted(scopes):
                keys = {name: (lesson.id, name, data) for name in contrast.variants}
                if all(key in arms for key in keys.values()) and not contrast.among:
                    rows = [_judging(arms[key], contrast) for key in keys.values()]
                    if lesson.paired:
                        seeds = reduce(np.intersect1d, (arm["seed"].to_numpy() for arm in rows))
                        rows = [arm[arm["seed"].isin(seeds)] for arm in rows]
                    curves = [index.arm(*key) for key in keys.values()]
                    made = map(_Arm, rows, curves, outcomes(rows, lesson))
                    pair = _Pair(lesson, contrast, data, dict(zip(keys, made, strict=True)))
                    yield from _compare(pair, declared(lesson, columns))


def _judging(arm: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """The runs that judge: not those of the even seeds where these chose."""
    return arm[arm["seed"] % 2 == 1] if contrast.seeds == "odd" else arm


def _known(arms: Mapping[Arm, pd.DataFrame], lesson: str) -> set[str]:
    """The columns in which any run of a lesson has something; all of them where no run finished."""
    mine = [arm for (name, _, _), arm in arms.items() if name == lesson]
    finished = [arm for arm in mine if arm["status"].astype(str).isin(["ok", "diverged"]).any()]
    return {str(column) for arm in finished or mine for column in arm if not finished or arm[column].notna().any()}


@dataclass(frozen=True)
class _Arm:
    """A variant's runs, their curves and how they ended."""

    runs: pd.DataFrame
    curves: Curves
    ended: Outcomes


@dataclass(frozen=True)
class _Pair:
    """The arms of a contrast in one scope, aligned by seed."""

    lesson: Lesson
    contrast: Contrast
    data: str
    arms: Mapping[str, _Arm]

    @property
    def asked(self) -> int:
        """The epochs that all its variants were asked for."""
        return min(self.lesson.variant(name).epochs for name in self.arms)

    def seeds(self, side: Weights) -> npt.NDArray[np.int64]:
        """The seeds of a side's runs."""
        return self.arms[side[0][0]].runs["seed"].to_numpy(dtype=np.int64)

    def ended(self, side: Weights) -> Outcomes:
        """How the runs of a side ended: badly where any of a seed did."""
        return together([self.arms[name].ended for name, _ in side])

    def scores(self, endpoint: Endpoint, side: Weights) -> Scores:
        """The numbers of a side, those of several variants added up by their weights."""
        found = [(self._of(endpoint, self.arms[name]), weight) for name, weight in side]
        values = reduce(np.add, (each.values * weight for each, weight in found))  # noqa: PD011  arrays, no frame
        return Scores(values, reduce(np.logical_and, (each.reached for each, _ in found)))

    def _of(self, endpoint: Endpoint, arm: _Arm) -> Scores:
        if endpoint.statistic == "rate":
            return _share(arm.ended.of(endpoint.measure))
        return scores(endpoint, arm.runs, arm.curves, self.asked, self.lesson.data)


def _compare(pair: _Pair, endpoints: Iterable[Judged]) -> Iterator[Comparison]:
    lesson, contrast, sides = pair.lesson, pair.contrast, (pair.contrast.below, pair.contrast.above)
    below, above = (pair.ended(side) for side in sides)
    for judged in endpoints:
        endpoint = judged.endpoint
        if not _is_told(contrast, judged) or not (lesson.paired or endpoint.statistic == "mean"):
            continue
        found = [pair.scores(endpoint, side) for side in sides]
        baseline, variant = merged(*(each.values for each in found))  # noqa: PD011  arrays, no frame
        yield Comparison(
            lesson=lesson.id,
            names=(contrast.baseline, contrast.name),
            arms=tuple(tuple(name for name, _ in side) for side in sides),  # type: ignore[arg-type]
            data=pair.data,
            endpoint=endpoint,
            baseline=replace(found[0], values=baseline),
            variant=replace(found[1], values=variant),
            ended=(below, above),
            seeds=tuple(pair.seeds(side) for side in sides),  # type: ignore[arg-type]
            level=level(lesson, contrast.name, pair.data),
            primary=judged.primary and contrast.decides,
            guards=judged.guards and contrast.decides,
            shared=_shared(lesson.data) if pair.data != "fixed" else 0.0,
            rows=scored(lesson, contrast.name, pair.data, endpoint.measure) if endpoint.statistic == "mean" else None,
            paired=lesson.paired,
            part=contrast.part,
        )


def _is_told(contrast: Contrast, judged: Judged) -> bool:
    """Whether an endpoint says something of a contrast: of sums only a mean does, and what decides nothing is looked into by what decides the rest."""
    return (contrast.pair is not None or judged.endpoint.statistic == "mean") and (contrast.decides or judged.primary)


def _shared(data: Data) -> float:
    test, train = float(data.rows_test or 0), float(data.rows_train or 0)
    return test / train if data.resplit and train else 0.0


def _share(happened: Bools) -> Scores:
    values = happened.astype(float)
    return Scores(values, np.ones(len(values), dtype=bool))
