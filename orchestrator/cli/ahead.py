"""What a run that takes seeds as they are needed comes to, told while planning: in runs and in one worker's time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.command.results import deciding
from orchestrator.errors import StoreError
from orchestrator.nouns.plan import Job, seeded
from orchestrator.planning.until import Course, Until, cost, name
from orchestrator.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.reports.nouns.effect import Effect


def stored(store: Store) -> tuple[pd.DataFrame | None, Sequence[Effect]]:
    """The runs in the tables and those of their effects that decide; None and none where there are no tables."""
    try:
        runs, histories, lessons, _ = store.load()
    except StoreError:
        return None, ()
    return runs, deciding(runs, histories, lessons)


def ahead(jobs: Sequence[Job], until: Until, runs: pd.DataFrame | None, rows: Sequence[Effect]) -> Iterator[str]:
    """Lines: what is declared, the most it can come to, and what it would come to if the effects stored are the true ones."""
    pace = _pace(jobs, runs)
    yield f"declared: {_rule(until)}"
    most = seeded(jobs, range(until.most))
    yield f"at the most {_amount(most, pace)}"
    names = {name(job) for job in jobs}
    known = [row for row in rows if row.comparison in names]
    if known:
        first = seeded(jobs, range(until.first))
        expected = Course(until, first, known).at(lambda row, seeds: _end(until, row, seeds))
        yield f"if the effects are what they look like: about {_amount(expected, pace)}"


def _rule(until: Until) -> str:
    if until.width:
        return f"from {until.first} seeds on to an interval at most {until.width:g} wide, with {until.most} seeds at the most"
    return f"looks at {', '.join(map(str, until.looks))} seeds, each at its share of the level; open comparisons alone go on"


def _end(until: Until, row: Effect, seeds: int) -> int:
    """Seeds at which a comparison would end: those that settle it, or have settled it."""
    needed = row.n_seeds if until.is_met(row) else until.expected(row, row.n_seeds)
    return next((n for n in until.looks or [max(seeds, int(needed))] if n >= needed), until.most)


def _pace(jobs: Sequence[Job], runs: pd.DataFrame | None) -> float:
    """Seconds that a unit of cost took a worker, by the stored runs of these jobs; NaN where there are none."""
    if runs is None:
        return math.nan
    took = runs.groupby(["lesson", "variant", "data"], observed=True)["seconds"].mean().to_dict()
    pairs = [(took[name(job)] * job.width, job.cost) for job in jobs if name(job) in took]
    spent = sum(price for _, price in pairs)
    return sum(seconds for seconds, _ in pairs) / spent if spent else math.nan


def _amount(jobs: Sequence[Job], pace: float) -> str:
    runs = sum(len(job.seeds) for job in jobs)
    return f"{runs:,} runs" + ("" if math.isnan(pace) else f", {pace * cost(jobs):,.0f} s of one worker")
