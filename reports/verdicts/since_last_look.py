"""What has changed since the results were last looked at: verdicts, and how many seeds they are of.

The verdict of an earlier look is not stored: it is made again, of that look's seeds and at that look's level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson, Look
from orchestrator.reports.statistics.comparisons import comparisons
from orchestrator.reports.verdicts.effects import effects
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import comparison
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import count, listed

Which = tuple[str, str, str]


def since(results: Results) -> list[str]:
    """Sentences, none where nothing was looked at before, nor of runs made elsewhere, whose earlier state isn't here."""
    if results.elsewhere:
        return []
    before = {which: look for lesson in results.lessons for which, look in _before(lesson).items()}
    if not before:
        return []
    then = _verdicts(results, before)
    if not then:
        return []
    now = {row.comparison: row.verdict for row in results.deciding}
    changed = [which for which in now if which in then and then[which] != now[which]]
    same = sum(which in then for which in now) - len(changed)
    said = [f"{_name(results, which)}: {then[which]} before, now {now[which]}" for which in changed]
    return [f"Since the last look ({_when(before)}): {listed(said) or 'no verdict has changed'}{_others(same, said)}."]


def _is_of(row: Effect, seeds: Sequence[int]) -> bool:
    """Whether all these seeds are in a row: half of them where the others chose."""
    return bool(row.n_seeds == (len(seeds) if row.part == 1 else sum(seed % 2 for seed in seeds)))


def _before(lesson: Lesson) -> dict[Which, Look]:
    """The look before the current one, for every comparison that has had one by the same endpoint."""
    found = {
        (lesson.id, look.variant, look.data): look
        for look in lesson.looks
        if not look.current and look.endpoint == lesson.endpoint
    }
    current = {(lesson.id, look.variant, look.data) for look in lesson.looks if look.current}
    return {which: look for which, look in found.items() if which in current and _later(lesson, look)}


def _later(lesson: Lesson, look: Look) -> bool:
    """Whether the current look came after this one: a page may repeat an earlier one."""
    return lesson.looks_at(look.variant, look.data)[-1].current


def _verdicts(results: Results, before: Mapping[Which, Look]) -> dict[Which, str]:
    """The verdicts of those looks, as far as all of their seeds are among the runs at hand."""
    found: dict[Which, str] = {}
    for seeds in {look.seeds for look in before.values()}:
        mine = {which for which, look in before.items() if look.seeds == seeds}
        lessons = [_as_then(lesson) for lesson in results.lessons if any(which[0] == lesson.id for which in mine)]
        names = {lesson.id for lesson in lessons}
        runs, histories = _only(results.runs, names, seeds), results.histories.only(seeds)
        for row in effects(comparisons(runs, histories, lessons)):
            if row.primary and row.comparison in mine and _is_of(row, seeds):
                found[row.comparison] = row.verdict
    return found


def _only(frame: pd.DataFrame, lessons: set[str], seeds: Sequence[int]) -> pd.DataFrame:
    return frame[frame["lesson"].astype(str).isin(lessons) & frame["seed"].isin(seeds)]


def _as_then(lesson: Lesson) -> Lesson:
    """The lesson with the looks that there were: the one before the current one is the last."""
    return replace(lesson, looks=tuple(look for look in lesson.looks if not look.current))


def _name(results: Results, which: Which) -> str:
    return f"{comparison(results.lesson(which[0]), which[1])} {scope_heading(which[2]).lower()}"


def _when(before: Mapping[Which, Look]) -> str:
    """`2026-11-23, 10 seeds`: of the latest of those looks."""
    last = max(before.values(), key=lambda look: look.date)
    return f"{last.date.partition('T')[0]}, {count(len(last.seeds), 'seed')}"


def _others(same: int, said: Sequence[str]) -> str:
    return f"; {count(same, 'other verdict')} {'is' if same == 1 else 'are'} the same" if same and said else ""
