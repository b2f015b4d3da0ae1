"""A lesson as its tables describe it: the one place where the descriptions' keys are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.reports.nouns.claim import Claim, claim
from orchestrator.reports.nouns.contrast import Contrast, contrasts
from orchestrator.reports.nouns.endpoint import Endpoint, endpoint

Document = Mapping[str, Any]

WATCHING = ("EarlyStopping", "ReduceLROnPlateau")
"""Callbacks that watch the validation rows: they steer by them, and leave a run as its baseline is until they first act."""


@dataclass(frozen=True)
class Variant:
    """A setting as it was trained; `engine_reason` says why it could not be compiled."""

    name: str
    epochs: int = 0
    batch_size: int = 0
    note: str = ""
    callbacks: tuple[str, ...] = ()
    engine_reason: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def watching(self) -> tuple[str, ...]:
        """Its callbacks that watch the validation rows."""
        return tuple(name for name in self.callbacks if name in WATCHING)


@dataclass(frozen=True)
class Data:
    """What is known of a lesson's rows; None where it isn't.

    Attributes:
        redrawn: whether each seed can draw its own; `resplit` whether such draws have rows in common.
        rows_train, rows_test, rows_fresh: how many there are.
        chance: the accuracy of guessing. bayes: the best there can be.
        guess: what guessing scores, by column of runs.
    """

    redrawn: bool = False
    resplit: bool = False
    rows_train: float | None = None
    rows_test: float | None = None
    rows_fresh: float | None = None
    chance: float | None = None
    bayes: float | None = None
    guess: tuple[tuple[str, float], ...] = ()
    note: str = ""

    def rows(self, part: str) -> float | None:
        """How many rows of the part called train, test or fresh there are."""
        return {"train": self.rows_train, "test": self.rows_test, "fresh": self.rows_fresh}.get(part)


@dataclass(frozen=True)
class Look:
    """A time at which somebody looked at a comparison; `declared` are the numbers of seeds that were announced for looks."""

    variant: str
    data: str
    seeds: tuple[int, ...]
    date: str
    endpoint: Endpoint | None
    current: bool
    declared: tuple[int, ...]


@dataclass(frozen=True)
class Scored:
    """What the rows that a variant's runs were scored on add to the uncertainty; see `reports.statistics.scored_rows`."""

    variant: str
    data: str
    part: str
    rows: int
    pairs: int
    between: float
    residual: float


@dataclass(frozen=True)
class Lesson:
    """A question, the variants that answer it (the first is the baseline), and the endpoint that decides.

    `metrics` are the scores by which its variants can be compared besides what it declares,
    `looks` are those that were taken at its comparisons, `forms` counts by variant how often its comparison took another
    form in this store, `scored` is of the rows behind its accuracies, `contrasts` are what it compares, `published` is what
    others claim of them.
    `paired`: whether the two runs of a seed belong together. `elsewhere`: its runs were trained by somebody else's program.
    """

    id: str
    title: str
    endpoint: Endpoint
    variants: tuple[Variant, ...]
    number: int | None = None
    technique: str = ""
    question: str = ""
    explanation: str = ""
    family: str | None = None
    guard: Endpoint | None = None
    secondary: tuple[Endpoint, ...] = ()
    metrics: tuple[str, ...] = ()
    data: Data = Data()
    looks: tuple[Look, ...] = ()
    forms: tuple[tuple[str, int], ...] = ()
    scored: tuple[Scored, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    paired: bool = True
    elsewhere: bool = False
    published: tuple[Claim, ...] = ()

    @property
    def deciding(self) -> tuple[Contrast, ...]:
        """Those of them that decide."""
        return tuple(each for each in self.contrasts if each.decides)

    def contrast(self, name: str) -> Contrast:
        """The contrast of that name."""
        return next(each for each in self.contrasts if each.name == name)

    @property
    def baseline(self) -> Variant:
        """What the other variants are held against."""
        return self.variants[0]

    @property
    def several(self) -> bool:
        """Whether more than one comparison decides."""
        return len(self.deciding) > 1

    def variant(self, name: str) -> Variant:
        """The variant of that name."""
        return next(each for each in self.variants if each.name == name)

    def place_of(self, variant: str) -> int:
        """A variant's place, which is its colour on every chart."""
        return [each.name for each in self.variants].index(variant)

    def looks_at(self, variant: str, data: str) -> tuple[Look, ...]:
        """The looks at one comparison in one scope, in their order."""
        return tuple(look for look in self.looks if (look.variant, look.data) == (variant, data))


def lessons(documents: Sequence[Document]) -> tuple[Lesson, ...]:
    """The lessons that the tables' descriptions hold."""
    return tuple(map(lesson, documents))


def lesson(document: Document) -> Lesson:
    """One lesson out of its description, which may leave out what it has nothing to say of."""
    return Lesson(
        id=str(document["id"]),
        title=str(document["title"]),
        endpoint=endpoint(document["endpoint"]),
        variants=tuple(map(_variant, document["variants"])),
        number=document.get("number"),
        technique=str(document.get("technique") or document["title"]),
        question=document.get("question") or "",
        explanation=document.get("explanation") or "",
        family=document.get("family"),
        guard=endpoint(document["guard"]) if document.get("guard") else None,
        secondary=tuple(map(endpoint, document.get("secondary") or ())),
        metrics=tuple(document.get("metrics") or ()),
        data=_data(document.get("data") or {}),
        looks=tuple(map(_look, document.get("looks") or ())),
        forms=tuple((document.get("forms") or {}).items()),
        scored=tuple(map(_scored, document.get("scored") or ())),
        contrasts=contrasts(document),
        paired=bool(document.get("paired", True)),
        elsewhere=bool(document.get("elsewhere")),
        published=tuple(map(claim, document.get("published") or ())),
    )


def _variant(document: Document) -> Variant:
    return Variant(
        name=document["name"],
        epochs=int(document.get("epochs") or 0),
        batch_size=int(document.get("batch_size") or 0),
        note=document.get("note") or "",
        callbacks=tuple(document.get("callbacks") or ()),
        engine_reason=document.get("engine_reason"),
        remarks=tuple(document.get("remarks") or ()),
    )


def _data(document: Document) -> Data:
    return Data(
        redrawn=bool(document.get("redrawn")),
        resplit=bool(document.get("resplit")),
        rows_train=document.get("rows_train"),
        rows_test=document.get("rows_test"),
        rows_fresh=document.get("rows_fresh"),
        chance=document.get("chance"),
        bayes=document.get("bayes"),
        guess=tuple((document.get("guess") or {}).items()),
        note=document.get("note") or "",
    )


def _look(document: Document) -> Look:
    return Look(
        variant=document["variant"],
        data=document["data"],
        seeds=tuple(document.get("seeds") or ()),
        date=document.get("date") or "",
        endpoint=endpoint(document["endpoint"]) if document.get("endpoint") else None,
        current=bool(document.get("current")),
        declared=tuple(document.get("declared") or ()),
    )


def _scored(document: Document) -> Scored:
    return Scored(
        variant=document["variant"],
        data=document["data"],
        part=document["part"],
        rows=int(document["rows"]),
        pairs=int(document["pairs"]),
        between=float(document["between"]),
        residual=float(document["residual"]),
    )
