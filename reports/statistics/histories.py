"""Histories as matrices: one row a seed, one column an epoch.

A stopped model is carried forward with the values of its last epoch. That is no guess: its weights no longer change.
Survivors are never averaged alone and epochs are never interpolated; thinning picks epochs that were trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.nouns.history import BESIDE, LABELS, Arm

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def first_epoch(true: npt.NDArray[np.bool_]) -> Floats:
    """(n,) the epoch of the first True in each row of (n, epochs); infinity where there is none."""
    return (
        np.where(true.any(axis=1), true.argmax(axis=1) + 1.0, np.inf) if true.shape[1] else np.full(len(true), np.inf)
    )


def late(values: Floats, epochs: int) -> Floats:
    """The last half of (..., epochs) `values`, and the epoch before it: what a wobble is the changes of."""
    return values[..., max(epochs // 2 - 1, 0) : epochs]


class Source(Protocol):
    """A table of histories, of which an arm's column is read at a time: all of it may not fit into memory."""

    @property
    def names(self) -> Sequence[str]:
        """The metrics."""

    def column(self, arm: Arm, name: str) -> npt.NDArray[Any]:
        """A metric, `seed` or `epoch`, in the rows of one arm; empty where there are none."""

    def frame(self) -> pd.DataFrame:
        """All of it."""


class Columns(Mapping[str, npt.NDArray[Any]]):
    """Columns by name, each read when it is asked for."""

    def __init__(self, names: Sequence[str], read: Callable[[str], npt.NDArray[Any]]) -> None:
        self._names, self._read = names, read

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Curves:
    """One arm's histories.

    Attributes:
        seeds: (n,) the seeds that left a history; failed runs left none.
        stops: (n,) epochs trained, per seed.
        columns: metric name -> (sum of stops,) values, seed after seed; read when they are asked for.
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

    def only(self, seeds: Sequence[int]) -> Curves:
        """The curves of those of these seeds that are here."""
        kept = np.isin(self.seeds, np.asarray(seeds))
        rows = np.repeat(kept, self.stops)
        return Curves(
            self.seeds[kept], self.stops[kept], Columns(tuple(self.columns), lambda name: self.columns[name][rows])
        )


class InMemory:
    """Histories in a frame: columns lesson, variant, data, seed, epoch and the metrics."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        found: dict[Any, Any] = frame.groupby([*LABELS], observed=True, sort=False).indices
        self._places = {(str(a), str(b), str(c)): _slice(rows) for (a, b, c), rows in found.items()}
        self.names = tuple(str(name) for name in frame.columns if name not in BESIDE)

    def column(self, arm: Arm, name: str) -> npt.NDArray[Any]:
        """A view where the arm's rows lie together."""
        values: npt.NDArray[Any] = self._frame[name].to_numpy()[self._places.get(arm, slice(0, 0))]
        return values

    def frame(self) -> pd.DataFrame:
        """The frame."""
        return self._frame


def _slice(rows: npt.NDArray[np.intp]) -> slice | npt.NDArray[np.intp]:
    return slice(int(rows[0]), int(rows[-1]) + 1) if rows[-1] - rows[0] + 1 == len(rows) else rows


@dataclass(frozen=True)
class Histories:
    """The long table, arm by arm; of these seeds alone where any are named."""

    source: Source
    seeds: tuple[int, ...] | None = None
    _arms: dict[Arm, Curves] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, given: pd.DataFrame | Source | Histories) -> Histories:
        """The histories in a frame, or in what is read part by part."""
        if isinstance(given, Histories):
            return given
        return cls(InMemory(given) if isinstance(given, pd.DataFrame) else given)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that any run has."""
        return tuple(self.source.names)

    def arm(self, lesson: str, variant: str, data: str) -> Curves:
        """The curves of one arm, empty when nothing was trained there.

        Raises:
            ValueError: a run has an epoch twice.
        """
        arm = (lesson, variant, data)
        if arm not in self._arms:
            self._arms[arm] = self._curves(arm)
        return self._arms[arm]

    def only(self, seeds: Sequence[int]) -> Histories:
        """The histories of these seeds."""
        return replace(self, seeds=tuple(seeds), _arms={})

    def _curves(self, arm: Arm) -> Curves:
        whole = self._whole(arm)
        return whole if self.seeds is None else whole.only(self.seeds)

    def _whole(self, arm: Arm) -> Curves:
        seeds, epochs = (self.source.column(arm, name).astype(np.int64) for name in ("seed", "epoch"))
        order = _order(seeds, epochs)
        seeds = seeds if order is None else seeds[order]
        starts = np.flatnonzero(np.diff(seeds, prepend=seeds[:1] - 1))
        stops = np.diff(starts, append=len(seeds))

        def read(name: str) -> npt.NDArray[Any]:
            values = self.source.column(arm, name)
            return values if order is None else values[order]

        return Curves(seeds[starts], stops, Columns(self.metrics, read))


def _order(seeds: Ints, epochs: Ints) -> npt.NDArray[np.intp] | None:
    """The order of rows by seed and epoch; None where they are in it."""
    if _ascends(seeds, epochs):
        return None
    order = np.lexsort((epochs, seeds))
    if not _ascends(seeds[order], epochs[order]):
        raise ValueError("a run has the same epoch twice in its history")
    return order


def _ascends(seeds: Ints, epochs: Ints) -> bool:
    later = (seeds[1:] > seeds[:-1]) | ((seeds[1:] == seeds[:-1]) & (epochs[1:] > epochs[:-1]))
    return bool(later.all())


def paired(baseline: Curves, variant: Curves, metric: str, epochs: Ints) -> tuple[Ints, Floats, Floats]:
    """The seeds both arms have, and `metric` of either for them at `epochs`, carried forward: (n, len(epochs)) each."""
    seeds, ours, theirs = np.intersect1d(baseline.seeds, variant.seeds, return_indices=True)
    longest = int(epochs.max(initial=0))
    first = baseline.carried(metric, longest)[ours][:, epochs - 1]
    second = variant.carried(metric, longest)[theirs][:, epochs - 1]
    return seeds, first, second
