"""How sure an answer is: all that its one sentence has no room for, said from the numbers."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson, Look
from orchestrator.reports.statistics.stopping import parted
from orchestrator.reports.verdicts.chips import detectable
from orchestrator.reports.verdicts.plain_words import between, change
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.verdict import OPEN
from orchestrator.reports.wording.interval_warnings import interval_warnings
from orchestrator.reports.wording.phrases import number, percent
from orchestrator.reports.wording.qualifiers import ordinal, qualifiers
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import count, typeset

WEAK = 0.2
TAKEN = "the rows it was scored on are taken as given"
"""True of every comparison on one data set: it stands once, under the limits."""


def how_sure(results: Results, lesson: Lesson, variant: str) -> list[str]:
    """Sentences on one comparison, scope by scope, then what no number of seeds can tell."""
    rows = results.primaries(lesson.id, variant)
    found = []
    for row in rows:
        said = [
            *(each.text for each in qualifiers(row) if each.text != TAKEN),
            single_run(row),
            _correlated(row),
            _stopped(results, row),
            _found(row),
        ]
        found += [f"{scope_heading(row.data)}: {'; '.join(filter(None, said))}.", *map(_short, interval_warnings(row))]
    return [typeset(text) for text in (*found, *_looked(lesson, variant), *_unknown(lesson))]


def _short(warning: str) -> str:
    """The first sentence; all of it stands under the limits."""
    return f"{warning.partition('. ')[0]}: see Limits."


def single_run(row: Effect) -> str:
    """`one run on one new data set, 94 % of the time: 1.0 to 6.3 points more accuracy`; empty where it isn't known."""
    if row.data != "redrawn" or row.statistic != "mean" or math.isnan(row.single_coverage):
        return ""
    return f"one run on one new data set, {percent(row.single_coverage)} of the time: {between(row, row.single_low, row.single_high)}"


def _found(row: Effect) -> str:
    """What so many pairs would have found, where nothing was."""
    found = detectable(row) if row.verdict == OPEN else ""
    return f"an effect of {found} would have been found four times in five" if found else ""


def _correlated(row: Effect) -> str:
    """How much pairing by seed bought, from the correlation of the two arms."""
    r = row.correlation
    if math.isnan(r) or row.statistic != "mean":
        return ""
    made = "no narrower" if r < WEAK else f"about {percent(_narrower(row, r))} narrower"
    return f"comparing the two runs of each seed made the interval {made} (correlation {number(r, 2)})"


def _narrower(row: Effect, r: float) -> float:
    """By what share pairing made the interval narrower; what the rows add to it is paired either way."""
    seeds = (row.effect / row.dz) ** 2 / row.n_pairs if row.dz else 1.0
    rows = 0.0 if math.isnan(row.se_rows) else row.se_rows**2
    alone = 1 - r  # multiplied through, since two arms may be as one
    return 1 - math.sqrt(alone * (seeds + rows) / (seeds + alone * rows)) if seeds else 0.0


def _stopped(results: Results, row: Effect) -> str:
    """The effect by when a run stopped, where that separates it; exploratory."""
    each = next(c for c in results.comparisons if (c.lesson, c.names[1], c.data) == row.comparison)
    if len(each.arms[1]) > 1 or not each.paired:
        return ""
    curves = results.curves(each.lesson, each.arms[1][0], each.data)
    first, second = each.usable
    seeds = each.seeds[1][first & second]
    ended = dict(zip(curves.seeds.tolist(), curves.stops.tolist(), strict=True))
    stops = np.array([ended.get(seed, -1) for seed in seeds.tolist()], dtype=float)
    differences = each.pairs[1] - each.pairs[0]
    found = parted(stops, differences) if len(set(stops)) > 1 and row.measure != "epochs" else None
    if found is None:
        return ""
    early, late = change(row, found.effect_early), change(row, found.effect_late)
    return f"{count(found.early, 'run')} stopped in the first {found.until:,} epochs: {early}; the others: {late} (exploratory)"


def _looked(lesson: Lesson, variant: str) -> list[str]:
    """Earlier looks with their dates, what changed between them, and how often the comparison took another form."""
    found = []
    for scope in dict.fromkeys(each.data for each in lesson.looks if each.variant == variant):
        mine = lesson.looks_at(variant, scope)
        for before, after in pairwise(mine):
            if before.endpoint != after.endpoint:
                found.append(f"{scope_heading(scope)}: endpoint changed after {len(before.seeds)} seeds were seen.")
        if len(mine) > 1:
            dates = ", ".join(f"{each.date.partition('T')[0]} ({len(each.seeds)} seeds)" for each in mine)
            found.append(f"{scope_heading(scope)} looked at {len(mine)} times: {dates}.{_older(mine)}")
    forms = dict(lesson.forms).get(variant, 1)
    return [*found, *([f"This is the {ordinal(forms)} form of this comparison in this store."] if forms > 1 else [])]


def _older(looks: Sequence[Look]) -> str:
    """Where these tables are not those that were looked at last."""
    if looks[-1].current or not any(each.current for each in looks):
        return ""
    return " The last of them gives the verdict; this page repeats an earlier one."


def _unknown(lesson: Lesson) -> list[str]:
    if lesson.elsewhere or lesson.data.redrawn or lesson.data.rows_fresh:
        return []
    text = (
        "This lesson has neither fresh points nor redrawn data: whether any of it holds on other rows than those it was"
        " scored on, from this source or another, can't be known from its runs."
    )
    return [text]


def correlations(results: Results) -> str:
    """What the runs of a seed have in common, scope by scope: `On this data set between -0.26 and 0.45; ...`."""
    found: dict[str, list[float]] = {}
    for row in results.deciding:
        if not math.isnan(row.correlation):
            found.setdefault(scope_heading(row.data).lower(), []).append(row.correlation)
    parts = [f"{scope} {_range(values)}" for scope, values in found.items()]
    return typeset("; ".join(parts)) if parts else "nowhere known"


def _range(values: Sequence[float]) -> str:
    low, high = number(min(values), 2), number(max(values), 2)
    return low if low == high else f"between {low} and {high}"
