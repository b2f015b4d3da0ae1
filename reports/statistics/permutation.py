"""The one way this package permutes: a sign a pair, flipped by scipy."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
RESAMPLES = 9999
MORE = (99_999, 999_999)
"""Draws for a p that fewer leave in doubt."""
BATCH = 20_000
SIGNS = 2**21
"""At most so many signs are drawn in one go, where pairs are many: each takes a hundred bytes on its way through scipy."""
ENOUGH = 200
"""Draws beyond the observed statistic that settle a p to 7 %: nobody needs to know it better, however near the level."""
DOUBT = 4.0
"""A p this many of its standard errors from the level is on the right side of it."""


def flip(n: int, statistic: Callable[[Floats], Floats], rng: np.random.Generator, resamples: int = RESAMPLES) -> Any:
    """The paired permutation test of scipy on n ones, so that what reaches `statistic` are the signs themselves.

    `statistic` maps signs (..., n) to (..., k): k questions share their draws. All 2^n flips are tried, and p is exact,
    where that takes no more than `resamples`. The result has `pvalue` (k,) and `null_distribution` (resamples, k).
    """

    def signed(signs: Floats, axis: int) -> Floats:  # noqa: ARG001  scipy names it
        return statistic(signs)

    return stats.permutation_test(
        (np.ones(n),),
        signed,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, min(BATCH, SIGNS // max(n, 1))),
        rng=rng,
    )


def settled(
    n: int, ask: Callable[[Bools], Callable[[Floats], Floats]], levels: Floats, rng: np.random.Generator, resamples: int
) -> Floats:
    """(k,) two-sided p of k questions, by more draws where the first leave open on which side of its level a p lies.

    `ask(which)` gives the statistic of the questions in the mask (k,). `levels` are (k,), NaN where there is none. Every
    round starts from the same state of `rng`, so that a p doesn't depend on what is asked beside it.
    """
    p = np.asarray(flip(n, ask(np.ones(len(levels), dtype=bool)), deepcopy(rng), resamples).pvalue, dtype=float)
    drawn = resamples
    for more in MORE:
        open_ = doubtful(p, levels, drawn)
        if 2**n <= drawn or more <= drawn or not open_.any():
            break
        p[open_] = flip(n, ask(open_), deepcopy(rng), more).pvalue
        drawn = more
    return p


def least(n: int, resamples: int = RESAMPLES) -> float:
    """The smallest two-sided p that flipping the signs of n pairs can give: 2 of 2^n, or 2 of all draws and the data."""
    return min(1.0, 2 / (2**n if 2**n <= resamples else resamples + 1))


def doubtful(p: Floats, levels: Floats, resamples: int) -> Bools:
    """(k,) which two-sided p from that many random draws might as well lie on the other side of their level."""
    beyond = p * (resamples + 1) / 2
    error = 2 / (resamples + 1) * np.sqrt(beyond)
    return np.asarray((np.abs(p - levels) <= DOUBT * error) & (beyond < ENOUGH))
