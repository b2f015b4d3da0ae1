"""The runs that went wrong, grouped by cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from orchestrator.reports.nouns.history import LABELS, Arm
from orchestrator.reports.page.provenance import spans
from orchestrator.reports.statistics.comparisons import Comparison
from orchestrator.reports.statistics.outcomes import needed
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import technique
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import scale

_WHAT = {
    "failed": "Raised an error",
    "timeout": "Ran out of time",
    "diverged": "Diverged: the loss ended as infinity or as no number at all",
}


@dataclass(frozen=True)
class Cause:
    """What went wrong, in how many runs, and in which: (lesson, variant and scope; seeds)."""

    what: str
    error: str
    runs: int
    places: tuple[tuple[str, str], ...]


def causes(results: Results) -> list[Cause]:
    """A cause a status and error text, the most frequent first."""
    runs = results.runs
    bad = runs[runs["status"].astype(str) != "ok"]
    if not len(bad):
        return []
    keys = [
        bad["status"].astype(str),
        bad["error"].astype("string").fillna("") if "error" in bad else pd.Series("", index=bad.index),
    ]
    found = [
        Cause(_WHAT.get(str(status), str(status)), str(error), len(part), _places(results, _seeds(part)))
        for (status, error), part in bad.groupby(keys, sort=False)
    ]
    return sorted(found, key=lambda cause: -cause.runs)


def stuck(results: Results) -> list[Cause]:
    """The runs that finished far behind the others, as the comparisons count them; at most one cause."""
    found: dict[Arm, list[int]] = {}
    scores: dict[Arm, str] = {}
    for each in results.comparisons:
        for side, seeds, ended in zip(each.arms, each.seeds, each.ended, strict=True):
            if ended.stuck.any() and len(side) == 1:
                which = each.lesson, side[0], each.data
                found[which] = seeds[ended.stuck].tolist()
                scores[which] = _scores(results, each, side[0], found[which])
    runs = sum(map(len, found.values()))
    places = _places(results, found, scores)
    what = "Stuck: less than two thirds of the way from a guess to the median run"
    return [Cause(what, "", runs, places)] if runs else []


def _scores(results: Results, each: Comparison, variant: str, seeds: Sequence[int]) -> str:
    """`, at 58.1 to 65.4 % accuracy on fresh points (66.3 % needed)`: where the stuck runs ended."""
    lesson = results.lesson(each.lesson)
    asked = np.union1d(*each.seeds)
    arms = {name: results.arm(each.lesson, name, each.data) for side in each.arms for name in side}
    rule = needed([arm[arm["seed"].isin(asked)] for arm in arms.values()], lesson)
    if rule is None:
        return ""
    column, border = rule
    arm, scaled = arms[variant], scale(column)
    ends = arm.loc[arm["seed"].isin(seeds), column]
    low, high, least = (scaled.value(scaled.factor * value) for value in (ends.min(), ends.max(), border))
    span = low if low == high else f"{low.removesuffix(scaled.suffix)} to {high}"
    return f", at {span} {scaled.name} ({least} needed)"


def _seeds(runs: pd.DataFrame) -> dict[Arm, list[int]]:
    grouped = runs.groupby([*LABELS], observed=True, sort=False)
    return {(str(a), str(b), str(c)): each["seed"].tolist() for (a, b, c), each in grouped}


def _places(
    results: Results, found: Mapping[Arm, Sequence[int]], scores: Mapping[Arm, str] = MappingProxyType({})
) -> tuple[tuple[str, str], ...]:
    """Which arms, each with which seeds, and where these ended."""
    techniques = {lesson.id: technique(lesson) for lesson in results.lessons}
    return tuple(
        (
            f"{techniques.get(lesson, lesson)}, “{variant}”, {scope_heading(data).lower()}",
            f"seeds {spans(seeds)}{scores.get((lesson, variant, data), '')}",
        )
        for (lesson, variant, data), seeds in found.items()
    )
