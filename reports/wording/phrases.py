"""Numbers in plain words: what a measure is called, its unit, and how many digits its interval deserves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.endpoint import GOAL

PARTS = {"fresh": "", "test": "test ", "train": "training "}
METRICS = {
    "bce": "cross-entropy",
    "cce": "cross-entropy",
    "binary_crossentropy": "cross-entropy",
    "categorical_crossentropy": "cross-entropy",
    "sparse_categorical_crossentropy": "cross-entropy",
    "mse": "squared error",
    "mean_squared_error": "squared error",
    "mae": "absolute error",
    "mean_absolute_error": "absolute error",
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
}
LEAST_P = 0.001
CLOSER = 3
"""Without a unit, no digit is the usual last one: an interval of 0.01 to 0.02 gets a further digit."""


@dataclass(frozen=True)
class Measure:
    """How a measure is spoken of. `scale` turns raw units into `unit`; `digits` is the fewest decimals shown."""

    noun: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 2


NAMED = {
    "wobble": Measure("the wobble of validation accuracy", "points", 100, 2),
    "gap": Measure("the gap between training and fresh accuracy", "points", 100, 1),
    "epochs": Measure("training", "epochs", 1, 0),
    "bad": Measure("the share of bad runs", "points", 100, 1),
    "diverged": Measure("the share of diverged runs", "points", 100, 1),
    "stuck": Measure("the share of stuck runs", "points", 100, 1),
}


def goal(threshold: float | None) -> str:
    """'80 %': the validation accuracy that is waited for."""
    return percent(GOAL if threshold is None else threshold)


def measure(name: str, threshold: float | None = None) -> Measure:
    """The words for a measure; `threshold` is that of "epochs_to_threshold". A user's own metric keeps its name."""
    if name == "epochs_to_threshold":
        return Measure(f"the wait for {goal(threshold)} validation accuracy", "epochs", 1, 0)
    part, _, metric = name.partition("_")
    if name in NAMED or part not in PARTS or not metric:
        return NAMED.get(name, Measure(name.replace("_", " ")))
    noun = f"{PARTS[part]}{spelled(metric)}"
    return Measure(noun, "points", 100, 1) if metric.endswith("accuracy") else Measure(noun)


def spelled(metric: str) -> str:
    """A metric in words: `cross-entropy` for bce, `f2 score` for f2_score."""
    return METRICS.get(metric, metric.replace("_", " "))


def percent(share: float, digits: int = 0) -> str:
    """0.8 -> '80 %'."""
    return f"{100 * share:.{digits}f} %"


def decimals(width: float, fewest: int) -> int:
    """Decimals for a number whose interval is `width` wide: up to the width's first digit, and no more than four."""
    if not (math.isfinite(width) and width > 0):
        return fewest
    return min(4, max(fewest, -math.floor(math.log10(width))))


def telling(digits: int, low: float, high: float) -> int:
    """Decimals that leave something of the ends of an interval that leaves out zero: 0.03, not 0.0."""
    near = min(abs(low), abs(high))
    if not (math.isfinite(low) and math.isfinite(high) and low * high > 0):
        return digits
    return next((d for d in range(digits, digits + 3) if round(near, d)), digits + 3)


def apart(digits: int, ends: Sequence[float], border: float) -> int:
    """Decimals that tell the ends of an interval from what matters, where they aren't the same: 0.017 beside 0.02."""
    near = [abs(end) for end in ends if math.isfinite(end) and not math.isclose(abs(end), border, rel_tol=1e-6)]
    return next(
        (d for d in range(digits, digits + 2) if all(round(end, d) != round(border, d) for end in near)), digits + 2
    )


def number(value: float, digits: int, signed: bool = False) -> str:
    """A number as read aloud: thousands separated, never minus zero, 'unbounded' for infinity, a dash for none."""
    if math.isnan(value):
        return "\N{EN DASH}"
    if math.isinf(value):
        return "unbounded"
    rounded = round(value, digits)
    return f"{rounded + 0.0:{'+' if signed and rounded else ''},.{digits}f}".replace("-", "\N{MINUS SIGN}")


def digits_of(row: Effect) -> int:
    """Decimals for a mean effect and its interval, in the measure's unit."""
    words = measure(row.measure, row.threshold)
    ends = [words.scale * end for end in (row.low, row.high)]
    width = abs(ends[1] - ends[0]) / (1 if words.unit else CLOSER)
    return apart(telling(decimals(width, words.digits), *ends), ends, words.scale * row.sesoi)


def amount(row: Effect, *, towards: int = 0, unit: bool = True) -> str:
    """'3.7 points [3.3, 4.1]': a mean effect with its interval.

    `towards` 1 or -1 gives it in that direction, for 'raised by' or 'lowered by'; 0 leaves it signed.
    """
    words = measure(row.measure, row.threshold)
    flip = towards or 1
    effect, *ends = (flip * words.scale * end for end in (row.effect, row.low, row.high))
    digits = digits_of(row)
    shown = number(effect, digits, signed=not towards)
    named = f" {plural(shown, words.unit)}" if unit and words.unit else ""
    if math.isnan(ends[0]):
        return f"{shown}{named}"
    low, high = sorted(ends)
    return f"{shown}{named} [{number(low, digits)}, {number(high, digits)}]"


def times(row: Effect) -> str:
    """'0.13 times [0.10, 0.18]': a ratio of spreads with its interval."""
    effect, low, high = row.effect, row.low, row.high
    digits = 1 if effect >= 10 else 2
    if math.isnan(low):
        return f"{number(effect, digits)} times"
    return f"{number(effect, digits)} times [{number(low, digits)}, {number(high, digits)}]"


def size(row: Effect) -> str:
    """The smallest effect of interest, in words: '1 point', '5 epochs', 'a factor of 0.80'."""
    if row.statistic == "spread":
        return f"a factor of {row.sesoi:.2f}"
    words = measure(row.measure, row.threshold)
    scaled = words.scale * row.sesoi
    shown = number(scaled, 0 if math.isclose(scaled, round(scaled)) and scaled >= 1 else decimals(scaled, 1))
    return f"{shown} {plural(shown, words.unit)}".strip()


def plural(shown: str, unit: str) -> str:
    """'1 epoch', '2 epochs', '1.0 points'."""
    return unit.removesuffix("s") if shown.lstrip("+\N{MINUS SIGN}") == "1" else unit


def probability(p: float) -> str:
    """'p = 0.03', 'p < 0.001'."""
    if math.isnan(p):
        return "no p"
    return "p < 0.001" if p < LEAST_P else f"p = {p:.2g}"


def confidence(row: Effect) -> str:
    """What the row's interval is at: '98 %'."""
    return f"{100 * (1 - row.alpha):.4g} %"
