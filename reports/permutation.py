"""The one way this package permutes: a sign a pair, flipped by scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
RESAMPLES = 9999


def flip(n: int, statistic: Callable[[Floats], Floats], rng: np.random.Generator, resamples: int = RESAMPLES) -> Any:
    """The paired permutation test of scipy on n ones, so that what reaches `statistic` are the signs themselves.

    `statistic` maps signs (..., n) to (..., k): k questions share their draws. All 2^n flips are tried, and p is exact,
    where that takes no more than `resamples`. The result has `pvalue` (k,) and `null_distribution` (resamples, k).
    """

    def signed(signs: Floats, axis: int) -> Floats:  # noqa: ARG001  scipy names it
        return statistic(signs)

    return stats.permutation_test(
        (np.ones(n),), signed, permutation_type="samples", vectorized=True, n_resamples=resamples, rng=rng
    )
