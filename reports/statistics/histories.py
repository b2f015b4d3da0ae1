"""Histories as matrices: one row a seed, one column an epoch.

A stopped model is carried forward with the values of its last epoch. That is no guess: its weights no longer change.
Survivors are never averaged alone and epochs are never interpolated; thinning picks epochs that were trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Arm = tuple[str, str, str]
"""lesson, variant, data"""

LABELS = ("lesson", "variant", "data")


def first_epoch(true: npt.NDArray[np.bool_]) -> Floats:
    """(n,) the epoch of the first True in each row of (n, epochs); infinity where there is none."""
    return (
        np.where(true.any(axis=1), true.argmax(axis=1) + 1.0, np.inf) if true.shape[1] else np.full(len(true), np.inf)
    )


def late(values: Floats, epochs: int) -> Floats:
    """The last half of (..., epochs) `values`, and the epoch before it: what a wobble is the changes of."""
    return values[..., max(epochs // 2 - 1, 0) : epochs]


@dataclass(frozen=True)
class Curves:
    """One arm's histories.

    Attributes:
        seeds: (n,) the seeds that left a history; failed runs left none.
        stops: (n,) epochs trained, per seed.
        columns: metric name -> (sum of stops,) values, seed after seed.
    """

    seeds: Ints
    stops: Ints
    columns: Mapping[str, npt.NDArray[np.floating]]

    def matrix(self, metric: str) -> Floats:
        """(n, longest) values of `metric`, NaN after a seed's stop and throughout when the metric is unknown."""
        longest = int(self.stops.max(initial=0))
        if metric not in self.columns:
            return np.full((len(self.seeds), longest), np.nan)
        values = np.asarray(self.columns[metric], dtype=float)
        if np.all(self.stops == longest):
            return values.reshape(len(self.seeds), longest)
        trained = np.arange(longest) < self.stops[:, None]
        filled = np.full(trained.shape, np.nan)
        filled[trained] = values
        return filled

    def carried(self, metric: str, epochs: int) -> Floats:
        """(n, epochs) values of `metric`, each stopped seed carried forward to `epochs`."""
        if not len(self.seeds):
            return np.empty((0, epochs))
        reach = np.minimum(np.arange(epochs)[None, :], self.stops[:, None] - 1)
        return np.take_along_axis(self.matrix(metric), reach, axis=1)

    def training(self, epochs: int) -> Ints:
        """(epochs,) how many seeds were still training in each epoch."""
        return np.asarray((np.arange(1, epochs + 1)[:, None] <= self.stops).sum(axis=1))


@dataclass(frozen=True)
class Histories:
    """The long table with an index of where each arm lies; arms are views, nothing is copied before it is asked for."""

    frame: pd.DataFrame
    places: Mapping[Arm, slice]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Histories:
        """Index `frame`: columns lesson, variant, data, seed, epoch and the metrics. Sorts it when it isn't sorted."""
        places = _places(frame)
        if places is None:
            frame = frame.sort_values([*LABELS, "seed", "epoch"], kind="stable")
            places = _places(frame)
        if places is None:
            raise ValueError("a run has the same epoch twice in its history")
        return cls(frame, places)

    def arm(self, lesson: str, variant: str, data: str) -> Curves:
        """The curves of one arm, empty when nothing was trained there."""
        place = self.places.get((lesson, variant, data), slice(0, 0))
        seeds = self.frame["seed"].to_numpy()[place]
        starts = np.flatnonzero(np.diff(seeds, prepend=seeds[:1] - 1))
        stops = np.diff(starts, append=len(seeds))
        metrics = [name for name in self.frame.columns if name not in (*LABELS, "seed", "epoch")]
        columns = {name: self.frame[name].to_numpy()[place] for name in metrics}
        return Curves(seeds[starts].astype(np.int64), stops.astype(np.int64), columns)


def _places(frame: pd.DataFrame) -> dict[Arm, slice] | None:
    """Where each arm's rows lie; None when an arm lies in several pieces or its seeds or epochs are out of order."""
    if not len(frame):
        return {}
    labels = [pd.Categorical(frame[label]) for label in LABELS]
    arm = np.any([label.codes[1:] != label.codes[:-1] for label in labels], axis=0)
    seed, epoch = frame["seed"].to_numpy(), frame["epoch"].to_numpy()
    later = (seed[1:] > seed[:-1]) | ((seed[1:] == seed[:-1]) & (epoch[1:] > epoch[:-1]))
    first = np.concatenate([[0], np.flatnonzero(arm) + 1])
    if not np.all(later | arm):
        return None
    names = [tuple(str(label[int(start)]) for label in labels) for start in first]
    ends = np.append(first[1:], len(frame))
    places = {(a, b, c): slice(int(i), int(j)) for (a, b, c), i, j in zip(names, first, ends, strict=True)}
    return places if len(places) == len(first) else None


def paired(baseline: Curves, variant: Curves, metric: str, epochs: Ints) -> tuple[Ints, Floats, Floats]:
    """The seeds both arms have, and `metric` of either for them at `epochs`, carried forward: (n, len(epochs)) each."""
    seeds, ours, theirs = np.intersect1d(baseline.seeds, variant.seeds, return_indices=True)
    longest = int(epochs.max(initial=0))
    first = baseline.carried(metric, longest)[ours][:, epochs - 1]
    second = variant.carried(metric, longest)[theirs][:, epochs - 1]
    return seeds, first, second
