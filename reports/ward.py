"""The diagnosis as the page shows it: a table of signs a scope, and the remedies of each family with what they did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.answers import Chip, chip
from reports.diagnosis import AREAS, Diagnosis, Sign, techniques, variants
from reports.results import Results
from reports.words import NONE, TIMES, ident, place, typeset

SIGNS = (
    "runs diverged",
    "training accuracy",
    "time to learn",
    "gap",
    "loss, end over lowest",
    "spread over seeds",
    "wobble",
)
"""Column heads, in the order in which `Diagnosis.signs` come."""

CLOSE = 0.01
"""A share this close to its limit gets a further digit."""

ABOUT = {
    "learning": "The training rows themselves are not fitted, or only slowly, or training runs off to infinity.",
    "generalization": "The training rows are fitted, rows not trained on are not: the model has learned by heart.",
    "predictions": "Both are fitted, but the result depends on the run, or on the very epoch in which training ends.",
}


@dataclass(frozen=True)
class Reading:
    """One sign's number; `found` marks a problem."""

    text: str
    found: bool


@dataclass(frozen=True)
class Patient:
    """A variant: its name, the area of its first problem or none, and a reading a sign."""

    name: str
    anchor: str
    area: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Round:
    """All variants in one scope. `heads` are the signs with their limits, `areas` the area and width of each group."""

    place: str
    areas: tuple[tuple[str, int], ...]
    heads: tuple[tuple[str, str], ...]
    patients: tuple[Patient, ...]


@dataclass(frozen=True)
class Family:
    """The remedies for one area: (sentence, anchor, chips with their scope)."""

    area: str
    about: str
    remedies: tuple[tuple[str, str, tuple[tuple[str, Chip], ...]], ...]


def rounds(results: Results) -> list[Round]:
    """A table a scope; scopes without any history are left out."""
    scopes = list(dict.fromkeys(scope for lesson in results.lessons for scope in results.scopes(lesson["id"])))
    found = [(scope, variants(results.histories, results.effects, results.lessons, scope)) for scope in scopes]
    return [_round(results, scope, diagnoses) for scope, diagnoses in found if diagnoses]


def _round(results: Results, scope: str, diagnoses: Sequence[Diagnosis]) -> Round:
    signs = diagnoses[0].signs
    places = {
        f"{lesson['id']} / {v['name']}": (lesson, v["name"]) for lesson in results.lessons for v in lesson["variants"]
    }
    patients = []
    for each in diagnoses:
        lesson, variant = places[each.name]
        readings = tuple(Reading(_value(sign), sign.found is True) for sign in each.signs)
        patients.append(
            Patient(f"{lesson['title']}: {variant}", ident("lesson", lesson["id"]), each.area or "none found", readings)
        )
    groups = tuple((area, sum(sign.area == area for sign in signs)) for area in AREAS)
    heads = tuple((_head(at, sign), _limit(sign)) for at, sign in enumerate(signs))
    return Round(place(scope), groups, heads, tuple(patients))


def _head(at: int, sign: Sign) -> str:
    return SIGNS[at] if at < len(SIGNS) and (at != 1 or sign.what == SIGNS[1]) else sign.what


def _limit(sign: Sign) -> str:
    value = f"{100 * sign.limit:g} {'points' if _in_points(sign) else '%'}"
    if sign.what == "runs that diverged":
        value = f"{sign.limit:g}"
    elif "over lowest" in sign.what:
        value = f"{sign.limit:g}{TIMES}"
    return f"{'below' if sign.what == 'training accuracy' else 'above'} {value}"


def _value(sign: Sign) -> str:
    """A sign's number in the unit of its limit; one close to the limit gets a further digit."""
    if math.isnan(sign.value):
        return NONE
    if sign.what == "runs that diverged":
        return f"{sign.value:.0f}"
    if "over lowest" in sign.what:
        return f"{sign.value:.2f}{TIMES}"
    if _in_points(sign):
        return typeset(f"{100 * sign.value:.1f}")
    return f"{100 * sign.value:.{1 if abs(sign.value - sign.limit) < CLOSE else 0}f} %"


def _in_points(sign: Sign) -> bool:
    return sign.what == "gap" or sign.what.endswith("validation accuracy")


def families(results: Results) -> list[Family]:
    """The three families; one without a measured remedy says so by having none."""
    known = techniques(results.effects, results.lessons) if len(results.effects) else []
    found = []
    for area in AREAS:
        remedies = []
        for each in known:
            if each.family == area:
                rows = [(scope, results.primary(each.lesson, each.variant, scope)) for scope in each.verdicts]
                chips = tuple((place(scope), chip(row)) for scope, row in rows if row is not None)
                remedies.append((typeset(each.sentence), ident("lesson", each.lesson), chips))
        found.append(Family(area, ABOUT[area], tuple(remedies)))
    return found
