"""A lesson's section: its answer, the figure that shows it, the numbers that matter, and the rest folded."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.reports.figures import doses, panels, seed_by_seed
from orchestrator.reports.figures.colours import series
from orchestrator.reports.figures.panels import Panels
from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.page import tables
from orchestrator.reports.statistics.agreement import agreement
from orchestrator.reports.verdicts.chips import Chip, against, chip, said, surely_worse
from orchestrator.reports.verdicts.claims import checked
from orchestrator.reports.verdicts.plain_words import lost, noun, plain, title
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.summary import called, decided_by, guard_row
from orchestrator.reports.verdicts.sureness import how_sure
from orchestrator.reports.verdicts.technique_names import called_so, comparison, label, quoted, subject, technique
from orchestrator.reports.verdicts.verdict import (
    HARMS,
    HOLDS,
    IMPROVES,
    OPEN,
    SAME,
    SMALL,
    VOID,
    held_up,
    perhaps_small,
    settling,
)
from orchestrator.reports.wording.phrases import percent, size
from orchestrator.reports.wording.qualifiers import bad_runs
from orchestrator.reports.wording.scopes import on_scope, scope_heading
from orchestrator.reports.wording.words import count, ident, listed, typeset

OTHERWISE = {
    IMPROVES: "on redrawn data it improves",
    HARMS: "on redrawn data it does harm",
    SMALL: "on redrawn data the effect is too small to matter",
    SAME: "on redrawn data it makes no practical difference",
    OPEN: "on redrawn data that is unproven",
    VOID: "on redrawn data that could not be tested",
}
"""What a title adds where the second scope's verdict is another one."""
AGAIN = dict.fromkeys((IMPROVES, HARMS, SMALL), "on redrawn data, too")
"""What it adds where that is the same one; for all others "nor on redrawn data"."""

ADVICE = {
    IMPROVES: "it pays: keep it",
    HARMS: "it does harm: drop it",
    SMALL: "what it does is small: keep it if it costs nothing",
    SAME: "it pays nothing: drop it",
    OPEN: "these seeds don’t say whether it pays",
    VOID: "that could not be tested",
}
"""Whether a technique is to be kept beside others: to say that it pays nothing takes equivalence, not a large p."""

_SEEDS = re.compile(r" --seeds[ =]\S+")


@dataclass(frozen=True)
class TrainedVariant:
    """A variant as it was trained."""

    role: str
    name: str
    remarks: str
    training: str
    reason: str | None


@dataclass(frozen=True)
class Scoped:
    """A comparison in one scope: its verdict with the numbers that make it, and what must not get worse meanwhile."""

    place: str
    chip: Chip
    effect: str
    interval: str
    before: str
    after: str
    guard: str
    reason: str


@dataclass(frozen=True)
class Answer:
    """A comparison: its verdicts, its numbers, how sure they are; `measured` says what decides and from where on."""

    anchor: str
    name: str
    against: str
    names: tuple[str, str]
    measured: str
    matters: str
    guarded: str
    scopes: tuple[Scoped, ...]
    numbers: dict[str, list[tables.Measured]]
    full: dict[str, list[tuple[str, list[str]]]]
    check: str
    sure: tuple[str, ...]
    more: str
    advice: str
    published: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """A contrast in one scope that decides nothing."""

    name: str
    against: str
    place: str
    effect: str
    interval: str
    p: str
    chip: Chip


@dataclass(frozen=True)
class Section:
    """All that a lesson's section shows: `figure` stands open, `further` ones are folded."""

    anchor: str
    number: int | None
    name: str
    course: str
    title: str
    question: str
    compared: tuple[tuple[str, str], ...]
    explanation: tuple[str, ...]
    data: str
    arms: tuple[TrainedVariant, ...]
    figure: Panels | None
    further: tuple[Panels, ...]
    answers: tuple[Answer, ...]
    beside: tuple[Beside, ...]
    beside_title: str
    plateau: str


def sections(results: Results) -> list[Section]:
    """A section a lesson, in order."""
    found = [_section(results, lesson) for lesson in results.lessons]
    first: dict[str, str] = {}
    for section in found:
        first.setdefault(section.data, section.name)
    return [
        replace(each, data=f"The same data as in {first[each.data]}.")
        if each.data and first[each.data] != each.name
        else each
        for each in found
    ]


def _section(results: Results, lesson: Lesson) -> Section:
    found = [_answer(results, lesson, contrast) for contrast in lesson.deciding]
    figures = _figures(results, lesson)
    shown = _telling(lesson, figures)
    return Section(
        anchor=ident("lesson", lesson.id),
        number=lesson.number,
        name=technique(lesson),
        course=lesson.title,
        title=_title(results, lesson),
        question=lesson.question,
        compared=tuple((label(lesson, v.name), v.note) for v in lesson.variants if v.note),
        explanation=tuple(part for part in lesson.explanation.split("\n\n") if part.strip()),
        data=_data(lesson),
        arms=tuple(_arm(lesson, at) for at in range(len(lesson.variants))),
        figure=shown,
        further=tuple(figure for figure in figures if figure is not shown),
        answers=tuple(answer for answer in found if answer),
        beside=tuple(_beside(lesson, row) for row in results.looked_into(lesson.id)),
        beside_title="Every dose" if _is_sweep(lesson) else "Alone and together",
        plateau=_plateau(results, lesson),
    )


def _is_sweep(lesson: Lesson) -> bool:
    return any(each.part < 1 for each in lesson.deciding)


def _plateau(results: Results, lesson: Lesson) -> str:
    """`From rows 300 on, more makes no practical difference`: the first dose that is shown to be as good as the last one."""
    if not _is_sweep(lesson):
        return ""
    last = lesson.variants[-1].name
    against_last = {name: f"{name} against {last}" for name in (v.name for v in lesson.variants[:-1])}
    found = []
    for scope in results.scopes(lesson.id):
        same = [r.variant for r in results.looked_into(lesson.id) if r.data == scope and r.verdict == SAME]
        first = next((name for name, said in against_last.items() if said in same), None)
        if first:
            found.append(f"{on_scope(scope)} {quoted(first)} makes no practical difference to {quoted(last)}")
    text = "; ".join(found)
    if not text:
        return f"No smaller dose is shown to be as good as {quoted(last)}."
    return f"{text[:1].upper()}{text[1:]} (the first that does, exploratory)."


def _beside(lesson: Lesson, row: Effect) -> Beside:
    effect, interval = said(row)
    return Beside(
        called_so(lesson, row.variant), against(lesson, row.variant), scope_heading(row.data),
        effect, interval, tables.probability(row.p_adjusted), chip(row),
    )  # fmt: skip


def _figures(results: Results, lesson: Lesson) -> list[Panels]:
    """Every figure of a lesson, in the order in which they are read."""
    metrics = panels.curve_metrics(results, lesson)
    curves = [panels.learning(results, lesson, metric) for metric in metrics]
    special = [
        doses.doses(results, lesson),
        panels.rates(results, lesson),
        panels.reached(results, lesson),
        panels.stops(results, lesson),
    ]
    seeds = [seed_by_seed.seeds(results, lesson, each.name) for each in lesson.deciding]
    apart = [panels.difference(results, lesson, each, metric) for each in lesson.deciding for metric in metrics[:1]]
    return [figure for figure in (*seeds, *curves[:1], *special, *apart, *curves[1:]) if figure is not None]


def _telling(lesson: Lesson, figures: Sequence[Panels]) -> Panels | None:
    """The figure that shows what decides: waiting times, or the runs seed by seed; curves where several are compared."""
    wanted = "reached" if lesson.endpoint.measure == "epochs_to_threshold" else "pairs"
    kinds = ("learning",) if lesson.several else ("doses", wanted, "pairs", "runs", "learning")
    return next((figure for kind in kinds for figure in figures if figure.kind == kind), None)


def _title(results: Results, lesson: Lesson) -> str:
    """What was found, by the first scope, at what price, and what the second one adds."""
    found = []
    names = [contrast.name for contrast in lesson.deciding]
    first = [rows[0] for name in names if (rows := results.primaries(lesson.id, name))]
    if len(first) > 1 and all(row.verdict == OPEN for row in first):
        return f"{'Neither' if len(first) == 2 else 'None'} of {listed([quoted(name) for name in names])} is shown to change {noun(first[0])}"
    for name in names:
        rows = results.primaries(lesson.id, name)
        if rows:
            who = lesson.contrast(name).says or (quoted(name) if lesson.several else subject(lesson, name))
            found.append(title(who, rows[0]) + _price(results, rows[0]) + _otherwise(rows, brief=lesson.several))
    text = typeset("; ".join(found)) or technique(lesson)
    return text[:1].upper() + text[1:]


def _matters(row: Effect) -> str:
    """From where on an effect matters: `1 point`, `20 % less or 25 % more`."""
    if row.statistic != "spread":
        return size(row)
    less, more = sorted((abs(row.sesoi - 1), abs(1 / row.sesoi - 1)))
    return f"{percent(less)} less or {percent(more)} more"


def _price(results: Results, row: Effect) -> str:
    """`, but with 0.8 points less accuracy`: what surely got worse meanwhile, unless too little to matter."""
    own = guard_row(results, row)
    return f", but with {plain(own)[0]}" if own and row.guard != HOLDS and surely_worse(own) else ""


def _otherwise(rows: Sequence[Effect], *, brief: bool) -> str:
    """What the other scope adds; `brief` where a title has several comparisons: in brackets, and only if it differs."""
    first = lost(rows[0])
    text = f", and {first}" if first else ""
    for row in rows[1:]:
        same = row.verdict == rows[0].verdict and not lost(row)
        said = AGAIN.get(row.verdict, "nor on redrawn data") if same else _differs(row)
        text += f" ({said})" if brief and not same else "" if brief else f"; {said}"
    return text


def _differs(row: Effect) -> str:
    bad = lost(row)
    if held_up(row):
        return f"on redrawn data {bad or bad_runs(row)}, which leaves it open"
    said = f"on redrawn data {plain(row)[0]}, perhaps too little" if perhaps_small(row) else OTHERWISE[row.verdict]
    return f"{said}{f', and {bad}' if bad else ''}"


def _answer(results: Results, lesson: Lesson, contrast: Contrast) -> Answer | None:
    variant = contrast.name
    primaries = results.primaries(lesson.id, variant)
    if not primaries:
        return None
    rows = [row for row in results.effects if (row.lesson, row.variant) == (lesson.id, variant)]
    return Answer(
        anchor=ident("lesson", lesson.id, variant),
        name=comparison(lesson, variant),
        against=against(lesson, variant),
        names=(contrast.baseline, label(lesson, contrast.variant)),
        measured=decided_by(primaries[0]),
        matters=_matters(primaries[0]),
        guarded=next((called(own) for row in primaries if (own := guard_row(results, row))), ""),
        scopes=tuple(_scoped(results, row) for row in primaries),
        numbers=tables.measured(rows),
        full=tables.full(rows),
        check=_check(results, lesson, contrast),
        sure=tuple(how_sure(results, lesson, variant)),
        more=_more(results, lesson, primaries),
        advice=_advice(primaries) if contrast.keep else "",
        published=tuple(each.sentence for each in checked(results, lesson, variant)),
    )


def _more(results: Results, lesson: Lesson, rows: Sequence[Effect]) -> str:
    """The command that trains as many seeds as would settle what is open; empty where seeds can't, or none is known."""
    seeds = max((n for row in rows if (n := settling(row))), default=0)
    asked = str(results.provenance.get("command") or "")
    if not seeds or " run " not in asked:
        return ""
    command = asked if lesson.number is None else f"python -m orchestrator run {lesson.id}"
    return f"{_SEEDS.sub('', command)} --seeds {seeds}"


def _advice(rows: Sequence[Effect]) -> str:
    """Whether a technique is to be kept: `On this data set it pays: keep it; on redrawn data it pays nothing: drop it.`."""
    places = ["both times"] if len(rows) > 1 and len({row.verdict for row in rows}) == 1 else []
    said = zip(places or [on_scope(row.data) for row in rows], rows, strict=False)
    text = "; ".join(f"{place} {ADVICE[row.verdict]}" for place, row in said)
    return f"{text[:1].upper()}{text[1:]}."


def _scoped(results: Results, row: Effect) -> Scoped:
    effect, interval = map(typeset, plain(row))
    before, after = tables.arms(row)
    return Scoped(
        scope_heading(row.data), chip(row), effect, interval, before, after, _guard(results, row), typeset(row.reason)
    )


def _guard(results: Results, row: Effect) -> str:
    own = guard_row(results, row)
    if own is None or not row.guard:
        return ""
    return " ".join(filter(None, (f"{row.guard}:" if row.guard != HOLDS else "holds:", *said(own))))


def _arm(lesson: Lesson, at: int) -> TrainedVariant:
    variant = lesson.variants[at]
    parts = [
        count(variant.epochs, "epoch"),
        f"batches of {variant.batch_size}",
        *variant.callbacks,
    ]
    remarks = ". ".join(variant.remarks)
    return TrainedVariant(series(at), label(lesson, variant.name), remarks, ", ".join(parts), variant.engine_reason)


def _data(lesson: Lesson) -> str:
    data = lesson.data
    note = data.note.strip().rstrip(".")
    sizes = (
        (data.rows_train, "to train on"),
        (data.rows_test, "to validate on"),
        (data.rows_fresh, "fresh ones to judge the final model by"),
    )
    parts = [f"{int(rows):,} {words}" for rows, words in sizes if rows and f"{rows} " not in note]
    said = f"{note[:1].upper()}{note[1:]}" if note else "Rows"
    return f"{'; '.join([said, *parts])}." if note or parts else ""


def _check(results: Results, lesson: Lesson, contrast: Contrast) -> str:
    """Whether a run equals its baseline until its callback first acts: what pairing by seed lets us check."""
    if contrast.pair is None:
        return ""
    first, variant = map(lesson.variant, contrast.pair)
    acts = variant.watching
    if not acts or first.callbacks:
        return ""
    said = []
    for scope in results.scopes(lesson.id):
        before, after = (results.curves(lesson.id, each.name, scope) for each in (first, variant))
        found = agreement(before, after)
        same = len(found.seeds) - int((found.differ > 0).sum())
        if len(found.seeds):
            said.append(f"{scope_heading(scope).lower()} this holds for {same} of {count(len(found.seeds), 'seed')}")
    if not said:
        return ""
    return f"Until {' or '.join(acts)} first acts, a run must equal its baseline: {', '.join(said)}."
