"""What has changed since the results were last looked at: verdicts, and how many seeds they are of.

The verdict of an earlier look is not stored: it is made again, of that look's seeds and at that look's level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from orchestrator.reports.verdicts.effects import table
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import comparison
from orchestrator.reports.wording.words import count, listed, place

Document = Mapping[str, Any]
Which = tuple[str, str, str]


def since(results: Results) -> list[str]:
    """Sentences, none where nothing was looked at before."""
    before = {which: look for lesson in results.lessons for which, look in _before(lesson).items()}
    if not before:
        return []
    then = _verdicts(results, before)
    now = {_which(row): str(row["verdict"]) for row in results.rows if row["primary"]}
    changed = [which for which in now if which in then and then[which] != now[which]]
    same = sum(which in then for which in now) - len(changed)
    said = [f"{_name(results, which)}: {then[which]} before, now {now[which]}" for which in changed]
    return [f"Since the last look ({_when(before)}): {listed(said) or 'no verdict has changed'}{_others(same, said)}."]


def _before(lesson: Document) -> dict[Which, Document]:
    """The look before the current one, for every comparison that has had one by the same endpoint."""
    found: dict[Which, Document] = {}
    for look in lesson.get("looks") or []:
        which = (str(lesson["id"]), str(look["variant"]), str(look["data"]))
        if not look.get("current") and look["endpoint"] == lesson["endpoint"]:
            found[which] = look
    current = {(str(lesson["id"]), look["variant"], look["data"]) for look in lesson.get("looks") or [] if look.get("current")}
    return {which: look for which, look in found.items() if which in current and _later(lesson, look)}


def _later(lesson: Document, look: Document) -> bool:
    """Whether the current look came after this one: a page may repeat an earlier one."""
    mine = [each for each in lesson["looks"] if (each["variant"], each["data"]) == (look["variant"], look["data"])]
    return bool(mine[-1].get("current"))


def _verdicts(results: Results, before: Mapping[Which, Document]) -> dict[Which, str]:
    """The verdicts of those looks, as far as all of their seeds are among the runs at hand."""
    found: dict[Which, str] = {}
    for seeds in {tuple(look["seeds"]) for look in before.values()}:
        mine = {which: look for which, look in before.items() if tuple(look["seeds"]) == seeds}
        lessons = [_as_then(lesson) for lesson in results.lessons if any(which[0] == lesson["id"] for which in mine)]
        names = {lesson["id"] for lesson in lessons}
        runs, histories = (_only(frame, names, seeds) for frame in (results.runs, results.histories))
        for row in table(runs, histories, lessons).to_dict("records"):
            which = _which({str(key): value for key, value in row.items()})
            if row["primary"] and which in mine and row["n_seeds"] == len(seeds):
                found[which] = str(row["verdict"])
    return found


def _only(frame: pd.DataFrame, lessons: set[str], seeds: Sequence[int]) -> pd.DataFrame:
    return frame[frame["lesson"].astype(str).isin(lessons) & frame["seed"].isin(seeds)]


def _as_then(lesson: Document) -> dict[str, Any]:
    """The lesson with the looks that there were: the one before the current one is the last."""
    return dict(lesson) | {"looks": [look for look in lesson["looks"] if not look.get("current")]}


def _which(row: Document) -> Which:
    return str(row["lesson"]), str(row["variant"]), str(row["data"])


def _name(results: Results, which: Which) -> str:
    lesson = next(each for each in results.lessons if each["id"] == which[0])
    return f"{comparison(lesson, which[1])} {place(which[2]).lower()}"


def _when(before: Mapping[Which, Document]) -> str:
    """`2026-11-23, 10 seeds`: of the latest of those looks."""
    last = max(before.values(), key=lambda look: str(look["date"]))
    day = str(last["date"]).partition("T")[0]
    return f"{day}, {count(len(last['seeds']), 'seed')}"


def _others(same: int, said: Sequence[str]) -> str:
    return f"; {count(same, 'other verdict')} {'is' if same == 1 else 'are'} the same" if same and said else ""
