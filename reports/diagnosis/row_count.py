"""How many rows an accuracy is of, read off its steps: of 60 rows, each is a sixtieth."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST = 2000
"""Rows up to which float32 tells the steps apart."""
SINGLE = 1e-7
"""How far a float32 between 0 and 1 may lie from the fraction that it stands for."""
FEWEST = 3
"""Different values that it takes: a curve that never moves fits any multiple of its rows."""
ENOUGH = 50
"""Different values that are looked at: what fits them all by luck is rarer than any rate that matters."""
CHANCE = 0.01
"""How likely numbers of any other origin may fit."""


def row_count(accuracy: Floats | None) -> int | None:
    """The smallest number of rows of which every value of the curve is a whole share; None where none is found.

    `accuracy` is (epochs,), shares, NaN for holes. Values rounded in writing are given half a unit of their last digit.
    """
    if accuracy is None:
        return None
    values = np.unique(accuracy[(accuracy > 0) & (accuracy < 1)])
    if len(values) < FEWEST:
        return None
    values = values[:: -(-len(values) // ENOUGH)]
    precision = _precision(values)
    counts = np.arange(2, MOST + 1)
    reach = counts * precision
    off = np.abs(values * counts[:, None] - np.round(values * counts[:, None])).max(axis=1)
    lucky = len(values) * np.log(2 * reach) + np.log(counts) > math.log(CHANCE)
    fits = np.flatnonzero((off <= reach + 1e-9) & ~lucky)
    return int(counts[fits[0]]) if len(fits) else None


def _precision(values: Floats) -> float:
    digits = next((d for d in range(1, 7) if np.allclose(values, np.round(values, d), rtol=0, atol=1e-12)), None)
    return SINGLE if digits is None else 0.5 * 10.0**-digits


def standard_error(train: float, held_out: float, rows: tuple[float | None, float | None]) -> float:
    """Of the difference of two accuracies on `rows` training and validation rows; NaN where both numbers are unknown.

    Where only the training rows are known, a third as many are taken for validation; an unknown number of training
    rows is taken for large. Shares are smoothed by one row of each kind, so that 100 % of a few rows is not certain.
    """
    trained, held = rows
    held = held if held is not None else trained / 3 if trained is not None else None
    if held is None:
        return math.nan
    parts = ((train, trained or math.inf), (held_out, held))
    return math.sqrt(sum(_variance(share, n) for share, n in parts))


def _variance(share: float, n: float) -> float:
    if math.isinf(n):
        return 0.0
    smoothed = (min(max(share, 0.0), 1.0) * n + 1) / (n + 2)
    return smoothed * (1 - smoothed) / n
