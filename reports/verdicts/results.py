"""What a report is made of: the two tables, the lessons, their comparisons and effects, each made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.choice import made_of
from orchestrator.reports.statistics.comparisons import Comparison, comparisons
from orchestrator.reports.statistics.histories import Curves, Histories, Source
from orchestrator.reports.verdicts.effects import effects, frame
from orchestrator.reports.verdicts.verdict import Headline, headlines
from orchestrator.reports.wording.scopes import in_order

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """All that the page reads.

    `runs` is as the store leaves it, `histories` are read arm by arm, `lessons` are in the page's order; `provenance` is what
    ran, on what.
    """

    runs: pd.DataFrame
    histories: Histories
    lessons: tuple[Lesson, ...]
    provenance: Document

    @classmethod
    def of(
        cls,
        runs: pd.DataFrame,
        histories: pd.DataFrame | Source,
        descriptions: Sequence[Document],
        provenance: Document,
    ) -> Results:
        """Results from tables and the lessons' descriptions, as a store holds them."""
        return cls(runs, Histories.of(histories), made_of(runs, descriptions), provenance)

    @property
    def elsewhere(self) -> bool:
        """Whether the runs were made by somebody else's program, so that nothing is known of how they were trained."""
        return any(lesson.elsewhere for lesson in self.lessons)

    @property
    def paired(self) -> bool:
        """Whether the runs of a seed belong together, in all lessons."""
        return all(lesson.paired for lesson in self.lessons)

    @cached_property
    def compared(self) -> tuple[Comparison, ...]:
        """Every lesson's comparisons by every endpoint."""
        return tuple(comparisons(self.runs, self.histories, self.lessons))

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """The effects of all comparisons."""
        return effects(self.compared)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The effects as a table."""
        return frame(self.effects)

    @cached_property
    def deciding(self) -> tuple[Effect, ...]:
        """The effects that decide."""
        return tuple(each for each in self.effects if each.primary)

    @cached_property
    def headlines(self) -> tuple[Headline, ...]:
        """A sentence a comparison."""
        return tuple(headlines(self.effects, self.lessons))

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every lesson's comparisons that decide."""
        return tuple(each for each in self.compared if each.primary)

    @cached_property
    def _arms(self) -> Mapping[tuple[str, str, str], pd.DataFrame]:
        grouped = self.runs.groupby(["lesson", "variant", "data"], observed=True, sort=False)
        return {(str(a), str(b), str(c)): part for (a, b, c), part in grouped}

    def arm(self, lesson: str, variant: str, data: str) -> pd.DataFrame:
        """The rows of one arm's runs; empty when it was not asked for."""
        return self._arms.get((lesson, variant, data), self.runs.iloc[:0])

    def curves(self, lesson: str, variant: str, data: str) -> Curves:
        """The histories of one arm."""
        return self.histories.arm(lesson, variant, data)

    def scopes(self, lesson: str) -> list[str]:
        """The scopes a lesson was run in, the fixed data set first."""
        return in_order({data for name, _, data in self._arms if name == lesson})

    @cached_property
    def all_scopes(self) -> list[str]:
        """The scopes that any lesson was run in."""
        return in_order({scope for lesson in self.lessons for scope in self.scopes(lesson.id)})

    def bad_seeds(self, lesson: str, variant: str, data: str) -> NDArray[np.int64]:
        """The seeds whose run of one arm failed, diverged or got stuck, as its comparisons count them."""
        for each in self.comparisons:
            if each.lesson == lesson and each.data == data and (variant,) in each.arms:
                side = each.arms.index((variant,))
                return each.seeds[side][each.ended[side].bad]
        return np.empty(0, dtype=np.int64)

    def lesson(self, name: str) -> Lesson:
        """The lesson of that id."""
        return next(each for each in self.lessons if each.id == name)

    def primary(self, lesson: str, variant: str, data: str) -> Effect | None:
        """The effect that decides a comparison in one scope, or None."""
        return next((row for row in self.deciding if row.comparison == (lesson, variant, data)), None)

    def looked_into(self, lesson: str) -> list[Effect]:
        """The effects of a lesson's contrasts that decide nothing, by its primary endpoint."""
        names = {each.name for each in self.lesson(lesson).contrasts if not each.decides}
        return [row for row in self.effects if row.lesson == lesson and row.variant in names]

    def primaries(self, lesson: str, variant: str) -> list[Effect]:
        """The deciding effects of one comparison, one a scope."""
        found = [self.primary(lesson, variant, scope) for scope in self.scopes(lesson)]
        return [row for row in found if row is not None]
