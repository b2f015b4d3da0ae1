"""The check that pairing by seed buys: until a technique first acts, a run must equal its baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.reports.statistics.histories import Curves, first_epoch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Do the two arms train the same thing until the technique first acts?

    Attributes:
        seeds: (n,) seeds both arms have.
        until: (n,) the last epoch in which they must agree: the stop, or the one before the learning rate first drops.
        differ: (n,) the first epoch up to `until` in which they differ by more than the tolerance, 0 for none.
        largest: the largest difference in all those epochs.
    """

    seeds: Ints
    until: Ints
    differ: Ints
    largest: float

    @property
    def holds(self) -> bool:
        """True when there are seeds and none of them differs before the technique acts."""
        return bool(len(self.seeds)) and not self.differ.any()


def agreement(baseline: Curves, variant: Curves, metric: str = "val_loss", tolerance: float = 1e-4) -> Agreement:
    """Hold a variant with a callback against its baseline, seed by seed, up to where the callback first acts.

    That is the shorter of the two runs' last epoch, or the epoch before the first whose learning rate differs. The
    tolerance is for rounding: two programs may sum in another order. NaN in both arms agree.
    """
    seeds, ours, theirs = np.intersect1d(baseline.seeds, variant.seeds, return_indices=True)
    until = np.minimum(baseline.stops[ours], variant.stops[theirs])
    longest = int(until.max(initial=0))

    def both(name: str) -> tuple[Floats, Floats]:
        return baseline.matrix(name)[ours][:, :longest], variant.matrix(name)[theirs][:, :longest]

    epochs = np.arange(1, longest + 1)
    if "learning_rate" in baseline.columns and "learning_rate" in variant.columns:
        rates = both("learning_rate")
        dropped = (rates[0] != rates[1]) & (epochs <= until[:, None])
        until = np.minimum(until, first_epoch(dropped) - 1).astype(np.int64)
    first, second = both(metric)
    asked = (epochs <= until[:, None]) & ~(np.isnan(first) & np.isnan(second))
    gap = np.where(asked, np.abs(first - second), 0.0)
    off = ~(gap <= tolerance)
    differ = np.where(off.any(axis=1), first_epoch(off), 0).astype(np.int64)
    return Agreement(seeds, until, differ, float(np.max(gap, initial=0.0)))
