"""Every variant against its baseline, in every scope, by every endpoint: the pairs that the statistics are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.history import LABELS, Arm
from orchestrator.reports.nouns.lesson import Data, Lesson
from orchestrator.reports.statistics.endpoints import STANDING_STILL, Judged, Scores, declared, scores
from orchestrator.reports.statistics.histories import Curves, Histories, Source
from orchestrator.reports.statistics.levels import WHOLE, Level, level
from orchestrator.reports.statistics.outcomes import Outcomes, outcomes, tried
from orchestrator.reports.statistics.scored_rows import Rows, scored
from orchestrator.reports.statistics.ties import merged

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """A variant against its baseline in one scope, by one endpoint; all arrays are aligned by seed, (n,).

    Attributes:
        primary, guards: whether the endpoint decides the lesson, or is what must not get worse meanwhile.
        baseline, variant: their scores. ended: how their runs ended, baseline first.
        level: what the lesson's primary endpoint is judged at.
        shared: test rows over training rows where draws of data have rows in common (re-split files), else 0.
        rows: those that all runs were scored on, where they are a further source of uncertainty; None: they are as given.
    """

    lesson: str
    names: tuple[str, str]
    data: str
    endpoint: Endpoint
    baseline: Scores
    variant: Scores
    ended: tuple[Outcomes, Outcomes]
    level: Level
    primary: bool = False
    guards: bool = False
    shared: float = 0.0
    rows: Rows | None = None

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
        """Values of baseline and variant where both are usable."""
        first, second = self.usable
        both = first & second
        return self.baseline.values[both], self.variant.values[both]  # noqa: PD011  arrays, no frame


def comparisons(
    runs: pd.DataFrame, histories: pd.DataFrame | Source | Histories, lessons: Sequence[Lesson]
) -> Iterator[Comparison]:
    """Every variant against its lesson's baseline, in every scope with runs of both, by every endpoint."""
    index = Histories.of(histories)
    arms = {
        (str(a), str(b), str(c)): part.sort_values("seed")
        for (a, b, c), part in tried(runs).groupby([*LABELS], observed=True, sort=False)
    }
    scopes = list(dict.fromkeys(data for _, _, data in arms))
    for lesson in lessons:
        columns = {*_known(arms, lesson.id), *index.metrics}
        for variant in lesson.others:
            for data in sorted(scopes):
                keys = [(lesson.id, v.name, data) for v in (lesson.baseline, variant)]
                if all(key in arms for key in keys):
                    asked = min(v.epochs for v in (lesson.baseline, variant))
                    judged = level(lesson, variant.name, data)
                    seeds = np.intersect1d(arms[keys[0]]["seed"], arms[keys[1]]["seed"])
                    both = [arms[key][arms[key]["seed"].isin(seeds)] for key in keys]
                    first_ended, ended = outcomes(both, lesson)
                    pair = _Pair(
                        keys, both, [index.arm(*key) for key in keys], (first_ended, ended), asked, judged, lesson
                    )
                    yield from _compare(pair, declared(lesson, columns))


def _known(arms: Mapping[Arm, pd.DataFrame], lesson: str) -> set[str]:
    """The columns in which any run of a lesson has something; all of them where no run finished."""
    mine = [arm for (name, _, _), arm in arms.items() if name == lesson]
    finished = [arm for arm in mine if arm["status"].astype(str).isin(["ok", "diverged"]).any()]
    return {str(column) for arm in finished or mine for column in arm if not finished or arm[column].notna().any()}


@dataclass(frozen=True)
class _Pair:
    """Two arms' runs, aligned by seed, with all that does not depend on the endpoint."""

    keys: Sequence[Arm]
    arms: Sequence[pd.DataFrame]
    curves: Sequence[Curves]
    ended: tuple[Outcomes, Outcomes]
    asked: int
    level: Level
    lesson: Lesson


def _compare(pair: _Pair, endpoints: Iterable[Judged]) -> Iterator[Comparison]:
    keys = pair.keys
    for judged in endpoints:
        endpoint = judged.endpoint
        found = [
            _share(ended.of(endpoint.measure))
            if endpoint.statistic == "rate"
            else scores(endpoint, arm, curve, pair.asked, pair.lesson.data)
            for arm, curve, ended in zip(pair.arms, pair.curves, pair.ended, strict=True)
        ]
        baseline, variant = merged(*(each.values for each in found))  # noqa: PD011  arrays, no frame
        yield Comparison(
            lesson=keys[0][0],
            names=(keys[0][1], keys[1][1]),
            data=keys[0][2],
            endpoint=endpoint,
            baseline=replace(found[0], values=baseline),
            variant=replace(found[1], values=variant),
            ended=pair.ended,
            level=pair.level,
            primary=judged.primary,
            guards=judged.guards,
            shared=_shared(pair.lesson.data) if keys[0][2] != "fixed" else 0.0,
            rows=scored(pair.lesson, *keys[1][1:], endpoint.measure) if endpoint.statistic == "mean" else None,
        )


def _shared(data: Data) -> float:
    test, train = float(data.rows_test or 0), float(data.rows_train or 0)
    return test / train if data.resplit and train else 0.0


def _share(happened: Bools) -> Scores:
    values = happened.astype(float)
    return Scores(values, np.ones(len(values), dtype=bool))
