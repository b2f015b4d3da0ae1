"""What a model that learned nothing scores: a constant guess, the best there is for each score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.lesson import leaves

CLASSES = 1000
"""Whole numbers of more kinds than this are no classes."""


def guesses(targets: Mapping[str, Any], inputs: Any = None) -> dict[str, float]:
    """Scores by their names in the tables, such as `fresh_accuracy`, from the targets of parts such as `fresh`.

    The majority's share for accuracy; for squared and absolute error those of the mean and the median; for binary
    cross-entropy the entropy of the shares. Of outputs by name each has its own; of outputs in order, whose names only the
    model knows, nothing is known. Nor is it of labels along a sequence, where `inputs` are as long: a mask may leave
    some out.
    """
    found = {f"{part}_{name}": value for part, y in targets.items() for name, value in _of(y).items()}
    if not any(is_along(y, inputs) for y in targets.values()):
        return found
    return {name: value for name, value in found.items() if not name.endswith(("accuracy", "bce"))}


def is_along(y: Any, x: Any) -> bool:
    """Whether targets have an entry for each place of a sequence: of words, or of steps of a series."""
    arrays = [each for _, each in leaves(x) if isinstance(each, np.ndarray) and each.ndim > 1]
    sequences = [each for each in arrays if each.ndim == 3 or not np.issubdtype(each.dtype, np.floating)]
    return any(each.ndim > 1 and each.shape[1] in {x.shape[1] for x in sequences} for _, each in leaves(y))


def _of(y: Any) -> dict[str, float]:
    if not isinstance(y, Mapping):
        return _constant(y)
    return {f"{output}_{name}": value for output, each in y.items() for name, value in _constant(each).items()}


def _constant(y: Any) -> dict[str, float]:
    if not isinstance(y, np.ndarray) or not len(y):
        return {}
    flat = y.reshape(len(y), -1).astype(float)
    found = _errors(flat)
    if _are_labels(flat):
        likely = np.maximum(flat.mean(axis=0), 1 - flat.mean(axis=0))
        return found | {"accuracy": float(likely.mean()), "bce": float(np.mean([_entropy([p, 1 - p]) for p in likely]))}
    shares = _shares(flat)
    if shares is None:
        return found
    if len(shares) == 2:
        found["bce"] = _entropy(shares)
    return found | {"accuracy": float(shares.max())}


def _errors(flat: NDArray[np.float64]) -> dict[str, float]:
    """Those of the mean and the median, by all names that Keras has for them."""
    mse = float(flat.var(axis=0).mean())
    mae = float(np.abs(flat - np.median(flat, axis=0)).mean())
    long = {"mean_squared_error": mse, "mean_absolute_error": mae, "root_mean_squared_error": mse**0.5}
    return {"mse": mse, "mae": mae, **long}


def _entropy(shares: Any) -> float:
    found = np.asarray(shares)[np.asarray(shares) > 0]
    return float(-(found * np.log(found)).sum())


def _are_labels(flat: NDArray[np.float64]) -> bool:
    """Whether each column is a label that a row has or not, and not one class of which each row has one."""
    binary = flat.shape[1] > 1 and np.isin(flat, (0, 1)).all()
    return bool(binary and not (flat.sum(axis=1) == 1).all())


def _shares(flat: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """How frequent each class is, of labels (rows, 1) or of ones among zeros (rows, classes); None where there are none."""
    if flat.shape[1] > 1:
        one_hot = np.isin(flat, (0, 1)).all() and (flat.sum(axis=1) == 1).all()
        return np.asarray(flat.mean(axis=0)) if one_hot else None
    kinds, counts = np.unique(flat, return_counts=True)
    labels = (kinds == np.rint(kinds)).all() and len(kinds) <= min(CLASSES, max(2, len(flat) // 2))
    return np.asarray(counts / len(flat)) if labels else None
