"""A dose is chosen by the even seeds and judged by the odd ones, so that the judge has not seen what it was chosen by.

What was chosen at the first look stays: later looks bring more seeds to judge by, and none to choose by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.lesson import Lesson, lessons
from orchestrator.reports.nouns.scope import SCOPES

ENOUGH = 0.8
"""A dose with fewer of its runs left is not chosen."""


def made_of(runs: pd.DataFrame, descriptions: Sequence[Mapping[str, Any]]) -> tuple[Lesson, ...]:
    """The lessons of these descriptions, with what their runs choose."""
    return tuple(_with_choice(lesson, runs) for lesson in lessons(descriptions))


def _with_choice(lesson: Lesson, runs: pd.DataFrame) -> Lesson:
    """With what is chosen, and what is known of the rows that it was scored on: the same as of the same pair of variants."""
    made = tuple(_chosen(lesson, contrast, runs) for contrast in lesson.contrasts)
    chosen, others = [c for c in made if c.seeds], [c for c in made if not c.seeds]
    same = [(one.name, other.name) for one in chosen for other in others if one.weights == other.weights]
    own = [replace(each, variant=name) for name, other in same for each in lesson.scored if each.variant == other]
    return replace(lesson, contrasts=made, scored=(*lesson.scored, *own))


def _chosen(lesson: Lesson, contrast: Contrast, runs: pd.DataFrame) -> Contrast:
    """The contrast with the variant that even seeds choose; as it is where none is to be chosen, or can be."""
    if not contrast.among or lesson.id not in set(runs["lesson"]):
        return contrast
    mine = runs[runs["lesson"] == lesson.id]
    scope = next(each for each in (*reversed(SCOPES), *mine["data"].astype(str)) if (mine["data"] == each).any())
    first = next((look.seeds for look in lesson.looks_at(contrast.name, scope)), tuple(mine["seed"]))
    even = mine[(mine["data"] == scope) & mine["seed"].isin(first) & (mine["seed"] % 2 == 0)]
    best = _best(even, contrast.among, lesson)
    if best is None:
        return contrast
    ((baseline, _),) = contrast.below
    says = f"{best} (chosen by the even seeds) instead of {baseline}"
    return replace(contrast, weights={**contrast.weights, best: 1.0}, says=says, among=(), seeds="odd")


def _best(runs: pd.DataFrame, among: Sequence[str], lesson: Lesson) -> str | None:
    sign = 1.0 if lesson.endpoint.better == "higher" else -1.0
    means = {}
    for name in among:
        arm = runs[runs["variant"] == name]
        column = pd.to_numeric(arm.get(lesson.endpoint.measure, pd.Series(dtype=float)), errors="coerce")
        values = column[arm["status"].isin(["ok", "diverged"])].to_numpy(dtype=float, na_value=np.nan)
        known = values[np.isfinite(values)]
        if len(known) and len(known) >= ENOUGH * len(arm):
            means[name] = sign * float(known.mean())
    return max(means, key=lambda name: means[name]) if means else None
