"""What a report is made of, in one hand: the two tables, the lessons, the effects and where they came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestrator.reports.statistics.comparisons import Comparison, comparisons
from orchestrator.reports.statistics.histories import Curves, Histories
from orchestrator.reports.verdicts.effects import table

Document = Mapping[str, Any]
Row = Mapping[str, Any]
SCOPES = ("fixed", "redrawn")


@dataclass(frozen=True)
class Results:
    """All that the page reads.

    `runs` and `histories` are as the store leaves them, `lessons` in the page's order; `known` is their effects table
    where it has been computed before.
    """

    runs: pd.DataFrame
    histories: pd.DataFrame
    lessons: Sequence[Document]
    provenance: Document
    known: pd.DataFrame | None = None

    @cached_property
    def effects(self) -> pd.DataFrame:
        """The effects table: `known`, or computed once."""
        return table(self.runs, self.histories, self.lessons) if self.known is None else self.known

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The effects table, a mapping a row."""
        return tuple({str(name): value for name, value in row.items()} for row in self.effects.to_dict("records"))

    @cached_property
    def index(self) -> Histories:
        """Where each arm lies in the histories."""
        return Histories.of(self.histories)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every lesson's comparisons by its primary endpoint."""
        found = comparisons(self.runs, self.histories, self.lessons)
        return tuple(each for each in found if each.endpoint.primary)

    @cached_property
    def _arms(self) -> Mapping[tuple[str, str, str], pd.DataFrame]:
        grouped = self.runs.groupby(["lesson", "variant", "data"], observed=True, sort=False)
        return {(str(a), str(b), str(c)): part for (a, b, c), part in grouped}

    def arm(self, lesson: str, variant: str, data: str) -> pd.DataFrame:
        """The rows of one arm's runs; empty when it was not asked for."""
        return self._arms.get((lesson, variant, data), self.runs.iloc[:0])

    def curves(self, lesson: str, variant: str, data: str) -> Curves:
        """The histories of one arm."""
        return self.index.arm(lesson, variant, data)

    def seeds(self, lesson: str, names: tuple[str, str], data: str) -> NDArray[np.int64]:
        """The seeds that a comparison's pairs were asked for, in the order of `Comparison`'s arrays."""
        first, second = (self.arm(lesson, name, data)["seed"].to_numpy(dtype=np.int64) for name in names)
        return np.intersect1d(first, second)

    def scopes(self, lesson: str) -> list[str]:
        """The scopes a lesson was run in, the fixed data set first."""
        present = {data for name, _, data in self._arms if name == lesson}
        return [scope for scope in SCOPES if scope in present] + sorted(present - set(SCOPES))

    def effect(self, lesson: str, variant: str, data: str, measure: str) -> Row | None:
        """The row of one comparison by the mean of one measure, or None."""
        wanted = (lesson, variant, data, measure, "mean")
        keys = ("lesson", "variant", "data", "measure", "statistic")
        return next((row for row in self.rows if tuple(row[key] for key in keys) == wanted), None)

    def bad_seeds(self, lesson: str, variant: str, data: str) -> NDArray[np.int64]:
        """The seeds whose run of one arm failed, diverged or got stuck, as its comparisons count them."""
        for each in self.comparisons:
            if each.lesson == lesson and each.data == data and variant in each.names:
                bad = each.ended[each.names.index(variant)].bad
                return self.seeds(lesson, each.names, data)[bad]
        return np.empty(0, dtype=np.int64)

    def primary(self, lesson: str, variant: str, data: str) -> Row | None:
        """The row that decides a comparison in one scope, or None."""
        wanted = (lesson, variant, data)
        deciding = (row for row in self.rows if row["primary"])
        return next((row for row in deciding if (row["lesson"], row["variant"], row["data"]) == wanted), None)

    def primaries(self, lesson: str, variant: str) -> list[Row]:
        """The deciding rows of one comparison, a row a scope."""
        found = [self.primary(lesson, variant, scope) for scope in self.scopes(lesson)]
        return [row for row in found if row is not None]


def several(lesson: Document) -> bool:
    """Whether a lesson compares more than one variant with its baseline."""
    return len(lesson["variants"][2:]) > 0


def colour_of(lesson: Document, variant: str) -> int:
    """A variant's place in its lesson, which is its colour on every chart."""
    return [v["name"] for v in lesson["variants"]].index(variant)
