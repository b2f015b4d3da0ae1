"""What guessing would give, and what the best possible is: given, or read off the curves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.reports.diagnosis.borders import SHORTEST
from orchestrator.reports.logs.logged_runs import LoggedRun
from orchestrator.reports.wording.words import count

Floats = npt.NDArray[np.float64]

STILL = 0.005
"""An accuracy that moves by no more than half a point, after the first tenth of training, stands still."""
HARDLY = 0.8
"""Share of the first epoch's loss that is left in a model that has learned nothing but how frequent the classes are."""
PERFECT = 0.995
MANY = 0.45
"""First training accuracy below which there are more than two classes, if the loss says so, too."""
MOST = 1000
"""Classes; a first loss beyond the logarithm of it is no cross-entropy, or has other things in it."""


@dataclass(frozen=True)
class Task:
    """What is known of the problem.

    Attributes:
        classes: how many there are.
        guess: the accuracy of always answering the most frequent class, a share.
        best: the best accuracy that any model can have on new rows, a share.
        rows: how many the training and the validation accuracy are of.
        drawn: whether every run has rows of its own, so that the luck of the draw is in their spread and averages out.
    """

    classes: int | None = None
    guess: float | None = None
    best: float = 1.0
    rows: tuple[float | None, float | None] | None = None
    drawn: bool = False


@dataclass(frozen=True)
class Guess:
    """The accuracy of guessing, a share, and how it is known."""

    share: float
    reason: str


def guess(task: Task, record: LoggedRun) -> Guess:
    """What guessing gives in this task; `record` is one of its runs."""
    if task.guess is not None or task.classes:
        share = max(task.guess or 0.0, 1 / task.classes if task.classes else 0.0)
        reason = f"guessing gives {100 * share:.3g} %"
        return Guess(share, reason)
    flat = standstill(record)
    if flat is not None:
        return Guess(flat, "it stands still, as it does when the most frequent class is always answered")
    classes = _classes(record)
    if classes > 2:
        return Guess(1 / classes, f"{count(classes, 'class', 'classes')}, by the first epoch's loss")
    told = record.score.startswith("binary")
    return Guess(0.5, "two classes" if told else "two classes assumed")


def standstill(record: LoggedRun) -> float | None:
    """The accuracy of a model that always answers alike; None for one that learned anything."""
    if record.accuracy is None or not record.score.endswith("accuracy") or record.length < SHORTEST:
        return None
    curves = [_settled(curve) for curve in (record.accuracy, record.val_accuracy) if curve is not None]
    level = float(curves[0][-1]) if len(curves[0]) else math.nan
    still = all(len(curve) and np.ptp(curve) <= STILL for curve in curves)
    return level if still and level < PERFECT and _hardly_fell(record.loss) else None


def _settled(curve: Floats) -> Floats:
    """The finite values after the first tenth."""
    known = curve[np.isfinite(curve)]
    return known[math.ceil(len(known) / 10) if len(known) > 1 else 0 :]


def _hardly_fell(loss: Floats | None) -> bool:
    known = loss[np.isfinite(loss)] if loss is not None else np.empty(0)
    return not len(known) or bool(known[-1] > HARDLY * known[0])


def _classes(record: LoggedRun) -> int:
    """At least how many classes there are: a cross-entropy of log(k) is that of guessing among k."""
    if record.loss is None or record.accuracy is None or not len(record.loss):
        return 2
    loss, accuracy = float(record.loss[0]), float(record.accuracy[0])
    if not loss < math.log(MOST) or not accuracy < MANY or (record.measure, " " in record.score) != ("loss", False):
        return 2
    return max(2, math.floor(math.exp(loss)))
