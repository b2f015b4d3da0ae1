"""The endpoints that a lesson is judged by, and the number that each gives of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.nouns.endpoint import GOAL, Endpoint
from orchestrator.reports.nouns.lesson import Data, Lesson
from orchestrator.reports.statistics.histories import Curves, first_epoch, late
from orchestrator.reports.statistics.ties import rows_of, shares

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STANDING_STILL = ("wobble", "gap", "epochs")
"""A run that learned nothing looks well by these: its number does not count. It is counted as stuck instead."""
THRESHOLD_ROUNDING = 1e-6
"""0.7 in float32 is a hair below 0.7: a model that got 350 of 500 right did reach 0.7."""


@dataclass(frozen=True)
class Judged:
    """An endpoint and what it is for: it decides its lesson, it guards what must not get worse, or it is only looked into."""

    endpoint: Endpoint
    primary: bool = False
    guards: bool = False


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


def declared(lesson: Lesson, columns: set[str]) -> list[Judged]:
    """The lesson's endpoints, the primary first, then its guard, its secondary ones, and what every lesson is asked about.

    The last are speed, level, wobble, gap and spread, as far as `columns` (of runs and histories) allow, and every metric that
    nothing was declared of, which is shown and not judged.
    """
    others = [Endpoint(name, "", math.nan) for name in lesson.metrics if name in columns]
    claimed = [_level(each.measure, lesson.endpoint) for each in lesson.published if each.measure in columns]
    further = [*lesson.secondary, *_usual(lesson.endpoint, columns), *claimed, *others]
    guards = [Judged(each, guards=True) for each in _guard(lesson, further, columns)]
    unique: dict[tuple[str, str, float | None], Judged] = {}
    for each in [Judged(lesson.endpoint, primary=True), *guards, *map(Judged, further)]:
        unique.setdefault(each.endpoint.identity, each)
    return list(unique.values())


def _guard(lesson: Lesson, further: Sequence[Endpoint], columns: set[str]) -> list[Endpoint]:
    """The guard that a lesson declares; else accuracy on fresh points, else on the test set, unless that decides."""
    if lesson.guard:
        return [lesson.guard]
    level = next((name for name in ("fresh_accuracy", "test_accuracy") if name in columns), None)
    if level is None:
        return []
    usual = Endpoint(level)
    return [next((each for each in further if each.identity == usual.identity), usual)]


def _usual(primary: Endpoint, columns: set[str]) -> list[Endpoint]:
    """Speed, level, wobble, gap, spread: the five things a technique can do to learning curves."""
    usual = []
    level = "fresh_accuracy" if "fresh_accuracy" in columns else primary.measure
    if level in columns and level != "epochs":
        usual += [_level(level, primary), Endpoint(level, "lower", 0.8, "spread")]
    if {"train_accuracy", "fresh_accuracy"} <= columns:
        usual.append(Endpoint("gap", "lower", 0.01))
    if "val_accuracy" in columns:
        usual.append(Endpoint("wobble", "lower", 0.002))
        usual.append(Endpoint("epochs_to_threshold", "lower", 5.0, threshold=GOAL))
    return usual


def _level(measure: str, primary: Endpoint) -> Endpoint:
    """The mean of a score: as declared where that decides, a point of accuracy, or not to be judged."""
    if (measure, "mean") == (primary.measure, primary.statistic):
        return primary
    return Endpoint(measure) if measure.endswith("accuracy") else Endpoint(measure, "", math.nan)


def scores(endpoint: Endpoint, runs: pd.DataFrame, curves: Curves, asked: int, data: Data | None = None) -> Scores:
    """One number a row of `runs` (one arm's rows, a row a seed); `asked` is the number of epochs asked for.

    `data` is the lesson's, and says how many rows stand behind an accuracy. Runs that failed have no history and so no
    number; whether a diverged run's number counts is not decided here.
    """
    seeds, data = runs["seed"].to_numpy(), data or Data()
    if endpoint.measure == "epochs_to_threshold":
        return _reach(endpoint.goal, seeds, curves, asked)
    if endpoint.measure == "wobble":
        values = _spread_out(seeds, curves, wobble(_curve(curves, data), asked))
    elif endpoint.measure == "gap":
        values = _column(runs, "train_accuracy", data) - _column(runs, "fresh_accuracy", data)
    else:
        values = _column(runs, endpoint.measure, data)
    return Scores(values, np.ones(len(seeds), dtype=bool))


def _column(runs: pd.DataFrame, name: str, data: Data) -> Floats:
    if name not in runs:
        return np.full(len(runs), np.nan)
    values = pd.to_numeric(runs[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return shares(values, rows_of(name, data))


def _curve(curves: Curves, data: Data) -> Floats:
    return shares(curves.matrix("val_accuracy"), rows_of("val_accuracy", data))


def _spread_out(seeds: npt.NDArray[Any], curves: Curves, values: Floats) -> Floats:
    """Values of the seeds in `curves`, laid out along `seeds`; NaN where a seed left no history."""
    return np.asarray(pd.Series(values, index=curves.seeds).reindex(seeds), dtype=float)


def wobble(accuracy: Floats, asked: int) -> Floats:
    """(n,) mean absolute change of (n, epochs) `accuracy` from epoch to epoch over the last half of `asked` epochs.

    NaN after a stop means no change: a stopped model stands still. A run without any value has no wobble (NaN).
    """
    changes = np.abs(np.diff(late(accuracy, asked), axis=1))
    still = np.nansum(changes, axis=1) / max(asked - max(asked // 2, 1), 1)
    known = ~np.isnan(accuracy).all(axis=1) if accuracy.shape[1] else np.zeros(len(accuracy), dtype=bool)
    return np.where(known, still, np.nan)


def first_reached(accuracy: Floats, threshold: float) -> Floats:
    """(n,) the first epoch at which (n, epochs) `accuracy` is at `threshold`, infinity where it never is."""
    return first_epoch(accuracy >= threshold - THRESHOLD_ROUNDING)


def _reach(threshold: float, seeds: npt.NDArray[Any], curves: Curves, asked: int) -> Scores:
    accuracy = curves.matrix("val_accuracy")[:, :asked]
    first = first_reached(accuracy, threshold)
    known = ~np.isnan(accuracy).all(axis=1) if accuracy.shape[1] else np.zeros(len(accuracy), dtype=bool)
    values = np.where(known, np.minimum(first, float(asked)), np.nan)
    seen = _spread_out(seeds, curves, np.isfinite(first).astype(float)) == 1.0
    return Scores(_spread_out(seeds, curves, values), seen)
