"""The level that a comparison is judged at: five percent for a lesson, however often it is looked at.

Look k of a comparison has a level of 0.04, then 0.01 / (k (k - 1)): 0.005, 0.0017, ... These add up to 0.05, and a lesson's
comparisons share each of them. Where all looks were declared before the first, K of them share evenly what the first K have
together, 0.05 - 0.01 / K: five looks have 0.0096 each. Any further look is number K + 1, or later.

By the union bound (Bonferroni) a lesson without any effect then shows one in at most five experiments of a hundred, whatever
the tests are, however they depend on each other, and whenever one looks. Other lessons have no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.reports.nouns.lesson import Lesson

WHOLE = 0.05
FIRST = 0.04
FURTHER = 0.01
"""All looks after the first have this much together: 1/(1·2) + 1/(2·3) + ... = 1."""


@dataclass(frozen=True)
class Level:
    """Which look at a comparison this is, from 1, and among how many comparisons its lesson shares the level.

    `declared` is how many looks were declared before the first, where this is one of them; else 0.
    """

    look: int = 1
    family: int = 1
    declared: int = 0

    @property
    def alpha(self) -> float:
        """The level of this comparison at this look; its interval is at 1 - alpha."""
        return (of_declared(self.declared) if self.declared else of_look(self.look)) / self.family


def of_look(look: int) -> float:
    """The level of a lesson's look number `look`, counted from 1."""
    return FIRST if look == 1 else FURTHER / (look * (look - 1))


def of_declared(looks: int) -> float:
    """The level of each of so many looks that were declared before the first."""
    return (WHOLE - FURTHER / looks) / looks


def family(lesson: Lesson) -> int:
    """The comparisons a lesson declares: contrasts that decide times scopes, whether they were run or not."""
    return max(1, len(lesson.deciding)) * (2 if lesson.data.redrawn else 1)


def level(lesson: Lesson, variant: str, data: str) -> Level:
    """The level of one comparison in one scope, by its place among the lesson's `looks`: the current one, else the last.

    A declaration counts where nothing was looked at before it.
    """
    mine = lesson.looks_at(variant, data)
    now = next((at for at, one in enumerate(mine, 1) if one.current), len(mine))
    looks = [one.declared for one in mine[:now]] or [()]
    declared = looks[0]
    if declared and looks[-1] == declared:
        return Level(declared.index(len(mine[now - 1].seeds)) + 1, family(lesson), len(declared))
    beyond = sum(each != declared for each in looks) if declared else len(looks)
    return Level(len(declared) + beyond, family(lesson))
