"""A comparison's answer as the page shows it: a chip a scope, the effect, and what would change our mind."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.caveats import caveats
from reports.outcomes import first_status
from reports.phrases import amount, size, times
from reports.results import SCOPES, Document, Results, Row, several
from reports.verdicts import BROKEN, HARMS, IMPROVES, OPEN, SAME, SMALL, VOID
from reports.words import count, ident, place, scale, typeset


@dataclass(frozen=True)
class Chip:
    """A verdict in words, with a colour (`role`) and a shape (`icon`, a symbol of the page)."""

    role: str
    icon: str
    words: str


@dataclass(frozen=True)
class Cell:
    """A verdict with its effect and interval, any of them empty."""

    chip: Chip | None
    effect: str
    interval: str


@dataclass(frozen=True)
class Guard:
    """How what must not get worse stands in one scope: its state in a word, and its effect with interval."""

    scope: str
    state: str
    cell: Cell


@dataclass(frozen=True)
class Line:
    """A row of the verdict table."""

    anchor: str
    title: str
    question: str
    against: str
    measured: str
    cells: tuple[tuple[str, Cell | None], ...]
    guard: tuple[Guard, ...]
    seeds: str
    failures: str


CHIPS = {
    IMPROVES: Chip("good", "up", "Improves"),
    HARMS: Chip("bad", "down", "Harms"),
    SMALL: Chip("small", "rise", "Real but small"),
    SAME: Chip("same", "equal", "No practical difference"),
    OPEN: Chip("open", "query", "Inconclusive"),
    VOID: Chip("void", "cross", "Not testable"),
}

BUT = Chip("small", "up", "Improves, but")
"""The guard is broken: something that had to hold got worse meanwhile."""


def chip(row: Row) -> Chip:
    """The chip of one row of the effects table; a small effect says which way it goes."""
    plain = CHIPS[row["verdict"]]
    better = row["verdict"] == IMPROVES or (row["verdict"] == SMALL and towards(row) > 0)
    if better and row["guard"] == BROKEN:
        return BUT
    if row["verdict"] != SMALL:
        return plain
    return Chip(plain.role, "rise" if better else "fall", f"Real but small {'gain' if better else 'loss'}")


def legend(results: Results) -> list[Chip]:
    """The chips to explain: all of the usual ones, and those that something here carries besides."""
    shown = {chip(row).words for row in results.rows if row["primary"]}
    return [CHIPS[IMPROVES], *([BUT] if BUT.words in shown else []), *list(CHIPS.values())[1:]]


def towards(row: Row) -> float:
    """The effect on a scale where no effect is 0 and better is above it; NaN when there is none."""
    return on_scale(row, row["effect"])


def on_scale(row: Row, value: float) -> float:
    """An effect, or an end of its interval, in multiples of the smallest effect of interest; better is above 0."""
    sign = 1.0 if row["better"] == "higher" else -1.0
    if row["statistic"] == "spread":
        interest = abs(math.log(row["sesoi"])) or math.nan
        return sign * (math.log(value) if value > 0 else -math.inf if value == 0 else math.nan) / interest
    return sign * float(value) / float(row["sesoi"])


def cell(row: Row | None) -> Cell | None:
    """A row of the effects table as a cell; None stays None."""
    if row is None:
        return None
    effect, interval = said(row)
    return Cell(chip(row), effect, interval)


def said(row: Row) -> tuple[str, str]:
    """Effect and interval: `("+3.7 points", "[3.3, 4.1]")`; empty where there is none."""
    if row["n_pairs"] == 0 or math.isnan(row["effect"]):
        return "", ""
    text = typeset(times(row) if row["statistic"] == "spread" else amount(row))
    effect, _, interval = text.partition(" [")
    return effect.replace(" times", " times the spread"), f"[{interval}" if interval else ""


def lines(results: Results) -> list[Line]:
    """The verdict table: a row a comparison, in the lessons' order."""
    run = {scope for lesson in results.lessons for scope in results.scopes(lesson["id"])}
    scopes = [scope for scope in SCOPES if scope in run]
    return [
        _line(results, lesson, variant["name"], scopes)
        for lesson in results.lessons
        for variant in lesson["variants"][1:]
    ]


def _line(results: Results, lesson: Document, variant: str, scopes: Sequence[str]) -> Line:
    rows = [results.primary(lesson["id"], variant, scope) for scope in scopes]
    return Line(
        anchor=ident("lesson", lesson["id"]),
        title=lesson["title"],
        question=lesson["question"],
        against=against(lesson, variant),
        measured=measured(lesson["endpoint"]),
        cells=tuple((place(scope), cell(row)) for scope, row in zip(scopes, rows, strict=True)),
        guard=tuple(_guard(results, row) for row in rows if row and row["guard"]),
        seeds=_pairs([row for row in rows if row]),
        failures=failures(results, lesson, variant),
    )


def _guard(results: Results, row: Row) -> Guard:
    same = ("lesson", "variant", "data")
    own = next(each for each in results.rows if each["guards"] and all(each[key] == row[key] for key in same))
    name = scale(own["measure"], None if math.isnan(own["threshold"]) else own["threshold"]).name
    return Guard(place(row["data"]), f"{name}: {row['guard']}", Cell(None, *said(own)))


def against(lesson: Document, variant: str) -> str:
    """`“minibatch” against “batch”`; empty where the names say no more than with and without."""
    baseline = lesson["variants"][0]["name"]
    if not several(lesson) and (baseline, variant) == ("without", "with"):
        return ""
    return f"“{variant}” against “{baseline}”"


def measured(endpoint: Document) -> str:
    """`Decided by accuracy on fresh points; higher is better`."""
    name = scale(endpoint["measure"], endpoint.get("threshold")).name
    if endpoint.get("statistic") == "spread":
        name = f"how much {name} differs between seeds"
    better = {"higher": "higher", "lower": "lower"}[endpoint.get("better") or "higher"]
    return f"{name} ({better} is better)"


def failures(results: Results, lesson: Document, variant: str) -> str:
    """`none`, or `2 failed, 1 diverged of 120 runs`, over both arms and all scopes."""
    names = [lesson["variants"][0]["name"], variant]
    statuses = [
        status
        for scope in results.scopes(lesson["id"])
        for name in names
        for status in first_status(results.arm(lesson["id"], name, scope))
    ]
    rows = results.primaries(lesson["id"], variant)
    found = {
        "failed": statuses.count("failed"),
        "diverged": statuses.count("diverged"),
        "out of time": statuses.count("timeout"),
        "stuck": sum(int(row["stuck_baseline"] + row["stuck_variant"]) for row in rows),
    }
    parts = [f"{k} {what}" for what, k in found.items() if k]
    return f"{', '.join(parts)} (of {count(len(statuses), 'run')})" if parts else "none"


def _pairs(rows: Sequence[Row]) -> str:
    """`30`, or the pairs of runs that are left of them, scope by scope."""
    left = [
        str(row["n_pairs"]) if row["n_pairs"] == row["n_seeds"] else f"{row['n_pairs']} of {row['n_seeds']}"
        for row in rows
    ]
    return " and ".join(left if len(set(left)) > 1 else left[:1]) or "none"


def doubts(rows: Sequence[Row]) -> list[str]:
    """What would change our mind, a sentence a scope, and one on what no number of seeds can tell."""
    sentences = [" ".join([f"{place(row['data'])}: {_doubt(row)}", *map(typeset, caveats(row))]) for row in rows]
    if [row["data"] for row in rows] == ["fixed"]:
        return [
            *sentences,
            "One data set was used. Another may answer differently, however many seeds are run on this one.",
        ]
    if len({row["verdict"] for row in rows}) > 1:
        return [
            *sentences,
            "The two scopes differ. The first holds for this one data set; for data of your own, go by the second.",
        ]
    return sentences


def _doubt(row: Row) -> str:
    verdict, matters = row["verdict"], size(row)
    if verdict == VOID:
        return f"nothing was decided ({typeset(row['reason'])})."
    if math.isnan(row["low"]) and verdict == SAME:
        return "a single pair of runs that differs."
    if math.isnan(row["low"]):
        return "a repetition in which as many runs go bad with it as without."
    if verdict in (IMPROVES, HARMS):
        nothing = "1" if row["statistic"] == "spread" else "zero"
        return (
            f"a repetition whose interval reaches below {matters} would make this “real but small”; one whose interval "
            f"holds {nothing}, “inconclusive”. The near end is now {_near(row)}."
        )
    if verdict == SMALL:
        other = "improves" if towards(row) > 0 else "harms"
        return (
            f"an interval that lies wholly beyond {matters} would make this “{other}”, one that lies wholly within it "
            "“no practical difference”."
        )
    if verdict == SAME:
        return f"an interval that reaches beyond {matters}, here or in a repetition."
    if row["rows_dominate"]:
        return f"more rows, not more seeds: it was scored on {row['n_rows']:,.0f}. {_needed(row)}"
    return f"{'data of their own for each seed' if row['shared'] else 'more seeds'}. {_needed(row)}"


def _near(row: Row) -> str:
    ends = [row["low"], row["high"]]
    near = min(ends, key=lambda end: abs(on_scale(row, end)))
    alone = dict(row) | {"effect": near, "low": math.nan, "high": math.nan}
    return said(alone)[0]


def _needed(row: Row) -> str:
    needed = row["seeds_needed"]
    found = detectable(row)
    text = (
        f"With these {row['n_pairs']} an effect of {found} would have been found four times in five. " if found else ""
    )
    if not math.isfinite(needed):
        return text.strip()
    if needed <= row["n_pairs"]:
        return f"{text}That is less than the {size(row)} that matters: the true effect is probably near that border."
    return f"{text}It would take about {math.ceil(needed):,} to find {size(row)} as surely."


def detectable(row: Row) -> str:
    """The minimal detectable effect in words, empty when there is none."""
    if not math.isfinite(row["mde"]):
        return ""
    alone = dict(row) | {"effect": row["mde"], "low": math.nan, "high": math.nan}
    return said(alone)[0].lstrip("+")
