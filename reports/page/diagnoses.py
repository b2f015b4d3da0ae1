"""The diagnosis as the page shows it: a table of signs a scope, and the remedies of each family with what they did."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.reports.diagnosis.borders import BORDERS, Border
from orchestrator.reports.diagnosis.diagnosis import AREAS, Diagnosis, Sign, techniques, variants
from orchestrator.reports.diagnosis.problem_signs import decimals, told
from orchestrator.reports.verdicts.chips import Chip, chip
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import comparison, technique
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import NONE, TIMES, ident, listed, typeset

HEADS = ("loss became NaN", "training accuracy", "gap", "loss, end over lowest", "spread over seeds", "wobble")
"""Column heads, in the order in which `Diagnosis.signs` come, for signs of accuracies."""

USUAL = frozenset(BORDERS[key].name for key in ("lost", "fitted", "gap", "turned", "spread", "wobble"))

ABOUT = {
    "learning": "The training rows themselves are not fitted, or the loss runs off to infinity.",
    "generalization": "The training rows are fitted, rows not trained on are not: the model has learned by heart.",
    "predictions": "Both are fitted, but the result depends on the run, or on the very epoch in which training ends.",
}


@dataclass(frozen=True)
class SignCell:
    """One sign's number; `found` marks a problem, `limit` is its border where that is not the column's."""

    text: str
    found: bool
    limit: str = ""


@dataclass(frozen=True)
class VariantRow:
    """A variant: its name, the areas of its problems, strongest first, or why there are none, and a cell a sign."""

    name: str
    anchor: str
    areas: str
    cells: tuple[SignCell, ...]


@dataclass(frozen=True)
class ScopeTable:
    """All variants in one scope. `heads` are the signs with their limits, `areas` the area and width of each group.

    `borders` are those that the signs were held against.
    """

    heading: str
    areas: tuple[tuple[str, int], ...]
    heads: tuple[tuple[str, str], ...]
    borders: tuple[Border, ...]
    rows: tuple[VariantRow, ...]


@dataclass(frozen=True)
class Family:
    """The remedies for one area: (technique, anchor, chips with their scope)."""

    area: str
    about: str
    remedies: tuple[tuple[str, str, tuple[tuple[str, Chip], ...]], ...]


def by_scope(results: Results) -> list[ScopeTable]:
    """A table a scope; scopes without any history are left out."""
    scopes = list(dict.fromkeys(scope for lesson in results.lessons for scope in results.scopes(lesson.id)))
    found = [(scope, variants(results, scope)) for scope in scopes]
    return [_scope_table(results, scope, diagnoses) for scope, diagnoses in found if diagnoses]


def _scope_table(results: Results, scope: str, diagnoses: Sequence[Diagnosis]) -> ScopeTable:
    columns = tuple(zip(*(each.signs for each in diagnoses), strict=True))
    usual = tuple(Counter(_limit(sign) for sign in column).most_common(1)[0][0] for column in columns)
    places = {f"{lesson.id} / {v.name}": (lesson, v.name) for lesson in results.lessons for v in lesson.variants}
    rows = []
    for each in diagnoses:
        lesson, variant = places[each.name]
        cells = tuple(_cell(sign, limit) for sign, limit in zip(each.signs, usual, strict=True))
        named = f"{technique(lesson)}: {variant}"
        rows.append(VariantRow(named, ident("lesson", lesson.id), listed(_areas(each)) or _none(each), cells))
    groups = tuple((area, sum(sign.area == area for sign in diagnoses[0].signs)) for area in AREAS)
    heads = tuple((_head(at, column), limit) for (at, column), limit in zip(enumerate(columns), usual, strict=True))
    borders = tuple(dict.fromkeys(sign.border for column in columns for sign in column))
    return ScopeTable(scope_heading(scope), groups, heads, borders, tuple(rows))


def _areas(diagnosis: Diagnosis) -> list[str]:
    """The areas found; 'weak' follows those that chance could explain."""
    return [area + (" (weak)" if area in diagnosis.weak else "") for area in diagnosis.areas]


def _none(diagnosis: Diagnosis) -> str:
    return "too short to tell" if diagnosis.short else "none found"


def _head(at: int, column: Sequence[Sign]) -> str:
    """A short head where every sign of the column is of the usual kind; else what they measure."""
    kinds = dict.fromkeys(sign.what for sign in column)
    return HEADS[at] if set(kinds) <= USUAL else " or ".join(kinds)


def _cell(sign: Sign, usual: str) -> SignCell:
    limit = _limit(sign)
    return SignCell(_value(sign), sign.found is True, "" if limit == usual or math.isnan(sign.value) else limit)


def _limit(sign: Sign) -> str:
    return f"{'below' if sign.border.below else 'above'} {_shown(sign.limit, sign.border.unit)}"


def _value(sign: Sign) -> str:
    """A sign's number in the unit of its border, with the decimals that keep it from looking like it."""
    if math.isnan(sign.value):
        return NONE
    return typeset(_shown(sign.value, sign.border.unit, sign.limit).removesuffix(" points"))


def _shown(value: float, unit: str, limit: float = math.nan) -> str:
    return told(value, unit, None if math.isnan(limit) else decimals(value, limit, unit)).replace(" times", TIMES)


@dataclass(frozen=True)
class VariantAreas:
    """A variant with the areas of its problems in every scope."""

    name: str
    anchor: str
    areas: tuple[str, ...]


def by_variant(found: Sequence[ScopeTable]) -> list[VariantAreas]:
    """All variants in one table: what is wrong with each, scope by scope."""
    names = dict.fromkeys((row.name, row.anchor) for each in found for row in each.rows)
    areas = [{row.name: row.areas for row in each.rows} for each in found]
    return [VariantAreas(name, anchor, tuple(each.get(name, NONE) for each in areas)) for name, anchor in names]


def families(results: Results) -> list[Family]:
    """The three families; one without a measured remedy says so by having none."""
    known = techniques(results)
    found = []
    for area in AREAS:
        remedies = []
        for each in known:
            if each.family == area:
                rows = [(scope, results.primary(each.lesson, each.variant, scope)) for scope in each.verdicts]
                chips = tuple((scope_heading(scope), chip(row)) for scope, row in rows if row is not None)
                remedies.append(
                    (comparison(results.lesson(each.lesson), each.variant), ident("lesson", each.lesson), chips)
                )
        found.append(Family(area, ABOUT[area], tuple(remedies)))
    return found
