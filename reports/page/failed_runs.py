"""The runs that went wrong, grouped by cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from orchestrator.reports.page.provenance import spans
from orchestrator.reports.statistics.histories import LABELS, Arm
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import technique
from orchestrator.reports.wording.scopes import scope_heading

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
    """The runs that ended and learned nothing, as the comparisons count them; at most one cause."""
    found: dict[Arm, list[int]] = {}
    for each in results.comparisons:
        seeds = results.seeds(each.lesson, each.names, each.data)
        for name, ended in zip(each.names, each.ended, strict=True):
            if ended.stuck.any():
                found[each.lesson, name, each.data] = seeds[ended.stuck].tolist()
    runs = sum(map(len, found.values()))
    places = _places(results, found)
    return [Cause("Stuck: ended, and scored hardly better than a guess", "", runs, places)] if runs else []


def _seeds(runs: pd.DataFrame) -> dict[Arm, list[int]]:
    grouped = runs.groupby([*LABELS], observed=True, sort=False)
    return {(str(a), str(b), str(c)): each["seed"].tolist() for (a, b, c), each in grouped}


def _places(results: Results, found: Mapping[Arm, Sequence[int]]) -> tuple[tuple[str, str], ...]:
    """Which arms, each with which seeds."""
    techniques = {lesson.id: technique(lesson) for lesson in results.lessons}
    return tuple(
        (f"{techniques.get(lesson, lesson)}, “{variant}”, {scope_heading(data).lower()}", f"seeds {spans(seeds)}")
        for (lesson, variant, data), seeds in found.items()
    )
