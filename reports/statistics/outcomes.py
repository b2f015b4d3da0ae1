"""How runs ended, and which of them are bad: failed, diverged or stuck.

A bad run is an outcome. It failed (or ran out of time), it diverged, or it is stuck: it finished, but its final score came
less than two thirds of the way from a constant guess to the median of both arms' finished runs. A run that failed and then
finished when it was tried again stays a failed one, though its numbers count. A run that a machine lost, or that nobody
tried, is no outcome but missing, and so is its pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.nouns.lesson import Data, Lesson

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

WAY = 2 / 3
LUCK = 3.0
"""Where even the median is within this many binomial standard errors of guessing, nothing was learned by anybody."""
PARTS = ("fresh", "test")
FINISHED = ("ok", "diverged")


@dataclass(frozen=True)
class Outcomes:
    """One arm's runs, each (n,): which raised or ran out of time, which ended without a finite loss, which are stuck.

    `absent` are those that failed and have no numbers: not those that finished when they were tried again.
    """

    failed: Bools
    diverged: Bools
    stuck: Bools
    absent: Bools

    @property
    def bad(self) -> Bools:
        """Any of them."""
        return self.failed | self.diverged | self.stuck

    def of(self, kind: str) -> Bools:
        """The mask of that name: failed, diverged, stuck or bad."""
        return np.asarray(getattr(self, kind), dtype=bool)


def together(arms: Sequence[Outcomes]) -> Outcomes:
    """How the runs of several arms ended, seed by seed: in a way in which any of them did."""
    masks = ([arm.of(kind) for arm in arms] for kind in ("failed", "diverged", "stuck", "absent"))
    return Outcomes(*(np.logical_or.reduce(each) for each in masks))


@dataclass(frozen=True)
class ConstantGuess:
    """What a run that learned nothing scores: the column, the value, and 1 where higher is better, else -1.

    `error` is the binomial standard error of such an accuracy, 0 where it is none or the rows are not known.
    """

    column: str
    value: float
    sign: int
    error: float


def tried(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs whose outcome is final."""
    return runs[runs["final"].fillna(value=True).astype(bool)] if "final" in runs else runs


def outcomes(arms: Sequence[pd.DataFrame], lesson: Lesson) -> list[Outcomes]:
    """How the runs of these arms ended; the median that stuck ones fall short of is that of all together."""
    status = [arm["status"].astype(str).to_numpy() for arm in arms]
    stuck = _stuck(arms, [each == "ok" for each in status], lesson.data)
    absent = [~np.isin(each, FINISHED) for each in status]
    return [
        Outcomes(~np.isin(first_status(arm), FINISHED), each == "diverged", short, gone)
        for arm, each, short, gone in zip(arms, status, stuck, absent, strict=True)
    ]


def first_status(arm: pd.DataFrame) -> npt.NDArray[Any]:
    """How each run ended, or where it failed and was tried again, how it ended first."""
    now = arm["status"].astype(str)
    if "first_status" in arm:
        first = arm["first_status"].astype("string").fillna("")
        now = now.where(first == "", first)
    return now.to_numpy(dtype=str)


def _stuck(arms: Sequence[pd.DataFrame], finished: Sequence[Bools], data: Data) -> list[Bools]:
    guess = _guess(arms, data)
    if guess is None:
        return [np.zeros(len(arm), dtype=bool) for arm in arms]
    ways = _ways(arms, finished, guess)
    short = _short(ways, guess)
    return [np.isfinite(way) & (way < short) for way in ways]


def _ways(arms: Sequence[pd.DataFrame], finished: Sequence[Bools], guess: ConstantGuess) -> list[Floats]:
    """How far beyond a guess each finished run came, NaN for the others."""
    return [
        np.where(ok, guess.sign * (_numbers(arm, guess.column) - guess.value), np.nan)
        for arm, ok in zip(arms, finished, strict=True)
    ]


def _short(ways: Sequence[Floats], guess: ConstantGuess) -> float:
    """The way that a run has to come."""
    known = np.concatenate(list(ways))
    median = float(np.median(known[np.isfinite(known)])) if np.isfinite(known).any() else 0.0
    return WAY * median if median > LUCK * guess.error else -math.inf


def needed(arms: Sequence[pd.DataFrame], lesson: Lesson) -> tuple[str, float] | None:
    """The score that tells stuck runs from others, and the value from which on a run isn't stuck; None where none is."""
    guess = _guess(arms, lesson.data)
    if guess is None:
        return None
    finished = [arm["status"].astype(str).to_numpy() == "ok" for arm in arms]
    return guess.column, guess.value + guess.sign * _short(_ways(arms, finished, guess), guess)


def _guess(arms: Sequence[pd.DataFrame], data: Data) -> ConstantGuess | None:
    """The first final score with a known guess: accuracy on fresh points, on test rows, then any other score likewise."""
    known = dict(data.guess)
    names = [f"{part}_accuracy" for part in PARTS]
    others = [name for part in PARTS for name in sorted(known) if name.startswith(f"{part}_") and name not in names]
    for name in [*names, *others]:
        right = name.endswith("accuracy")
        values = [value for value in (known.get(name), data.chance if right else None) if value is not None]
        if values and any(np.isfinite(_numbers(arm, name)).any() for arm in arms):
            value = float(max(values) if right else min(values))
            rows = data.rows(name.partition("_")[0]) or math.inf
            return ConstantGuess(
                name, value, 1 if right else -1, math.sqrt(value * (1 - value) / rows) if right else 0.0
            )
    return None


def _numbers(arm: pd.DataFrame, name: str) -> Floats:
    if name not in arm:
        return np.full(len(arm), np.nan)
    return pd.to_numeric(arm[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
