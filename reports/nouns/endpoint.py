"""An endpoint: the one number a run is judged by, declared before anything was trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Better = Literal["higher", "lower", ""]
Statistic = Literal["mean", "spread", "rate"]

GOAL = 0.8
"""The validation accuracy that is waited for where a lesson names no other."""


@dataclass(frozen=True)
class Endpoint:
    """The one number a run is judged by, declared before anything runs. A lesson checks those that it declares.

    Attributes:
        measure: a score of a finished run (`fresh_accuracy`, `test_bce`, `epochs`, ...), `wobble` (mean absolute
            change of validation accuracy between epochs, last half), `gap` (training minus fresh accuracy) or
            `epochs_to_threshold` (first epoch with validation accuracy at `threshold`); for a rate `bad`, `diverged`
            or `stuck`.
        better: the direction that is better; empty where nobody said.
        sesoi: smallest effect of interest, NaN where nobody said; in the measure's units; for a spread, the ratio of standard deviations, such
            as 0.8, meaning 0.8 to 1.25; for a rate, a difference of shares such as 0.1.
        statistic: `mean` compares means over seeds, `spread` standard deviations across seeds, `rate` the shares of runs
            that went bad (failed, diverged or stuck), or that diverged, or that are stuck.
        threshold: the validation accuracy to reach, for `epochs_to_threshold`.
    """

    measure: str = "fresh_accuracy"
    better: Better = "higher"
    sesoi: float = 0.01
    statistic: Statistic = "mean"
    threshold: float | None = None

    @property
    def identity(self) -> tuple[str, str, float | None]:
        """What makes two endpoints the same one."""
        return self.measure, self.statistic, self.threshold

    @property
    def judged(self) -> bool:
        """Whether it can have a verdict: somebody said from where on an effect matters."""
        return math.isfinite(self.sesoi)

    @property
    def goal(self) -> float:
        """The validation accuracy that is waited for."""
        return GOAL if self.threshold is None else self.threshold


def endpoint(document: Mapping[str, Any]) -> Endpoint:
    """The endpoint that a lesson's description holds."""
    threshold = document.get("threshold")
    return Endpoint(
        document["measure"],
        document.get("better") or "higher",
        float(document["sesoi"]),
        document.get("statistic") or "mean",
        None if threshold is None else float(threshold),
    )
