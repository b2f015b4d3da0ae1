"""The runs that went wrong, grouped by cause."""

from dataclasses import dataclass

import pandas as pd

from orchestrator.reports.page.provenance import spans
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
    titles = {lesson.id: technique(lesson) for lesson in results.lessons}
    found = [_cause(str(status), str(error), part, titles) for (status, error), part in bad.groupby(keys, sort=False)]
    return sorted(found, key=lambda cause: -cause.runs)


def _cause(status: str, error: str, part: pd.DataFrame, titles: dict[str, str]) -> Cause:
    places = [
        (
            f"{titles.get(str(lesson), str(lesson))}, “{variant}”, {scope_heading(str(data)).lower()}",
            f"seeds {spans(each['seed'].tolist())}",
        )
        for (lesson, variant, data), each in part.groupby(["lesson", "variant", "data"], observed=True, sort=False)
    ]
    return Cause(_WHAT.get(status, status), error, len(part), tuple(places))


def stuck(results: Results) -> list[Cause]:
    """The runs that ended and learned nothing, as the comparisons count them; at most one cause."""
    found: dict[tuple[str, str, str], list[int]] = {}
    titles = {lesson.id: technique(lesson) for lesson in results.lessons}
    for each in results.comparisons:
        seeds = results.seeds(each.lesson, each.names, each.data)
        for name, ended in zip(each.names, each.ended, strict=True):
            if ended.stuck.any():
                found[each.lesson, name, each.data] = seeds[ended.stuck].tolist()
    places = tuple(
        (f"{titles[lesson]}, “{variant}”, {scope_heading(data).lower()}", f"seeds {spans(seeds)}")
        for (lesson, variant, data), seeds in found.items()
    )
    runs = sum(map(len, found.values()))
    return [Cause("Stuck: ended, and scored hardly better than a guess", "", runs, places)] if runs else []
