"""What else there is to say of a number, the strongest first: bad runs, guard, looks, data sets, rows.

A sentence carries one of them at most; all of them stand folded under "How sure".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.wording.phrases import percent

BAD = {"failed": "failed", "diverged": "diverged", "stuck": "got stuck"}
STRENGTHS = ("bad runs", "guard", "looks", "data sets", "rows")
NEARLY_ALL = 0.9
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True)
class Qualifier:
    """A sentence's end, without subject: 'got stuck in 2 of 30 runs'; `headline`: weighty enough to stand in one."""

    kind: str
    text: str
    headline: bool

    @property
    def strength(self) -> int:
        """0 for the strongest kind."""
        return STRENGTHS.index(self.kind)


def qualifiers(row: Effect) -> list[Qualifier]:
    """All there are of one deciding row of the effects table, the strongest first."""
    found = [_bad(row), _guard(row), _look(row), _data_sets(row), _rows(row)]
    return [each for each in found if each]


def bad_runs(row: Effect) -> str:
    """'failed or got stuck in 6 of 30 runs (baseline: 1 of 30)': the kinds there are, and both rates."""
    kinds = [BAD[each.kind] for each in row.bad_runs if each.variant or each.baseline]
    without, with_ = row.asked
    return f"{' or '.join(kinds)} in {row.bad_variant} of {with_} runs (baseline: {row.bad_baseline} of {without})"


def ordinal(n: int) -> str:
    """'first', 'second', ..., '11th'."""
    return ORDINALS[n - 1] if n <= len(ORDINALS) else f"{n}th"


def _bad(row: Effect) -> Qualifier | None:
    if not (row.bad_baseline or row.bad_variant) or row.statistic == "rate":
        return None
    decided = row.p_bad <= row.alpha
    return Qualifier("bad runs", f"it {bad_runs(row)}", not decided)


def _guard(row: Effect) -> Qualifier | None:
    if not row.guard:
        return None
    text = {"holds": "its guard holds", "open": "its guard is open", "broken": "its guard is broken"}[row.guard]
    return Qualifier("guard", text, row.guard == "broken")


def _look(row: Effect) -> Qualifier | None:
    if row.declared:
        return Qualifier("looks", f"this is look {row.look} of {row.declared} that were declared", False)
    return Qualifier("looks", f"this is the {ordinal(row.look)} look", True) if row.look > 1 else None


def _data_sets(row: Effect) -> Qualifier | None:
    if row.data != "redrawn" or row.statistic != "mean" or row.shared or math.isnan(row.probability_better):
        return None
    share, low, high = (percent(each) for each in (row.probability_better, row.better_low, row.better_high))
    text = f"it was better on {share} of data sets [{low.removesuffix(' %')}, {high.removesuffix(' %')}]"
    doubt = row.probability_better < NEARLY_ALL and row.verdict not in ("harms", "not testable")
    return Qualifier("data sets", text, doubt)


def _rows(row: Effect) -> Qualifier | None:
    if row.rows_dominate:
        return Qualifier("rows", f"{_those(row)} are too few: more rows, not more seeds, would settle it", False)
    if row.data != "fixed" or row.statistic == "rate":
        return None
    if math.isnan(row.se_rows):
        return Qualifier("rows", "the rows it was scored on are taken as given", False)
    return Qualifier("rows", f"the interval counts that {_those(row)} are a sample, too", False)


def _those(row: Effect) -> str:
    return f"the {row.n_rows:,.0f} rows it was scored on"
