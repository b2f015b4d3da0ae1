"""What a program knows of the rows that it trains on: their shapes and types."""

from __future__ import annotations

import numpy as np

from orchestrator.lesson import Rows, Split, leaves


class Shapes:
    """A split, equal to any other of the same shapes and types: a program knows no more of it."""

    def __init__(self, split: Split) -> None:
        self._seen = tuple(
            (name, array.shape, array.dtype.str) for rows in rows_in(split) for name, array in leaves(rows)
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shapes) and self._seen == other._seen

    def __hash__(self) -> int:
        return hash(self._seen)


def rows_in(split: Split) -> tuple[Rows, ...]:
    """All that a split holds; where only one part has weights, none of the other's stand for them."""
    rows = (split.x_train, split.y_train, split.x_test, split.y_test)
    none = np.zeros(0)
    return (*rows, *(none if w is None else w for w in (split.w_train, split.w_test))) if split.weighted else rows
