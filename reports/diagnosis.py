"""What kind of problem does a model have? Learning, generalization or predictions, looked for in this order.

Learning: the training rows are not fitted, only slowly, or the loss runs off. Generalization: they are fitted, but rows
not trained on are not. Predictions: the final model depends on the run, or on the very epoch it ends in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.histories import Curves, Histories
from reports.keras_history import Record
from reports.signs import Sign, Thresholds, signs
from reports.verdicts import headlines

AREAS = ("learning", "generalization", "predictions")

__all__ = ["AREAS", "Diagnosis", "Sign", "Technique", "Thresholds", "diagnose", "render", "techniques", "variants"]


@dataclass(frozen=True)
class Technique:
    """A remedy, and what it did where it was measured."""

    family: str
    lesson: str
    variant: str
    verdicts: Mapping[str, str]
    sentence: str


@dataclass(frozen=True)
class Diagnosis:
    """A model's problem area (None when no sign was found), every sign, and the techniques of that family."""

    name: str
    runs: int
    area: str | None
    signs: tuple[Sign, ...]
    techniques: tuple[Technique, ...] = ()


def diagnose(
    records: Sequence[Record], name: str, known: Sequence[Technique] = (), thresholds: Thresholds | None = None
) -> Diagnosis:
    """Judge one model by the histories of its runs, one at least. `known`: techniques to choose from, any family.

    Raises:
        ValueError: without any run.
    """
    if not records:
        raise ValueError(f"{name}: there is no history to diagnose")
    found = tuple(signs(records, thresholds or Thresholds()))
    area = next((sign.area for sign in found if sign.found), None)
    return Diagnosis(name, len(records), area, found, tuple(each for each in known if each.family == area))


def techniques(effects: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> list[Technique]:
    """Every comparison of a lesson that belongs to a family, with its effect as measured, in the lessons' order."""
    families = {lesson["id"]: lesson.get("family") for lesson in lessons}
    return [
        Technique(str(families[h.lesson]), h.lesson, h.variant, h.verdicts, h.sentence)
        for h in headlines(effects, lessons)
        if families[h.lesson]
    ]


def variants(
    histories: pd.DataFrame, effects: pd.DataFrame, lessons: Sequence[Mapping[str, Any]], data: str = "fixed"
) -> list[Diagnosis]:
    """Every variant of every lesson with histories in scope `data`, diagnosed; named '<lesson> / <variant>'."""
    index, known = Histories.of(histories), techniques(effects, lessons)
    found = []
    for lesson in lessons:
        for variant in lesson["variants"]:
            records = _records(index.arm(lesson["id"], variant["name"], data))
            if records:
                found.append(diagnose(records, f"{lesson['id']} / {variant['name']}", known))
    return found


def _records(curves: Curves) -> list[Record]:
    names = [name for name in ("loss", "val_loss", "accuracy", "val_accuracy") if name in curves.columns]
    matrices = {name: curves.matrix(name) for name in names}
    return [Record(**{name: matrices[name][i, :stop] for name in names}) for i, stop in enumerate(curves.stops)]


def render(diagnosis: Diagnosis) -> str:
    """The diagnosis as text, a sign a line, those found marked, then what treats the area."""
    runs, area = "one run" if diagnosis.runs == 1 else f"{diagnosis.runs} runs", diagnosis.area
    lines = [f"{diagnosis.name}, {runs}: {f'a problem with {area}' if area else 'no problem found'}"]
    for each in AREAS:
        lines.append(f"  {each}")
        lines += [f"  {_mark(sign)} {sign.text}" for sign in diagnosis.signs if sign.area == each]
    if area and not diagnosis.techniques:
        lines.append(f"  No technique that treats {area} has been measured yet.")
    elif area:
        lines.append(f"  What treats {area}, as measured:")
        lines += [f"    {technique.sentence}" for technique in diagnosis.techniques]
    return "\n".join(lines)


def _mark(sign: Sign) -> str:
    return "?" if sign.found is None else "!" if sign.found else " "
