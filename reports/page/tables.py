"""The tables of numbers: a comparison by every endpoint, and the fuller statistics behind it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from orchestrator.reports.nouns.effect import ArmSummary, Effect
from orchestrator.reports.verdicts.chips import Chip, chip, said
from orchestrator.reports.verdicts.plain_words import shown_digits
from orchestrator.reports.wording.phrases import goal, measure, number, percent, size
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import NONE, TIMES, factor, scale, typeset

TINIEST = 1e-12
TINY, ROUGH = 0.001, 0.1
"""p below the first is not spelled out, below the second gets a third decimal."""


@dataclass(frozen=True)
class Measured:
    """A row: one endpoint of one comparison in one scope."""

    name: str
    baseline: str
    variant: str
    half: tuple[str, ...]
    effect: str
    interval: str
    matters: str
    chip: Chip
    p: str


def measured(rows: Sequence[Effect]) -> dict[str, list[Measured]]:
    """The rows by scope that neither decide nor guard, as far as any run has the number."""
    groups: dict[str, list[Measured]] = {}
    for row in rows:
        if not (row.primary or row.guards) and (row.n_baseline or row.n_variant):
            groups.setdefault(scope_heading(row.data), []).append(_measured(row))
    return groups


def _measured(row: Effect) -> Measured:
    (effect, interval), (before, after) = said(row), arms(row)
    effect = effect.replace(" times the spread", TIMES)
    return Measured(
        name=name(row),
        baseline=before,
        variant=after,
        half=tuple("" if arm.reached < arm.n else _half(arm) for arm in row.arms),
        effect=effect or NONE,
        interval=interval,
        matters=_matters(row),
        chip=chip(row),
        p=probability(row.p_adjusted),
    )


def _matters(row: Effect) -> str:
    """From where on it matters, without its unit; a dash where nobody said."""
    if not math.isfinite(row.sesoi):
        return NONE
    return f"{row.sesoi:.2f}{TIMES}" if row.statistic == "spread" else size(row).partition(" ")[0]


def name(row: Effect) -> str:
    """What a row measures, briefly: `accuracy, %`, `spread of accuracy, %`, `epochs to 80 %`."""
    if row.measure == "epochs_to_threshold":
        return f"epochs to {goal(row.threshold)}"
    scaled, noun = scale(row.measure, row.threshold), measure(row.measure, row.threshold).noun.removeprefix("the ")
    unit = {"percentage points": "%" if scaled.suffix else "points"}.get(scaled.unit, scaled.unit)
    spread = "spread of " if row.statistic == "spread" else ""
    return f"{spread}{noun}" + (f", {unit}" if unit else "")


def arms(row: Effect) -> tuple[str, str]:
    """`("78.2 ± 0.3", "81.0 ± 0.2")`: mean and standard deviation of both; the latter alone where spreads are compared.

    Of a wait that some runs don't end there is no mean: `half by 854, 24 of 30 get there`.
    """
    before, after = (_arm(row, arm) for arm in row.arms)
    return before, after


def _arm(row: Effect, arm: ArmSummary) -> str:
    if arm.reached < arm.n:
        return ", ".join(filter(None, (_half(arm), f"{arm.reached:.0f} of {arm.n} get there")))
    scale = measure(row.measure, row.threshold).scale
    mean, sd = scale * arm.mean, scale * arm.sd
    if math.isnan(mean):
        return NONE
    digits = shown_digits(row)
    spread = "" if math.isnan(sd) else number(sd, _visible(sd, digits))
    if row.statistic == "spread":
        return typeset(number(sd, digits + 1) if spread else NONE)
    return typeset(number(mean, digits) + (f" ± {spread}" if spread else ""))


def _visible(value: float, digits: int) -> int:
    """Decimals that leave something of a number that is not zero."""
    return digits if value < TINIEST else next((d for d in range(digits, digits + 6) if round(value, d)), digits + 6)


def _half(arm: ArmSummary) -> str:
    """`half by 854`: the epoch by which half of the runs got there; empty where they don't, or nothing is waited for."""
    return f"half by {arm.median:,.0f}" if math.isfinite(arm.median) else ""


def probability(p: float) -> str:
    """A p value without its letter: `0.03`, `<0.001`."""
    if math.isnan(p):
        return NONE
    return "<0.001" if p < TINY else f"{p:.{3 if p < ROUGH else 2}f}"


def _permuted(row: Effect) -> str:
    """A permutation p; an asterisk says that the test could show no less."""
    if math.isnan(row.p) or not math.isclose(row.p, row.p_least, rel_tol=1e-6):
        return probability(row.p)
    below = "" if row.p == 2 / 2**row.n_pairs else "< "
    return f"{below}{row.p:.2g}*"


COLUMNS: Mapping[str, Callable[[Effect], str]] = MappingProxyType(
    {
        "pairs": lambda row: str(row.n_pairs),
        "better in": lambda row: _known(row.probability_better, percent),
        "middle half": lambda row: _raw(row, row.iqm),
        "dz": lambda row: _known(row.dz, _plus),
        "p, permutation": _permuted,
        "p, ranks": lambda row: probability(row.p_wilcoxon),
        "ratio of SDs": lambda row: _known(row.spread_ratio, factor),
        "p, spread": lambda row: probability(row.p_spread),
        "p, equivalence": lambda row: probability(row.p_equivalence),
        "correlation": lambda row: _known(row.correlation, _plus),
    }
)
"""The fuller table's columns: a head and how a row fills it. What they mean is said in texts.html.j2."""


def full(rows: Sequence[Effect]) -> dict[str, list[tuple[str, list[str]]]]:
    """Every statistic of what decides and of its guard, by scope: the endpoint's name and a text a column of COLUMNS."""
    groups: dict[str, list[tuple[str, list[str]]]] = {}
    for row in rows:
        if not (row.primary or row.guards):
            continue
        groups.setdefault(scope_heading(row.data), []).append((name(row), [fill(row) for fill in COLUMNS.values()]))
    return groups


def _known(value: float, show: Callable[[float], str]) -> str:
    return NONE if math.isnan(value) else "∞" if math.isinf(value) else show(value)


def _plus(value: float) -> str:
    return typeset(number(value, 2, signed=True))


def _raw(row: Effect, value: float) -> str:
    """A difference in the measure's own unit, without the unit."""
    if math.isnan(value):
        return NONE
    alone = replace(row, effect=value, low=math.nan, high=math.nan, statistic="mean")
    return said(alone)[0].rpartition(" ")[0] or said(alone)[0]
