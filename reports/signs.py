"""The signs a diagnosis goes by: numbers read off learning curves, each beside its threshold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports.keras_history import Record
from reports.phrases import number, plural

Floats = npt.NDArray[np.float64]

LAST = 0.1
"""The end of training is its last tenth: one epoch alone is too noisy to judge a model by."""
FEWEST_EPOCHS = 10


@dataclass(frozen=True)
class Thresholds:
    """From where on a number counts as a problem.

    Attributes:
        fitted: training accuracy at the end, below which the training rows are not fitted.
        left: without an accuracy: share of the first epoch's training loss that is left at the end.
        slow: share of the epochs it takes to do 90 % of the way that training loss comes down.
        gap: training minus validation accuracy at the end.
        turned: validation loss at the end over its lowest, both averaged over a tenth of the epochs.
        spread: SD of the final validation accuracy over runs.
        wobble: mean absolute change of validation accuracy from epoch to epoch, last half.
        loose: without an accuracy, in place of the last two: the same of validation loss, as a share of its mean.
    """

    fitted: float = 0.8
    left: float = 0.5
    slow: float = 0.5
    gap: float = 0.05
    turned: float = 1.1
    spread: float = 0.01
    wobble: float = 0.01
    loose: float = 0.05


@dataclass(frozen=True)
class Sign:
    """One number held against its threshold. `found` is None when the histories don't tell."""

    area: str
    what: str
    value: float
    limit: float
    found: bool | None
    text: str


def signs(records: Sequence[Record], limits: Thresholds) -> list[Sign]:
    """Every sign in one model's runs, in the order learning, generalization, predictions.

    A run whose loss became NaN or infinite is counted as diverged; the other signs are read off the rest.
    """
    finished = [record for record in records if np.isfinite(record.loss).all()]
    diverged, runs = len(records) - len(finished), len(records)
    text = f"the loss became NaN or infinite in {diverged} of {runs} {plural(str(runs), 'runs')} (a problem in any)"
    return [
        _sign("learning", "runs that diverged", diverged, 0, text),
        _fit(finished, limits),
        _speed(finished, limits),
        *_generalization(finished, limits),
        *_predictions(finished, limits),
    ]


def _sign(area: str, what: str, value: float, limit: float, text: str, *, below: bool = False) -> Sign:
    """A sign found where `value` lies above `limit`, or below it."""
    if math.isnan(value):
        return Sign(area, what, value, limit, None, f"{what}: not known from these histories")
    return Sign(area, what, value, limit, value < limit if below else value > limit, text)


def _fit(records: Sequence[Record], limits: Thresholds) -> Sign:
    accuracy = _mean(_end(record.accuracy) for record in records)
    if not math.isnan(accuracy):
        text = f"training accuracy ends at {_percent(accuracy, 1)} (a problem below {_percent(limits.fitted)})"
        return _sign("learning", "training accuracy", accuracy, limits.fitted, text, below=True)
    left = _mean(_end(record.loss) / float(record.loss[0]) for record in records if record.loss[0] > 0)
    text = f"{_percent(left)} of the first epoch's training loss is left at the end (a problem above {_percent(limits.left)})"
    return _sign("learning", "training loss left", left, limits.left, text)


def _speed(records: Sequence[Record], limits: Thresholds) -> Sign:
    slow = _mean(_slowness(record.loss) for record in records)
    told = f"90 % of the way down takes the training loss {_percent(slow)} of its epochs"
    return _sign("learning", "time to learn", slow, limits.slow, f"{told} (a problem above {_percent(limits.slow)})")


def _generalization(records: Sequence[Record], limits: Thresholds) -> list[Sign]:
    gap = _mean(_end(record.accuracy) - _end(record.val_accuracy) for record in records)
    turned = _mean(_turn(record.val_loss) for record in records if record.val_loss is not None)
    away = f"validation accuracy ends {_points(gap)} below training accuracy (a problem above {_points(limits.gap)})"
    risen = f"validation loss ends at {number(turned, 2)} times its lowest (a problem above {limits.turned:g} times)"
    return [
        _sign("generalization", "gap", gap, limits.gap, away),
        _sign("generalization", "validation loss, end over lowest", turned, limits.turned, risen),
    ]


def _predictions(records: Sequence[Record], limits: Thresholds) -> list[Sign]:
    curves = [record.val_accuracy for record in records if record.val_accuracy is not None]
    if curves:
        return _unsteady("validation accuracy", curves, 1.0, (limits.spread, limits.wobble), _points)
    losses = [record.val_loss for record in records if record.val_loss is not None]
    scale = _mean(float(curve[-1]) for curve in losses)
    return _unsteady("validation loss", losses, scale, (limits.loose, limits.loose), _percent)


def _unsteady(
    what: str, curves: Sequence[Floats], scale: float, limits: tuple[float, float], say: Callable[[float], str]
) -> list[Sign]:
    """How much a result differs from run to run and from epoch to epoch, in units of `scale`."""
    spread = float(np.std([curve[-1] for curve in curves], ddof=1)) / scale if len(curves) > 1 else math.nan
    wobble = _mean(_wobble(curve) for curve in curves) / scale
    apart = f"from run to run final {what} differs by {say(spread)} (SD; a problem above {say(limits[0])})"
    moving = f"late in training {what} moves by {say(wobble)} an epoch (a problem above {say(limits[1])})"
    return [
        _sign("predictions", f"spread of final {what}", spread, limits[0], apart),
        _sign("predictions", f"wobble of {what}", wobble, limits[1], moving),
    ]


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def _end(values: Floats | None) -> float:
    """Mean over the last tenth of the epochs; NaN for a metric not recorded."""
    return math.nan if values is None else float(np.mean(values[-max(1, math.ceil(LAST * len(values))) :]))


def _slowness(loss: Floats) -> float:
    """Share of the epochs until 90 % of the whole descent, from the first epoch's loss to the lowest, is done."""
    descent = loss[0] - loss.min()
    if len(loss) < FEWEST_EPOCHS or descent <= 0:
        return math.nan
    return float(np.argmax(loss <= loss[0] - 0.9 * descent) + 1) / len(loss)


def _turn(val_loss: Floats) -> float:
    """Mean over the last tenth over the lowest mean of any tenth: in a noisy curve the lowest single epoch is luck."""
    width = max(1, math.ceil(LAST * len(val_loss)))
    lowest = float(np.lib.stride_tricks.sliding_window_view(val_loss, width).mean(axis=1).min())
    return _end(val_loss) / lowest if lowest > 0 else math.nan


def _wobble(values: Floats) -> float:
    late = values[max(len(values) // 2 - 1, 0) :]
    return float(np.abs(np.diff(late)).mean()) if len(late) > 1 else math.nan


def _percent(share: float, digits: int = 0) -> str:
    return f"{number(100 * share, digits)} %"


def _points(share: float) -> str:
    shown = number(100 * share, 1).removesuffix(".0")
    return f"{shown} {plural(shown, 'points')}"
