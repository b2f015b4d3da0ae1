"""Endpoints: one number a run, declared by the lesson before anything was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.statistics.histories import Curves
from orchestrator.reports.statistics.ties import rows_of, shares

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STANDING_STILL = ("wobble", "gap", "epochs")
"""A run that learned nothing looks well by these: its number does not count. It is counted as stuck instead."""
THRESHOLD_ROUNDING = 1e-6
"""0.7 in float32 is a hair below 0.7: a model that got 350 of 500 right did reach 0.7."""


@dataclass(frozen=True)
class Endpoint:
    """What is compared.

    Attributes:
        measure: a numeric column of runs, or "wobble", "epochs_to_threshold" or "gap", which are computed here; for a
            rate "bad", "diverged" or "stuck".
        statistic: "mean" (paired mean difference), "spread" (ratio of the standard deviations across seeds) or "rate"
            (difference of the shares of runs).
        better: "higher" or "lower".
        sesoi: the smallest effect of interest, in raw units; for a spread a ratio such as 0.8, meaning 0.8 to 1.25.
        threshold: the validation accuracy to reach, for "epochs_to_threshold".
        primary: whether the lesson is decided by it.
        guards: whether it is what must not get worse meanwhile.
    """

    measure: str
    statistic: str = "mean"
    better: str = "higher"
    sesoi: float = 0.01
    threshold: float | None = None
    primary: bool = False
    guards: bool = False

    @property
    def identity(self) -> tuple[str, str, float | None]:
        """What makes two endpoints the same one."""
        return self.measure, self.statistic, self.threshold


@dataclass(frozen=True)
class Scores:
    """An endpoint's values, one a seed.

    Attributes:
        values: (n,) NaN where the run has none. A threshold not reached counts as the epochs asked for, also where the run
            stopped before: it can't get there any more, and is at risk as long as all others.
        reached: (n,) for "epochs_to_threshold": whether the threshold was reached; all True otherwise.
    """

    values: Floats
    reached: Bools


def declared(lesson: Mapping[str, Any], columns: set[str]) -> list[Endpoint]:
    """The lesson's endpoints, the primary first, then its guard, its secondary ones, and what every lesson is asked about.

    The last are speed, level, wobble, gap and spread, as far as `columns` (of runs and histories) allow.
    """
    primary = _endpoint(lesson["endpoint"], primary=True)
    further = [*(_endpoint(e) for e in lesson.get("secondary") or []), *_usual(primary, columns)]
    wanted = [primary, *_guard(lesson, further, columns), *further]
    unique: dict[tuple[str, str, float | None], Endpoint] = {}
    for each in wanted:
        unique.setdefault(each.identity, each)
    return list(unique.values())


def _endpoint(document: Mapping[str, Any], primary: bool = False) -> Endpoint:
    threshold = document.get("threshold")
    return Endpoint(
        measure=document["measure"],
        statistic=document.get("statistic") or "mean",
        better=document.get("better") or "higher",
        sesoi=float(document["sesoi"]),
        threshold=None if threshold is None else float(threshold),
        primary=primary,
    )


def _guard(lesson: Mapping[str, Any], further: Sequence[Endpoint], columns: set[str]) -> list[Endpoint]:
    """The guard that a lesson declares; else accuracy on fresh points, else on the test set, unless that decides."""
    if lesson.get("guard"):
        return [replace(_endpoint(lesson["guard"]), guards=True)]
    level = next((name for name in ("fresh_accuracy", "test_accuracy") if name in columns), None)
    if level is None:
        return []
    usual = Endpoint(level, "mean", "higher", 0.01)
    known = next((each for each in further if each.identity == usual.identity), usual)
    return [replace(known, guards=True)]


def _usual(primary: Endpoint, columns: set[str]) -> list[Endpoint]:
    """Speed, level, wobble, gap, spread: the five things a technique can do to learning curves."""
    usual = []
    level = "fresh_accuracy" if "fresh_accuracy" in columns else primary.measure
    if level in columns and level != "epochs":
        better = "higher" if level.endswith("accuracy") else primary.better
        sesoi = primary.sesoi if (level, "mean") == (primary.measure, primary.statistic) else 0.01
        usual += [Endpoint(level, "mean", better, sesoi), Endpoint(level, "spread", "lower", 0.8)]
    if {"train_accuracy", "fresh_accuracy"} <= columns:
        usual.append(Endpoint("gap", "mean", "lower", 0.01))
    if "val_accuracy" in columns:
        usual.append(Endpoint("wobble", "mean", "lower", 0.002))
        usual.append(Endpoint("epochs_to_threshold", "mean", "lower", 5.0, 0.8))
    return usual


def scores(
    endpoint: Endpoint, runs: pd.DataFrame, curves: Curves, asked: int, data: Mapping[str, Any] = MappingProxyType({})
) -> Scores:
    """One number a row of `runs` (one arm's rows, a row a seed); `asked` is the number of epochs asked for.

    `data` is the lesson's, and says how many rows stand behind an accuracy. Runs that failed have no history and so no
    number; whether a diverged run's number counts is not decided here.
    """
    seeds = runs["seed"].to_numpy()
    if endpoint.measure == "epochs_to_threshold":
        return _reach(endpoint.threshold if endpoint.threshold is not None else 0.8, seeds, curves, asked)
    if endpoint.measure == "wobble":
        values = _spread_out(seeds, curves, wobble(_curve(curves, data), asked))
    elif endpoint.measure == "gap":
        values = _column(runs, "train_accuracy", data) - _column(runs, "fresh_accuracy", data)
    else:
        values = _column(runs, endpoint.measure, data)
    return Scores(values, np.ones(len(seeds), dtype=bool))


def _column(runs: pd.DataFrame, name: str, data: Mapping[str, Any]) -> Floats:
    if name not in runs:
        return np.full(len(runs), np.nan)
    values = pd.to_numeric(runs[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return shares(values, rows_of(name, data))


def _curve(curves: Curves, data: Mapping[str, Any]) -> Floats:
    return shares(curves.matrix("val_accuracy"), rows_of("val_accuracy", data))


def _spread_out(seeds: npt.NDArray[Any], curves: Curves, values: Floats) -> Floats:
    """Values of the seeds in `curves`, laid out along `seeds`; NaN where a seed left no history."""
    return np.asarray(pd.Series(values, index=curves.seeds).reindex(seeds), dtype=float)


def wobble(accuracy: Floats, asked: int) -> Floats:
    """(n,) mean absolute change of (n, epochs) `accuracy` from epoch to epoch over the last half of `asked` epochs.

    NaN after a stop means no change: a stopped model stands still. A run without any value has no wobble (NaN).
    """
    changes = np.abs(np.diff(accuracy[:, max(asked // 2 - 1, 0) : asked], axis=1))
    still = np.nansum(changes, axis=1) / max(asked - max(asked // 2, 1), 1)
    known = ~np.isnan(accuracy).all(axis=1) if accuracy.shape[1] else np.zeros(len(accuracy), dtype=bool)
    return np.where(known, still, np.nan)


def _reach(threshold: float, seeds: npt.NDArray[Any], curves: Curves, asked: int) -> Scores:
    accuracy = curves.matrix("val_accuracy")[:, :asked]
    above = accuracy >= threshold - THRESHOLD_ROUNDING
    reached = above.any(axis=1)
    first = above.argmax(axis=1) + 1.0 if above.shape[1] else np.zeros(len(above))
    known = ~np.isnan(accuracy).all(axis=1) if accuracy.shape[1] else np.zeros(len(accuracy), dtype=bool)
    values = np.where(known, np.where(reached, first, float(asked)), np.nan)
    seen = _spread_out(seeds, curves, reached.astype(float)) == 1.0
    return Scores(_spread_out(seeds, curves, values), seen)
