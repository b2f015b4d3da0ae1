"""A contrast: what is compared, as a weighted sum of a lesson's variants, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Contrast:
    """The difference D = sum of weight x run over some variants, one number a seed; a lesson checks those that it declares.

    Attributes:
        name: what it is called, such as the technique that it is about; no other contrast of the lesson has it.
        weights: by variant; they add up to 0. {"with": 1, "without": -1} is a technique against its baseline,
            {"both": 1, "a": -1, "b": -1, "none": 1} what two do together beyond the sum of what each does.
        says: what a sentence calls it, such as "noise on top of the rest"; its name without.
        decides: whether it shares the lesson's level and has a verdict of its own; else it is only looked into.
        keep: whether the question is if a technique is to be kept, so that the page says "keep it" or "drop it".
        among: variants one of which is to stand above: the one that does best on even seeds (reports.statistics.choice).
        seeds: "odd" where only odd seeds judge, since even ones chose; empty: all do.
    """

    name: str
    weights: Mapping[str, float] = field(default_factory=dict)
    says: str = ""
    decides: bool = True
    keep: bool = False
    among: tuple[str, ...] = ()
    seeds: str = ""

    @property
    def part(self) -> float:
        """The share of the seeds that judge: half of them where the others choose."""
        return 0.5 if self.among or self.seeds else 1.0

    @property
    def below(self) -> Weights:
        """What is taken off: the variants of negative weight, with what they weigh."""
        return tuple((name, -weight) for name, weight in self.weights.items() if weight < 0)

    @property
    def above(self) -> Weights:
        """What it is taken off from."""
        return tuple((name, weight) for name, weight in self.weights.items() if weight > 0)

    @property
    def variants(self) -> tuple[str, ...]:
        """All that it compares, those below first."""
        return (*(name for name, _ in (*self.below, *self.above)), *self.among)

    @property
    def pair(self) -> tuple[str, str] | None:
        """The one variant below and the one above, where it is a plain difference of two; else None."""
        plain = len(self.weights) == 2 and {*self.weights.values()} == {1, -1}
        return (self.below[0][0], self.above[0][0]) if plain else None

    @property
    def baseline(self) -> str:
        """What stands below, in words."""
        return _sum(self.below)

    @property
    def variant(self) -> str:
        """What stands above, in words."""
        return _sum(self.above)


def _sum(weights: Weights) -> str:
    return " + ".join(name if weight == 1 else f"{weight:g} × {name}" for name, weight in weights)


def against(baseline: str, variant: str) -> Contrast:
    """A variant against its lesson's baseline, by the variant's name."""
    return Contrast(variant, {variant: 1.0, baseline: -1.0})


def contrast(document: Mapping[str, Any]) -> Contrast:
    """The contrast that a lesson's description holds."""
    return Contrast(
        str(document["name"]),
        {str(name): float(weight) for name, weight in document["weights"].items()},
        str(document.get("says") or ""),
        bool(document.get("decides", True)),
        bool(document.get("keep")),
        tuple(map(str, document.get("among") or ())),
        str(document.get("seeds") or ""),
    )


def contrasts(document: Mapping[str, Any]) -> tuple[Contrast, ...]:
    """The contrasts of a lesson's description: those that it declares, else each other variant against the first."""
    names = [str(variant["name"]) for variant in document.get("variants") or []]
    return tuple(map(contrast, document.get("contrasts") or ())) or tuple(against(names[0], name) for name in names[1:])
