"""The signs a diagnosis goes by: numbers read off learning curves, each held against its border.

Means over runs. Slowness is none: a run that fits its rows was fast enough, and one that doesn't is told as such.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from orchestrator.reports.diagnosis.borders import BORDERS, LAST, SHORTEST, SURE, Border
from orchestrator.reports.diagnosis.row_count import row_count, standard_error
from orchestrator.reports.diagnosis.task import Task, guess
from orchestrator.reports.logs.logged_runs import LoggedRun
from orchestrator.reports.statistics.histories import late
from orchestrator.reports.wording.phrases import number, plural

Floats = npt.NDArray[np.float64]

FEWEST_VALUES = 5
"""Validation values from which on a curve has a lowest and a wobble."""
UNITS = {
    "percent": (100.0, 1, " %"),
    "points": (100.0, 1, " points"),
    "times": (1.0, 2, " times"),
    "count": (1.0, 0, ""),
}
"""A unit's factor, decimals, and name."""

BEYOND = 10_000
"""Times the training loss, from where on more digits say nothing."""


@dataclass(frozen=True)
class Sign:
    """One number held against its border.

    Attributes:
        border: where the border comes from.
        value: the number; NaN when the histories don't tell it.
        limit: the border here, which may depend on the classes or the rows.
        found: whether it is a problem; None when the histories don't tell.
        text: one sentence with the number, the border and how far apart they are.
        weak: whether the number could lie on the other side by chance.
    """

    border: Border
    value: float
    limit: float
    found: bool | None
    text: str
    weak: bool = False

    @property
    def area(self) -> str:
        """The area it is a sign of."""
        return self.border.area

    @property
    def what(self) -> str:
        """What was measured."""
        return self.border.name

    @property
    def times(self) -> float:
        """How often the distance from the ideal to the border goes into that to the number: above 1 is a problem."""
        allowed = self.limit - self.border.ideal
        return (self.value - self.border.ideal) / allowed if allowed else math.inf if self.value else 0.0


@dataclass(frozen=True)
class Chance:
    """How sure a number is: its standard error, and what of a border is left when chance is taken off."""

    error: float = math.nan
    factor: float = SURE

    def excludes(self, value: float, ideal: float) -> bool:
        """Whether the number differs from the ideal by more than chance."""
        return math.isnan(self.error) or value - ideal >= self.factor * self.error

    def leaves(self, value: float, limit: float) -> bool:
        """Whether it lies beyond the border even so."""
        return math.isnan(self.error) or value - self.factor * self.error > limit


def signs(records: Sequence[LoggedRun], task: Task | None = None) -> list[Sign]:
    """Every sign in one model's runs: lost, fit, gap, turned, spread, wobble, in this order.

    A run whose loss became NaN is counted as lost; the other signs are read off the rest.
    """
    task = task or Task()
    finished = [record for record in records if record.lost is None]
    short = max((record.length for record in records), default=0) < SHORTEST
    with np.errstate(all="ignore"):
        read = [
            _fit(finished, task),
            _gap(finished, task),
            _turned(finished),
            *_predictions(finished, task),
        ]
    if not finished:
        read = [_unread(sign) for sign in read]
    return [_lost(records), *(_untold(sign) if short else sign for sign in read)]


def _untold(sign: Sign) -> Sign:
    return Sign(sign.border, sign.value, sign.limit, None, sign.text)


def _unread(sign: Sign) -> Sign:
    return Sign(sign.border, math.nan, sign.limit, None, f"{sign.what}: not known: the loss did not stay a number")


def _lost(records: Sequence[LoggedRun]) -> Sign:
    lost = [record for record in records if record.lost is not None]
    text = (
        "the loss is a number to the end"
        if len(records) == 1
        else f"the loss is a number to the end in all {len(records)} runs"
    )
    if lost and len(records) == 1:
        text = f"the loss became NaN or infinite in {_when(lost[0])}"
    elif lost:
        text = f"the loss became NaN or infinite in {len(lost)} of {len(records)} runs"
    return Sign(BORDERS["lost"], len(lost), 0, bool(lost), text)


def _when(record: LoggedRun) -> str:
    at = record.lost or 0
    epoch = at + 1 if record.epochs is None else record.epochs[at]
    return f"epoch {epoch:g}, the last" if at == record.length - 1 else f"epoch {epoch:g} of {record.length}"


def _sign(
    key: str, value: float, words: str, limit: float | None = None, chance: Chance | None = None, more: str = ""
) -> Sign:
    """A sign found where `value` lies beyond `limit`, and by more than chance. `words` says the number, at its place {}."""
    border, chance = BORDERS[key], chance or Chance()
    limit = border.limit if limit is None else limit
    if math.isnan(value):
        return Sign(border, value, limit, None, f"{border.name}: not known{f': {more}' if more else ''}")
    beyond = value < limit if border.below else value > limit
    found = beyond and chance.excludes(value, border.ideal)
    weak = found and not chance.leaves(value, limit)
    side = "beyond" if beyond else "clear of"
    digits = decimals(value, limit, border.unit)
    ends = (
        f"{words.format(told(value, border.unit, digits))}: {_distance(abs(value - limit), border.unit, digits)} {side}"
    )
    doubt = _doubt(chance, border.unit, bool(found)) if beyond and (weak or not found) else ""
    further = "; ".join(filter(None, (more, doubt)))
    return Sign(
        border,
        value,
        limit,
        bool(found),
        f"{ends} the border of {told(limit, border.unit)}{f' ({further})' if further else ''}",
        bool(weak),
    )


def _doubt(chance: Chance, unit: str, found: bool) -> str:
    """What chance could make of a number that lies beyond its border."""
    reach = told(chance.factor * chance.error, "times" if unit == "times" else "points")
    return f"give or take {reach} by chance" if found else f"but chance alone could give {reach}, so this is no sign"


def decimals(value: float, limit: float, unit: str) -> int:
    """Decimals at which a number and its border don't look the same unless they are."""
    factor, digits, _ = UNITS[unit]
    if unit == "times" and abs(value) >= 10:
        digits = 1
    apart = factor * abs(value - limit)
    return next((d for d in range(digits, 6) if not apart or round(apart, d)), 6)


def told(value: float, unit: str, digits: int | None = None) -> str:
    """A number in its unit: `8.5 points`, `2.40 times`."""
    factor, fewest, name = UNITS[unit]
    if unit == "times" and value > BEYOND:
        return f"over {BEYOND:,}{name}"
    shown = number(factor * value, fewest if digits is None else digits)
    shown = shown.removesuffix(".0") if fewest == 1 else shown
    return f"{shown}{plural(shown, name) if unit == 'points' else name}"


def _distance(value: float, unit: str, digits: int) -> str:
    return told(value, "points" if unit == "percent" else unit, digits).removesuffix(" times")


def _fit(records: Sequence[LoggedRun], task: Task) -> Sign:
    """Whether the training rows are fitted: by accuracy, by AUC, or by how much of the loss is left."""
    score = next((record.score for record in records if record.accuracy is not None), "")
    value, more = _fitted(records)
    if score.endswith("accuracy") and not math.isnan(value):
        guessing = guess(task, next(record for record in records if record.accuracy is not None))
        limit = guessing.share + BORDERS["fitted"].limit * max(task.best - guessing.share, 0.0)
        notes = "; ".join(filter(None, (more, guessing.reason, _pace(records) if value < limit else "")))
        return _sign("fitted", value, f"training {score} ends at {{}}", limit, more=notes)
    if bool({"AUC", "AUROC"} & set(score.split())) and not math.isnan(value):
        return _sign("auc", value, "training AUC ends at {}", more=more)
    left = _mean(_left(record.loss) for record in records if record.loss is not None)
    below = any(record.loss is not None and bool((record.loss < 0).any()) for record in records)
    why = "losses below 0, which have no share" if below else ""
    return _sign("left", left, f"{{}} of the first epoch's training {_measure(records)} is left at the end", more=why)


def _fitted(records: Sequence[LoggedRun]) -> tuple[float, str]:
    """Accuracy on the training rows in inference mode, or the nearest to it, and how it was come by.

    A training curve is recorded while dropout, augmentation and batch statistics are on. A model is at least as good on
    the rows it learned from as on others, so a higher validation accuracy is the better estimate.
    """
    final = _mean(record.final.train_accuracy for record in records if record.final)
    if not math.isnan(final):
        return final, "of the finished model, in inference mode"
    pairs = [(_end(record.accuracy), _end(record.val_accuracy)) for record in records if record.accuracy is not None]
    trained, held = _mean(a for a, _ in pairs), _mean(b for _, b in pairs)
    if held > trained:
        return held, f"by validation, which is higher than the {told(trained, 'percent')} of the training curve"
    return trained, ""


def _pace(records: Sequence[LoggedRun]) -> str:
    """How fast training loss still falls, an epoch: what tells a run that was ended early from one that is stuck."""
    rate = _mean(falling(record.loss) for record in records if record.loss is not None)
    if math.isnan(rate):
        return ""
    return f"its loss still falls by {told(rate, 'percent')} an epoch" if rate >= 0.001 else "its loss no longer falls"


def falling(loss: Floats) -> float:
    """By which share a loss of shape (epochs,) falls an epoch, between its last two stretches of up to ten epochs."""
    known = loss[np.isfinite(loss)]
    width = min(10, len(known) // 3)
    if not width or known.min() <= 0:
        return math.nan
    left = float(known[-width:].mean() / known[-2 * width : -width].mean())
    return 1.0 - math.pow(left, 1 / width)


def _left(loss: Floats) -> float:
    known = loss[np.isfinite(loss)]
    return _end(loss) / float(known[0]) if len(known) and known.min() >= 0 and known[0] > 0 else math.nan


def _gap(records: Sequence[LoggedRun], task: Task) -> Sign:
    """How much better the training rows are predicted: by accuracy, or else by loss."""
    both = [record for record in records if record.accuracy is not None and record.val_accuracy is not None]
    trained, held = (_mean(_side(record, side) for record in both) for side in (0, 1))
    gap = trained - held
    if math.isnan(gap):
        return _ratio(records)
    score = both[0].score
    rows = _row_counts(both[0], task)
    chance = Chance(standard_error(trained, held, rows) / math.sqrt(len(both) if task.drawn else 1))
    words = f"validation {score} ends {{}} below training {score}"
    if gap < 0:
        words = f"training minus validation {score} is {{}}"
    about = f"{told(trained, 'percent')} and {told(held, 'percent')}"
    return _sign("gap", gap, words, chance=chance, more="; ".join(filter(None, (about, _rows(rows)))))


def _row_counts(record: LoggedRun, task: Task) -> tuple[float | None, float | None]:
    """Training and validation rows, given or read off the steps of the accuracies; AUC and the like have none."""
    if task.rows or not record.score.endswith("accuracy"):
        return task.rows or (None, None)
    return row_count(record.accuracy), row_count(record.val_accuracy)


def _rows(rows: tuple[float | None, float | None]) -> str:
    known = [
        f"{count:,.0f} {what}"
        for count, what in zip(rows, ("training", "validation"), strict=True)
        if count is not None
    ]
    return f"{' and '.join(known)} rows" if known else ""


def _side(record: LoggedRun, side: int) -> float:
    """Accuracy at the end: of the finished model where both are known, else of the curves."""
    final = record.final
    if final and math.isfinite(final.train_accuracy) and math.isfinite(final.test_accuracy):
        return (final.train_accuracy, final.test_accuracy)[side]
    return _end((record.accuracy, record.val_accuracy)[side])


def _ratio(records: Sequence[LoggedRun]) -> Sign:
    """Validation loss over training loss; where they have no ratio, their difference as a share of the descent."""
    both = [_losses(record) for record in records if record.val_loss is not None and record.loss is not None]
    measure = _measure(records)
    if not both:
        return _sign("ratio", math.nan, "", more=_missing(records))
    trained, held = _mean(each[0] for each in both), _mean(each[1] for each in both)
    about = f"{number_of(trained)} and {number_of(held)}"
    if min(min(each[:2]) for each in both) > 0:
        return _sign(
            "ratio",
            _mean(b / a for a, b, _ in both),
            f"validation {measure} ends at {{}} the training {measure}",
            more=about,
        )
    words = f"validation {measure} ends above training {measure} by {{}} of the latter's descent"
    value = _mean((b - a) / fall for a, b, fall in both if fall > 0)
    return _sign("apart", value, words, more="the training loss does not move" if math.isnan(value) else about)


def number_of(value: float) -> str:
    """Three digits of a loss."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _missing(records: Sequence[LoggedRun]) -> str:
    """What the log lacks for a comparison of training with validation."""
    if all(record.val_loss is None and record.val_accuracy is None for record in records):
        return "the log has no validation loss and no validation accuracy"
    return "the log has no metric for both the training and the validation rows"


def _losses(record: LoggedRun) -> tuple[float, float, float]:
    """Training and validation loss at the end, and how far training loss fell in all."""
    final, known = record.final, _known(record.loss)
    if final and math.isfinite(final.train_loss) and math.isfinite(final.test_loss):
        return final.train_loss, final.test_loss, math.nan
    return _end(record.loss), _end(record.val_loss), float(np.ptp(known)) if known is not None else math.nan


def _turned(records: Sequence[LoggedRun]) -> Sign:
    """How far validation loss has risen again, in the curves' own noise."""
    curves = [known for record in records if (known := _known(record.val_loss)) is not None]
    long = [curve for curve in curves if len(curve) >= FEWEST_VALUES]
    if not long:
        return _sign(
            "turned",
            math.nan,
            "",
            more=f"fewer than {FEWEST_VALUES} values of it" if curves else "the log has no validation loss",
        )
    rises, measure = [_rise(curve) for curve in long], _measure(records)
    positive = all(curve.min() > 0 for curve in long)
    scales = [lowest if positive else float(np.ptp(curve)) for curve, (lowest, _, _) in zip(long, rises, strict=True)]
    value = _mean((end - lowest) / scale for (lowest, end, _), scale in zip(rises, scales, strict=True) if scale)
    chance = Chance(_mean(error / scale for (*_, error), scale in zip(rises, scales, strict=True) if scale), 2.0)
    if positive:
        return _sign("turned", 1 + value, f"validation {measure} ends at {{}} its lowest", chance=chance)
    return _sign("risen", value, f"validation {measure} ends above its lowest by {{}} of its descent", chance=chance)


def _rise(curve: Floats) -> tuple[float, float, float]:
    """The lowest tenth of a curve, its last tenth, and the standard error that jitter gives their difference.

    The lowest single epoch of a noisy curve is luck, so tenths are compared. Jitter is taken from second differences,
    which a smooth curve has none of: their variance is six times that of the noise.
    """
    width = math.ceil(LAST * len(curve))
    lowest = float(np.lib.stride_tricks.sliding_window_view(curve, width).mean(axis=1).min())
    jitter = (
        math.sqrt(float(np.mean(np.diff(curve[len(curve) // 2 :], 2) ** 2)) / 6) if len(curve) > FEWEST_VALUES else 0.0
    )
    return lowest, _end(curve), jitter * math.sqrt(2 / width)


def _predictions(records: Sequence[LoggedRun], task: Task) -> list[Sign]:
    curves = [known for record in records if (known := _known(record.val_accuracy)) is not None]
    if curves:
        record = next(record for record in records if record.val_accuracy is not None)
        score, (_, held) = record.score, _row_counts(record, task)
        least = max(BORDERS["spread"].limit, 1 / held if held else 0.0)
        luck = (
            standard_error(0.0, _mean(curve[-1] for curve in curves), (math.inf, held)) if task.drawn and held else 0.0
        )
        return _unsteady(f"validation {score}", curves, 1.0, ("spread", "wobble"), (math.hypot(least, luck), least))
    curves = [known for record in records if (known := _known(record.val_loss)) is not None]
    level = [float(curve[-1]) if curve.min() > 0 else float(np.ptp(curve)) for curve in curves]
    return _unsteady(f"validation {_measure(records)}", curves, _mean(level), ("loose", "shaky"), (None, None))


def _unsteady(
    what: str, curves: Sequence[Floats], scale: float, keys: tuple[str, str], limits: tuple[float | None, float | None]
) -> list[Sign]:
    """How much a result differs from run to run and from epoch to epoch, in units of `scale`."""
    n, scale = len(curves), scale or math.nan
    spread = float(np.std([curve[-1] for curve in curves], ddof=1)) / scale if n > 1 else math.nan
    unsure = Chance(spread * (1 - math.sqrt((n - 1) / chi2.ppf(0.9, n - 1))) / SURE) if n > 1 else None
    moves = [_wobble(curve) for curve in curves]
    wobble, error = (_mean(each[i] for each in moves) / scale for i in (0, 1))
    alone = "" if n > 1 else "it takes several runs" if n else "the log has no validation"
    few = f"fewer than {FEWEST_VALUES} validation values" if n else "the log has no validation"
    few = "it is 0 throughout" if n and math.isnan(scale) else few
    return [
        _sign(keys[0], spread, f"final {what} differs by {{}} from run to run (SD)", limits[0], unsure, alone),
        _sign(
            keys[1],
            wobble,
            f"late in training {what} goes back and forth by {{}} an epoch",
            limits[1],
            Chance(error),
            few if math.isnan(wobble) else "",
        ),
    ]


def _wobble(values: Floats) -> tuple[float, float]:
    """Mean absolute change an epoch over the last half, without what of it leads anywhere, and its standard error."""
    steps = np.diff(late(values, len(values)))
    if len(values) < FEWEST_VALUES:
        return math.nan, math.nan
    error = float(np.std(np.abs(steps), ddof=1)) / math.sqrt(len(steps)) if len(steps) > 1 else math.nan
    return float(np.abs(steps).sum() - abs(steps.sum())) / len(steps), error


def _known(values: Floats | None) -> Floats | None:
    known = values[np.isfinite(values)] if values is not None else None
    return known if known is not None and len(known) else None


def _measure(records: Sequence[Any]) -> str:
    return next(
        (record.measure for record in records if record.loss is not None or record.val_loss is not None), "loss"
    )


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def _end(values: Floats | None) -> float:
    """Mean over the last tenth of what was recorded; NaN for nothing."""
    known = _known(values)
    return math.nan if known is None else float(np.mean(known[-math.ceil(LAST * len(known)) :]))
