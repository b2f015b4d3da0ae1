"""A run's history and scores as columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from orchestrator.lesson import Array


def columns(values: Mapping[str, Any], axes: int) -> dict[str, Array]:
    """Float32 columns of what metrics gave, arrays of `axes` axes: 1 for a history, 0 for scores.

    A metric that has a value a class has further axes: it becomes its mean, and a column a class.
    """
    return {
        name: column for metric, value in values.items() for name, column in _columns(metric, np.asarray(value), axes)
    }


def _columns(name: str, values: Array, axes: int) -> list[tuple[str, Array]]:
    flat = values.astype(np.float32).reshape(*values.shape[:axes], -1)
    classes = flat.shape[-1]
    each = [(f"{name}_{i}", flat[..., i]) for i in range(classes)] if classes > 1 else []
    return [(name, flat.mean(axis=-1) if each else flat[..., 0]), *each]


def gathered(logs: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """A history from the logs of its epochs; an entry is masked where an epoch has no number, as with `validation_freq`."""
    rows = [columns({name: value for name, value in epoch.items() if _is_number(value)}, 0) for epoch in logs]
    names = dict.fromkeys(name for row in rows for name in row)
    found: dict[str, Array] = {}
    for name in names:
        values = np.array([row.get(name, np.nan) for row in rows], np.float32)
        missing = np.array([name not in row for row in rows])
        found[name] = np.ma.MaskedArray(values, missing) if missing.any() else values
    return found


def _is_number(value: Any) -> bool:
    """Whether a log is one or more numbers; callbacks may log anything."""
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:  # lists of other lengths in a list
        return False
