"""What kinds of problem does a model have? Learning, generalization or predictions, each looked for.

Learning: the training rows are not fitted, or the loss runs off. Generalization: they are fitted, but rows not trained
on are not. Predictions: the final model depends on the run, or on the very epoch it ends in.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from orchestrator.reports.diagnosis.advice import advice
from orchestrator.reports.diagnosis.borders import AREAS, SHORTEST
from orchestrator.reports.diagnosis.problem_signs import Sign, signs
from orchestrator.reports.diagnosis.task import Task
from orchestrator.reports.logs.log import printable
from orchestrator.reports.logs.logged_runs import FIELDS, FinalScores, LoggedRun
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.histories import Curves
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.wording.words import count, listed

__all__ = ["AREAS", "Diagnosis", "Sign", "Technique", "diagnose", "render", "techniques", "variants"]

NAMED = 8
"""Runs that are listed by name."""
OFTEN = 0.25
"""Share of the epochs with validation better than training, from which on it is explained."""
LOSSES = ("loss", "bce", "cce", "mse", "mae")
"""Names of losses among a run's scores, the first that is there being taken."""


@dataclass(frozen=True)
class Technique:
    """A remedy, and what it did where it was measured."""

    family: str
    lesson: str
    variant: str
    verdicts: Mapping[str, str]
    sentence: str


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """A model's signs, and what they come to.

    Attributes:
        name: of the model, or of the file.
        runs: how many were judged.
        epochs: recorded in the longest of them.
        signs: all of them, in the order lost, fit, gap, turned, spread, wobble.
        notes: what was left out, or taken for what.
        techniques: measured remedies of the areas found.
    """

    name: str
    runs: int
    epochs: int
    signs: tuple[Sign, ...]
    notes: tuple[str, ...] = ()
    techniques: tuple[Technique, ...] = ()

    def __str__(self) -> str:
        """The diagnosis as lines."""
        return render(self)

    def __repr__(self) -> str:
        """The same, where a notebook or a shell shows it."""
        return str(self)

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas with a problem, strongest first, by how far the worst sign lies beyond its border."""
        worst = {area: max(map(_strength, self.found(area)), default=None) for area in AREAS}
        present = {area: strength for area, strength in worst.items() if strength is not None}
        return tuple(sorted(present, key=lambda area: present[area], reverse=True))

    @property
    def area(self) -> str | None:
        """The area with the strongest problem; None when no sign was found."""
        return next(iter(self.areas), None)

    @property
    def weak(self) -> list[str]:
        """The areas whose every sign chance could explain."""
        return [area for area in self.areas if all(sign.weak for sign in self.found(area))]

    @property
    def short(self) -> bool:
        """Whether there are too few epochs to tell anything but a lost loss."""
        return self.epochs < SHORTEST

    def found(self, area: str) -> list[Sign]:
        """The signs of an area that are a problem, the strongest first."""
        return sorted((sign for sign in self.signs if sign.area == area and sign.found), key=_strength, reverse=True)

    @property
    def verdict(self) -> str:
        """What was found, in a few words."""
        weak, plain = self.weak, [area for area in self.areas if area not in self.weak]
        if plain:
            also = f", and a weak sign of one with {listed(weak)}" if weak else ""
            lost = next((f": {sign.text}" for sign in self.signs if sign.found and sign.border.unit == "count"), "")
            return f"{'problems' if len(plain) > 1 else 'a problem'} with {listed(plain)}{also}{lost}"
        if weak:
            return f"a weak sign of a problem with {listed(weak)}"
        if self.short:
            return f"too short to tell ({count(self.epochs, 'epoch')} recorded; it takes {SHORTEST})"
        return "no problem found" + (f"; not known: {listed(self.unknown)}" if self.unknown else "")

    @property
    def unknown(self) -> list[str]:
        """The areas about which the log tells nothing."""
        return [area for area in AREAS if all(sign.found is None for sign in self.signs if sign.area == area)]

    @property
    def advice(self) -> dict[str, tuple[str, ...]]:
        """What is commonly tried against what was found, by area."""
        return {area: advice(area, self.found(area)) for area in self.areas}


def _strength(sign: Sign) -> tuple[bool, float]:
    return not sign.weak, sign.times


def diagnose(
    records: Sequence[LoggedRun], name: str, known: Sequence[Technique] = (), task: Task | None = None
) -> Diagnosis:
    """Judge one model by the histories of its runs, one at least. `known`: techniques to choose from, any family.

    Raises:
        ValueError: without any run.
    """
    if not records:
        raise ValueError(f"{name}: there is no history to diagnose")
    different, repeated = _different(records)
    found = tuple(signs(different, task))
    notes = dict.fromkeys(note for record in records for note in record.notes)
    named = [record.run for record in different if record.run]
    if named:
        notes[f"runs: {', '.join(named[:NAMED])}{f' and {len(named) - NAMED} more' if len(named) > NAMED else ''}"] = (
            None
        )
    if repeated:
        notes[f"{count(repeated, 'run')} equal to another, left out: equal runs say nothing of the spread"] = None
    if not any(sign.found for sign in found if sign.area != "predictions"):
        notes |= dict.fromkeys(_held_down(different))
    made = Diagnosis(name, len(different), max(record.length for record in records), found, tuple(notes))
    treating = tuple(each for area in made.areas for each in known if each.family == area)
    return Diagnosis(name, made.runs, made.epochs, found, made.notes, treating)


def _held_down(records: Sequence[LoggedRun]) -> list[str]:
    """Why validation can be better than training, where it is in most epochs."""
    records = [record for record in records if record.final is None]  # those are judged in inference mode
    losses = [
        record.loss > record.val_loss for record in records if record.loss is not None and record.val_loss is not None
    ]
    scores = [
        record.accuracy < record.val_accuracy
        for record in records
        if record.accuracy is not None and record.val_accuracy is not None
    ]
    better = np.concatenate(scores or losses or [np.zeros(1, bool)])
    if better.mean() < OFTEN:
        return []
    told = f"validation is better than training in {100 * better.mean():.0f} % of the epochs"
    return [
        f"{told}: a training curve is an average over the epoch, with dropout, augmentation or noise on; that is no problem"
    ]


def _different(records: Sequence[LoggedRun]) -> tuple[list[LoggedRun], int]:
    """The runs, each once, and how many were left out."""
    seen: dict[tuple[bytes | None, ...], LoggedRun] = {}
    for record in records:
        curves = (getattr(record, field) for field in FIELDS)
        seen.setdefault(tuple(None if curve is None else curve.tobytes() for curve in curves), record)
    return list(seen.values()), len(records) - len(seen)


def techniques(results: Results) -> list[Technique]:
    """Every comparison of a lesson that belongs to a family, with its effect as measured, in the headlines' order."""
    return [
        Technique(family, h.lesson, h.variant, h.verdicts, h.sentence)
        for h in results.headlines
        if (family := results.lesson(h.lesson).family)
    ]


def variants(results: Results, data: str = "fixed") -> list[Diagnosis]:
    """Every variant of every lesson with histories in scope `data`, diagnosed; named '<lesson> / <variant>'."""
    found, known = [], techniques(results)
    for lesson in results.lessons:
        for variant in lesson.variants:
            arm = (lesson.id, variant.name, data)
            records = _records(results.curves(*arm), _scores(results.runs, arm))
            if records:
                found.append(diagnose(records, f"{lesson.id} / {variant.name}", known, _task(lesson, data)))
    return found


def _task(lesson: Lesson, data: str) -> Task:
    """What a lesson says of its problem."""
    about = lesson.data
    rows = (float(about.rows_train), float(about.rows_test)) if about.rows_train and about.rows_test else None
    return Task(
        guess=about.chance, best=1.0 if about.bayes is None else about.bayes, rows=rows, drawn=data == "redrawn"
    )


def _records(curves: Curves, scores: Mapping[int, FinalScores]) -> list[LoggedRun]:
    names = [name for name in FIELDS if name in curves.columns and np.isfinite(curves.columns[name]).any()]
    matrices = {name: curves.matrix(name) for name in names}
    return [
        LoggedRun(final=scores.get(int(seed))).with_curves({name: matrices[name][i, :stop] for name in names})
        for i, (seed, stop) in enumerate(zip(curves.seeds, curves.stops, strict=True))
    ]


def _scores(runs: pd.DataFrame, arm: tuple[str, str, str]) -> dict[int, FinalScores]:
    """The finished models' scores by seed: measured in inference mode, the weights being those that are kept."""
    chosen = runs[(runs["lesson"] == arm[0]) & (runs["variant"] == arm[1]) & (runs["data"] == arm[2])]
    loss = next((name for name in LOSSES if {f"train_{name}", f"test_{name}"} <= set(chosen.columns)), "")
    columns = ("train_accuracy", "test_accuracy", f"train_{loss}", f"test_{loss}")
    unknown = pd.Series(math.nan, chosen.index)
    values = [chosen.get(column, unknown) for column in columns]
    return {int(seed): FinalScores(*map(float, row)) for seed, *row in zip(chosen["seed"], *values, strict=True)}


def render(diagnosis: Diagnosis, width: int | None = None) -> str:
    """The diagnosis as text: the verdict, every sign by area with its border, how the log was read, what to try.

    Lines are as long as they are, or wrapped at `width` columns.
    """
    runs = (
        f"{count(diagnosis.runs, 'run')} of {'up to ' if diagnosis.runs > 1 else ''}{count(diagnosis.epochs, 'epoch')}"
    )
    lines = [f"{diagnosis.name}, {runs}: {diagnosis.verdict}"]
    for area in [*diagnosis.areas, *(area for area in AREAS if area not in diagnosis.areas)]:
        lines.append(f"  {area}")
        lines += [f"  {_mark(sign)} {sign.text}" for sign in diagnosis.signs if sign.area == area]
    if diagnosis.notes:
        lines += ["  how this was read", *(f"    {note}" for note in diagnosis.notes)]
    if diagnosis.techniques:
        lines += ["  what treats it, as measured", *(f"    {technique.sentence}" for technique in diagnosis.techniques)]
    elif diagnosis.areas:
        lines += ["  what is commonly tried (nothing that treats it has been measured in --out)"]
        lines += [f"    {area}: {'; '.join(texts)}" for area, texts in diagnosis.advice.items()]
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(line, width))


def _wrapped(line: str, width: int | None) -> list[str]:
    indent = line[: len(line) - len(line.lstrip(" "))]
    line = indent + printable(line)
    if width is None:
        return [line]
    return textwrap.wrap(line, max(width, 40), subsequent_indent="      ", drop_whitespace=True, break_on_hyphens=False)


def _mark(sign: Sign) -> str:
    return "?" if sign.found is None else "!" if sign.found else " "


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as JSON takes it: shares and times as numbers, null for what isn't known."""
    return {
        "name": diagnosis.name,
        "runs": diagnosis.runs,
        "epochs": diagnosis.epochs,
        "verdict": diagnosis.verdict,
        "area": diagnosis.area,
        "areas": list(diagnosis.areas),
        "too_short": diagnosis.short,
        "signs": [_sign(sign) for sign in diagnosis.signs],
        "notes": list(diagnosis.notes),
        "measured": [{"lesson": t.lesson, "variant": t.variant, "sentence": t.sentence} for t in diagnosis.techniques],
        "advice": {area: list(texts) for area, texts in diagnosis.advice.items()},
    }


def _sign(sign: Sign) -> dict[str, Any]:
    return {
        "area": sign.area,
        "what": sign.what,
        "value": _finite(sign.value),
        "border": _finite(sign.limit),
        "problem_when": "below" if sign.border.below else "above",
        "unit": sign.border.unit,
        "found": sign.found,
        "weak": sign.weak,
        "times_the_border": _finite(sign.times),
        "text": sign.text,
        "rule": sign.border.rule,
        "source": sign.border.source,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
