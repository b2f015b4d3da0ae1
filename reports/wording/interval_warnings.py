"""What an interval can't promise, with the figure that simulations gave for it (benchmarks/calibration.py)."""

from __future__ import annotations

import math

from orchestrator.reports.nouns.effect import Effect

LOPSIDED = 1.0
"""Skewness from where on an interval's coverage is doubtful; one normal sample of 30 in fifty gets there by chance."""
MANY_PAIRS = 100
FEW_PAIRS = 20
"""Fewer than this, and t intervals of skewed measures and all intervals of spreads run short."""


def interval_warnings(row: Effect) -> list[str]:
    """Sentences on one row of the effects table, mostly none."""
    if math.isnan(row.low):
        return []
    found = [_lopsided(row), _few(row)]
    return [sentence for sentence in found if sentence]


def _lopsided(row: Effect) -> str:
    if row.statistic == "spread" or row.n_pairs >= MANY_PAIRS or not abs(row.skew) > LOPSIDED:
        return ""
    return (
        f"The differences lean to one side (skewness {row.skew:.1f}). In simulations with strong skew such intervals held "
        "the truth 90 % of the time with 10 seeds and 93 % with 30, instead of 95 %."
    )


def _few(row: Effect) -> str:
    if row.statistic != "spread" or row.n_pairs >= FEW_PAIRS:
        return ""
    return (
        "With so few seeds the interval of a spread is only about right. In simulations with 10 seeds it held the truth 92 to "
        "97 % of the time, and p was below 0.05 without any effect in up to 9 % of experiments when most runs ended alike."
    )
