"""Equal numbers made equal again: float32 keeps 52/70 and 55/70 a hair off, and then their differences don't tie.

Ranks and permutations count ties, so a hair decides them. Accuracies are shares of rows, and become k / R in float64;
of anything else, values closer than a millionth of their range are one value, or of their own size where that is less: one
run that is off by far must not make all others equal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from orchestrator.reports.nouns.lesson import Data

Floats = npt.NDArray[np.float64]

HAIR = 1e-6


def shares(values: Floats, rows: float | None) -> Floats:
    """Accuracies of `rows` rows as k / rows in float64; as they are where they aren't such shares, or rows unknown."""
    if not rows:
        return values
    whole = np.rint(values * rows) / rows
    known = values[np.isfinite(values)]
    near = np.abs(whole - values)[np.isfinite(values)] <= HAIR
    return whole if len(known) and near.all() else values


def rows_of(measure: str, data: Data) -> float | None:
    """How many rows stand behind an accuracy of that name in a lesson's data; None for what is no accuracy."""
    part = measure.partition("_")[0]
    return data.rows("test" if part == "val" else part) if measure.endswith("accuracy") else None


def merged(*arrays: Floats) -> list[Floats]:
    """The arrays with values closer than a millionth of their common range, and of their own size, made equal; NaN stays."""
    pooled = np.concatenate([values.ravel() for values in arrays])
    known = np.unique(pooled[np.isfinite(pooled)])
    if len(known) < 2:
        return list(arrays)
    size = np.maximum(np.abs(known), np.abs(np.roll(known, 1)))
    first = np.flatnonzero(np.diff(known, prepend=-np.inf) > HAIR * np.minimum(known[-1] - known[0], size))
    of_group = known[first]
    return [
        np.where(np.isfinite(values), of_group[np.searchsorted(of_group, values, side="right") - 1], values)
        for values in arrays
    ]
