"""The tables of numbers: a comparison by every endpoint, and the fuller statistics behind it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reports.answers import Chip, chip, detectable, said
from reports.phrases import number, percent, value
from reports.results import Row
from reports.words import NONE, TIMES, factor, place, scale, typeset

TINY, ROUGH = 0.001, 0.1
"""p below the first is not spelled out, below the second gets a third decimal."""


@dataclass(frozen=True)
class Measured:
    """A row: one endpoint of one comparison in one scope."""

    name: str
    primary: bool
    baseline: str
    variant: str
    reached: tuple[str, str]
    effect: str
    interval: str
    chip: Chip
    p: str


def measured(rows: Sequence[Row]) -> dict[str, list[Measured]]:
    """The rows by scope, each endpoint once, the primary first."""
    groups: dict[str, list[Measured]] = {}
    for row in rows:
        groups.setdefault(place(row["data"]), []).append(_measured(row))
    return groups


def _measured(row: Row) -> Measured:
    effect, interval = said(row)
    effect = effect.replace(" times the spread", TIMES)
    return Measured(
        name=name(row),
        primary=bool(row["primary"]),
        baseline=_arm(row, "baseline"),
        variant=_arm(row, "variant"),
        reached=(_reached(row, "baseline"), _reached(row, "variant")),
        effect=effect or NONE,
        interval=interval,
        chip=chip(row),
        p=probability(row["p_adjusted"]),
    )


def name(row: Row) -> str:
    """What a row measures: `accuracy on fresh points`, `spread of accuracy on fresh points`."""
    scaled = scale(row["measure"], None if math.isnan(row["threshold"]) else row["threshold"])
    unit = {"percentage points": "%" if scaled.suffix else "points"}.get(scaled.unit, scaled.unit)
    spread = "spread (SD) of " if row["statistic"] == "spread" else ""
    return f"{spread}{scaled.name}" + (f", {unit}" if unit else "")


def _arm(row: Row, arm: str) -> str:
    """`82.1 ± 0.5`, mean and standard deviation; only the latter where the spread is what is compared."""
    if math.isnan(row[f"mean_{arm}"]):
        return NONE
    spread = "" if math.isnan(row[f"sd_{arm}"]) else value(row, f"sd_{arm}")
    if row["statistic"] == "spread":
        return typeset(spread or NONE)
    return typeset(value(row, f"mean_{arm}") + (f" ± {spread}" if spread else ""))


def _reached(row: Row, arm: str) -> str:
    """`24 of 30 get there`, where a threshold is waited for and not every run reaches it."""
    reached = row[f"reached_{arm}"]
    return "" if math.isnan(reached) or reached == row["n_pairs"] else f"{reached:.0f} of {row['n_pairs']} get there"


def probability(p: float) -> str:
    """A p value without its letter: `0.03`, `< 0.001`."""
    if math.isnan(p):
        return NONE
    return "< 0.001" if p < TINY else f"{p:.{3 if p < ROUGH else 2}f}"


def _permuted(row: Row) -> str:
    """A permutation p; at its floor it says that the test could show no less."""
    if math.isnan(row["p"]) or not math.isclose(row["p"], row["p_least"], rel_tol=1e-6):
        return probability(row["p"])
    below = "" if row["p"] == 2 / 2 ** row["n_pairs"] else "< "
    return f"{below}{row['p']:.2g}, the least this test can show"


COLUMNS: Mapping[str, Callable[[Row], str]] = MappingProxyType(
    {
        "pairs": lambda row: str(row["n_pairs"]),
        "better in": lambda row: _known(row["probability_better"], percent),
        "middle half": lambda row: _raw(row, "iqm"),
        "dz": lambda row: _known(row["dz"], _plus),
        "p, permutation": _permuted,
        "p, ranks": lambda row: probability(row["p_wilcoxon"]),
        "ratio of SDs": lambda row: _known(row["spread_ratio"], factor),
        "p, spread": lambda row: probability(row["p_spread"]),
        "p, equivalence": lambda row: probability(row["p_equivalence"]),
        "detectable": lambda row: detectable(row) or NONE,
        "seeds needed": lambda row: _known(row["seeds_needed"], lambda seeds: f"{seeds:,.0f}"),
        "correlation": lambda row: _known(row["correlation"], _plus),
    }
)
"""The fuller table's columns: a head and how a row fills it. What they mean is said in texts.html.j2."""


def full(rows: Sequence[Row]) -> dict[str, list[tuple[str, list[str]]]]:
    """Every statistic of the rows by scope: the endpoint's name and a text a column of COLUMNS."""
    groups: dict[str, list[tuple[str, list[str]]]] = {}
    for row in rows:
        groups.setdefault(place(row["data"]), []).append((name(row), [fill(row) for fill in COLUMNS.values()]))
    return groups


def _known(value: float, show: Callable[[float], str]) -> str:
    return NONE if math.isnan(value) else "∞" if math.isinf(value) else show(value)


def _plus(value: float) -> str:
    return typeset(number(value, 2, signed=True))


def _raw(row: Row, column: str) -> str:
    """A difference in the measure's own unit, without the unit."""
    if math.isnan(row[column]):
        return NONE
    alone = dict(row) | {"effect": row[column], "low": math.nan, "high": math.nan, "statistic": "mean"}
    return said(alone)[0].rpartition(" ")[0] or said(alone)[0]
