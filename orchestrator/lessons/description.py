"""A lesson as its report needs to know it: plain data, which travels with the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from orchestrator.errors import LessonError
from orchestrator.lesson import SECONDARY, Lesson
from orchestrator.nouns.measures import Measures, Traits
from orchestrator.reports.nouns.claim import Claim
from orchestrator.reports.nouns.endpoint import Endpoint


def description(
    lesson: Lesson, rows: Mapping[str, Any], known: Mapping[str, tuple[str | None, Traits | None]]
) -> dict[str, Any]:
    """What a report needs to know, as plain JSON; `known` says per variant why it can't be compiled, and its traits.

    Raises:
        LessonError: no run is scored by what is to decide.
    """
    measures = Measures.shared([traits for _, traits in known.values()], fresh=lesson.data.fresh is not None)
    primary = measures.of(lesson.endpoint)
    secondary = [found for e in lesson.secondary if (found := _secondary(e, measures)) and found != primary]
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
        "contrasts": [asdict(each) for each in lesson.contrasts],
        "published": [asdict(_claim(each, measures)) for each in lesson.published],
        "metrics": measures.scores(),
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


def _secondary(endpoint: Endpoint, measures: Measures) -> Endpoint | None:
    """The endpoint by its name in the tables; of the usual ones only under their own, since what matters in a cross-entropy need not matter in another loss."""
    found = measures.find(endpoint)
    return found if found == endpoint or endpoint not in SECONDARY else None


def _claim(claim: Claim, measures: Measures) -> Claim:
    """The claim with its measure as the tables call it.

    Raises:
        LessonError: no run is scored by it.
    """
    try:
        return replace(claim, measure=measures.of(Endpoint(claim.measure)).measure) if claim.measure else claim
    except LessonError as error:
        raise LessonError(f"the claim of {claim.source!r}: {error}") from None
