"""A lesson's section, laid out alike for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports import pairs, panels, tables
from reports.agreement import agreement
from reports.answers import Chip, against, chip, doubts
from reports.colours import series
from reports.notes import Note, notes
from reports.panels import Panels
from reports.phrases import confidence
from reports.reading import Reading, reading
from reports.results import Document, Results, Row
from reports.sureness import how_sure
from reports.verdicts import Headline, headlines
from reports.words import count, ident, listed, place, typeset

ACTING_LATE = ("EarlyStopping", "ReduceLROnPlateau")
"""Callbacks that leave a run as its baseline is until they first act."""


@dataclass(frozen=True)
class Arm:
    """A variant as it was trained."""

    role: str
    name: str
    note: str
    training: str
    reason: str | None


@dataclass(frozen=True)
class Scoped:
    """A comparison's verdict in one scope, why, and what it did to the learning curves."""

    place: str
    chip: Chip
    reason: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Answer:
    """A comparison: its sentence, its verdicts, its figures and its numbers."""

    anchor: str
    against: str
    names: tuple[str, str]
    sentence: str
    scopes: tuple[Scoped, ...]
    figures: tuple[Panels, ...]
    numbers: dict[str, list[tables.Measured]]
    full: dict[str, list[tuple[str, list[str]]]]
    doubts: tuple[str, ...]
    check: str
    confidence: str
    guarded: str
    sure: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """All that a lesson's section shows."""

    anchor: str
    number: int | None
    title: str
    question: str
    explanation: tuple[str, ...]
    data: str
    arms: tuple[Arm, ...]
    shared: tuple[Panels, ...]
    further: tuple[Panels, ...]
    answers: tuple[Answer, ...]
    reading: Reading
    diagnoses: bool


def sections(results: Results) -> list[Section]:
    """A section a lesson, in order."""
    sentences = (
        {(h.lesson, h.variant): h for h in headlines(results.effects, results.lessons)} if len(results.effects) else {}
    )
    return [_section(results, lesson, sentences) for lesson in results.lessons]


def _section(results: Results, lesson: Document, sentences: dict[tuple[str, str], Headline]) -> Section:
    metrics = panels.curve_metrics(results)
    curves = [panels.learning(results, lesson, metric) for metric in metrics]
    special = [panels.rates(results, lesson), panels.reached(results, lesson), panels.stops(results, lesson)]
    found = [_answer(results, lesson, v["name"], metrics[:1], sentences) for v in lesson["variants"][1:]]
    answers = [answer for answer in found if answer]
    shared = _there([*curves[:1], *special])
    rows = [row for answer in answers for row in results.primaries(lesson["id"], answer.names[1])]
    return Section(
        anchor=ident("lesson", lesson["id"]),
        number=lesson.get("number"),
        title=lesson["title"],
        question=lesson["question"],
        explanation=tuple(part for part in (lesson.get("explanation") or "").split("\n\n") if part.strip()),
        data=_data(lesson),
        arms=tuple(_arm(lesson, at) for at in range(len(lesson["variants"]))),
        shared=shared,
        further=_there(curves[1:]),
        answers=tuple(answers),
        reading=reading([*shared, *(figure for answer in answers for figure in answer.figures)], rows),
        diagnoses=lesson["id"] == "framework",
    )


def _answer(
    results: Results, lesson: Document, variant: str, metrics: Sequence[str], sentences: dict[tuple[str, str], Headline]
) -> Answer | None:
    primaries = results.primaries(lesson["id"], variant)
    if not primaries:
        return None
    figures = [
        pairs.seeds(results, lesson, variant),
        *(panels.difference(results, lesson, variant, metric) for metric in metrics),
    ]
    rows = [row for row in results.rows if (row["lesson"], row["variant"]) == (lesson["id"], variant)]
    return Answer(
        anchor=ident("lesson", lesson["id"], variant),
        against=against(lesson, variant),
        names=(lesson["variants"][0]["name"], variant),
        sentence=typeset(sentences[lesson["id"], variant].sentence),
        scopes=tuple(_scoped(results, row) for row in primaries),
        figures=_there(figures),
        numbers=tables.measured(rows),
        full=tables.full(rows),
        doubts=tuple(doubts(primaries)),
        check=_check(results, lesson, variant),
        guarded=next((tables.name(row) for row in rows if row["guards"]), ""),
        sure=tuple(how_sure(results, lesson, variant)),
        confidence=listed(list(dict.fromkeys(confidence(row) for row in primaries))),
    )


def _scoped(results: Results, row: Row) -> Scoped:
    said = notes(results.effects, row["lesson"], row["variant"], row["data"])
    return Scoped(place(row["data"]), chip(row), typeset(row["reason"]), tuple(said))


def _there(figures: Sequence[Panels | None]) -> tuple[Panels, ...]:
    return tuple(figure for figure in figures if figure is not None)


def _arm(lesson: Document, at: int) -> Arm:
    variant: dict[str, Any] = lesson["variants"][at]
    parts = [
        count(int(variant["epochs"]), "epoch"),
        f"batches of {variant['batch_size']}",
        *(variant.get("callbacks") or []),
    ]
    note = ". ".join(filter(None, [variant.get("note"), *(variant.get("remarks") or [])]))
    return Arm(series(at), variant["name"], note, ", ".join(parts), variant.get("engine_reason"))


def _data(lesson: Document) -> str:
    data = lesson.get("data") or {}
    note = (data.get("note") or "").strip().rstrip(".")
    sizes = {
        "rows_train": "to train on",
        "rows_test": "to validate on",
        "rows_fresh": "fresh ones to judge the final model by",
    }
    parts = [
        f"{int(data[key]):,} {words}" for key, words in sizes.items() if data.get(key) and f"{data[key]} " not in note
    ]
    said = f"{note[:1].upper()}{note[1:]}" if note else "Rows"
    return f"{'; '.join([said, *parts])}." if note or parts else ""


def _check(results: Results, lesson: Document, variant: str) -> str:
    """Whether a run equals its baseline until its callback first acts: what pairing by seed lets us check."""
    document = next(v for v in lesson["variants"] if v["name"] == variant)
    first = lesson["variants"][0]
    acts = [name for name in document.get("callbacks") or [] if name in ACTING_LATE]
    if not acts or first.get("callbacks"):
        return ""
    said = []
    for scope in results.scopes(lesson["id"]):
        before, after = (results.curves(lesson["id"], name, scope) for name in (first["name"], variant))
        found = agreement(before, after)
        same = len(found.seeds) - int((found.differ > 0).sum())
        if len(found.seeds):
            said.append(f"{place(scope).lower()} this holds for {same} of {count(len(found.seeds), 'seed')}")
    if not said:
        return ""
    return f"Until {' or '.join(acts)} first acts, a run must equal its baseline: {', '.join(said)}."
