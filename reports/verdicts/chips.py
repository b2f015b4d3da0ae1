"""A comparison's answer as the page shows it: a chip, the effect, and how large that is beside what matters."""

import math
from dataclasses import dataclass, replace

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.verdict import (
    BROKEN,
    HARMS,
    IMPROVES,
    OPEN,
    SAME,
    SMALL,
    UNJUDGED,
    VOID,
    culprits,
    held_up,
    perhaps_small,
)
from orchestrator.reports.wording.phrases import amount, times
from orchestrator.reports.wording.words import typeset


@dataclass(frozen=True)
class Chip:
    """A verdict in words, with a colour (`role`) and a shape (`icon`, a symbol of the page)."""

    role: str
    icon: str
    words: str


@dataclass(frozen=True)
class Cell:
    """A verdict with its effect and interval, any of them empty."""

    chip: Chip | None
    effect: str
    interval: str


CHIPS = {
    IMPROVES: Chip("good", "up", "Improves"),
    HARMS: Chip("bad", "down", "Harms"),
    SMALL: Chip("small", "rise", "Real but small"),
    SAME: Chip("same", "equal", "No practical difference"),
    OPEN: Chip("open", "query", "Inconclusive"),
    VOID: Chip("void", "cross", "Not testable"),
    UNJUDGED: Chip("void", "query", "Not judged"),
}

BUT = Chip("small", "up", "Improves, but")
"""The guard is broken: something that had to hold got worse meanwhile."""

PERHAPS, HELD = Chip("small", "rise", "Real, perhaps small"), Chip("open", "query", "Inconclusive: bad runs")
"""What the chips of `perhaps_small` and of `held_up` effects are explained as."""


def chip(row: Effect) -> Chip:
    """The chip of one row of the effects table; a small effect says which way it goes, and what bad runs hold up says so."""
    plain = CHIPS[row.verdict]
    better = row.verdict == IMPROVES or (row.verdict == SMALL and towards(row) > 0)
    if better and row.guard == BROKEN:
        return BUT
    if held_up(row):
        return replace(plain, words=f"{plain.words}: {culprits(row)}")
    if row.verdict != SMALL:
        return plain
    way = "gain" if better else "loss"
    return Chip(
        plain.role,
        "rise" if better else "fall",
        f"Real {way}, perhaps small" if perhaps_small(row) else f"Real but small {way}",
    )


def legend(results: Results) -> list[Chip]:
    """The chips to explain: all of the usual ones, and those that something here carries besides."""
    rows = results.deciding
    price = [BUT] if BUT in map(chip, rows) else []
    perhaps = [PERHAPS] if any(map(perhaps_small, rows)) else []
    held = [HELD] if any(map(held_up, rows)) else []
    return [CHIPS[IMPROVES], *price, CHIPS[HARMS], *perhaps, CHIPS[SMALL], CHIPS[SAME], CHIPS[OPEN], *held, CHIPS[VOID]]


def towards(row: Effect) -> float:
    """The effect on a scale where no effect is 0 and better is above it; NaN when there is none."""
    return on_scale(row, row.effect)


def surely_worse(row: Effect) -> bool:
    """Whether the whole interval lies on the worse side of no effect."""
    return max(on_scale(row, end) for end in (row.low, row.high)) < 0


def on_scale(row: Effect, value: float) -> float:
    """An effect, or an end of its interval, in multiples of the smallest effect of interest; better is above 0."""
    sign = 1.0 if row.better == "higher" else -1.0
    if row.statistic == "spread":
        interest = abs(math.log(row.sesoi)) or math.nan
        return sign * (math.log(value) if value > 0 else -math.inf if value == 0 else math.nan) / interest
    return sign * value / row.sesoi


def said(row: Effect) -> tuple[str, str]:
    """Effect and interval: `("+3.7 points", "[3.3, 4.1]")`; empty where there is none."""
    if row.n_pairs == 0 or math.isnan(row.effect):
        return "", ""
    text = typeset(times(row) if row.statistic == "spread" else amount(row))
    effect, _, interval = text.partition(" [")
    return effect.replace(" times", " times the spread"), f"[{interval}" if interval else ""


def against(lesson: Lesson, variant: str) -> str:
    """`“minibatch” against “batch”`; empty where the names say no more than with and without."""
    contrast = lesson.contrast(variant)
    if not lesson.several and contrast.pair == ("without", "with"):
        return ""
    return f"“{contrast.variant}” against “{contrast.baseline}”"


def detectable(row: Effect) -> str:
    """The minimal detectable effect in words, empty when there is none."""
    if not math.isfinite(row.mde):
        return ""
    return said(replace(row, effect=row.mde, low=math.nan, high=math.nan))[0].lstrip("+")
