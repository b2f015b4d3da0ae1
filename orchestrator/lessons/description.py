"""A lesson as its report needs to know it: plain data, which travels with the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orchestrator.lesson import SECONDARY, Lesson
from orchestrator.nouns.measures import ACCURACIES, Measures, Traits
from orchestrator.reports.nouns.endpoint import Endpoint

OF_A_GUESS = 0.03
"""An error matters by this share of what a constant guess scores: of cross-entropy, about the 0.02 that the seven lessons name."""


def description(
    lesson: Lesson, rows: Mapping[str, Any], known: Mapping[str, tuple[str | None, Traits | None]]
) -> dict[str, Any]:
    """What a report needs to know, as plain JSON; `known` says per variant why it can't be compiled, and its traits.

    Raises:
        LessonError: no run is scored by what is to decide.
    """
    measures = Measures.shared([traits for _, traits in known.values()], fresh=lesson.data.fresh is not None)
    primary = measures.of(lesson.endpoint)
    looked_into = (*lesson.secondary, *_usual(lesson, measures, rows.get("guess", {})))
    secondary = [found for e in looked_into if (found := measures.find(e)) and found != primary]
    return {
        "id": lesson.id,
        "number": lesson.number,
        "title": lesson.title,
        "technique": lesson.technique or lesson.title,
        "question": lesson.question,
        "explanation": lesson.explanation,
        "family": lesson.family,
        "endpoint": asdict(primary),
        "guard": asdict(measures.of(lesson.guard)) if lesson.guard else None,
        "secondary": [asdict(e) for e in secondary],
        "variants": [
            {
                "name": v.name,
                "note": v.note,
                "epochs": v.epochs,
                "batch_size": v.batch_size,
                "callbacks": [type(c).__name__ for c in v.callbacks],
                "engine_reason": known[v.name][0],
                "remarks": list(traits.notes) if (traits := known[v.name][1]) else [],
            }
            for v in lesson.variants
        ],
        "data": {
            "fixed": True,
            "redrawn": lesson.data.redrawn is not None,
            **rows,
            "chance": lesson.data.chance,
            "bayes": lesson.data.bayes,
            "note": lesson.data.note,
        },
    }


def _usual(lesson: Lesson, measures: Measures, guess: Mapping[str, float]) -> list[Endpoint]:
    """What a lesson without an accuracy looks into unless it says so itself: its errors, where guessing shows their size."""
    known = measures.names or ()
    if lesson.secondary is not SECONDARY or any(name.endswith(ACCURACIES) for name in known):
        return []
    part = "fresh_" if lesson.data.fresh else "test_"
    sizes = {name: OF_A_GUESS * value for name, value in guess.items() if name in known and name.startswith(part)}
    return [Endpoint(name, "lower", float(f"{size:.1g}")) for name, size in sorted(sizes.items()) if size > 0]
