"""A claim: what somebody published of a technique, to be held against what is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Claim:
    """What was published of a comparison on one data set; a lesson checks those that it declares.

    Attributes:
        source: who said so and where, so that a reader finds it.
        effect: the difference that was published, with minus without, in the measure's units (0.057 is 5.7 points of accuracy).
        value: instead of it, the score that was published of the technique alone.
        n: of how many runs either is the mean.
        measure: the score that it is of, such as `test_accuracy`; empty: the one that decides the lesson.
        contrast: which comparison it is about, by name; empty: the first.
    """

    source: str
    effect: float | None = None
    value: float | None = None
    n: int = 1
    measure: str = ""
    contrast: str = ""


def claim(document: Mapping[str, Any]) -> Claim:
    """The claim that a lesson's description holds."""
    effect, value = (document.get(name) for name in ("effect", "value"))
    return Claim(
        str(document["source"]),
        None if effect is None else float(effect),
        None if value is None else float(value),
        int(document.get("n") or 1),
        str(document.get("measure") or ""),
        str(document.get("contrast") or ""),
    )
