"""The first screen: one sentence that counts the verdicts, then a row a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.verdicts.chips import BUT, Cell, chip, said, surely_worse
from orchestrator.reports.verdicts.plain_words import lost, plain
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import comparison, spoken
from orchestrator.reports.verdicts.verdict import (
    BROKEN,
    CATEGORIES,
    HARMS,
    HOLDS,
    IMPROVES,
    OPEN,
    SAME,
    SMALL,
    VOID,
    held_up,
    perhaps_small,
)
from orchestrator.reports.wording.phrases import goal
from orchestrator.reports.wording.qualifiers import bad_runs
from orchestrator.reports.wording.scopes import on_scope, scope_brief
from orchestrator.reports.wording.words import ident, listed, scale, typeset

MANY_LESSONS = 7
"""Of more lessons than this the first screen says which techniques help and which don't, by name."""
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
PERHAPS, HELD = "perhaps small", "held up"
"""Kinds of the verdicts "real but small" and "inconclusive" that a headline tells apart."""
KINDS = (IMPROVES, HARMS, PERHAPS, SMALL, SAME, OPEN, HELD, VOID)
ALONE = {
    IMPROVES: "improves what it promises",
    HARMS: "does harm",
    PERHAPS: "has a real, perhaps small effect",
    SMALL: "has a real but small effect",
    HELD: "is held up by bad runs",
    SAME: "makes no practical difference",
    OPEN: "is unproven",
    VOID: "could not be tested",
}
MANY = {
    HARMS: ("does harm", "do harm"),
    PERHAPS: ("has a real, perhaps small effect", "have real, perhaps small effects"),
    SMALL: ("has a real but small effect", "have real but small effects"),
    HELD: ("is held up by bad runs", "are held up by bad runs"),
    SAME: ("makes no practical difference", "make no practical difference"),
    OPEN: ("is unproven", "are unproven"),
    VOID: ("could not be tested", "could not be tested"),
}
VAGUE = {PERHAPS: "perhaps small", SMALL: "small", SAME: "without effect", OPEN: "unproven", VOID: "untested"}
MEASURED = {
    "wobble": "wobble: accuracy’s jumps per epoch",
    "gap": "gap: training accuracy minus accuracy on fresh points",
    "epochs": "epochs trained",
    "bad": "runs that fail, diverge or get stuck",
}


@dataclass(frozen=True)
class AnswerRow:
    """A row of the first screen. `order` is the place of every cell when the table is sorted by its column."""

    anchor: str
    name: str
    measured: str
    warnings: tuple[tuple[str, str], ...]
    cells: tuple[tuple[str, Cell | None, float], ...]
    guard: tuple[tuple[str, bool], ...]


def lines(results: Results) -> list[AnswerRow]:
    """A row a comparison, in the lessons' order."""
    return [_line(results, lesson, contrast.name) for lesson in results.lessons for contrast in lesson.deciding]


def headline(results: Results) -> str:
    """`On this data set every technique but stochastic batch size improves what it promises; on redrawn data ...`."""
    found = [_counted(results, scope, again=at > 0) for at, scope in enumerate(results.all_scopes)]
    text = "; ".join(filter(None, found))
    return f"{text[:1].upper()}{text[1:]}." if text else "Nothing was compared."


def sorted_out(results: Results) -> list[str]:
    """Which of many techniques help where each seed has data of its own, and which are of no use there; none of a few."""
    if len(results.lessons) <= MANY_LESSONS:
        return []
    last = {
        row.comparison[:2]: row for row in sorted(results.deciding, key=lambda row: results.all_scopes.index(row.data))
    }
    kinds = (
        ("Helps", [row for row in last.values() if row.verdict == IMPROVES]),
        ("Not worth it", [row for row in last.values() if row.verdict in (SAME, HARMS) or _is_small(row)]),
    )
    return [f"{said}: {listed([_where(results, row) for row in rows])}." for said, rows in kinds if rows]


def _is_small(row: Effect) -> bool:
    return row.verdict == SMALL and not perhaps_small(row)


def _where(results: Results, row: Effect) -> str:
    name = comparison(results.lesson(row.lesson), row.variant)
    return name if row.data == results.all_scopes[-1] else f"{name} ({on_scope(row.data)})"


def _counted(results: Results, scope: str, *, again: bool) -> str:
    """What one scope's verdicts come to."""
    rows = [row for row in results.deciding if row.data == scope]
    where = on_scope(scope)
    if len(rows) == 1:
        who = "it" if again else _named(results, rows[0])
        return f"{where} {who} {ALONE[_kind(rows[0])]}{_price(rows)}"
    others = [row for row in rows if row.verdict != IMPROVES]
    if not rows:
        return ""
    if not others:
        return f"{where} {'all of them do' if again else 'every technique improves what it promises'}{_price(rows)}"
    if len(others) == 1 and len(rows) > 2:
        who = _named(results, others[0])
        return f"{where} every technique but {who} {'does' if again else 'improves what it promises'}{_price(rows)}"
    return f"{where} {_parts(rows, again=again)}"


def _kind(row: Effect) -> str:
    """Its verdict, or which kind of that it is."""
    return PERHAPS if perhaps_small(row) else HELD if held_up(row) else row.verdict


def _parts(rows: Sequence[Effect], *, again: bool) -> str:
    verdicts = [_kind(row) for row in rows]
    good = verdicts.count(IMPROVES)
    if len(set(verdicts)) == 1:
        return f"{'both' if len(rows) == 2 else f'all {_word(len(rows))}'}{'' if again else ' techniques'} {MANY[verdicts[0]][1]}"
    if again:
        first = f"{_word(good) if good else 'none'} {'do' if good > 1 else 'does'}"
    else:
        does = "improve what they promise" if good > 1 else "improves what it promises"
        first = f"{_word(good) if good else 'none'} of {_word(len(rows))} techniques {does}"
    kinds = [kind for kind in KINDS if kind != IMPROVES and kind in verdicts]
    return listed([first + _price(rows), *_rest(kinds, verdicts)])


def _rest(kinds: Sequence[str], verdicts: Sequence[str]) -> list[str]:
    """What is no improvement, kind by kind; all that is no harm in one go where there are many kinds."""
    said = [f"{_word(k)} {MANY[kind][k > 1]}" for kind in kinds if (k := verdicts.count(kind))]
    vague = [kind for kind in kinds if kind in VAGUE]
    if len(vague) <= 2:
        return said
    k = sum(verdicts.count(kind) for kind in vague)
    return [
        *(text for kind, text in zip(kinds, said, strict=True) if kind not in VAGUE),
        f"{_word(k)} are {listed([VAGUE[kind] for kind in vague], 'or')}",
    ]


def _price(rows: Sequence[Effect]) -> str:
    """How many of the improvements have a broken guard."""
    broken = sum(chip(row) == BUT for row in rows)
    return f" ({_word(broken)} at a price)" if broken else ""


def _word(n: int) -> str:
    return WORDS[n] if n < len(WORDS) else f"{n:,}"


def _named(results: Results, row: Effect) -> str:
    """A comparison's name as it stands in a sentence."""
    return spoken(results.lesson(row.lesson), row.variant)


def _line(results: Results, lesson: Lesson, variant: str) -> AnswerRow:
    rows = {scope: results.primary(lesson.id, variant, scope) for scope in results.all_scopes}
    known = [row for row in rows.values() if row]
    return AnswerRow(
        anchor=ident("lesson", lesson.id),
        name=comparison(lesson, variant),
        measured=_measured(lesson.endpoint),
        warnings=tuple(_warnings(known)),
        cells=tuple((scope, _cell(row), _order(row)) for scope, row in rows.items()),
        guard=_guards(results, known),
    )


def _cell(row: Effect | None) -> Cell | None:
    return Cell(chip(row), *map(typeset, plain(row))) if row else None


def _order(row: Effect | None) -> float:
    """By verdict, the good ones first, and no scope before one that was not run."""
    return len(CATEGORIES) if row is None else CATEGORIES.index(row.verdict)


def _measured(endpoint: Endpoint | Effect) -> str:
    """What decides, in words that need no explanation."""
    name, threshold = endpoint.measure, endpoint.threshold
    if name == "epochs_to_threshold":
        return f"epochs to {goal(threshold)} validation accuracy"
    words = MEASURED.get(name) or scale(name, threshold).name
    return f"spread of {words}" if endpoint.statistic == "spread" else words


def decided_by(row: Effect) -> str:
    """What decides a comparison, with the unit of its numbers."""
    scaled = scale(row.measure, row.threshold)
    unit = {"percentage points": "in %" if scaled.suffix else "in points"}.get(scaled.unit, "")
    return " ".join(filter(None, (_measured(row), unit)))


def _warnings(rows: Sequence[Effect]) -> list[tuple[str, str]]:
    """What is out of the ordinary, with its scope: runs that went bad, pairs that are missing."""
    found = []
    for row in rows:
        bad = lost(row)
        if bad:
            found.append((row.data, f"{bad} (without it {row.bad_baseline or 'none'})"))
        elif row.statistic != "rate" and (row.bad_variant or row.bad_baseline):
            found.append((row.data, bad_runs(row)))
        elif row.n_pairs < row.n_seeds:
            those = "pairs of runs" if row.paired else "runs of a side"
            found.append((row.data, f"only {row.n_pairs} of {row.n_seeds} {those} count"))
    return found


def _guards(results: Results, rows: Sequence[Effect]) -> tuple[tuple[str, bool], ...]:
    """How what must not get worse stands, scope by scope, and whether that is broken; one entry where all of it holds."""
    told = [row for row in rows if row.guard and guard_row(results, row)]
    if not told:
        return ()
    if all(row.guard == HOLDS for row in told):
        return (("holds in both" if len(told) > 1 else "holds", False),)
    return tuple((f"{scope_brief(row.data)}: {_state(results, row)}", row.guard == BROKEN) for row in told)


def _state(results: Results, row: Effect) -> str:
    own = guard_row(results, row)
    if own is None or row.guard == HOLDS or not (told := said(own)[0].removesuffix(" points")):
        return row.guard
    return f"{row.guard}, {'worse: ' if row.guard != BROKEN and surely_worse(own) else ''}{told}"


def guard_row(results: Results, row: Effect) -> Effect | None:
    """The row of the effects table that a deciding row's guard is read off; none where what guards is what decides."""
    found = (each for each in results.effects if each.guards and each.comparison == row.comparison)
    return next((each for each in found if (called(each), each.statistic) != (called(row), row.statistic)), None)


def guarded(results: Results) -> str:
    """What the guards watch, where all watch the same."""
    own = [guard_row(results, row) for row in results.deciding]
    names = {called(row) for row in own if row}
    return names.pop() if len(names) == 1 else ""


def called(row: Effect) -> str:
    """The name of what an effect is measured by."""
    return scale(row.measure, row.threshold).name
