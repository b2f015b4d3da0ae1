"""How far two histories of one run can be held against each other.

Both round, each in its own way. A callback decides by comparing a loss with its best so far; where the two numbers lie
closer together than rounding has moved the curves apart, either decision is right, and from there on the runs are two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from orchestrator.lesson import Array

History = Mapping[str, Array]


def comparable(ours: History, theirs: History, callbacks: Iterable[Any]) -> int | None:
    """Epochs before the first decision of a callback that rounding could turn; None where there is no such decision."""
    undecided = [_first_close_call(ours, theirs, callback) for callback in callbacks if hasattr(callback, "min_delta")]
    return min((epoch for epoch in undecided if epoch is not None), default=None)


def _first_close_call(ours: History, theirs: History, callback: Any) -> int | None:
    a, b = ours.get(callback.monitor), theirs.get(callback.monitor)
    if a is None or b is None:
        return None
    best, apart = None, 0.0
    for epoch, (mine, other) in enumerate(zip(a.astype(np.float64), b.astype(np.float64), strict=False)):
        apart = max(apart, abs(mine - other), float(np.spacing(np.float32(abs(other)))))
        gain = np.inf if best is None else best - (other - abs(callback.min_delta))
        if abs(gain) <= 2 * apart:
            return epoch
        best = other if gain > 0 else best
    return None
