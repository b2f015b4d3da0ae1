"""Effects in plain words: `88 % less spread`, `reaches 80 % 44 epochs sooner`, `Noise raises accuracy by 2.4 points`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.verdicts.verdict import HARMS, IMPROVES, OPEN, SAME, SMALL, VOID, held_up, too_little
from orchestrator.reports.wording.phrases import digits_of, goal, measure, number, plural
from orchestrator.reports.wording.qualifiers import BAD, bad_runs

DOUBLE = 2.0
"""From twice the spread on, times are easier to read than percent."""
PRESENT = {"failed": ("fails", "fail"), "diverged": ("diverges", "diverge"), "stuck": ("gets stuck", "get stuck")}
RATES = {"bad": "go bad", "diverged": "diverge", "stuck": "get stuck"}


@dataclass(frozen=True)
class Way:
    """How a change is spoken of. `{}` stands for its size; `more` and `less` are the two directions in a word.

    `effect` says what changed, `title` what the technique does, each above and below no change.
    """

    effect: tuple[str, str]
    title: tuple[str, str]
    more: str = "more"
    less: str = "less"


def plain(row: Effect) -> tuple[str, str]:
    """Effect and interval: `("2.8 points more accuracy", "[2.7, 3.0]")`; empty where there is none."""
    if row.n_pairs == 0 or math.isnan(row.effect):
        return "", ""
    way = _way(row)
    if row.statistic == "spread" and row.effect >= DOUBLE:
        low, high = (number(end, 1) for end in (row.low, row.high))
        return f"{number(row.effect, 1)} times the spread", "" if math.isnan(row.low) else f"[{low}, {high}]"
    if not _change(row, row.effect):
        return "no change", _range(row, way)
    return change(row, row.effect), _range(row, way)


def change(row: Effect, value: float) -> str:
    """`2.1 points less accuracy`: a difference in the row's measure."""
    found = _change(row, value)
    return _told(row, found, _size(row, found))


def between(row: Effect, low: float, high: float) -> str:
    """`1.0 to 6.3 points more accuracy`, `2.0 points less to 5.5 points more accuracy`: a range of differences."""
    least, most = _change(row, low), _change(row, high)
    if least < 0 < most:
        return f"{_size(row, least)} {_way(row).less} to {_told(row, most, _size(row, most))}"
    near, far = sorted((least, most), key=abs)
    return _told(row, far, f"{number(abs(near), _digits(row))} to {_size(row, far)}")


def _told(row: Effect, value: float, size: str) -> str:
    return _way(row).effect[value < 0].replace("{}", size)


def title(who: str, row: Effect) -> str:
    """What a technique does, as a title says it: `Noise raises accuracy by 2.4 points`."""
    verdict = row.verdict
    if verdict == VOID:
        return f"{who} could not be tested"
    if verdict in (IMPROVES, HARMS) and row.p_bad <= row.alpha and row.statistic != "rate":
        return f"{who} {_present(row)}"
    if verdict == SAME:
        return f"{who} makes no practical difference to {noun(row)}"
    if (verdict == OPEN and not held_up(row)) or math.isnan(row.effect):
        return f"{who} is not shown to change {noun(row)}"
    found = _change(row, row.effect)
    said = _way(row).title[found < 0].replace("{}", _size(row, found))
    return f"{who} {said}{_doubt(row)}"


def _doubt(row: Effect) -> str:
    if held_up(row):
        return ", but bad runs leave that open"
    return too_little(row) if row.verdict == SMALL else ""


def noun(row: Effect) -> str:
    """What is measured, in a few words: `accuracy`, `the spread of accuracy`."""
    words = measure(row.measure, row.threshold).noun
    return f"the spread of {words}" if row.statistic == "spread" else words


def lost(row: Effect) -> str:
    """`2 of 30 runs get stuck`, where more runs go bad with the technique and that has not decided; else empty."""
    if row.bad_variant <= row.bad_baseline or row.p_bad <= row.alpha or row.statistic == "rate":
        return ""
    found = [PRESENT[each.kind][row.bad_variant > 1] for each in row.bad_runs if each.variant]
    return f"{row.bad_variant} of {row.asked[1]} runs {' or '.join(found)}"


def shown_digits(row: Effect) -> int:
    """Decimals for both means: as few as leave their printed difference the printed effect (0.41 to 0.38 is not -0.02)."""
    scale, least = _scale(row), _digits(row) if row.statistic == "mean" else measure(row.measure, row.threshold).digits
    first, second = (scale * arm.mean for arm in row.arms)
    if not math.isfinite(second - first):
        return least
    return next((d for d in range(least, least + 3) if _agree(first, second, d, least)), least)


def _agree(first: float, second: float, digits: int, told: int) -> bool:
    apart = round(round(second, digits) - round(first, digits), digits)
    return math.isclose(round(apart, told), round(second - first, told), abs_tol=10.0 ** (-told - 2))


def _present(row: Effect) -> str:
    """Both rates in the present tense."""
    return bad_runs(row).replace("failed", "fails").replace("diverged", "diverges").replace(BAD["stuck"], "gets stuck")


def _scale(row: Effect) -> float:
    return 100.0 if row.statistic == "spread" else measure(row.measure, row.threshold).scale


def _change(row: Effect, value: float) -> float:
    """A value of the effect's scale as a change in the unit that is told: percent of a spread, points, epochs."""
    return _scale(row) * (value - 1 if row.statistic == "spread" else value)


def _digits(row: Effect) -> int:
    if row.statistic == "spread":
        return 0
    return digits_of(row)


def _size(row: Effect, value: float) -> str:
    shown = number(abs(value), _digits(row))
    if row.statistic == "spread":
        return f"{shown} %"
    unit = measure(row.measure, row.threshold).unit
    return f"{shown} {plural(shown, unit)}".strip()


def _range(row: Effect, way: Way) -> str:
    """`[2.7, 3.0]` on the effect's side of no change; `[0.8 less, 2.4 more]` where it reaches across."""
    if math.isnan(row.low):
        return ""
    low, high = sorted(_change(row, end) for end in (row.low, row.high))
    near, far = (number(abs(end), _digits(row)) for end in (low, high))
    if low < 0 < high:
        return f"[{near} {way.less}, {far} {way.more}]"
    return f"[{near}, {far}]" if low >= 0 else f"[{far}, {near}]"


def _way(row: Effect) -> Way:
    name, words = row.measure, measure(row.measure, row.threshold)
    if row.statistic == "spread":
        return Way(
            ("{} more spread", "{} less spread"),
            (f"makes {words.noun} spread {{}} more", f"makes {words.noun} spread {{}} less"),
        )
    if row.statistic == "rate":
        ends = RATES.get(name, name)
        return Way(
            (f"{{}} more runs {ends}", f"{{}} fewer runs {ends}"),
            (f"lets {{}} more runs {ends}", f"lets {{}} fewer runs {ends}"),
            less="fewer",
        )
    if name == "epochs_to_threshold":
        to = f"reaches {goal(row.threshold)}"
        both = f"{to} {{}} later", f"{to} {{}} sooner"
        return Way(both, (f"{to} accuracy {{}} later", f"{to} accuracy {{}} sooner"), "later", "sooner")
    if name == "epochs":
        return Way(("trains {} more", "trains {} fewer"), ("trains {} more", "trains {} fewer"), less="fewer")
    if name == "wobble":
        both = "makes accuracy wobble {} more", "makes accuracy wobble {} less"
        return Way(("{} more wobble", "{} less wobble"), both)
    raised = f"raises {words.noun} by {{}}", f"lowers {words.noun} by {{}}"
    if words.unit == "points" and name != "gap":
        return Way((f"{{}} more {words.noun}", f"{{}} less {words.noun}"), raised)
    return Way((f"{words.noun} {{}} higher", f"{words.noun} {{}} lower"), raised, "higher", "lower")
